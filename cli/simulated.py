"""The simulated Azure DevOps of `demo`: a process of its own that ends with the one that started it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from cli.problems import CannotTell

_TIMEOUT = 60
_PATIENCE = 10


@dataclass(frozen=True, slots=True)
class Counted:
    """What one organization of the world holds: ids of its projects and of its repositories."""

    projects: frozenset[str]
    repositories: frozenset[str]


class SimulatedWorld:
    """A generated world behind HTTP; use as a context."""

    def __init__(self, organizations: int, projects: int, repositories: int, seed: int) -> None:
        self._arguments = [str(one) for one in (organizations, projects, repositories, seed)]
        self._process: subprocess.Popen[str] | None = None
        self._session = requests.Session()
        self._session.trust_env = False
        self.url = ""
        self.token = ""

    def __enter__(self) -> Self:
        root = str(Path(__file__).parent.parent)
        path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own module
            [sys.executable, "-m", "cli.simulated", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": path},
        )
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise CannotTell("The simulated Azure DevOps did not start; its own message stands above.")
        hello = json.loads(line)
        self.url, self.token = hello["url"], hello["token"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()
        process = self._process
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def change(self, action: str, **arguments: str) -> None:
        """Change the world."""
        self._ask("POST", action, arguments)

    def organizations(self) -> dict[str, Counted]:
        """What there is, by name of the organization; deleted things left out."""
        return {
            one["name"]: Counted(
                frozenset(project["id"] for project in _existing(one)),
                frozenset(
                    repository["id"] for project in _existing(one) for repository in project["repositories"]
                ),
            )
            for one in self._world()["organizations"]
        }

    def projects(self, organization: str) -> list[str]:
        """Names of the projects of an organization."""
        found = next(one for one in self._world()["organizations"] if one["name"] == organization)
        return [project["name"] for project in _existing(found)]

    def _world(self) -> dict[str, Any]:
        return self._ask("GET", "world")

    def _ask(self, method: str, action: str, arguments: dict[str, str] | None = None) -> dict[str, Any]:
        try:
            answer = self._session.request(
                method, f"{self.url}/_control/{action}", json=arguments, timeout=_TIMEOUT
            )
            answer.raise_for_status()
            told: dict[str, Any] = answer.json()
        except requests.RequestException as error:
            raise CannotTell(f"The simulated Azure DevOps does not answer: {error}") from None
        return told


def _existing(organization: dict[str, Any]) -> list[dict[str, Any]]:
    return [project for project in organization["projects"] if project["state"] != "deleted"]


def serve(organizations: int, projects: int, repositories: int, seed: int) -> None:
    """Serve a world until standard input ends, which it does when the process that started us does."""
    from local.ado_simulator import Simulator, generate_world  # noqa: PLC0415 - the serving process alone

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    world = generate_world(seed, organizations, projects, repositories)
    with Simulator(world) as simulator:
        sys.stdout.write(json.dumps({"url": simulator.url, "token": world.token}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    serve(*(int(argument) for argument in sys.argv[1:5]))
