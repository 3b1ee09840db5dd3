"""How many reports of pipelines a second the app takes over HTTP, and whether any is lost when it is killed.

    .venv/bin/python -m benchmarks.intake
    .venv/bin/python -m benchmarks.intake --reports 6000 --senders 8 --kill

The app (`python -m local.host`) runs in a process of its own, on a SQLite file, and so do the senders: real
HTTP, real tokens, each report with a token of its own and two images that nobody reported before. The tokens
are signed beforehand. With `--kill` the app is killed (SIGKILL) in the middle, as often as told, and started
again. At the end every report that was answered with 200 must be in the state: its run, its images, and the
receipt of its token. Fails where one is not, or where the rate is below `--least`.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any

from local.ado_simulator import Simulator, World
from local.pipeline_issuer import PipelineIssuer
from shared.connector_state import open_state
from shared.model.connector import AuthKind, Connector, DiscoveryMode, IdentityReference
from shared.model.ids import ConnectorId, OrganizationId, TenantId
from shared.model.mapping import Direction, EdgeKind, image_node, run_node
from shared.model.organization import Enrollment, OnboardingState, Organization

ROOT = Path(__file__).parents[1]
ORGANIZATIONS = 4
PATH = "/api/container-mappings"
_PATIENCE = 30.0


def organization_id(number: int) -> str:
    """As Azure DevOps knows it; ours is the same."""
    return f"0ca3ddd9-0000-4000-8000-{number % ORGANIZATIONS:012}"


def digest(number: int, part: int) -> str:
    """Of one of a report's images."""
    return f"sha256:{number * 2 + part:064x}"


def body(number: int) -> bytes:
    """What the task sends after a job that pushed two images, with twenty more on the agent."""
    tags = [f"contoso.azurecr.io/team-{number % 20}/app-{part}" for part in (0, 1)]
    return json.dumps(
        {
            "dockerVersion": "Docker version 26.1.3, build b72abbb",
            "dockerEvents": [f"ID={one}:{number}" for one in tags],
            "dockerImages": [
                f"CreatedAt=2026-03-01 11:58:02 +0000 UTC::Repo={one}::Tag={number}"
                f"::Digest={digest(number, part)}"
                for part, one in enumerate(tags)
            ]
            + [
                f"CreatedAt=2026-02-01 00:00:00 +0000 UTC::Repo=mcr.microsoft.com/base-{one}::Tag=1::Digest="
                f"sha256:{one:064x}"
                for one in range(20)
            ],
        }
    ).encode()


def connect(state_url: str) -> None:
    """Onboard the organizations."""
    now = datetime.now(UTC)
    with open_state(state_url) as state:
        connector = Connector(
            id=ConnectorId("c0000000-0000-4000-8000-000000000001"),
            name="main",
            tenant=TenantId("tenant"),
            mode=DiscoveryMode.EXISTING_AND_FUTURE,
            identity=IdentityReference(AuthKind.PAT, secret_setting="ADO_PAT"),  # noqa: S106 - a name
            created_at=now,
        )
        state.put_connector(connector)
        for number in range(ORGANIZATIONS):
            identifier = organization_id(number)
            record = Organization(
                OrganizationId(identifier), connector.tenant, f"org-{number}", now, instance_id=identifier
            )
            state.put_organization(record)
            state.put_enrollment(Enrollment(connector.id, record.id, OnboardingState.ONBOARDED, "", now, now))


@contextmanager
def app(state_url: str, gateway: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The app in a process of its own, until the block has ended or somebody killed it."""
    environment = {
        **os.environ,
        "STATE_URL": state_url,
        "ADO_GATEWAY_URL": gateway,
        "HTTP_PORT": str(port),
        "MAPPING_REPORTS_PER_MINUTE": "1000000",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "local.host"], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise SystemExit("the app does not serve") from None
            time.sleep(0.02)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE)


def cpu_of(pid: int) -> float:
    """CPU seconds of a process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def send(port: int, jobs: Sequence[tuple[int, str]]) -> tuple[list[int], list[float]]:
    """Send reports one after the other, on one connection. Gives the numbers taken, and seconds of each."""
    taken, seconds = [], []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    for number, token in jobs:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        for _ in range(200):
            began = time.perf_counter()
            try:
                connection.request("POST", PATH, body(number), headers)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()  # killed: the job sends once more, when the app is back
                time.sleep(0.05)
                continue
            if answer.status == 200:  # noqa: PLR2004
                taken.append(number)
                seconds.append(time.perf_counter() - began)
            break
    connection.close()
    return taken, seconds


def lost(state_url: str, taken: Sequence[int]) -> list[int]:
    """Reports that were answered with success and are not, whole, in the state."""
    with open_state(state_url) as state:
        return [number for number in taken if not _is_kept(state, number)]


def _is_kept(state: Any, number: int) -> bool:  # noqa: ANN401 - any store
    run = run_node(OrganizationId(organization_id(number)), number + 1)
    edges = state.edges(run, Direction.OUT).edges
    if {one.kind for one in edges} != {EdgeKind.RUN_OF, EdgeKind.CHECKED_OUT}:
        return False
    for part in (0, 1):
        found = {
            (one.kind, one.end) for one in state.edges(image_node(digest(number, part)), Direction.OUT).edges
        }
        if (EdgeKind.BUILT_BY, run) not in found or len(found) != 3:  # noqa: PLR2004
            return False
    return True


def main() -> int:
    """Measure, check, tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reports", type=int, default=4_000)
    parser.add_argument("--senders", type=int, default=4)
    parser.add_argument("--kill", type=int, nargs="?", const=3, default=0, help="how often to kill the app")
    parser.add_argument("--least", type=float, default=0.0, help="fail below so many a second")
    options = parser.parse_args()
    issuer = PipelineIssuer()
    jobs = [
        (number, issuer.token(organization_id(number), run=number + 1, pipeline=number % 50 + 1))
        for number in range(options.reports)
    ]
    with (
        tempfile.TemporaryDirectory() as folder,
        Simulator(World(), token_issuer=issuer) as simulator,
        multiprocessing.get_context("spawn").Pool(options.senders) as pool,
    ):
        pool.map(len, ["warm"] * options.senders)
        state_url = f"sqlite:///{folder}/state.db"
        connect(state_url)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        wall, cpu, results = _run(options, pool, jobs, state_url, simulator.url, port)
        taken = [number for numbers, _ in results for number in numbers]
        gone = lost(state_url, taken)
    times = sorted(one for _, seconds in results for one in seconds)
    told = {
        "reports": options.reports,
        "taken": len(taken),
        "lost": len(gone),
        "killed": options.kill,
        "seconds": round(wall, 2),
        "perSecond": round(len(taken) / wall, 1),
        "cpuOfAppPerReport": round(cpu / len(taken), 5) if not options.kill else None,
        "median": round(times[len(times) // 2], 4),
        "p99": round(times[len(times) * 99 // 100], 4),
    }
    print(json.dumps(told))
    if gone or len(taken) < options.reports or len(taken) / wall < options.least:
        return 1
    return 0


def _run(
    options: argparse.Namespace,
    pool: Pool,
    jobs: Sequence[tuple[int, str]],
    state_url: str,
    gateway: str,
    port: int,
) -> tuple[float, float, list[tuple[list[int], list[float]]]]:
    """Send everything, and kill the app meanwhile as often as asked for.

    Gives wall seconds, CPU seconds of the app as it was running last, and what each sender tells.
    """
    shares = [(port, jobs[start :: options.senders]) for start in range(options.senders)]
    kills = options.kill
    pending: Any = None
    began = 0.0
    while True:
        with app(state_url, gateway, port) as process:
            if pending is None:
                began = time.perf_counter()
                pending = pool.starmap_async(send, shares)
            if kills:
                pending.wait(options.reports / 200 / (options.kill + 1))
                kills -= 1
                process.kill()
                process.wait()
                continue
            results = pending.get()
            wall = time.perf_counter() - began
            return wall, cpu_of(process.pid), results


if __name__ == "__main__":
    sys.exit(main())
