"""Four processes on one state, and a server that tells when each request came, in real time."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.connector_state import open_state
from tests.ado.bench import CONNECTION, PATIENCE
from tests.ado.wire_server import Asked, Reply, WireServer, failure, reply

ROOT = Path(__file__).parents[2]
KEY = "contoso|pat:ADO_PAT"
GOOD = reply(200, CONNECTION)
WORKERS = 4
FRESH = 0.03
"""Seconds for which a process goes by what it has read."""


def took(seconds: float) -> Reply:
    """A good answer that takes a while."""
    return Reply(GOOD.data, before=lambda: threading.Event().wait(seconds))


@pytest.fixture
def race(server: WireServer, tmp_path: Path) -> Callable[..., list[dict[str, float]]]:
    """Start the workers, let them go together, and return what each tells."""

    def start(workers: int = WORKERS, **given: Any) -> list[dict[str, float]]:
        url = f"sqlite:///{tmp_path / 'state.db'}"
        open_state(url).close()
        barrier = threading.Barrier(workers)

        def one(number: int) -> dict[str, float]:
            given_to_it = {"url": server.url, "state": url, "name": f"w{number}", **given}
            command = [sys.executable, "-m", "tests.ado.gate_worker", json.dumps(given_to_it)]
            with subprocess.Popen(  # noqa: S603
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            ) as process:
                assert process.stdin is not None
                assert process.stdout is not None
                try:
                    assert process.stdout.readline() == "ready\n"
                    barrier.wait(PATIENCE)
                    process.stdin.write("go\n")
                    process.stdin.flush()
                    line = process.stdout.readline()
                    assert line, "the worker failed; its traceback is above"
                    told: dict[str, float] = json.loads(line)
                    return told
                finally:
                    process.kill()

        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(one, range(workers)))

    return start


def test_a_wait_told_to_one_holds_for_all(
    server: WireServer, race: Callable[..., list[dict[str, float]]], tmp_path: Path
) -> None:
    """While every thread of every process is under way, one is told to wait: no other may start again."""
    free, threads = 3, 2
    lock = threading.Lock()
    requests: Counter[str] = Counter()
    all_under_way = threading.Barrier(WORKERS * threads, timeout=PATIENCE)
    answered: list[float] = []

    def script(asked: Asked) -> Reply:
        if "/contoso/" not in asked.target:
            return took(0.02)
        name = asked.headers["user-agent"]
        with lock:
            requests[name] += 1
            number = requests[name]
        if number <= free or number > free + threads:
            return took(0.02)
        if all_under_way.wait() == 0:
            answered.append(time.monotonic())
            return failure(429, "RequestBlockedException", {"Retry-After": "2"})
        return Reply(GOOD.data, before=it_is_known)

    def it_is_known() -> None:
        with open_state(f"sqlite:///{tmp_path / 'state.db'}") as state:
            while state.throttle(KEY).not_before is None:
                threading.Event().wait(0.01)
        threading.Event().wait(2 * FRESH)

    server.say(script)
    told = race(count=30, threads=threads, meanwhile="fabrikam")
    (at,) = answered
    ours = [asked.at - at for asked in server.asked if "/contoso/" in asked.target]
    others = [asked for asked in server.asked if "/contoso/" not in asked.target]
    assert len(ours) == WORKERS * 30 + 1
    assert [one for one in ours if 0 < one < 2.0] == []
    assert len([one for one in ours if one >= 2.0]) == len(ours) - WORKERS * (free + threads)
    for number, one in enumerate(told):
        assert [asked for asked in others if asked.headers["user-agent"] == f"w{number}" and asked.at > at]
        assert one["other_slept"] == 0
    assert sum(one["sent"] for one in told) == WORKERS * 30


def test_quiet_requests_cost_few_state_operations(
    server: WireServer, race: Callable[..., list[dict[str, float]]]
) -> None:
    server.say(took(0.005))
    told = race(count=100)
    written = sum(one["written"] for one in told)
    for one in told:
        assert one["sent"] == 100
        # What was read holds for a while, and is read anew before each write.
        assert one["reads"] <= one["seconds"] / FRESH + 1 + one["writes"]
        # One per 20 requests and one a second while idle, of two threads at once; and one at the end.
        assert one["written"] <= 2 * (100 / 20 + one["seconds"]) + 1
        # A write fails only where another process has written.
        assert one["writes"] <= written


@pytest.fixture
def early() -> float:
    """Seconds to add to the time so that no hour ends within the test."""
    now = datetime.now(UTC)
    return float(600 - now.minute * 60 - now.second)


def test_the_hourly_cap_is_never_exceeded(
    server: WireServer, race: Callable[..., list[dict[str, float]]], tmp_path: Path, early: float
) -> None:
    server.say(took(0.005))
    told = race(count=60, cap=100, ahead=early)
    # Five of them are kept for urgent requests.
    assert 90 <= len(server.asked) <= 95
    assert sum(one["sent"] for one in told) == len(server.asked)
    state = open_state(f"sqlite:///{tmp_path / 'state.db'}")
    assert state.throttle(KEY).requests == len(server.asked)
    state.close()


def test_a_crash_loses_a_block_at_most(
    server: WireServer, race: Callable[..., list[dict[str, float]]], tmp_path: Path, early: float
) -> None:
    server.say(took(0.005))
    race(count=3, cap=1000, ahead=early, crash=True)
    state = open_state(f"sqlite:///{tmp_path / 'state.db'}")
    requests = state.throttle(KEY).requests
    state.close()
    assert len(server.asked) == WORKERS * 3
    # Of each block of 20 at least one was sent.
    assert 0 <= requests - len(server.asked) <= WORKERS * 19


def test_four_processes_pace_like_one(
    server: WireServer, race: Callable[..., list[dict[str, float]]]
) -> None:
    answered: list[float] = []

    def script(_: Asked) -> Reply:
        answered.append(time.monotonic())
        told = {
            "X-RateLimit-Limit": "200",
            "X-RateLimit-Remaining": "100",
            "X-RateLimit-Reset": str(time.time() + 10),
        }
        return reply(200, CONNECTION, headers=told)

    server.say(script)
    told = race(count=8, threads=1)
    # 60 of the 160 that are ours are left, for ten seconds: a start about every 0.104 seconds. The first of
    # each process starts before anything is known.
    paced = len(server.asked) - WORKERS
    assert max(asked.at for asked in server.asked) - min(answered) > 0.09 * (paced - 1)
    # How long they took is as much the machine's doing; how long they meant to wait is ours.
    for one in told:
        assert one["slept"] < 0.25 * paced
    assert len(Counter(asked.headers["user-agent"] for asked in server.asked)) == WORKERS
