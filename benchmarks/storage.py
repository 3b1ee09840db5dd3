"""Azure Table Storage on this machine: Azurite, as the tests start it."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.simulated import ROOT


@contextmanager
def azurite() -> Iterator[str]:
    """The connection string of an empty table, with the table's name, as `STATE_URL` takes it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.azurite"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise RuntimeError("Azurite did not start; its own message stands above")
        told = json.loads(line)
        yield f"{told['connectionString'].rstrip(';')};TableName=benchmark{uuid.uuid4().hex[:8]}"
    finally:
        process.terminate()
        process.wait()
