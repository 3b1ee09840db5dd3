"""Messages are delivered as Service Bus and the Functions host deliver them."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import azure.functions as func
import pytest
from azure.functions.servicebus import ServiceBusMessage

from local.host import EventKind
from local.host.session import POLL, Plan, Session
from shared.connector_state import open_state
from shared.queue.embedded import LOCK_DURATION, MAX_DELIVERY_COUNT, EmbeddedQueue
from shared.queue.receiver import QueueCounts
from shared.wiring.clock import SystemClock
from tests.host.bench import PATIENCE, START, MovedClock, add_look
from tests.host.conftest import MakeBench


class Queued:
    """An app with a function on `inventory` that does what the test wants, and one on `posture`."""

    def __init__(self, body: Callable[[ServiceBusMessage], object] = lambda _: None) -> None:
        self.app = func.FunctionApp()
        self.messages: list[ServiceBusMessage] = []
        self.others: list[ServiceBusMessage] = []
        add_look(self.app)

        @self.app.service_bus_queue_trigger("message", connection="Bus", queue_name="inventory")
        def work(message: func.ServiceBusMessage) -> None:
            assert isinstance(message, ServiceBusMessage)
            self.messages.append(message)
            body(message)

        @self.app.service_bus_queue_trigger("message", connection="Bus", queue_name="posture")
        def other(message: func.ServiceBusMessage) -> None:
            assert isinstance(message, ServiceBusMessage)
            self.others.append(message)

    @property
    def bodies(self) -> list[bytes]:
        return [one.get_body() for one in self.messages]


class Held:
    """A function body that goes on when the test says so."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def __call__(self, _: object) -> None:
        assert self.go_on.wait(PATIENCE)


def fail(_: object) -> None:
    raise ValueError("asked to fail")


def test_what_the_function_is_told(make_bench: MakeBench) -> None:
    queued = Queued()
    bench = make_bench(queued.app)
    number = bench.queue.send_raw(
        "inventory",
        b'{"a": 1}',
        message_id="m-1",
        correlation_id="c-1",
        properties={"tenant": "contoso", "size": 3},
    )
    bench.host.drain()
    (message,) = queued.messages
    assert message.get_body() == b'{"a": 1}'
    assert message.message_id == "m-1"
    assert message.correlation_id == "c-1"
    assert message.delivery_count == 1
    assert message.sequence_number == number
    assert message.enqueued_time_utc == START
    assert message.locked_until == START + LOCK_DURATION
    assert message.lock_token
    assert message.application_properties == {"tenant": "contoso", "size": 3}
    assert message.user_properties == {"tenant": "contoso", "size": 3}


@pytest.mark.parametrize(
    "body", [b"", b"{}", "Zürich \N{SNOWMAN}".encode(), b"\x00\x01", b"\xff\xfe\x00", "\ufeff{}".encode()]
)
def test_every_body_arrives_as_it_was_sent(make_bench: MakeBench, body: bytes) -> None:
    queued = Queued()
    bench = make_bench(queued.app)
    bench.queue.send_raw("inventory", body)
    bench.host.drain()
    assert queued.bodies == [body]


def test_a_message_is_completed_when_its_function_returns(make_bench: MakeBench) -> None:
    bench = make_bench(Queued().app)
    bench.queue.send_raw("inventory", b"1")
    bench.host.drain()
    counts = bench.queue.counts()["inventory"]
    assert (counts.active, counts.locked, counts.dead_lettered) == (0, 0, 0)


def test_a_message_whose_function_fails_is_delivered_again_at_once(make_bench: MakeBench) -> None:
    def fail_twice(message: ServiceBusMessage) -> None:
        if (message.delivery_count or 0) < 3:
            fail(message)

    queued = Queued(fail_twice)
    bench = make_bench(queued.app)
    bench.queue.send_raw("inventory", b"1")
    bench.host.drain()
    assert [one.delivery_count for one in queued.messages] == [1, 2, 3]
    assert {one.enqueued_time_utc for one in queued.messages} == {START}
    assert bench.queue.dead_letters("inventory") == ()
    assert [one.delivery_count for one in bench.told.of(EventKind.FAILED)] == [1, 2]


def test_a_poison_message_is_put_aside_and_blocks_nobody(
    make_bench: MakeBench, caplog: pytest.LogCaptureFixture
) -> None:
    queued = Queued(lambda message: fail(message) if message.get_body() == b"poison" else None)
    bench = make_bench(queued.app)
    bench.queue.send_raw("inventory", b"poison")
    for number in range(5):
        bench.queue.send_raw("inventory", str(number).encode())
        bench.queue.send_raw("posture", b"{}")
    bench.host.drain()
    assert queued.bodies.count(b"poison") == MAX_DELIVERY_COUNT
    assert sorted(set(queued.bodies)) == [b"0", b"1", b"2", b"3", b"4", b"poison"]
    assert len(queued.others) == 5
    (letter,) = bench.queue.dead_letters("inventory")
    assert (letter.body, letter.reason) == (b"poison", "MaxDeliveryCountExceeded")
    assert letter.description == "ValueError: asked to fail"
    told = [one for one in caplog.records if one.levelname in {"ERROR", "WARNING"}]
    assert [one.levelname for one in told] == ["WARNING", "ERROR"]
    assert all("asked to fail" in one.getMessage() and "\n" not in one.getMessage() for one in told)


def test_a_function_that_exits_the_interpreter_is_a_failed_run(make_bench: MakeBench) -> None:
    def leave(message: ServiceBusMessage) -> None:
        if message.delivery_count == 1:
            raise SystemExit(3)

    bench = make_bench(Queued(leave).app)
    bench.queue.send_raw("inventory", b"1")
    bench.host.drain()
    assert [one.error for one in bench.told.of(EventKind.FAILED)] == ["SystemExit: 3"]
    assert len(bench.told.of(EventKind.FINISHED)) == 1


def test_one_queue_never_has_more_runs_at_once_than_host_json_says_and_uses_them_all(
    make_bench: MakeBench,
) -> None:
    full = threading.Barrier(2)  # as host.json of the bench says
    lock = threading.Lock()
    now, most = 0, 0

    def meet(_: ServiceBusMessage) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        full.wait(PATIENCE)
        with lock:
            now -= 1

    bench = make_bench(Queued(meet).app)
    for number in range(8):
        bench.queue.send_raw("inventory", str(number).encode())
    bench.host.drain()
    assert most == 2
    assert len(bench.told.of(EventKind.FINISHED, "work")) == 8


def test_a_full_queue_holds_up_no_other(make_bench: MakeBench) -> None:
    slow = Held()
    bench = make_bench(Queued(slow).app)
    for _ in range(3):
        bench.queue.send_raw("inventory", b"slow")
    bench.queue.send_raw("posture", b"quick")
    with bench.running():
        bench.told.wait_for(EventKind.FINISHED, "other")
        bench.told.wait_for(EventKind.STARTED, "work", 2)
        bench.look()
        assert len(bench.told.of(EventKind.STARTED, "work")) == 2  # as host.json of the bench says
        assert bench.told.of(EventKind.FINISHED, "work") == []
        slow.go_on.set()
        bench.told.wait_for(EventKind.FINISHED, "work", 3)


def test_a_lock_is_renewed_while_its_function_runs(make_bench: MakeBench, clock: MovedClock) -> None:
    long = Held()
    queued = Queued(long)
    bench = make_bench(queued.app)
    bench.queue.send_raw("inventory", b"long")
    with bench.running():
        bench.told.wait_for(EventKind.STARTED, "work")
        for seconds in (150, 150, 1):  # the lock lasts for 300
            clock.move(seconds=seconds)
            bench.look()
        assert bench.queue.counts()["inventory"].locked == 1
        long.go_on.set()
        bench.told.wait_for(EventKind.FINISHED, "work")
    assert [one.delivery_count for one in queued.messages] == [1]
    assert bench.queue.next_available_at("inventory") is None


def test_a_lock_is_renewed_only_for_so_long(
    make_bench: MakeBench, clock: MovedClock, caplog: pytest.LogCaptureFixture
) -> None:
    long = Held()
    bench = make_bench(Queued(long).app)
    bench.queue.send_raw("inventory", b"long")
    with bench.running():
        bench.told.wait_for(EventKind.STARTED, "work")
        for minutes in (2.5, 2.5, 2.5, 2.4):  # host.json of the bench says ten minutes
            clock.move(minutes=minutes)
            bench.look()
        assert len(bench.told.of(EventKind.STARTED, "work")) == 1
        clock.move(minutes=0.2)
        bench.told.wait_for(EventKind.STARTED, "work", 2)
        long.go_on.set()
        bench.told.wait_for(EventKind.FINISHED, "work", 2)
    assert [one.delivery_count for one in bench.told.of(EventKind.STARTED, "work")] == [1, 2]
    assert bench.queue.next_available_at("inventory") is None
    assert any("message.lockLost" in one.getMessage() for one in caplog.records)


def test_a_run_beyond_the_function_timeout_is_told(
    make_bench: MakeBench, clock: MovedClock, caplog: pytest.LogCaptureFixture
) -> None:
    long = Held()
    bench = make_bench(Queued(long).app)
    bench.queue.send_raw("inventory", b"long")
    with bench.running():
        bench.told.wait_for(EventKind.STARTED, "work")
        clock.move(minutes=20)
        bench.look()
        bench.look()
        long.go_on.set()
        bench.told.wait_for(EventKind.FINISHED, "work")
    late = [one for one in caplog.records if "function.timeout" in one.getMessage()]
    assert [one.levelname for one in late] == ["ERROR"]


# --- messages for later -----------------------------------------------------------------------------------


def test_a_scheduled_message_starts_at_its_time_and_not_before(
    make_bench: MakeBench, clock: MovedClock
) -> None:
    queued = Queued()
    bench = make_bench(queued.app)
    due = START + timedelta(seconds=30)
    bench.queue.send_raw("inventory", b"later", not_before=due)
    with bench.running():
        clock.move_to(due - timedelta(microseconds=1))
        bench.look()
        assert queued.messages == []
        clock.move_to(due)
        bench.told.wait_for(EventKind.FINISHED, "work")
    assert [one.enqueued_time_utc for one in queued.messages] == [due]


@pytest.mark.parametrize(
    ("milliseconds", "pause"), [(123, 0.123), (1, 0.001), (0, 0.001), (499, 0.499), (60_000, POLL)]
)
def test_the_host_sleeps_exactly_until_the_next_message(
    make_bench: MakeBench, milliseconds: int, pause: float
) -> None:
    bench = make_bench(Queued().app)
    bench.queue.send_raw("posture", b"later", not_before=START + timedelta(seconds=40))
    bench.queue.send_raw("inventory", b"later", not_before=START + timedelta(milliseconds=milliseconds))
    session = Session(bench.host._means, Plan(queues=bench.host._queues, forever=True))
    assert session._pause() == pytest.approx(pause)


def test_a_scheduled_message_is_worked_on_by_the_real_clock(make_bench: MakeBench) -> None:
    clock = SystemClock()
    bench = make_bench(Queued().app, own_clock=clock)
    with bench.running():
        due = clock.now() + timedelta(milliseconds=300)
        bench.queue.send_raw("inventory", b"later", not_before=due)
        (started,) = bench.told.wait_for(EventKind.STARTED, "work")
    assert due <= started.at


# --- drain ------------------------------------------------------------------------------------------------


def test_drain_works_off_what_functions_send_too(make_bench: MakeBench) -> None:
    def go_on(message: ServiceBusMessage) -> None:
        left = int(message.get_body())
        if left:
            bench.queue.send_raw("inventory", str(left - 1).encode())
            bench.queue.send_raw("posture", b"{}")

    queued = Queued(go_on)
    bench = make_bench(queued.app)
    bench.queue.send_raw("inventory", b"3")
    bench.host.drain()
    assert queued.bodies == [b"3", b"2", b"1", b"0"]
    assert len(queued.others) == 3


def test_drain_leaves_messages_for_later_unless_told_to_wait(
    make_bench: MakeBench, clock: MovedClock
) -> None:
    queued = Queued()
    bench = make_bench(queued.app)
    soon, late = START + timedelta(seconds=20), START + timedelta(hours=2)
    bench.queue.send_raw("inventory", b"soon", not_before=soon)
    bench.queue.send_raw("inventory", b"late", not_before=late)
    bench.host.drain()
    assert queued.messages == []
    asked: list[datetime] = []

    def wait_for(at: datetime) -> bool:
        asked.append(at)
        if at == soon:
            clock.time = soon  # as the real clock does while the host waits
        return at == soon

    bench.host.drain(wait_for=wait_for)
    assert queued.bodies == [b"soon"]
    assert asked[0] == soon
    assert asked[-1] == late


def test_drain_with_nothing_to_do_returns(make_bench: MakeBench) -> None:
    bench = make_bench(Queued().app)
    bench.host.drain()
    assert bench.told.events == []


def test_a_display_that_fails_decides_nothing(
    make_bench: MakeBench, caplog: pytest.LogCaptureFixture
) -> None:
    queued = Queued()
    bench = make_bench(queued.app)
    bench.host._means.runner._on_event = fail
    bench.queue.send_raw("inventory", b"1")
    bench.host.drain()
    assert [one.delivery_count for one in queued.messages] == [1]
    assert bench.queue.next_available_at("inventory") is None
    assert any("host.eventFailed" in one.getMessage() for one in caplog.records)


def test_events_name_the_organization_of_the_message(make_bench: MakeBench) -> None:
    bench = make_bench(Queued().app)
    work = {"version": 1, "organizationId": "org-1", "kind": "inventory", "revision": 7}
    bench.queue.send_raw("inventory", json.dumps(work).encode())
    bench.queue.send_raw("posture", b"no JSON")
    bench.host.drain()
    named = {(one.function, one.organization) for one in bench.told.events}
    assert named == {("work", "org-1"), ("other", "")}


def test_what_could_not_be_settled_is_settled_when_the_queue_is_back(
    make_bench: MakeBench, clock: MovedClock, tmp_path: Path
) -> None:
    """The lock would last for five minutes more, in which nobody would get the message."""
    held = Held()
    queued = Queued(held)
    queue_file = tmp_path / "queue.db"
    bench = make_bench(
        queued.app,
        stores=lambda settings, clock: (
            open_state(settings.state_url),
            EmbeddedQueue(queue_file, clock, busy_seconds=0.02),
        ),
    )
    bench.queue.send_raw("inventory", b"once")
    with bench.running():
        bench.told.wait_for(EventKind.STARTED, "work")
        holder = sqlite3.connect(queue_file, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        held.go_on.set()
        bench.told.wait_for(EventKind.FINISHED, "work")
        assert bench.queue.counts()["inventory"].locked == 1
        holder.close()
        bench.look()
        bench.look()
    assert bench.queue.counts()["inventory"] == QueueCounts()
    assert queued.bodies == [b"once"]
    assert clock.now() == START


def test_what_could_not_be_settled_is_settled_before_the_host_ends(
    make_bench: MakeBench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The queue is back right after the host has tried once more, and before it sees that it is done."""
    queue_file = tmp_path / "queue.db"
    with closing(sqlite3.connect(queue_file, isolation_level=None, check_same_thread=False)) as holder:
        bench = make_bench(
            Queued(lambda _: holder.execute("BEGIN EXCLUSIVE")).app,
            stores=lambda settings, clock: (
                open_state(settings.state_url),
                EmbeddedQueue(queue_file, clock, busy_seconds=0.02),
            ),
        )
        bench.queue.send_raw("inventory", b"once")

        def until() -> bool:
            (session,) = bench.host._sessions
            if "message.notSettled" not in caplog.text or session._in_hand():
                return False
            holder.execute("ROLLBACK")
            return True

        bench.host.run(until=until)
    assert bench.queue.counts()["inventory"] == QueueCounts()
