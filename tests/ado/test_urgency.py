"""Who goes first, what is kept for whom, and what a wrong clock or an absent store cannot do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from shared.ado.advice import pace_of
from shared.ado.calls import READ_CONNECTION
from shared.ado.errors import Head, HourlyCapReached, RateLimited
from shared.ado.throttle import Gate, Gates, Limits
from shared.ports import ThrottleRecord, Urgency
from tests.ado.bench import Bench

WHERE = READ_CONNECTION.where("contoso")
KEY = "contoso|x"
BACKGROUND, NORMAL, URGENT = Urgency.BACKGROUND, Urgency.NORMAL, Urgency.URGENT


@pytest.fixture
def another(bench: Bench) -> Callable[..., Gate]:
    """The gate as another process has it."""

    def make(**limits: float) -> Gate:
        gates = Gates(Limits(**limits), bench.store, bench.clock, bench.clock.ticks)  # type: ignore[arg-type]
        return gates.of("contoso", "x")

    return make


def send(gate: Gate, urgency: Urgency = NORMAL, head: Head | None = None) -> None:
    with gate.admitted(WHERE, urgency) as started, gate.start():
        pass
    if head is not None:
        gate.heed(head, started)


def usage(remaining: float, limit: float = 200, *, reset: datetime) -> Head:
    told = {"Limit": limit, "Remaining": remaining, "Reset": reset.timestamp()}
    return Head(200, {f"X-RateLimit-{name}": str(value) for name, value in told.items()})


def test_the_most_urgent_of_those_who_wait_goes_first(another: Callable[..., Gate]) -> None:
    gate = another(concurrency=1)
    order: list[Urgency] = []

    def ask(urgency: Urgency) -> None:
        with gate.admitted(WHERE, urgency):
            order.append(urgency)

    with ThreadPoolExecutor(3) as pool:
        with gate.admitted(WHERE):
            for number, urgency in enumerate((BACKGROUND, NORMAL, URGENT), start=1):
                pool.submit(ask, urgency)
                while gate.waiting() < number:
                    threading.Event().wait(0.005)
            assert order == []
        pool.shutdown()
    assert order == [URGENT, NORMAL, BACKGROUND]


def test_background_stays_back_where_urgent_had_to_wait(bench: Bench, another: Callable[..., Gate]) -> None:
    one, two = another(), another()
    send(one, head=Head(429, {"Retry-After": "2"}))
    send(one, URGENT)
    assert 2 <= sum(bench.clock.slept) < 2.5
    bench.clock.slept.clear()
    send(two)
    assert bench.clock.slept == []
    send(two, BACKGROUND)
    assert 2.5 < sum(bench.clock.slept) <= 3
    bench.clock.slept.clear()
    send(two, BACKGROUND)
    assert bench.clock.slept == []


def test_background_leaves_twice_the_share_free(bench: Bench, another: Callable[..., Gate]) -> None:
    one, two = another(), another()
    send(one, head=usage(60, reset=bench.clock.now() + timedelta(seconds=300)))
    send(two)
    with pytest.raises(RateLimited) as caught:
        send(two, BACKGROUND)
    assert "free share" in caught.value.failure.reason
    assert caught.value.failure.retry_at is not None
    # 140 used of the 120 that are background's: a seventh of the way to Reset.
    assert 40 < (caught.value.failure.retry_at - bench.clock.now()).total_seconds() < 43


def test_the_end_of_the_hours_requests_is_kept_for_the_urgent(
    bench: Bench, another: Callable[..., Gate]
) -> None:
    one, two = another(hourly_cap=100), another(hourly_cap=100)
    sent = dict.fromkeys(Urgency, 0)
    for urgency in (BACKGROUND, NORMAL, URGENT):
        for gate in (one, two):
            for _ in range(100):
                try:
                    send(gate, urgency)
                except HourlyCapReached:
                    gate.close()
                    break
                sent[urgency] += 1
    assert sent == {BACKGROUND: 80, NORMAL: 15, URGENT: 5}
    assert bench.store.records[KEY].requests == 100


def test_an_absent_store_leaves_a_small_part_of_the_cap(bench: Bench, another: Callable[..., Gate]) -> None:
    gate = another(hourly_cap=80)
    bench.store.is_away = True
    # An eighth of the 76 that are not kept for the urgent.
    for _ in range(9):
        send(gate)
    with pytest.raises(HourlyCapReached) as caught:
        send(gate)
    assert caught.value.failure.retry_at == bench.clock.now() + timedelta(minutes=1)


def test_starts_slow_down_as_remaining_sinks() -> None:
    paces = [pace_of(remaining, 200, 60, 0.2) for remaining in (200, 199, 150, 100, 60, 45, 40, 0)]
    assert paces == sorted(paces)
    assert paces[0] == 0
    assert paces[3] == pytest.approx(60 / 60 * (1 - 60 / 160))
    assert paces[-1] == 30
    assert pace_of(100, 200, 60, 0.4) > paces[3] > pace_of(100, 200, 60, 0.0)


def test_processes_take_turns(bench: Bench, another: Callable[..., Gate]) -> None:
    one, two = another(), another()
    send(one, head=usage(100, reset=bench.clock.now() + timedelta(seconds=48)))
    started = bench.clock.now()
    for gate in (one, two, two, one, two):
        send(gate)
    # Every 0.5 seconds, less as Reset comes nearer; the first at once.
    assert 1.7 < (bench.clock.now() - started).total_seconds() <= 2.01


def test_a_full_stop_at_the_free_share(bench: Bench, another: Callable[..., Gate]) -> None:
    one, two = another(), another()
    send(one, head=usage(0, reset=bench.clock.now() + timedelta(seconds=300)))
    for gate in (one, two):
        with pytest.raises(RateLimited):
            send(gate, URGENT)


@pytest.mark.parametrize("wrong", [timedelta(days=2), timedelta(days=400)])
def test_a_wait_of_a_wrong_clock_is_as_long_as_it_was_meant(
    bench: Bench, another: Callable[..., Gate], wrong: timedelta
) -> None:
    then = bench.clock.now() + wrong
    record = ThrottleRecord(not_before=then + timedelta(seconds=5), held_at=then, hour=then, requests=10**6)
    bench.store.put_throttle(KEY, record)
    send(another(hourly_cap=50))
    assert sum(bench.clock.slept) == pytest.approx(5)
    # A wait that is noted later is not hidden behind it.
    send(another(), head=Head(429, {"Retry-After": "7"}))
    bench.clock.slept.clear()
    send(another())
    assert sum(bench.clock.slept) == pytest.approx(7, abs=0.1)


def test_a_wait_beyond_any_that_can_be_asked_for_is_not_believed(
    bench: Bench, another: Callable[..., Gate]
) -> None:
    bench.store.put_throttle(KEY, ThrottleRecord(not_before=bench.clock.now() + timedelta(days=30)))
    send(another())
    assert bench.clock.slept == []


@pytest.mark.parametrize("hours", [-30, 30])
def test_a_jump_of_the_clock_strands_nobody(bench: Bench, another: Callable[..., Gate], hours: int) -> None:
    gate = another(hourly_cap=50)
    send(gate, head=usage(100, reset=bench.clock.now() + timedelta(seconds=48)))
    for urgency in (URGENT, NORMAL, BACKGROUND):
        send(gate, urgency)
    bench.clock.jump(hours=hours)
    bench.clock.slept.clear()
    for urgency in (URGENT, NORMAL, BACKGROUND):
        send(gate, urgency)
        send(another(hourly_cap=50), urgency)
    assert sum(bench.clock.slept) < 10
