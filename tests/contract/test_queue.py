"""The queue: peek-lock delivery, scheduling, dead letters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.model.command import DoWork, OnboardOrganization
from shared.model.ids import OrganizationId
from shared.model.work import WorkKind
from shared.queue.messages import decode
from shared.queue.receiver import (
    MAX_DELIVERY_COUNT_EXCEEDED,
    MESSAGE_BYTES,
    QUEUES,
    Delivery,
    MessageLockLost,
    MessageTooLarge,
    Property,
    QueueCounts,
    UnknownQueue,
)
from tests.contract.adapters import Queue, QueuePlace

NAME = "inventory"


def one(queue: Queue, name: str = NAME) -> Delivery:
    (delivery,) = queue.receive(name)
    return delivery


def bodies(queue: Queue, name: str = NAME) -> list[bytes]:
    return [delivery.body for delivery in queue.receive(name, max_messages=100)]


def test_a_command_goes_to_its_queue(queue: Queue) -> None:
    work = DoWork(OrganizationId("o"), WorkKind.POSTURE, 7)
    forced = OnboardOrganization("contoso", "ana", "audit", "main")
    queue.send(work)
    queue.send(forced)
    assert queue.receive(NAME) == ()
    assert decode("posture", one(queue, "posture").body) == work
    assert decode("onboarding", one(queue, "onboarding").body) == forced


def test_a_delivery_tells_what_was_sent(queue: Queue, queue_place: QueuePlace) -> None:
    properties: dict[str, Property] = {
        "source": "cli",
        "attempt": 2,
        "share": 0.5,
        "forced": True,
        "ü": "名前",
    }
    told = queue.send_raw(NAME, b"\x00body\xff", message_id="m1", correlation_id="c1", properties=properties)
    delivery = one(queue)
    assert delivery == Delivery(
        queue=NAME,
        sequence_number=delivery.sequence_number if told is None else told,
        message_id="m1",
        body=b"\x00body\xff",
        delivery_count=1,
        enqueued_time=queue_place.clock.now(),
        lock_token=delivery.lock_token,
        locked_until=queue_place.clock.now() + queue_place.lock,
        correlation_id="c1",
        properties=properties,
    )
    assert delivery.lock_token
    assert delivery.sequence_number > 0


def test_messages_without_an_id_get_one_each(queue: Queue) -> None:
    queue.send_raw(NAME, b"")
    queue.send_raw(NAME, b"")
    first, second = queue.receive(NAME, max_messages=5)
    assert first.message_id
    assert first.message_id != second.message_id


def test_messages_come_in_the_order_they_were_sent(queue: Queue) -> None:
    for n in range(5):
        queue.send_raw(NAME, str(n).encode())
    deliveries = [*queue.receive(NAME, max_messages=2), *queue.receive(NAME, max_messages=100)]
    assert [delivery.body for delivery in deliveries] == [b"0", b"1", b"2", b"3", b"4"]
    numbers = [delivery.sequence_number for delivery in deliveries]
    assert numbers == sorted(set(numbers))
    assert queue.receive(NAME, max_messages=0) == ()


def test_a_locked_message_is_nobody_elses(queue: Queue, queue_place: QueuePlace) -> None:
    other = queue_place.rival()
    queue.send_raw(NAME, b"1")
    assert one(queue).delivery_count == 1
    assert other.receive(NAME) == ()
    assert queue.receive(NAME) == ()
    other.close()


def test_a_completed_message_is_gone(queue: Queue, queue_place: QueuePlace) -> None:
    queue.send_raw(NAME, b"1")
    delivery = one(queue)
    queue.complete(delivery)
    with pytest.raises(MessageLockLost):
        queue.complete(delivery)
    queue_place.clock.advance(days=1)
    assert queue.receive(NAME) == ()
    assert queue.counts()[NAME] == QueueCounts()


def test_an_abandoned_message_comes_again_at_once_and_first(queue: Queue) -> None:
    queue.send_raw(NAME, b"1")
    queue.send_raw(NAME, b"2")
    first = one(queue)
    queue.abandon(first)
    again = one(queue)
    assert (again.body, again.delivery_count) == (b"1", 2)
    assert again.lock_token != first.lock_token
    assert again.sequence_number == first.sequence_number
    for act in (queue.complete, queue.abandon, queue.renew):
        with pytest.raises(MessageLockLost):
            act(first)
    with pytest.raises(MessageLockLost):
        queue.dead_letter(first, reason="late")
    queue.complete(again)


def test_a_lock_lasts_to_its_end_and_no_longer(queue: Queue, queue_place: QueuePlace) -> None:
    queue.send_raw(NAME, b"1")
    first = one(queue)
    queue_place.clock.time = first.locked_until - timedelta(microseconds=1)
    assert queue.receive(NAME) == ()
    queue_place.clock.time = first.locked_until
    again = one(queue)
    assert again.delivery_count == 2
    with pytest.raises(MessageLockLost):
        queue.complete(first)
    queue.complete(again)


def test_a_receiver_whose_lock_ran_out_is_told_even_if_nobody_took_over(
    queue: Queue, queue_place: QueuePlace
) -> None:
    queue.send_raw(NAME, b"1")
    delivery = one(queue)
    queue_place.clock.time = delivery.locked_until
    for act in (queue.complete, queue.abandon, queue.renew):
        with pytest.raises(MessageLockLost):
            act(delivery)
    with pytest.raises(MessageLockLost):
        queue.dead_letter(delivery, reason="late")
    assert one(queue).delivery_count == 2


def test_a_renewed_lock_lasts_longer(queue: Queue, queue_place: QueuePlace) -> None:
    queue.send_raw(NAME, b"1")
    delivery = one(queue)
    now = queue_place.clock.advance(minutes=4)
    renewed = queue.renew(delivery)
    assert renewed.locked_until == now + queue_place.lock
    queue_place.clock.time = delivery.locked_until
    assert queue.receive(NAME) == ()
    queue.complete(renewed)
    queue_place.clock.advance(days=1)
    assert queue.receive(NAME) == ()


def test_the_first_copy_of_a_renewed_delivery_completes_too(queue: Queue, queue_place: QueuePlace) -> None:
    queue.send_raw(NAME, b"1")
    delivery = one(queue)
    queue_place.clock.advance(minutes=4)
    queue.renew(delivery)
    queue_place.clock.advance(minutes=4)
    queue.complete(delivery)
    assert queue.counts()[NAME] == QueueCounts()


def test_a_scheduled_message_comes_no_earlier(queue: Queue, queue_place: QueuePlace) -> None:
    due = queue_place.clock.now() + timedelta(hours=1)
    queue.send_raw(NAME, b"later", not_before=due)
    queue.send_raw(NAME, b"now")
    queue.send_raw(NAME, b"overdue", not_before=queue_place.clock.now() - timedelta(hours=1))
    assert bodies(queue) == [b"now", b"overdue"]
    queue_place.clock.time = due - timedelta(microseconds=1)
    queue.dead_letters(NAME)
    assert b"later" not in bodies(queue)
    queue_place.clock.time = due
    (later,) = [found for found in queue.receive(NAME, max_messages=9) if found.body == b"later"]
    assert (later.delivery_count, later.enqueued_time) == (1, due)


def test_a_scheduled_command_comes_no_earlier(queue: Queue, queue_place: QueuePlace) -> None:
    due = queue_place.clock.now() + timedelta(seconds=1)
    queue.send(DoWork(OrganizationId("o"), WorkKind.INVENTORY, 1), not_before=due)
    assert queue.receive(NAME) == ()
    queue_place.clock.advance(seconds=1)
    assert one(queue).enqueued_time == due


@pytest.mark.parametrize("how", ["abandon", "expire"])
def test_a_message_that_is_never_completed_is_given_up(
    queue: Queue, queue_place: QueuePlace, how: str
) -> None:
    queue.send_raw(NAME, b"poison", message_id="m1", correlation_id="c1", properties={"by": "ana"})
    for attempt in range(1, queue_place.max_delivery_count + 1):
        delivery = one(queue)
        assert delivery.delivery_count == attempt
        assert queue.dead_letters(NAME) == ()
        if how == "abandon":
            queue.abandon(delivery)
        else:
            queue_place.clock.time = delivery.locked_until
    assert queue.counts()[NAME] == QueueCounts(dead_lettered=1)
    assert queue.receive(NAME) == ()
    (dead,) = queue.dead_letters(NAME)
    assert dead.reason == MAX_DELIVERY_COUNT_EXCEEDED
    assert dead.description
    assert (dead.body, dead.message_id, dead.correlation_id) == (b"poison", "m1", "c1")
    assert dead.properties == {"by": "ana"}
    assert dead.delivery_count == queue_place.max_delivery_count


@pytest.mark.parametrize("look", ["list", "replay", "discard"])
def test_a_message_whose_last_lock_ran_out_is_a_dead_letter_to_whoever_looks_first(
    queue: Queue, queue_place: QueuePlace, look: str
) -> None:
    queue.send_raw(NAME, b"poison")
    for _ in range(queue_place.max_delivery_count - 1):
        queue.abandon(one(queue))
    queue_place.clock.time = one(queue).locked_until
    found: dict[str, Callable[[], int]] = {
        "list": lambda: len(queue.dead_letters(NAME)),
        "replay": lambda: queue.replay(NAME),
        "discard": lambda: queue.discard(NAME),
    }
    assert found[look]() == 1


def test_a_message_is_given_up_with_a_reason(queue: Queue) -> None:
    queue.send_raw(NAME, b"1")
    delivery = one(queue)
    queue.dead_letter(delivery, reason="MessageRefused", description="organization: is empty \ud800")
    with pytest.raises(MessageLockLost):
        queue.complete(delivery)
    (dead,) = queue.dead_letters(NAME)
    assert (dead.reason, dead.delivery_count) == ("MessageRefused", 1)
    assert dead.description.startswith("organization: is empty")
    assert queue.receive(NAME) == ()


def give_up(queue: Queue, body: bytes, name: str = NAME) -> int:
    queue.send_raw(name, body, message_id=body.decode(), properties={"by": "ana"})
    (delivery,) = queue.receive(name)
    queue.dead_letter(delivery, reason="Bug")
    return queue.dead_letters(name)[-1].sequence_number


def test_dead_letters_are_looked_at_without_a_change(queue: Queue) -> None:
    for body in (b"1", b"2", b"3"):
        give_up(queue, body)
    give_up(queue, b"other", "posture")
    first = queue.dead_letters(NAME)
    assert [dead.body for dead in first] == [b"1", b"2", b"3"]
    assert queue.dead_letters(NAME) == first
    assert [dead.body for dead in queue.dead_letters(NAME, limit=2)] == [b"1", b"2"]


def test_replayed_messages_are_new_ones(queue: Queue, queue_place: QueuePlace) -> None:
    give_up(queue, b"1")
    two = give_up(queue, b"2")
    now = queue_place.clock.advance(hours=1)
    assert queue.replay(NAME, [two, two, 999_999]) == 1
    replayed = one(queue)
    assert (replayed.body, replayed.message_id, replayed.properties) == (b"2", "2", {"by": "ana"})
    assert (replayed.delivery_count, replayed.enqueued_time) == (1, now)
    assert replayed.lock_token
    assert [dead.body for dead in queue.dead_letters(NAME)] == [b"1"]


def test_all_dead_letters_of_one_queue_are_replayed_in_order(queue: Queue) -> None:
    for body in (b"1", b"2", b"3"):
        give_up(queue, body)
    give_up(queue, b"other", "posture")
    assert queue.replay(NAME) == 3
    assert queue.replay(NAME) == 0
    assert bodies(queue) == [b"1", b"2", b"3"]
    assert len(queue.dead_letters("posture")) == 1


def test_only_dead_letters_are_discarded(queue: Queue) -> None:
    queue.send_raw("posture", b"alive")
    alive = one(queue, "posture")
    queue.abandon(alive)
    one_dead = give_up(queue, b"1")
    give_up(queue, b"2")
    assert queue.discard("posture", [alive.sequence_number, one_dead]) == 0
    assert queue.discard(NAME, [one_dead]) == 1
    assert [dead.body for dead in queue.dead_letters(NAME)] == [b"2"]
    assert queue.discard(NAME) == 1
    assert queue.dead_letters(NAME) == ()
    assert bodies(queue, "posture") == [b"alive"]


def test_messages_are_counted_by_what_can_be_done_with_them(queue: Queue, queue_place: QueuePlace) -> None:
    give_up(queue, b"dead")
    queue.send_raw(NAME, b"locked")
    one(queue)
    queue.send_raw(NAME, b"1")
    queue.send_raw(NAME, b"2")
    queue.send_raw(NAME, b"later", not_before=queue_place.clock.now() + timedelta(minutes=1))
    queue.send_raw("posture", b"other")
    assert queue.counts() == {
        **dict.fromkeys(QUEUES, QueueCounts()),
        NAME: QueueCounts(active=2, scheduled=1, locked=1, dead_lettered=1),
        "posture": QueueCounts(active=1),
    }
    queue_place.clock.advance(days=1)
    assert queue.counts()[NAME] == QueueCounts(active=4, dead_lettered=1)


def test_the_next_message_is_foretold(queue: Queue, queue_place: QueuePlace) -> None:
    start = queue_place.clock.now()
    assert queue.next_available_at(NAME) is None
    queue.send_raw(NAME, b"later", not_before=start + timedelta(hours=1))
    queue.send_raw("posture", b"now")
    assert queue.next_available_at(NAME) == start + timedelta(hours=1)
    queue.send_raw(NAME, b"now")
    due = queue.next_available_at(NAME)
    assert due is not None
    assert due <= start
    delivery = one(queue)
    assert queue.next_available_at(NAME) == delivery.locked_until
    queue.complete(delivery)
    assert queue.next_available_at(NAME) == start + timedelta(hours=1)
    queue_place.clock.advance(hours=2)
    queue.complete(one(queue))
    assert queue.next_available_at(NAME) is None


def test_a_message_that_will_be_given_up_is_not_foretold(queue: Queue, queue_place: QueuePlace) -> None:
    queue.send_raw(NAME, b"poison")
    for _ in range(queue_place.max_delivery_count - 1):
        queue.abandon(one(queue))
    one(queue)
    assert queue.next_available_at(NAME) is None


def test_a_message_of_the_largest_size_is_sent(queue: Queue) -> None:
    body = b"x" * (MESSAGE_BYTES - 1024)
    queue.send_raw(NAME, body)
    assert one(queue).body == body


@pytest.mark.parametrize(
    ("size", "properties"), [(MESSAGE_BYTES + 1, {}), (MESSAGE_BYTES - 1024, {"note": "x" * 2048})]
)
def test_a_message_that_is_too_large_is_not_sent(
    queue: Queue, size: int, properties: dict[str, str | int | float | bool]
) -> None:
    with pytest.raises(MessageTooLarge, match="262,144"):
        queue.send_raw(NAME, b"x" * size, properties=properties)
    assert queue.receive(NAME) == ()


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (b"bytes", TypeError, "note.*bytes"),
        (None, TypeError, "note.*NoneType"),
        (float("nan"), ValueError, "note.*finite"),
        (1 << 63, ValueError, "note.*64 bits"),
        ("half \ud83d", ValueError, "note.*UTF-8"),
    ],
)
def test_a_property_that_no_message_can_carry_is_refused_before_sending(
    queue: Queue, value: Property, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        queue.send_raw(NAME, b"1", properties={"note": value})
    assert queue.receive(NAME) == ()


def test_a_misspelt_queue_takes_nothing(queue: Queue) -> None:
    with pytest.raises(UnknownQueue, match="inventory"):
        queue.send_raw("invetnory", b"")
    for act in (queue.receive, queue.dead_letters, queue.replay, queue.discard, queue.next_available_at):
        with pytest.raises(UnknownQueue):
            act("invetnory")


def test_what_was_sent_is_there_for_every_other_handle(queue: Queue, queue_place: QueuePlace) -> None:
    queue.send_raw(NAME, b"1")
    other = queue_place.open()
    delivery = one(other)
    other.complete(delivery)
    other.close()
    assert queue.counts()[NAME] == QueueCounts()
