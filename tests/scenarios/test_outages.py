"""Our own parts away: nothing is lost, nothing is a dead letter, and all goes on by itself."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from handlers.unit_of_work import perform
from local.ado_simulator import World
from shared import wiring
from shared.connector_state.sqlite import SqliteConnectorState
from shared.model.command import DoWork
from shared.model.connector import Connector, ProvisioningState
from shared.model.organization import Organization
from shared.model.work import Lease, WorkKind
from shared.ports import Clock, Dependencies, State, StateUnavailable
from shared.queue.embedded import EmbeddedQueue
from shared.queue.receiver import Queues
from shared.wiring.outages import DEFERRALS, FIRST, MOST, delay
from shared.wiring.settings import Settings
from tests.scenarios.bench import PATIENCE, Bench
from tests.scenarios.conftest import MakeBench

IMPATIENCE = 0.25
"""Seconds after which a locked file counts as away, where no other than the test locks it."""
TOGETHER = 1.0
"""The same, where state and queues wait for each other; most often they do for a few milliseconds."""

TIMERS = ("refresh_prerequisites", "refresh_inventory", "refresh_extensions", "refresh_posture")


@contextmanager
def away(file: Path) -> Iterator[None]:
    """Nobody can write the file while the block lasts."""
    holder = sqlite3.connect(file, isolation_level=None)
    try:
        holder.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        holder.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def apart(make_bench: MakeBench, folder: Path) -> Bench:
    """State and queues in two files, so that one can be away without the other."""
    return make_bench(
        stores=stores_of(folder / "state.db", folder / "queue.db"),
        queue_url=f"sqlite:///{folder / 'queue.db'}",
    )


def stores_of(
    state: Path, queue: Path, of_state: float = IMPATIENCE, of_queue: float = PATIENCE
) -> Callable[[Settings, Clock], tuple[State, Queues]]:
    def stores(settings: Settings, clock: Clock) -> tuple[State, Queues]:
        del settings
        return (
            SqliteConnectorState(state, busy_seconds=of_state),
            EmbeddedQueue(queue, clock, busy_seconds=of_queue),
        )

    return stores


def queue_everything(bench: Bench) -> int:
    """Time passes, and messages for all work go out; returns how many."""
    bench.clock.advance(days=1)
    for timer in TIMERS:
        assert bench.host.fire(timer)
    return sum(one.active for one in bench.runtime.queue.counts().values())


def dead(bench: Bench) -> int:
    return sum(one.dead_lettered for one in bench.runtime.queue.counts().values())


def is_done(bench: Bench, since: object) -> bool:
    return all(
        work.last_success is not None and work.last_success >= since and work.last_failure is None
        for work in bench.state.work()
    )


# --- the state is away ------------------------------------------------------------------------------------


def test_an_hour_without_state_costs_no_message_and_is_made_up_for(
    apart: Bench, folder: Path, world: World
) -> None:
    apart.connect()
    apart.run()
    sent = queue_everything(apart)
    assert sent == 4 * len(world.organizations)
    world.organizations[0].add_project("new")
    began = apart.clock.now()
    with away(folder / "state.db"):
        while apart.clock.now() < began + timedelta(hours=1):
            apart.host.drain()
            counts = apart.runtime.queue.counts().values()
            assert sum(one.scheduled for one in counts) == sent
            assert sum(one.active + one.locked + one.dead_lettered for one in counts) == 0
            apart.clock.advance(minutes=10)
        assert not apart.host.fire("refresh_inventory")
    apart.clock.advance(minutes=5)
    apart.host.drain()
    assert is_done(apart, began)
    assert dead(apart) == 0
    assert apart.equals_the_world(world.organizations[0].name)


def test_what_is_put_off_waits_longer_each_time_and_is_the_same_message(
    apart: Bench, folder: Path, name: str
) -> None:
    apart.connect()
    apart.run()
    work = apart.work(name, WorkKind.INVENTORY)
    body = b'{"version": 1, "organizationId": "%s", "kind": "inventory", "revision": %d}' % (
        work.organization.encode(),
        work.revision,
    )
    apart.runtime.queue.send_raw("inventory", body, message_id="m1", properties={"tenant": "x"})
    waits = []
    with away(folder / "state.db"):
        for _ in range(7):
            apart.host.drain()
            due = apart.runtime.queue.next_available_at("inventory")
            assert due is not None
            waits.append(due - apart.clock.now())
            apart.clock.advance(seconds=(due - apart.clock.now()).total_seconds())
    for number, wait in enumerate(waits):
        whole = min(FIRST * 2**number, MOST)
        assert whole * 0.8 <= wait <= whole
    (copy,) = apart.runtime.queue.receive("inventory")
    assert copy.body == body
    assert copy.properties == {"tenant": "x", DEFERRALS: 7}
    assert copy.correlation_id == "m1"
    assert copy.delivery_count == 1


def test_delays_have_an_end() -> None:
    assert delay(10**5) <= MOST


def test_a_state_that_vanishes_in_mid_run_strands_no_lease(apart: Bench, folder: Path, name: str) -> None:
    apart.connect()
    apart.run()
    apart.clock.advance(days=1)
    deps = apart.runtime.dependencies
    work = apart.work(name, WorkKind.INVENTORY)
    command = DoWork(work.organization, work.kind, work.revision)
    attempts: list[int] = []

    def end(lease: Lease, _deps: Dependencies, _connector: Connector, _of: Organization, _at: object) -> str:
        attempts.append(lease.attempt)
        return ""

    with away_from_here(deps, folder / "state.db") as stay, pytest.raises(StateUnavailable):
        perform(command, deps, stay)
    assert apart.work(name, WorkKind.INVENTORY).leased_by == deps.owner
    perform(command, deps, end)
    assert apart.work(name, WorkKind.INVENTORY).leased_until is None
    assert apart.work(name, WorkKind.INVENTORY).last_success == apart.clock.now()
    assert attempts == [2]


@contextmanager
def away_from_here(deps: Dependencies, file: Path) -> Iterator[Callable[..., str]]:
    """A body of work in whose middle the file goes away, until the block ends."""
    holder = sqlite3.connect(file, isolation_level=None, check_same_thread=False)

    def body(lease: Lease, *_: object) -> str:
        holder.execute("BEGIN EXCLUSIVE")
        deps.state.renew_lease(lease, deps.clock.now())
        raise AssertionError("the file is not away")

    try:
        yield body
    finally:
        holder.close()


def test_the_lease_of_a_run_that_goes_on_is_not_taken_by_its_own_process(apart: Bench, name: str) -> None:
    apart.connect()
    apart.run()
    apart.clock.advance(days=1)
    deps = apart.runtime.dependencies
    work = apart.work(name, WorkKind.INVENTORY)
    command = DoWork(work.organization, work.kind, work.revision)
    runs: list[str] = []

    def inner(*_: object) -> str:
        runs.append("inner")
        return ""

    def outer(*_: object) -> str:
        runs.append("outer")
        perform(command, deps, inner)
        return ""

    perform(command, deps, outer)
    assert runs == ["outer"]


# --- state and queues are away ----------------------------------------------------------------------------


def test_the_host_outlives_its_file_and_goes_on_by_itself(
    make_bench: MakeBench, folder: Path, world: World
) -> None:
    """State and queues in one file."""
    file = folder / "state.db"
    before = make_bench(stores=stores_of(file, file, PATIENCE))
    before.connect()
    before.run()
    assert queue_everything(before)
    world.organizations[0].add_project("new")
    together = make_bench(stores=stores_of(file, file, TOGETHER, TOGETHER))
    began = together.clock.time = before.clock.now()
    back, over = threading.Event(), threading.Event()

    def until() -> bool:
        # Time goes on: what was put off comes back.
        together.clock.advance(seconds=1)
        return over.is_set() or (back.is_set() and is_done(together, began))

    thread = threading.Thread(target=together.host.run, kwargs={"until": until}, daemon=True)
    with away(file):
        thread.start()
        thread.join(3 * TOGETHER)
        assert thread.is_alive()
        together.clock.advance(hours=1)
    back.set()
    thread.join(PATIENCE)
    ended = not thread.is_alive()
    over.set()
    together.host.stop()
    thread.join(PATIENCE)
    assert ended
    assert dead(together) == 0
    assert together.equals_the_world(world.organizations[0].name)


# --- before there is a runtime ----------------------------------------------------------------------------


def test_a_wrong_setting_puts_messages_off(
    apart: Bench, folder: Path, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    # Without a runtime, copies are timed by the real clock: what comes first happens before now.
    apart.clock.advance(days=-3)
    apart.connect()
    apart.run()
    sent = queue_everything(apart)
    monkeypatch.setenv("STATE_URL", f"sqlite:///{folder / 'state.db'}")
    monkeypatch.setenv("QUEUE_URL", f"sqlite:///{folder / 'queue.db'}")
    monkeypatch.setenv("TIME_SLICE", "a while")
    wiring.use(None)
    began = apart.clock.time = datetime.now(UTC)
    apart.host.drain()
    assert sum(one.scheduled for one in apart.runtime.queue.counts().values()) == sent
    assert dead(apart) == 0
    wiring.use(apart.runtime)
    apart.clock.time = began + timedelta(minutes=5)
    apart.host.drain()
    assert is_done(apart, began)
    assert sent == 4 * len(world.organizations)


def test_a_secret_that_key_vault_does_not_give_is_nobodys_failure(
    make_bench: MakeBench, world: World
) -> None:
    fine = make_bench()
    fine.connect()
    fine.run()
    reference = SecretStr("@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/pat/)")
    without = make_bench(ado_pat=reference)
    without.clock.advance(days=3)
    for timer in TIMERS:
        assert without.host.fire(timer)
    without.host.drain()
    assert [work.last_failure for work in without.state.work() if work.last_failure] == []
    assert without.host.fire("discover_organizations")
    (told,) = without.state.connectors()
    assert told.provisioning is ProvisioningState.FAILED
    assert told.provisioning_message.startswith("ADO_PAT: Key Vault did not give")
    assert "vault.example" not in told.provisioning_message
    assert sum(one.scheduled for one in without.runtime.queue.counts().values()) == 4 * len(
        world.organizations
    )
    assert dead(without) == 0
    again = make_bench()
    again.clock.advance(days=3, hours=1)
    again.host.drain()
    assert is_done(again, again.clock.now() - timedelta(hours=1))


# --- poison -----------------------------------------------------------------------------------------------


def test_a_poison_message_blocks_no_other_and_says_why(apart: Bench, world: World) -> None:
    apart.connect()
    apart.run()
    for _ in range(20):
        apart.runtime.queue.send_raw("inventory", b"poison")
    began = apart.clock.now()
    queue_everything(apart)
    apart.host.drain()
    assert is_done(apart, began)
    letters = apart.runtime.queue.dead_letters("inventory")
    assert len(letters) == 20
    assert {"MessageRefused" in one.description and "body" in one.description for one in letters} == {True}
    assert world.organizations


# --- clocks -----------------------------------------------------------------------------------------------


def test_a_clock_that_was_hours_ahead_strands_nothing(bench: Bench, world: World, name: str) -> None:
    bench.connect()
    bench.run()
    bench.clock.advance(hours=10)
    queue_everything(bench)
    bench.host.drain()
    work = bench.work(name, WorkKind.INVENTORY)
    lease = bench.state.lease_work(
        work.organization,
        work.kind,
        work.revision,
        owner="elsewhere,,/1/1",
        now=bench.clock.now(),
        until=bench.clock.now() + timedelta(minutes=12),
    )
    assert lease is not None
    queue_everything(bench)
    bench.clock.advance(hours=-54)
    world.organizations[0].add_project("new")
    bench.run(minutes=1)
    now = bench.clock.now()
    assert {one.kind for one in bench.state.work() if not one.last_success or one.last_success > now} == set()
    assert bench.equals_the_world(name)


def test_a_message_that_was_lost_is_sent_again(bench: Bench) -> None:
    bench.connect()
    bench.run()
    queue_everything(bench)
    began = bench.clock.now()
    for queue in ("prerequisites", "inventory", "extension", "posture"):
        while found := bench.runtime.queue.receive(queue):
            bench.runtime.queue.complete(found[0])
    bench.run(minutes=16)
    assert is_done(bench, began)
