"""Locks and leases die with the process that held them, in one file that state and queue share."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.connector_state import open_state
from shared.ports import State
from shared.queue import open_queue
from shared.wiring.process import gone, is_alive
from tests.contract.adapters import FakeClock, StatePlace
from tests.contract.processes import answer, worker
from tests.contract.records import lease


@pytest.fixture
def state_place(tmp_path: Path) -> StatePlace:
    return StatePlace(f"sqlite:///{tmp_path / 'both.db'}")


@pytest.fixture
def state(state_place: StatePlace) -> Iterator[State]:
    with open_state(state_place.url) as opened:
        yield opened


def test_what_a_killed_process_held_is_free_again(state: State, state_place: StatePlace) -> None:
    clock = FakeClock()
    queue = open_queue(state_place.url, clock, owner="the test", is_alive=is_alive)
    queue.send_raw("inventory", b"1")
    queue.send_raw("inventory", b"2")
    with worker("hold", state_place.url) as process:
        owner = answer(process)
        assert isinstance(owner, str)
        assert queue.receive("inventory") == ()
        assert gone([owner]) == ()
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)

        assert gone([owner]) == (owner,)
        deliveries = queue.receive("inventory", max_messages=5)
        assert [(one.body, one.delivery_count) for one in deliveries] == [(b"1", 2), (b"2", 2)]
        (held,) = state.work()
        assert held.leased_by == owner
        assert state.release_leases_of(gone([held.leased_by])) == 1
        assert lease(state, owner="the test").attempt == 2
    queue.close()


def test_the_locks_of_a_killed_process_are_free_when_the_queue_is_opened(state_place: StatePlace) -> None:
    state_place.open().close()
    sender = open_queue(state_place.url, FakeClock())
    sender.send_raw("inventory", b"1")
    with worker("hold", state_place.url) as process:
        answer(process)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
        assert sender.counts()["inventory"].locked == 1
        open_queue(state_place.url, FakeClock(), is_alive=is_alive).close()
        assert sender.counts()["inventory"].active == 1
    sender.close()
