"""The adapters that the contract suites run over. A new adapter is a line here, not a change of a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from shared.connector_state import open_state
from shared.ports import CommandSender, ConnectorState, ThrottleStore
from shared.queue import open_queue
from shared.queue.receiver import DeadLetters, QueueCounts, RawSender, Receiver

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class State(ConnectorState, ThrottleStore, Protocol):
    def close(self) -> None: ...


class Queue(CommandSender, RawSender, Receiver, DeadLetters, Protocol):
    def close(self) -> None: ...
    def counts(self) -> Mapping[str, QueueCounts]: ...
    def next_available_at(self, queue: str) -> datetime | None: ...


class FakeClock:
    def __init__(self, now: datetime = START) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    def advance(self, **by: float) -> datetime:
        self.time += timedelta(**by)
        return self.time


@dataclass(frozen=True)
class StatePlace:
    """A store that any number of handles, also in other processes, may be opened on by its URL."""

    url: str
    """An empty store of this test's own."""

    def open(self) -> State:
        return open_state(self.url)


@dataclass(frozen=True)
class QueuePlace:
    url: str
    clock: FakeClock
    """The time that the queue goes by. An adapter of a real broker moves the broker's clock with it."""
    lock: timedelta = timedelta(minutes=5)
    max_delivery_count: int = 10

    def open(self, owner: str = "", is_alive: Callable[[str], bool] | None = None) -> Queue:
        return open_queue(self.url, self.clock, owner=owner, is_alive=is_alive)


STATES: Mapping[str, Callable[[Path], StatePlace]] = {
    "sqlite": lambda folder: StatePlace(f"sqlite:///{folder / 'state.db'}"),
}

QUEUES: Mapping[str, Callable[[Path], QueuePlace]] = {
    "embedded": lambda folder: QueuePlace(f"sqlite:///{folder / 'queue.db'}", FakeClock()),
}
