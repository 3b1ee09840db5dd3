from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.adapters import QUEUES, STATES, Queue, QueuePlace, State, StatePlace


@pytest.fixture(params=STATES)
def state_place(request: pytest.FixtureRequest, tmp_path: Path) -> StatePlace:
    return STATES[request.param](tmp_path)


@pytest.fixture
def state(state_place: StatePlace) -> Iterator[State]:
    opened = state_place.open()
    yield opened
    opened.close()


@pytest.fixture(params=QUEUES)
def queue_place(request: pytest.FixtureRequest, tmp_path: Path) -> QueuePlace:
    return QUEUES[request.param](tmp_path)


@pytest.fixture
def queue(queue_place: QueuePlace) -> Iterator[Queue]:
    with queue_place.main() as opened:
        yield opened
