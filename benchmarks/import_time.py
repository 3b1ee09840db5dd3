"""How long a cold start loads the app: `python benchmarks/import_time.py [RUNS]`.

Starts new interpreters, which time the import from inside, and fails when the median is above the budget.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUDGET = 0.6
_PROGRAM = """
import sys, time
began = time.perf_counter()
import azure.functions
library = time.perf_counter()
import function_app
print(library - began, time.perf_counter() - began)
"""


def measure() -> tuple[float, float]:
    """Seconds for the library alone, and for all of it."""
    done = subprocess.run(  # noqa: S603 - the program above
        [sys.executable, "-c", _PROGRAM], cwd=ROOT, check=True, capture_output=True, text=True
    )
    library, total = map(float, done.stdout.split())
    return library, total


def main() -> int:
    """Measure, tell, and return the exit code."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    measured = [measure() for _ in range(runs)]
    libraries, totals = zip(*measured, strict=True)
    median = statistics.median(totals)
    print(
        f"import function_app: median {median:.3f} s of {runs} runs "
        f"({min(totals):.3f} to {max(totals):.3f}), "
        f"of which azure.functions {statistics.median(libraries):.3f} s; budget {BUDGET} s"
    )
    return 0 if median <= BUDGET else 1


if __name__ == "__main__":
    sys.exit(main())
