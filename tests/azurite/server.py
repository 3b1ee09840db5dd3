"""Azurite, Microsoft's storage emulator, for whoever needs a table: tests, benchmarks, people.

azurite = shared()            # one per process, started at first use and gone with it
open_state(azurite.url())     # a table of its own
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
TELL_PORT = Path(__file__).parent / "tell_port.cjs"
PROGRAM = ROOT / ".venv" / "azurite" / "node_modules" / "azurite" / "dist" / "src" / "table" / "main.js"

_PATIENCE = 60.0
_PORT = re.compile(rb"port ([0-9]+)\n")
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Of the emulator's only account: the same for everybody, and published in its documentation."""
ACCOUNT = "devstoreaccount1"

_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
"""Looked up beforehand: between fork and exec a lock that another thread held is never freed."""


@dataclass(frozen=True)
class Azurite:
    """A running table service that keeps everything in memory."""

    port: int
    process: subprocess.Popen[bytes]
    account: str = ACCOUNT
    scheme: str = "http"

    @property
    def table_endpoint(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/{self.account}"

    @property
    def connection_string(self) -> str:
        return (
            f"DefaultEndpointsProtocol={self.scheme};AccountName={self.account};"
            f"AccountKey={_KEY};TableEndpoint={self.table_endpoint}"
        )

    def url(self, table: str = "") -> str:
        """The state's URL of a table: by default a new one."""
        return f"tables://127.0.0.1:{self.port}/{table or f't{uuid.uuid4().hex}'}"

    def stop(self) -> None:
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(60)
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def start(account: str = ACCOUNT, certificate: tuple[Path, Path] | None = None) -> Azurite:
    """Start one on a free port that it takes itself, and wait until it serves.

    With a certificate and its key it serves HTTPS, and lets in whoever has a token of Entra ID for storage.
    It looks at audience, issuer and times of those, not at the signature.
    """
    if not PROGRAM.is_file():
        raise RuntimeError("The storage emulator is not installed: run scripts/install-peers.")
    process = subprocess.Popen(  # noqa: S603 - what we installed
        [  # noqa: S607 - Node.js from the path
            "node",
            *("--require", str(TELL_PORT)),
            str(PROGRAM),
            *("--silent", "--disableTelemetry", "--skipApiVersionCheck", "--inMemoryPersistence"),
            *("--tableHost", "127.0.0.1", "--tablePort", "0"),
            *(() if certificate is None else ("--oauth", "basic")),
            *(() if certificate is None else ("--cert", str(certificate[0]), "--key", str(certificate[1]))),
        ],
        env={**os.environ, "AZURITE_ACCOUNTS": f"{account}:{_KEY}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=_die_with_the_parent if sys.platform == "linux" else None,  # noqa: PLW1509
    )
    assert process.stdout is not None
    said = b""
    too_long = threading.Timer(_PATIENCE, process.kill)
    too_long.start()
    try:
        for line in process.stdout:
            told = _PORT.fullmatch(line)
            if told is not None:
                scheme = "http" if certificate is None else "https"
                return Azurite(int(told[1]), process, account, scheme)
            said += line
    finally:
        too_long.cancel()
    process.kill()
    process.communicate()
    raise RuntimeError(f"The storage emulator did not start: {said.decode(errors='replace')[-2_000:]}")


@cache
def shared() -> Azurite:
    """The one of this process."""
    azurite = start()
    atexit.register(azurite.stop)
    return azurite


def _die_with_the_parent() -> None:
    """Also when it is killed (PR_SET_PDEATHSIG of Linux)."""
    if _prctl is not None:
        _prctl(1, signal.SIGKILL)
