"""What is particular to the embedded queue: its file, owners of locks, many waiting messages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from shared.ports import StateUnavailable
from shared.queue.box import DEATHS_MOST
from shared.queue.embedded import EmbeddedQueue
from shared.queue.receiver import QueueUnavailable
from tests.contract.adapters import START, FakeClock

NAME = "inventory"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


@pytest.fixture
def queue(file: Path, clock: FakeClock) -> Iterator[EmbeddedQueue]:
    with EmbeddedQueue(file, clock, owner="ours", busy_seconds=0.05) as opened:
        yield opened


def test_locks_and_deliveries_are_as_asked_for(file: Path, clock: FakeClock) -> None:
    lock = timedelta(seconds=30)
    with EmbeddedQueue(file, clock, lock_duration=lock, max_delivery_count=2) as queue:
        queue.send_raw(NAME, b"1")
        for _ in range(2):
            (delivery,) = queue.receive(NAME)
            assert delivery.locked_until == clock.now() + lock
            queue.abandon(delivery)
        (dead,) = queue.dead_letters(NAME)
        assert dead.description == "Delivered 2 times without being completed."
        assert dead.dead_lettered_at == START


def test_locks_of_owners_that_are_gone_are_released(
    queue: EmbeddedQueue, file: Path, clock: FakeClock
) -> None:
    with EmbeddedQueue(file, clock, owner="gone") as gone:
        queue.send_raw(NAME, b"1")
        queue.send_raw(NAME, b"2")
        (ours,) = queue.receive(NAME)
        (theirs,) = gone.receive(NAME)
        assert queue.lock_owners() == {"ours", "gone"}
        assert queue.release_locks_of(["gone", "unheard of"]) == 1
        assert queue.release_locks_of(["gone"]) == 0
        (again,) = queue.receive(NAME)
        assert (again.body, again.delivery_count) == (theirs.body, 2)
    queue.complete(ours)
    queue.complete(again)
    assert queue.lock_owners() == frozenset()


def die_with_it(file: Path, clock: FakeClock, times: int) -> None:
    for number in range(times):
        with EmbeddedQueue(file, clock, owner=f"p{number}", is_alive=lambda _: False) as victim:
            (delivery,) = victim.receive(NAME)
            assert delivery.delivery_count == number + 1


def test_a_message_whose_processes_are_killed_again_and_again_is_not_given_up(
    file: Path, clock: FakeClock
) -> None:
    with EmbeddedQueue(file, clock, owner="host") as sender:
        sender.send_raw(NAME, b"unlucky")
    die_with_it(file, clock, 30)
    with EmbeddedQueue(file, clock, owner="last", is_alive=lambda _: False) as survivor:
        for _ in range(survivor.max_delivery_count):
            (delivery,) = survivor.receive(NAME)
            survivor.abandon(delivery)
        assert survivor.receive(NAME) == ()
        assert [dead.reason for dead in survivor.dead_letters(NAME)] == ["MaxDeliveryCountExceeded"]


def test_a_message_that_kills_its_processes_is_given_up_in_the_end(file: Path, clock: FakeClock) -> None:
    with EmbeddedQueue(file, clock, owner="host") as sender:
        sender.send_raw(NAME, b"deadly")
    die_with_it(file, clock, DEATHS_MOST)
    with EmbeddedQueue(file, clock, owner="last", is_alive=lambda _: False) as survivor:
        assert survivor.receive(NAME) == ()
        assert [dead.body for dead in survivor.dead_letters(NAME)] == [b"deadly"]


def test_the_living_keep_their_locks(queue: EmbeddedQueue, file: Path, clock: FakeClock) -> None:
    queue.send_raw(NAME, b"1")
    (delivery,) = queue.receive(NAME)
    with EmbeddedQueue(file, clock, owner="other", is_alive=lambda owner: owner == "ours") as other:
        assert other.receive(NAME) == ()
    queue.complete(delivery)


def test_our_own_locks_are_not_asked_after(file: Path, clock: FakeClock) -> None:
    with EmbeddedQueue(file, clock, owner="ours", is_alive=lambda _: False) as queue:
        queue.send_raw(NAME, b"1")
        (delivery,) = queue.receive(NAME)
        assert queue.receive(NAME) == ()
        queue.complete(delivery)


def test_messages_survive_their_sender(queue: EmbeddedQueue, file: Path, clock: FakeClock) -> None:
    number = queue.send_raw(NAME, b"1")
    queue.close()
    with EmbeddedQueue(file, clock) as again:
        (delivery,) = again.receive(NAME)
        assert (delivery.sequence_number, delivery.body) == (number, b"1")
        again.complete(delivery)
        assert again.send_raw(NAME, b"2") > number


def test_text_that_somebody_wrote_into_the_file_is_a_body_too(queue: EmbeddedQueue, file: Path) -> None:
    queue.send_raw(NAME, b"1")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE queue_messages SET body = 'gr\u00fc\u00df dich'")
    (delivery,) = queue.receive(NAME)
    assert delivery.body == "gr\u00fc\u00df dich".encode()
    queue.dead_letter(delivery, reason="MessageRefused")
    (letter,) = queue.dead_letters(NAME)
    assert letter.body == delivery.body


def test_receiving_does_not_look_at_what_waits_for_its_time(queue: EmbeddedQueue, file: Path) -> None:
    for _ in range(50):
        queue.send_raw(NAME, b"later", not_before=START + timedelta(days=1))
    queue.send_raw(NAME, b"now")
    with closing(sqlite3.connect(file)) as other:
        from shared.queue.embedded import _TAKE  # noqa: PLC0415 - the very statement

        plan = " ".join(str(row) for row in other.execute(f"EXPLAIN QUERY PLAN {_TAKE}", (NAME, 1)))
    assert "USING INDEX queue_ready" in plan
    assert "TEMP B-TREE" not in plan
    assert [one.body for one in queue.receive(NAME, max_messages=9)] == [b"now"]


def test_an_idle_queue_is_asked_without_taking_the_write_lock(queue: EmbeddedQueue, file: Path) -> None:
    queue.send_raw(NAME, b"later", not_before=START + timedelta(days=1))
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert queue.receive(NAME) == ()
        assert queue.counts()[NAME].scheduled == 1
        assert queue.dead_letters(NAME) == ()
        with pytest.raises(QueueUnavailable, match="locked"):
            queue.send_raw(NAME, b"1")
        other.execute("ROLLBACK")
    queue.send_raw(NAME, b"1")
    assert queue.counts()[NAME].active == 1


def test_a_closed_queue_is_unavailable_like_the_state(queue: EmbeddedQueue) -> None:
    queue.close()
    queue.close()
    with pytest.raises(StateUnavailable, match="closed"):
        queue.receive(NAME)


def test_ids_have_the_length_that_brokers_take(queue: EmbeddedQueue) -> None:
    queue.send_raw(NAME, b"", message_id="x" * 128)
    with pytest.raises(ValueError, match="128"):
        queue.send_raw(NAME, b"", message_id="x" * 129)
    with pytest.raises(ValueError, match="128"):
        queue.send_raw(NAME, b"", correlation_id="x" * 129)
    assert queue.counts()[NAME].active == 1
