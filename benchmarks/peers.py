"""How our first sync compares with other clients that list the same organization from the same server.

    .venv/bin/python -m benchmarks.peers --world 1x1000x20 --latency-ms 50 --runs 3

Ours is a whole first sync: listed, compared with the (empty) state, and stored. The others list and store
nothing. Each client runs in a process of its own; wall time is the best of the runs. The peers are installed
from PyPI, pinned, into an environment of their own in the user's cache directory, never into the project's.
Exit code 1 when ours is not at least four times as fast as `ado-source-core` ten at a time, or when it is
incomplete.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.simulated import ROOT, SimulatedWorld, Size

PINNED = (
    "ado-source-core==0.3.0",
    "azure-devops==7.1.0b4",
    "httpx==0.28.1",
    "msrest==0.7.1",
    "pydantic==2.14.3",
    "pydantic-settings==2.16.3",
    "requests==2.34.2",
    "structlog==25.5.0",
)
WANTED = 4.0
"""How many times as fast as `ado-source-core`, ten at a time, a first sync has to be."""

OURS = "this app, first sync, stored"
SOURCE_CORE = "ado-source-core, ten projects at a time"
_HERE = Path(__file__).parent
_LONGEST = 600


@dataclass(frozen=True, slots=True)
class Client:
    """A client and how to run it; `runs` at most, since some take a minute."""

    name: str
    program: tuple[str, ...]
    runs: int = 100
    is_peer: bool = True


CLIENTS = (
    Client(OURS, ("-m", "benchmarks.sync", "--as-peer"), is_peer=False),
    Client("nothing but the requests", (str(_HERE / "peer_floor.py"), "2"), is_peer=False),
    Client("azure-devops SDK, organization-wide", (str(_HERE / "peer_sdk.py"), "organization")),
    Client("azure-devops SDK, project by project", (str(_HERE / "peer_sdk.py"), "project"), runs=1),
    Client("ado-source-core, project by project", (str(_HERE / "peer_source_core.py"), "1"), runs=1),
    Client(SOURCE_CORE, (str(_HERE / "peer_source_core.py"), "10")),
)


@dataclass(frozen=True, slots=True)
class Result:
    """What one client needed."""

    name: str
    requests: int
    wall: float
    cpu: float
    complete: bool


def peers_python() -> Path:
    """The interpreter of the peers' environment, which is made on first use."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    key = hashlib.sha256("\n".join((version, *PINNED)).encode()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "ado-connector-benchmarks" / key
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    finished = folder / "finished"
    if not finished.exists():
        print(f"Installing the peers into {folder}", file=sys.stderr)
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run(  # noqa: S603 - pinned names
            [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *PINNED],
            check=True,
        )
        finished.touch()
    return python


def run(client: Client, python: Path, world: SimulatedWorld, expected: str) -> Result:
    """List once."""
    world.reset_requests()
    with tempfile.TemporaryDirectory() as home:
        # A home of its own, so that the SDK's cache on disk is empty, as on a first run.
        environment = {**os.environ, "HOME": home, "USERPROFILE": home, "NO_PROXY": "127.0.0.1"}
        done = subprocess.run(  # noqa: S603 - our own programs
            [str(python), *client.program, world.url, world.organizations[0], world.token],
            cwd=ROOT,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=_LONGEST,
        )
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    # What ours asks before it syncs (may it, as whom?) is no part of the listing, and not counted.
    requests = told.get("requests") or world.requests()
    return Result(client.name, requests, told["wall"], told["cpu"], told["digest"] == expected)


def compare(world: SimulatedWorld, runs: int, *, quick: bool) -> list[Result]:
    """Every client's best run, one round after the other so that all meet the same weather."""
    python, expected = peers_python(), world.digest()
    best: dict[str, Result] = {}
    for number in range(runs):
        for client in CLIENTS:
            if number >= client.runs or (quick and client.runs == 1):
                continue
            interpreter = python if client.is_peer else Path(sys.executable)
            result = run(client, interpreter, world, expected)
            print(
                json.dumps(
                    {
                        "client": result.name,
                        "run": number + 1,
                        "requests": result.requests,
                        "wallSeconds": round(result.wall, 3),
                        "cpuSeconds": round(result.cpu, 3),
                        "complete": result.complete,
                    }
                ),
                flush=True,
            )
            before = best.get(client.name)
            if before is None or result.wall < before.wall:
                best[client.name] = result
    return list(best.values())


def main() -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--world", type=Size.parse, default=Size(1, 1000, 20))
    parser.add_argument("--latency-ms", type=int, default=50)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="leave out those that take a minute")
    options = parser.parse_args()
    with SimulatedWorld(options.world, options.latency_ms) as world:
        results = compare(world, options.runs, quick=options.quick)
    ours = next(one for one in results if one.name == OURS)
    peers = {client.name for client in CLIENTS if client.is_peer}
    print("\n| client | requests | wall | CPU | complete | first sync is faster by |")
    print("| --- | --- | --- | --- | --- | --- |")
    for one in results:
        factor = f"{one.wall / ours.wall:.1f} times" if one.name in peers else ""
        print(
            f"| {one.name} | {one.requests:,} | {one.wall:.2f} s | {one.cpu:.2f} s "
            f"| {'yes' if one.complete else 'NO'} | {factor} |"
        )
    ratio = next(one for one in results if one.name == SOURCE_CORE).wall / ours.wall
    passed = ours.complete and ratio >= WANTED
    print(
        f"\n{'PASSED' if passed else 'FAILED'}: {ratio:.1f} times as fast as {SOURCE_CORE}; wanted {WANTED:g}"
    )
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
