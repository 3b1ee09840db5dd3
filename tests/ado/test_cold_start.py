"""What is loaded before the first request: a Functions app pays for it on every cold start."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("azure", "msal", "cryptography", "structlog", "pydantic")


def test_the_client_loads_without_what_it_may_not_need() -> None:
    program = "import sys, shared.ado.factory; print([name for name in sys.argv[1:] if name in sys.modules])"
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program, *HEAVY], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
