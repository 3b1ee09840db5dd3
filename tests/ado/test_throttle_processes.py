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
from tests.ado.bench import CONNECTION
from tests.ado.wire_server import Asked, Reply, WireServer, failure, reply

ROOT = Path(__file__).parents[2]
KEY = "contoso|pat:ADO_PAT"
GOOD = reply(200, CONNECTION)
WORKERS = 4
SPREAD = 0.15
"""Seconds in which the word gets around: a read holds for 0.03; the rest is for a machine that is busy."""


def took(seconds: float) -> Reply:
    """A good answer that takes a while."""
    return Reply(GOOD.data, before=lambda: threading.Event().wait(seconds))


@pytest.fixture
def race(server: WireServer, tmp_path: Path) -> Callable[..., list[dict[str, int]]]:
    """Start the workers, let them go together, and return what each tells."""

    def start(workers: int = WORKERS, **given: Any) -> list[dict[str, int]]:
        url = f"sqlite:///{tmp_path / 'state.db'}"
        open_state(url).close()
        barrier = threading.Barrier(workers)

        def one(number: int) -> dict[str, int]:
            given_to_it = {"url": server.url, "state": url, "name": f"w{number}", **given}
            command = [sys.executable, "-m", "tests.ado.gate_worker", json.dumps(given_to_it)]
            with subprocess.Popen(  # noqa: S603
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            ) as process:
                assert process.stdin is not None
                assert process.stdout is not None
                try:
                    assert process.stdout.readline() == "ready\n"
                    barrier.wait(timeout=60)
                    process.stdin.write("go\n")
                    process.stdin.flush()
                    line = process.stdout.readline()
                    assert line, "the worker failed; its traceback is above"
                    told: dict[str, int] = json.loads(line)
                    return told
                finally:
                    process.kill()

        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(one, range(workers)))

    return start


def test_a_wait_told_to_one_holds_for_all(
    server: WireServer, race: Callable[..., list[dict[str, int]]]
) -> None:
    lock = threading.Lock()
    answered: list[float] = []
    number = 0

    def script(asked: Asked) -> Reply:
        nonlocal number
        if "/contoso/" not in asked.target:
            return took(0.02)
        with lock:
            number += 1
            if number == 40:
                answered.append(time.monotonic())
                return failure(429, "RequestBlockedException", {"Retry-After": "2"})
        return took(0.02)

    server.say(script)
    told = race(count=30, meanwhile="fabrikam")
    (at,) = answered
    ours = [asked.at - at for asked in server.asked if "/contoso/" in asked.target]
    others = [asked for asked in server.asked if "/contoso/" not in asked.target]
    assert len(ours) == WORKERS * 30 + 1
    assert [one for one in ours if SPREAD < one < 2.0] == []
    assert len([one for one in ours if one >= 2.0]) > 40, "too few were left to be held back"
    for name in range(WORKERS):
        went_on = [one for one in others if one.headers["user-agent"] == f"w{name}" and 0 < one.at - at < 2]
        assert len(went_on) >= 10
    assert sum(one["sent"] for one in told) == WORKERS * 30


def test_quiet_requests_cost_few_state_operations(
    server: WireServer, race: Callable[..., list[dict[str, int]]]
) -> None:
    server.say(took(0.005))
    started = time.monotonic()
    told = race(count=100)
    seconds = time.monotonic() - started
    for one in told:
        assert one["sent"] == 100
        assert one["reads"] <= 100 + one["writes"]
        # One per 20 requests, one a second while idle, one at the end, and each may meet another's.
        assert one["writes"] <= 2 * (100 / 20 + seconds + 1)


@pytest.fixture
def early() -> float:
    """Seconds to add to the time so that no hour ends within the test."""
    now = datetime.now(UTC)
    return float(600 - now.minute * 60 - now.second)


def test_the_hourly_cap_is_never_exceeded(
    server: WireServer, race: Callable[..., list[dict[str, int]]], tmp_path: Path, early: float
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
    server: WireServer, race: Callable[..., list[dict[str, int]]], tmp_path: Path, early: float
) -> None:
    server.say(took(0.005))
    race(count=3, cap=1000, ahead=early, crash=True)
    state = open_state(f"sqlite:///{tmp_path / 'state.db'}")
    requests = state.throttle(KEY).requests
    state.close()
    assert len(server.asked) == WORKERS * 3
    assert len(server.asked) <= requests <= WORKERS * 20


def test_four_processes_pace_like_one(server: WireServer, race: Callable[..., list[dict[str, int]]]) -> None:
    def script(_: Asked) -> Reply:
        told = {
            "X-RateLimit-Limit": "200",
            "X-RateLimit-Remaining": "100",
            "X-RateLimit-Reset": str(time.time() + 10),
        }
        return reply(200, CONNECTION, headers=told)

    server.say(script)
    race(count=8, threads=1)
    # 60 of the 160 that are ours are left, for ten seconds: a start about every 0.104 seconds. The first of
    # each process starts before anything is known.
    at = [asked.at for asked in server.asked][WORKERS:]
    pace = (at[-1] - at[0]) / (len(at) - 1)
    assert 0.09 < pace < 0.25
    assert len(Counter(asked.headers["user-agent"] for asked in server.asked)) == WORKERS
