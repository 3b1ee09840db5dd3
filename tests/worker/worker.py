"""The real Functions worker over the packaged app, in a process of its own."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Self
from urllib.parse import parse_qsl, urlsplit

from shared.queue.receiver import Delivery
from tests.host.app_under_test import ROOT
from tests.host.test_packaging import DEPLOYED

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
"""The trace context that the host gives each run."""

PROGRAM = Path(__file__).parent / "program.py"

FUNCTIONS = {
    "onboarding": "onboard_organization",
    "prerequisites": "check_prerequisites",
    "inventory": "sync_organization",
    "extension": "check_container_mapping",
    "posture": "assess_organization",
    "notifications": "notify_organization",
}
"""The function of each queue."""

SYSTEM = ("PATH", "HOME", "TMPDIR", "LANG", "SYSTEMROOT")
"""What the app's process is told of ours: settings of who runs the tests are none of the app's."""

_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
"""Looked up beforehand: between fork and exec a lock that another thread held is never freed."""

Typed = tuple[str, object]
"""The kind of a value, as the host tells it, and the value; bytes in hexadecimal."""


@dataclass(frozen=True)
class Outcome:
    status: str
    message: str
    trace: str
    answer: Mapping[str, Any] | None = None
    """What a function with an HTTP trigger answers."""

    @property
    def is_success(self) -> bool:
        return self.status == "Success"


def unpack_into(folder: Path) -> Path:
    """A folder with what is deployed and nothing else."""
    folder.mkdir()
    for name in DEPLOYED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    return folder


class Worker:
    """Runs functions of the app as the host asks for them."""

    def __init__(
        self, package: Path, python: Path, settings: Mapping[str, str], *, log: Path | None = None
    ) -> None:
        """Start it in the folder of the package. Modes of files hold for it, whoever runs the tests."""
        environment = {key: os.environ[key] for key in SYSTEM if key in os.environ}
        self.log = (log or package.parent) / f"worker-{uuid.uuid4().hex}.log"
        self._log = self.log.open("w")
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [str(python), "-B", str(PROGRAM)],
            cwd=package,
            env={**environment, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            preexec_fn=obey_modes if sys.platform == "linux" else None,  # noqa: PLW1509
        )
        self.app: dict[str, Any] = self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _pipe(self._process.stdin).close()
        try:
            self._process.wait(60)
        finally:
            self._process.kill()
            self._process.wait()
            _pipe(self._process.stdout).close()
            self._log.close()

    def fire(self, timer: str, *, past_due: bool = False) -> Outcome:
        """Run a timer function; the host may know nothing of runs before."""
        told = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": None,
            "IsPastDue": past_due,
        }
        return self._invoke(timer, "timer", ("json", json.dumps(told)), {})

    def deliver(self, delivery: Delivery, *, kind: str = "string") -> Outcome:
        """Run the function of a queue on a message, with the metadata that the host sends along."""
        data = delivery.body.hex() if kind == "bytes" else delivery.body.decode()
        properties = json.dumps(dict(delivery.properties))
        metadata: dict[str, Typed] = {
            "MessageId": ("string", delivery.message_id),
            "CorrelationId": ("string", delivery.correlation_id),
            "ContentType": ("string", "application/json"),
            "SequenceNumber": ("json", str(delivery.sequence_number)),
            "DeliveryCount": ("json", str(delivery.delivery_count)),
            "EnqueuedTimeUtc": ("json", json.dumps(_written(delivery.enqueued_time))),
            "ExpiresAtUtc": ("json", json.dumps("9999-12-31T23:59:59.9999999Z")),
            "LockToken": ("string", delivery.lock_token),
            "DeadLetterSource": ("string", ""),
            "ApplicationProperties": ("json", properties),
            "UserProperties": ("json", properties),
        }
        return self._invoke(FUNCTIONS[delivery.queue], "message", (kind, data), metadata)

    def request(
        self,
        function: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        method: str = "POST",
        path: str = "/api/container-mappings",
        params: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Run a function with an HTTP trigger; the host hands on headers with names in lower case."""
        query = dict(parse_qsl(urlsplit(path).query))
        told = {
            "method": method,
            "url": f"https://app.azurewebsites.net{path}",
            "headers": {name.lower(): value for name, value in headers.items()},
            "params": dict(params or {}),
            "query": query,
            "body": body.hex(),
        }
        return self._invoke(function, "request", ("http", told), {})

    def _invoke(self, function: str, binding: str, data: Typed, metadata: Mapping[str, Typed]) -> Outcome:
        wanted = {
            "id": str(uuid.uuid4()),
            "function": function,
            "binding": binding,
            "data": data,
            "metadata": metadata,
            "trace": TRACE,
        }
        _pipe(self._process.stdin).write(json.dumps(wanted) + "\n")
        _pipe(self._process.stdin).flush()
        return Outcome(**self._answer())

    def _answer(self) -> dict[str, Any]:
        line = _pipe(self._process.stdout).readline()
        assert line, f"the worker ended: {self.log.read_text()[-4_000:]}"
        told: dict[str, Any] = json.loads(line)
        return told


def obey_modes() -> None:
    """Let root, too, write only where modes let it (PR_CAPBSET_DROP of CAP_DAC_OVERRIDE; Linux).

    For anybody else it is refused, and not needed.
    """
    if _prctl is not None:
        _prctl(24, 1, 0, 0, 0)


def _written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
