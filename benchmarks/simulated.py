"""The simulated Azure DevOps that measurements talk to: a process of its own, on the same machine.

It also answers the two calls by which the official SDK finds its way (`OPTIONS …/_apis` and resource areas),
which the app does not use. Of the thousands of places that the service names there, it names the needed two.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local.ado_simulator import Simulator, generate_world
from local.ado_simulator.answers import listing
from local.ado_simulator.router import DEV, Call, route
from local.ado_simulator.wire import Answer

ROOT = Path(__file__).parent.parent
_LISTINGS = ("/_apis/projects", "/_apis/git/repositories")
# Values as the service gives them: areas, routes and versions of two resources.
_LOCATIONS = [
    {
        "id": identifier,
        "area": area,
        "resourceName": name,
        "routeTemplate": template,
        "resourceVersion": version,
        "minVersion": "1.0",
        "maxVersion": "7.2",
        "releasedVersion": "7.1",
    }
    for identifier, area, name, template, version in (
        ("603fe2ac-9723-48b9-88ad-09305aa6c6e1", "core", "projects", "_apis/{resource}/{*projectId}", 4),
        (
            "225f7195-f9c7-4d14-ab28-a83f7ff77e1f",
            "git",
            "repositories",
            "{project}/_apis/{area}/{resource}/{repositoryId}",
            1,
        ),
        ("e81700f7-3be2-46de-8624-2eb35882fcaa", "Location", "ResourceAreas", "_apis/{resource}/{areaId}", 1),
    )
]


@dataclass(frozen=True, slots=True)
class Size:
    """Organizations, projects in each, repositories in each project on average; written `1x1000x20`."""

    organizations: int
    projects: int
    repositories: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `1x1000x20`."""
        numbers = text.lower().split("x")
        if len(numbers) != 3 or not all(one.isdecimal() and int(one) > 0 for one in numbers):  # noqa: PLR2004
            raise argparse.ArgumentTypeError(
                f'"{text}" is no world; write organizations x projects x repositories: 1x1000x20'
            )
        return cls(*map(int, numbers))

    def __str__(self) -> str:
        return f"{self.organizations}x{self.projects}x{self.repositories}"


class Control:
    """What a running simulator tells, to whoever knows its address."""

    def __init__(self, url: str = "") -> None:
        self.url = url

    def reset_requests(self) -> None:
        """Count from nought."""
        request = urllib.request.Request(f"{self.url}/_control/reset_requests", b"{}")  # noqa: S310 - loopback
        urllib.request.urlopen(request).close()  # noqa: S310

    def requests(self, *, listings_only: bool = False) -> int:
        """Requests so far: all, or those for projects and repositories."""
        counts = self._read("requests")
        if not listings_only:
            return int(counts["total"])
        return sum(
            count
            for endpoints in counts["byOrganization"].values()
            for endpoint, count in endpoints.items()
            if endpoint.endswith(_LISTINGS)
        )

    def digest(self) -> str:
        """What `digest_of` says of the ids of everything that listings show."""
        projects = [
            project
            for organization in self._read("world")["organizations"]
            for project in organization["projects"]
            if project["state"] == "wellFormed"
        ]
        return digest_of(
            (project["id"] for project in projects),
            (repository["id"] for project in projects for repository in project["repositories"]),
        )

    def _read(self, what: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/_control/{what}") as answer:  # noqa: S310 - loopback
            told: dict[str, Any] = json.load(answer)
        return told


class SimulatedWorld(Control):
    """A simulated Azure DevOps in another process; use as a context."""

    def __init__(self, size: Size, latency_ms: int) -> None:
        super().__init__()
        self._command = [sys.executable, "-m", "benchmarks.simulated", str(size), str(latency_ms)]
        self._process: subprocess.Popen[str] | None = None
        self.token = ""
        self.organizations: list[str] = []

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError("the simulated Azure DevOps did not start")
        told = json.loads(line)
        self.url, self.token, self.organizations = told["url"], told["token"], told["organizations"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait()


def digest_of(projects: Iterable[str], repositories: Iterable[str]) -> str:
    """A short text that is equal for equal sets of ids."""
    told = json.dumps([sorted(set(projects)), sorted(set(repositories))])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


@route("OPTIONS", DEV, "/{organization}/_apis", versioned=False)
def locations(_: Call) -> Answer:
    """Where resources are found."""
    return listing(_LOCATIONS)


@route("GET", DEV, "/{organization}/_apis/resourceAreas", versioned=False)
def resource_areas(_: Call) -> Answer:
    """None, as an Azure DevOps Server answers: the SDK then stays with the address that it was given."""
    return listing([])


def serve(size: Size, latency_ms: int) -> None:
    """Serve a world until standard input ends, which it does when the process that started us does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    world = generate_world(1, size.organizations, size.projects, size.repositories)
    # Documents are written once and kept, as a service with a warm cache has them.
    for organization in world.organizations:
        for project in organization.projects.values():
            for repository in project.repositories.values():
                repository.encoded()
    with Simulator(world, latency=latency_ms / 1000) as simulator:
        hello = {
            "url": simulator.url,
            "token": world.token,
            "organizations": [one.name for one in world.organizations],
        }
        sys.stdout.write(json.dumps(hello) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    serve(Size.parse(sys.argv[1]), int(sys.argv[2]))
