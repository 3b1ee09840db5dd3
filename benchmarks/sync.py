"""How long a first and an unchanged inventory sync take, and what they cost.

    .venv/bin/python -m benchmarks.sync --projects 1000 --repositories 20 --latency-ms 50

The simulated Azure DevOps runs in a process of its own. Prints one line of JSON per sync: requests for
projects and repositories, wall and CPU seconds of the sync alone, peak memory of this process in MB, and
inventory rows written.
"""

from __future__ import annotations

import argparse
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from handlers.check_prerequisites import check_prerequisites
from handlers.discover_organizations import discover_organizations
from handlers.sync_organization import sync_organization
from handlers.unit_of_work import perform
from shared.model.command import DoWork
from shared.model.connector import AuthKind, Connector, DiscoveryMode, IdentityReference
from shared.model.ids import ConnectorId, TenantId
from shared.model.work import WorkKind
from shared.wiring.runtime import Runtime, build_runtime
from shared.wiring.settings import Settings

_LISTINGS = ("/_apis/projects", "/_apis/git/repositories")


@dataclass(frozen=True, slots=True)
class World:
    """A simulated Azure DevOps in another process."""

    url: str
    token: str
    process: subprocess.Popen[str]


def start_world(options: argparse.Namespace) -> World:
    """Start the simulator and wait for its address."""
    command = [sys.executable, "-m", "local.ado_simulator", "--seed", "1"]
    for name in ("organizations", "projects", "repositories", "latency_ms"):
        command += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module
    if process.stdout is None:
        raise RuntimeError("the simulator has no output")
    told = json.loads(process.stdout.readline())
    return World(told["url"], told["token"], process)


def requests_made(world: World) -> int:
    """Requests for projects and repositories so far."""
    with urllib.request.urlopen(f"{world.url}/_control/requests") as answer:  # noqa: S310 - loopback
        counts = json.load(answer)
    return sum(
        count
        for endpoint, count in _flat(counts)
        if endpoint.rstrip("/").endswith(_LISTINGS) or endpoint in {"projects", "repositories"}
    )


def _flat(counts: object) -> list[tuple[str, int]]:
    if not isinstance(counts, dict):
        return []
    found: list[tuple[str, int]] = []
    for key, value in counts.items():
        found.extend([(str(key), value)] if isinstance(value, int) else _flat(value))
    return found


def watch_rows(database: Path) -> None:
    """Count writes of inventory rows by trigger, so that the count is the database's own."""
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS benchmark_writes (n INTEGER)")
        for table in ("projects", "repositories"):
            for event in ("INSERT", "UPDATE", "DELETE"):
                connection.execute(
                    f"CREATE TRIGGER IF NOT EXISTS benchmark_{table}_{event} AFTER {event} ON {table} "
                    "BEGIN INSERT INTO benchmark_writes VALUES (1); END"
                )
    connection.close()


def rows_written(database: Path) -> int:
    """Inventory rows written so far."""
    connection = sqlite3.connect(database)
    (count,) = connection.execute("SELECT count(*) FROM benchmark_writes").fetchone()
    connection.close()
    return int(count)


def sync_all(runtime: Runtime) -> tuple[float, float]:
    """Sync every organization once; wall and CPU seconds."""
    deps = runtime.dependencies
    wall, cpu = time.perf_counter(), time.process_time()
    for work in runtime.state.work(kind=WorkKind.INVENTORY):
        due = runtime.state.bring_forward(work.organization, WorkKind.INVENTORY, runtime.clock.now())
        perform(DoWork(due.organization, due.kind, due.revision), deps, sync_organization)
        (after,) = runtime.state.work(organization=work.organization, kind=WorkKind.INVENTORY)
        if after.last_failure is not None:
            raise RuntimeError(after.last_failure.sentence())
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--organizations", type=int, default=1)
    parser.add_argument("--projects", type=int, default=1000)
    parser.add_argument("--repositories", type=int, default=20)
    parser.add_argument("--latency-ms", type=int, default=50)
    options = parser.parse_args()
    world = start_world(options)
    try:
        with tempfile.TemporaryDirectory() as folder:
            measure(world, Path(folder) / "state.db")
    finally:
        world.process.terminate()
        world.process.wait()


def measure(world: World, database: Path) -> None:
    """Connect, then sync twice."""
    runtime = build_runtime(
        Settings(state_url=f"sqlite:///{database}", ado_pat=SecretStr(world.token), ado_gateway_url=world.url)
    )
    runtime.state.put_connector(
        Connector(
            ConnectorId("00000000-0000-4000-8000-000000000001"),
            "benchmark",
            TenantId("benchmark"),
            DiscoveryMode.EXISTING_AND_FUTURE,
            IdentityReference(AuthKind.PAT, secret_setting="ADO_PAT"),  # noqa: S106 - a setting's name
            created_at=datetime.now(UTC),
        )
    )
    deps = runtime.dependencies
    discover_organizations(deps)
    for work in runtime.state.work(kind=WorkKind.PREREQUISITES):
        perform(DoWork(work.organization, work.kind, work.revision), deps, check_prerequisites)
    (connector,) = runtime.state.connectors()
    for organization in runtime.state.organizations():
        # The simulator writes a large answer once and keeps it; what is measured is the sync.
        deps.connect(connector).repositories(organization.name)
    watch_rows(database)
    for title in ("first", "unchanged"):
        requests, rows = requests_made(world), rows_written(database)
        wall, cpu = sync_all(runtime)
        print(
            json.dumps(
                {
                    "sync": title,
                    "organizations": len(runtime.state.organizations()),
                    "requests": requests_made(world) - requests,
                    "wallSeconds": round(wall, 2),
                    "cpuSeconds": round(cpu, 2),
                    "peakMemoryMb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                    "inventoryRowsWritten": rows_written(database) - rows,
                }
            )
        )
    runtime.close()


if __name__ == "__main__":
    main()
