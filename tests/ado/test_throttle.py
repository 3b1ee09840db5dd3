"""Rate limits: who waits, how long, and what other processes learn."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from requests.structures import CaseInsensitiveDict

from shared.ado.advice import advice_of
from shared.ado.calls import READ_CONNECTION
from shared.ado.errors import Head, HourlyCapReached, RateLimited
from shared.ado.throttle import Gates, Limits, NotNowError
from shared.model.failure import Throttled
from shared.ports import AzureDevOps, ThrottleRecord
from tests.ado.bench import CONNECTION, PATIENCE, Bench
from tests.ado.wire_server import Asked, Reply, WireServer, failure, reply

KEY = "contoso|pat:ADO_PAT"
GOOD = reply(200, CONNECTION)
NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def blocked(**headers: str) -> Reply:
    return failure(
        429, "RequestBlockedException", {name.replace("_", "-"): told for name, told in headers.items()}
    )


def test_a_short_wait_is_slept_through(server: WireServer, bench: Bench, ado: AzureDevOps) -> None:
    server.say(blocked(Retry_After="5"), GOOD)
    ado.connection("contoso")
    assert len(server.asked) == 2
    assert 5 <= sum(bench.clock.slept) < 5.5


def test_waits_are_added_up_once(server: WireServer, bench: Bench, ado: AzureDevOps) -> None:
    server.say(blocked(Retry_After="5"), GOOD, blocked(Retry_After="5"), GOOD)
    ado.connection("contoso")
    ado.connection("contoso")
    bench.close()
    assert bench.store.records[KEY].throttled_seconds == pytest.approx(sum(bench.clock.slept))


def test_a_long_wait_is_given_back(server: WireServer, bench: Bench, ado: AzureDevOps) -> None:
    server.say(blocked(Retry_After="120"), GOOD)
    before = bench.clock.now()
    with pytest.raises(RateLimited) as caught:
        ado.connection("contoso")
    assert bench.clock.slept == []
    retry_at = caught.value.failure.retry_at
    assert retry_at is not None
    assert timedelta(seconds=120) <= retry_at - before < timedelta(seconds=121)
    with pytest.raises(RateLimited):
        ado.connection("contoso")
    assert len(server.asked) == 1
    bench.clock.advance(seconds=121)
    ado.connection("contoso")


def test_a_date_is_a_wait(server: WireServer, bench: Bench, ado: AzureDevOps) -> None:
    date = bench.clock.now()
    headers = {"Retry-After": format_datetime(date + timedelta(seconds=4), usegmt=True)}
    server.say(failure(429, "RequestBlockedException", headers), GOOD)
    ado.connection("contoso")
    assert 4 <= sum(bench.clock.slept) <= 6


def test_a_good_answer_may_ask_to_wait(server: WireServer, bench: Bench, ado: AzureDevOps) -> None:
    server.say(reply(200, CONNECTION, headers={"Retry-After": "3"}), GOOD)
    ado.connection("contoso")
    assert bench.clock.slept == []
    ado.connection("contoso")
    assert 3 <= sum(bench.clock.slept) < 3.5


def test_a_wait_holds_for_every_host_and_no_other_organization(
    server: WireServer, bench: Bench, ado: AzureDevOps
) -> None:
    server.say(blocked(Retry_After="60"), reply(200, {"count": 0, "value": []}))
    assert not ado.projects("contoso").complete
    with pytest.raises(Throttled):
        ado.group_sids("Contoso", "aad.x")
    with pytest.raises(Throttled):
        ado.installed_extension("CONTOSO", "a", "b")
    assert len(server.asked) == 1
    assert ado.projects("fabrikam").complete
    assert ado.accounts("x").complete
    assert set(bench.store.records) >= {KEY}


def test_blocks_without_a_wait_grow(server: WireServer, bench: Bench, ado: AzureDevOps) -> None:
    server.say(blocked())
    waits = []
    for _ in range(5):
        with pytest.raises(RateLimited) as caught:
            ado.connection("contoso")
        retry_at = caught.value.failure.retry_at
        assert retry_at is not None
        waits.append((retry_at - bench.clock.now()).total_seconds())
        bench.clock.advance(seconds=waits[-1] + 1)
    assert len(server.asked) == 5
    for wait, least in zip(waits, (60, 120, 240, 360, 360), strict=True):
        assert least <= wait + 0.001 <= min(least * 1.2, 360) + 1


@pytest.mark.parametrize("value", ["0", "Mon, 05 Jan 2026 11:00:00 GMT"])
def test_a_block_that_is_over_is_no_long_wait(
    server: WireServer, bench: Bench, ado: AzureDevOps, value: str
) -> None:
    server.say(blocked(Retry_After=value), GOOD)
    ado.connection("contoso")
    assert 1 <= sum(bench.clock.slept) < 1.5


def test_a_request_is_blocked_so_often_and_no_more(
    server: WireServer, bench: Bench, ado: AzureDevOps
) -> None:
    server.say(blocked(Retry_After="1"))
    with pytest.raises(RateLimited) as caught:
        ado.connection("contoso")
    assert len(server.asked) == 3
    assert caught.value.failure.retry_at is not None
    assert caught.value.failure.retry_at > bench.clock.now()


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({}, 0, 0),
        ({"retry-after": "7"}, 7, 7),
        ({"Retry-After": "1.5"}, 1.5, 1.5),
        ({"Retry-After": "soon"}, 0, 0),
        ({"Retry-After": "-5"}, 0, 0),
        ({"Retry-After": "nan"}, 0, 0),
        ({"Retry-After": "1e99"}, 86_400, 86_400),
        ({"Retry-After": "Mon, 05 Jan 2026 12:00:30 GMT"}, 30, 31),
        ({"Retry-After": "Mon, 05 Jan 2026 11:00:00 GMT"}, 0, 0),
        (
            {"Retry-After": "Mon, 05 Jan 2026 15:00:30 GMT", "Date": "Mon, 05 Jan 2026 15:00:00 GMT"},
            30,
            31,
        ),
        ({"X-RateLimit-Delay": "3.250"}, 3.25, 3.25),
        ({"Retry-After": "2", "X-RateLimit-Delay": "3.250"}, 3.25, 3.25),
        ({"X-RateLimit-Remaining": "100", "X-RateLimit-Limit": "200"}, 0, 0),
        ({"X-RateLimit-Remaining": "0"}, 0, 0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Limit": "0"}, 0, 0),
        # 200 used of the 160 that are ours: a fifth of the way to Reset.
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Limit": "200"}, 60, 60),
        (
            {"X-RateLimit-Remaining": "0", "X-RateLimit-Limit": "200", "X-RateLimit-Reset": "1767614500"},
            20,
            20,
        ),
        (
            {"X-RateLimit-Remaining": "20", "X-RateLimit-Limit": "200", "X-RateLimit-Reset": "1767614490"},
            9.9,
            10.1,
        ),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Limit": "200", "X-RateLimit-Reset": "5"}, 0, 0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Limit": "200", "X-RateLimit-Reset": "9e12"}, 720, 720),
    ],
)
def test_what_headers_ask_for(headers: dict[str, str], least: float, most: float) -> None:
    assert least - 1e-6 <= advice_of(CaseInsensitiveDict(headers), NOW, 0.2).wait <= most + 1e-6


def test_the_free_share_is_a_matter_of_settings() -> None:
    headers = {"X-RateLimit-Remaining": "20", "X-RateLimit-Limit": "200"}
    assert advice_of(headers, NOW, 0.0).wait == 0
    assert advice_of(headers, NOW, 0.5).wait > advice_of(headers, NOW, 0.2).wait > 0


def test_other_processes_wait_too(server: WireServer, bench: Bench, ado: AzureDevOps) -> None:
    server.say(blocked(Retry_After="60"), GOOD)
    with pytest.raises(RateLimited):
        ado.connection("contoso")
    record = bench.store.records[KEY]
    assert record.not_before is not None
    assert "Retry-After" in record.reason
    other = bench.connect()
    with pytest.raises(RateLimited) as caught:
        other.connection("contoso")
    assert "Retry-After" in caught.value.failure.reason
    assert len(server.asked) == 1
    bench.clock.advance(seconds=61)
    other.connection("contoso")


def test_two_processes_that_write_at_once_lose_nothing(
    server: WireServer, bench: Bench, ado: AzureDevOps
) -> None:
    later = bench.clock.now() + timedelta(hours=1)
    theirs = ThrottleRecord(not_before=later, reason="theirs", requests=40, hour=NOW, throttled_seconds=3)

    def intrude() -> None:
        bench.store.put_throttle(KEY, theirs)

    server.say(blocked(Retry_After="60"))
    bench.store.before_write = intrude
    with pytest.raises(RateLimited) as caught:
        ado.connection("contoso")
    record = bench.store.records[KEY]
    assert record.not_before == later
    assert record.requests == 41
    assert record.throttled_seconds == 3
    assert caught.value.failure.retry_at is not None
    assert caught.value.failure.retry_at >= later - timedelta(seconds=1)


def test_the_store_is_asked_seldom(server: WireServer, bench: Bench) -> None:
    server.say(GOOD)
    ado = bench.connect(ticks=time.monotonic)
    started = time.monotonic()
    for _ in range(100):
        ado.connection("contoso")
    seconds = time.monotonic() - started
    bench.close()
    assert bench.store.records[KEY].requests == 100
    assert bench.store.writes <= 100 / 20 + seconds + 2
    # A request looks twice, when it is admitted and when it starts, at what is known for 0.03 seconds.
    assert bench.store.reads <= min(2 * 100, seconds / 0.03) + bench.store.writes + 2


def test_a_store_that_is_away_stops_nobody(server: WireServer, bench: Bench) -> None:
    bench.store.is_away = True
    ado = bench.connect()
    server.say(blocked(Retry_After="3"), GOOD)
    ado.connection("contoso")
    assert 3 <= sum(bench.clock.slept) < 3.5


def test_the_hourly_cap_holds_across_processes(server: WireServer, bench: Bench) -> None:
    server.say(GOOD)
    one, two = bench.connect(hourly_cap=4), bench.connect(hourly_cap=4)
    for _ in range(3):
        one.connection("contoso")
    two.connection("contoso")
    with pytest.raises(HourlyCapReached) as caught:
        two.connection("contoso")
    assert caught.value.failure.retry_at == NOW + timedelta(hours=1)
    assert "4 requests per hour" in caught.value.failure.reason
    two.connection("fabrikam")
    assert len(server.asked) == 5
    bench.clock.advance(hours=1)
    two.connection("contoso")


def test_a_clock_that_no_longer_sleeps_ends_the_wait(server: WireServer, bench: Bench) -> None:
    class Stopping:
        def now(self) -> datetime:
            return bench.clock.now()

        def sleep(self, seconds: float) -> None:
            slept.append(seconds)

    slept: list[float] = []
    server.say(blocked(Retry_After="2"))
    with pytest.raises(RateLimited) as caught:
        bench.connect(clock=Stopping()).connection("contoso")
    assert caught.value.failure.retry_at is not None
    assert len(slept) == 1


class RealClock:
    def __init__(self) -> None:
        self.stop = threading.Event()
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.stop.wait(seconds)


def test_nothing_starts_while_the_service_asks_to_wait(server: WireServer, bench: Bench) -> None:
    """Eight threads, four of them waiting at the gate. In real time, since that is what is promised."""
    all_under_way = threading.Barrier(4, timeout=PATIENCE)
    told: list[float] = []
    lock = threading.Lock()

    def script(_: Asked) -> Reply:
        with lock:
            number = len(server.asked)
        if number > 4:
            return GOOD
        if all_under_way.wait() == 0:
            told.append(time.monotonic())
            return blocked(Retry_After="0.6")
        return Reply(GOOD.data, before=heeded)

    def heeded() -> None:
        """The others are answered when the client has read that it is to wait, and told it."""
        while bench.store.throttle(KEY).not_before is None:
            threading.Event().wait(0.01)

    clock = RealClock()
    ado = bench.connect(clock=clock, ticks=time.monotonic, concurrency=4)
    server.say(script)
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(ado.connection, "contoso") for _ in range(30)]:
            done.result()
    assert len(server.asked) == 31
    later = [asked.at - told[0] for asked in server.asked[4:]]
    assert min(later) >= 0.6
    assert max(clock.slept, default=0.0) < 0.7


def test_who_was_admitted_may_still_be_held_back(bench: Bench) -> None:
    where = READ_CONNECTION.where("contoso")
    gate = Gates(Limits(), bench.store, bench.clock, bench.clock.ticks).of("contoso", "x")
    with gate.admitted(where) as started, gate.admitted(where):
        gate.heed(Head(429, {"Retry-After": "9"}), started)
        with pytest.raises(NotNowError), gate.start():
            pytest.fail("it started")
    bench.clock.advance(seconds=10)
    with gate.admitted(where), gate.start():
        pass


def test_requests_blocked_together_are_one_block(bench: Bench) -> None:
    where = READ_CONNECTION.where("contoso")
    gate = Gates(Limits(), bench.store, bench.clock, bench.clock.ticks).of("contoso", "x")
    with gate.admitted(where) as first, gate.admitted(where) as second:
        gate.heed(Head(429, {}), first)
        gate.heed(Head(429, {}), second)
    until = gate.until()
    assert until is not None
    assert 60 <= (until - NOW).total_seconds() < 73


def test_a_clock_that_is_set_back_stalls_nobody(bench: Bench) -> None:
    class SetBack(RealClock):
        def now(self) -> datetime:
            return bench.clock.now()

    where = READ_CONNECTION.where("contoso")
    gate = Gates(Limits(), bench.store, SetBack()).of("contoso", "x")
    with gate.admitted(where) as started:
        gate.heed(Head(200, {"Retry-After": "0.2"}), started)
    bench.clock.jump(hours=-1)
    with gate.admitted(where) as started_again:
        assert started_again - started >= 0.2


def test_no_more_at_once_than_allowed(server: WireServer, bench: Bench) -> None:
    lock = threading.Lock()
    present, most = 0, 0
    gate = threading.Barrier(3, timeout=PATIENCE)

    def script(_: Asked) -> Reply:
        nonlocal present, most
        with lock:
            present += 1
            most = max(most, present)
        gate.wait()
        with lock:
            present -= 1
        return GOOD

    ado = bench.connect(concurrency=3)
    server.say(script)
    with ThreadPoolExecutor(12) as pool:
        for done in [pool.submit(ado.connection, "contoso") for _ in range(12)]:
            done.result()
    assert most == 3


def test_connections_are_used_again_by_every_thread(server: WireServer, bench: Bench) -> None:
    ado = bench.connect(concurrency=2)
    server.say(GOOD)
    for _ in range(5):
        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(ado.connection, "contoso") for _ in range(6)]:
                done.result()
    assert len({asked.connection for asked in server.asked}) <= 2
