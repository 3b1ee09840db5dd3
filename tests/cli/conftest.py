"""The command line as a person calls it, with a state of its own and, where asked for, a simulated world."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.program import execute
from local.ado_simulator import Simulator, generate_world
from shared.connector_state import open_state
from shared.ports import State
from shared.wiring.settings import Settings

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class CommandLine:
    """Runs commands in this process; `process` runs them in one of their own."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str, code: int | None = 0) -> Result:
        self._capsys.readouterr()
        ended = execute(arguments)
        captured = self._capsys.readouterr()
        result = Result(ended, captured.out, captured.err)
        assert "Traceback" not in result.err
        if code is not None:
            assert result.code == code, result
        return result

    def json(self, *arguments: str, code: int | None = 0) -> Any:
        return self(*arguments, "--output", "json", code=code).json

    def process(
        self,
        *arguments: str,
        code: int | None = 0,
        stdin: bytes = b"",
        env: dict[str, str] | None = None,
    ) -> Result:
        ended = subprocess.run(  # noqa: S603 - our own program
            command(arguments),
            input=stdin,
            capture_output=True,
            env={**os.environ, **(env or {})},
            cwd=ROOT,
            check=False,
            timeout=110,
        )
        result = Result(ended.returncode, ended.stdout.decode(), ended.stderr.decode())
        assert "Traceback" not in result.err, result.err
        if code is not None:
            assert result.code == code, result
        return result


def command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "cli.main", *arguments]


def words(example: str) -> list[str]:
    """An example from the help, as a shell would read it."""
    return shlex.split(example.partition(" < ")[0].rstrip("\\"))


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state of the test's own, and nothing from the environment of whoever runs the tests."""
    for name in (*Settings.model_fields, "AZURE_TENANT_ID", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name.upper(), raising=False)
    file = tmp_path / "state" / "state.db"
    monkeypatch.setenv("STATE_URL", f"sqlite:///{file}")
    return file


@pytest.fixture
def ado(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)


@pytest.fixture
def state(settings: Path) -> Iterator[State]:
    settings.parent.mkdir(exist_ok=True)
    with open_state(f"sqlite:///{settings}") as opened:
        yield opened


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    with Simulator(generate_world(seed=3, organizations=2, projects=3, repositories=2)) as running:
        monkeypatch.setenv("ADO_GATEWAY_URL", running.url)
        monkeypatch.setenv("ADO_PAT", running.world.token)
        yield running
