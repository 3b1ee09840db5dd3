"""What each unit of work costs: requests to Azure DevOps, transactions of Table Storage, seconds, memory.

    python -m benchmarks.scale
    python -m benchmarks.scale --organizations 200

The first table is of one organization of several sizes: every unit of work once, on SQLite for CPU and
memory, and on Table Storage (Azurite, behind a proxy that counts) for transactions. The second is of many
small organizations in one state: what the timers cost. docs/operate/scale.md reckons with these numbers.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from benchmarks.simulated import SimulatedWorld, Size
from benchmarks.sync import connector, peak_memory
from handlers.assess_organization import assess_organization
from handlers.check_container_mapping import check_container_mapping
from handlers.check_prerequisites import check_prerequisites
from handlers.discover_organizations import discover_organizations
from handlers.notify_organization import notify_organization
from handlers.queue_due_work import queue_due_work
from handlers.sync_organization import sync_organization
from handlers.unit_of_work import perform
from shared.model.command import DoWork
from shared.model.work import WorkKind
from shared.wiring.runtime import Runtime, build_runtime
from shared.wiring.settings import Settings
from tests.azurite.server import shared
from tests.connector_state.table_proxy import Proxy
from tests.scenarios.bench import ManualClock

SIZES = (Size(1, 5, 2), Size(1, 20, 5), Size(1, 50, 10))

_HANDLERS = {
    WorkKind.PREREQUISITES: check_prerequisites,
    WorkKind.INVENTORY: sync_organization,
    WorkKind.EXTENSION: check_container_mapping,
    WorkKind.POSTURE: assess_organization,
    WorkKind.NOTIFICATIONS: notify_organization,
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one unit of work."""

    requests: int
    transactions: int
    cpu: float
    """Seconds."""


class Place:
    """The app on one store, with the counters beside it."""

    def __init__(
        self, world: SimulatedWorld, runtime: Runtime, clock: ManualClock, proxy: Proxy | None
    ) -> None:
        self.world, self.runtime, self.clock, self.proxy = world, runtime, clock, proxy

    def cost(self, unit: Callable[[], object]) -> Cost:
        """Run a unit of work, and tell what it took."""
        requests, sent = self.world.requests(), 0 if self.proxy is None else len(self.proxy.requests)
        cpu = time.process_time()
        unit()
        cpu = time.process_time() - cpu
        stored = 0 if self.proxy is None else len(self.proxy.requests) - sent
        return Cost(self.world.requests() - requests, stored, cpu)

    def perform_all(self, kind: WorkKind) -> None:
        """Do this kind of work of every organization once, slice by slice."""
        for organization in self.runtime.state.organizations():
            work = self.runtime.state.bring_forward(organization.id, kind, self.clock.now())
            while True:
                perform(
                    DoWork(work.organization, kind, work.revision), self.runtime.dependencies, _HANDLERS[kind]
                )
                (work,) = (
                    one for one in self.runtime.state.work(organization=organization.id) if one.kind is kind
                )
                if work.last_failure is not None:
                    raise RuntimeError(work.last_failure.sentence())
                if not work.checkpoint:
                    break


@contextmanager
def app(world: SimulatedWorld, store: str) -> Iterator[Place]:
    """The app on an empty store, with one connector."""
    clock = ManualClock()
    with (
        tempfile.TemporaryDirectory() as folder,
        Proxy(shared().port) if store == "tables" else nullcontext() as proxy,
    ):
        url = f"sqlite:///{folder}/state.db" if proxy is None else proxy.url(f"t{time.time_ns()}")
        runtime = build_runtime(
            Settings(
                state_url=url,
                queue_url=f"sqlite:///{Path(folder) / 'queue.db'}",
                ado_pat=SecretStr(world.token),
                ado_gateway_url=world.url,
            ),
            clock=clock,
        )
        runtime.state.put_connector(connector(clock.now()))
        try:
            yield Place(world, runtime, clock, proxy)
        finally:
            runtime.close()


def units(place: Place) -> Iterator[tuple[str, Cost]]:
    """Every unit of work in the life of an organization."""
    deps = place.runtime.dependencies
    yield "discovery, first", place.cost(lambda: discover_organizations(deps))
    yield "prerequisites", place.cost(lambda: place.perform_all(WorkKind.PREREQUISITES))
    yield "inventory, first", place.cost(lambda: place.perform_all(WorkKind.INVENTORY))
    yield "inventory, unchanged", place.cost(lambda: place.perform_all(WorkKind.INVENTORY))
    yield "extension", place.cost(lambda: place.perform_all(WorkKind.EXTENSION))
    yield "posture, first", place.cost(lambda: place.perform_all(WorkKind.POSTURE))
    place.clock.advance(hours=8)
    yield "posture, a look", place.cost(lambda: place.perform_all(WorkKind.POSTURE))
    place.clock.advance(hours=20)
    yield "posture, full", place.cost(lambda: place.perform_all(WorkKind.POSTURE))
    yield "notifications", place.cost(lambda: place.perform_all(WorkKind.NOTIFICATIONS))
    yield "discovery, unchanged", place.cost(lambda: discover_organizations(deps))
    yield "a timer, nothing due", place.cost(lambda: queue_due_work(WorkKind.EXTENSION, deps))


def of_one_organization() -> None:
    """Print the table of sizes."""
    found: dict[str, dict[str, tuple[Cost, Cost]]] = {}
    sizes = []
    for size in SIZES:
        with SimulatedWorld(size, 0) as world:
            with app(world, "sqlite") as place:
                told = dict(units(place))
                (one,) = place.runtime.state.organizations()
                title = f"{one.projects} projects, {one.repositories} repositories"
            with app(world, "tables") as place:
                stored = dict(units(place))
        sizes.append(title)
        for unit, cost in told.items():
            found.setdefault(unit, {})[title] = (cost, stored[unit])
    sys.stdout.write("| requests / transactions / CPU ms | " + " | ".join(sizes) + " |\n")
    sys.stdout.write("| --- |" + " --- |" * len(sizes) + "\n")
    for unit, by_size in found.items():
        cells = " | ".join(
            f"{cost.requests:,} / {stored.transactions:,} / {1_000 * cost.cpu:,.0f}"
            for cost, stored in by_size.values()
        )
        sys.stdout.write(f"| {unit} | {cells} |\n")
    sys.stdout.write(f"\nPeak memory {peak_memory()} MB.\n\n")


def of_many_organizations(number: int) -> None:
    """Print what timers cost."""
    sys.stdout.write(f"| {number:,} organizations | seconds | CPU s | transactions | requests |\n")
    sys.stdout.write("| --- | --- | --- | --- | --- |\n")
    with SimulatedWorld(Size(number, 1, 1), 0) as world:
        for store in ("sqlite", "tables"):
            with app(world, store) as place:
                deps = place.runtime.dependencies
                place.cost(lambda: discover_organizations(deps))  # noqa: B023 - called at once
                for organization in place.runtime.state.organizations():
                    place.runtime.state.ensure_work(organization.id, WorkKind.INVENTORY, place.clock.now())
                for title, unit in (
                    ("discovery, unchanged", lambda: discover_organizations(deps)),  # noqa: B023
                    ("a timer, all due", lambda: queue_due_work(WorkKind.INVENTORY, deps)),  # noqa: B023
                    ("a timer, nothing due", lambda: queue_due_work(WorkKind.INVENTORY, deps)),  # noqa: B023
                ):
                    wall = time.perf_counter()
                    cost = place.cost(unit)
                    wall = time.perf_counter() - wall
                    sys.stdout.write(
                        f"| {title}, {store} | {wall:.2f} | {cost.cpu:.2f} | {cost.transactions:,} |"
                        f" {cost.requests:,} |\n"
                    )
                    sys.stdout.flush()
    sys.stdout.write(f"\nPeak memory {peak_memory()} MB.\n")


def main() -> int:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--organizations", type=int, default=1_000, help="of the second table")
    chosen = parser.parse_args()
    of_one_organization()
    of_many_organizations(chosen.organizations)
    return 0


if __name__ == "__main__":
    sys.exit(main())
