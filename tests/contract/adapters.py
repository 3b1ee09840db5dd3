"""The adapters that the contract suites run over. A new adapter is a line here, not a change of a test."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Protocol

from shared.connector_state import open_state
from shared.ports import ConnectorState, MappingGraph, SignInStore, ThrottleStore
from shared.queue import open_queue
from shared.queue.receiver import QUEUES as QUEUE_NAMES
from shared.queue.receiver import Queues
from tests.amqp_broker.broker import Broker
from tests.amqp_broker.client import patient_queue
from tests.azurite.server import shared

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class State(ConnectorState, ThrottleStore, SignInStore, MappingGraph, Protocol):
    def close(self) -> None: ...


Queue = Queues


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

    def rival(self) -> Queue:
        """A handle that asks for what others hold, and is not to wait for it."""
        return open_queue(self.url, self.clock)

    def main(self) -> AbstractContextManager[Queue]:
        """The handle that most of a test goes by."""
        return closing(self.open())


class BrokerClock(FakeClock):
    """The broker's clock, which goes when a test moves this one and stands still otherwise.

    It starts at the present: the client judges by the real time whether a lock has run out.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        super().__init__(datetime.now(UTC).replace(microsecond=0))

    @property
    def time(self) -> datetime:
        return self._time

    @time.setter
    def time(self, now: datetime) -> None:
        self._time = now
        self._broker.set_time(now)


@dataclass(frozen=True)
class BrokerPlace(QueuePlace):
    """Empty queues on the broker of this process."""

    _: KW_ONLY
    queue: Queue

    def open(self, owner: str = "", is_alive: Callable[[str], bool] | None = None) -> Queue:
        del owner, is_alive  # the service knows neither
        return patient_queue(self.url, self.clock)

    def main(self) -> AbstractContextManager[Queue]:
        """One handle for all tests: the client takes half a second to open a link, and to close it."""
        return nullcontext(self.queue)


def servicebus(_: Path) -> BrokerPlace:
    broker, clock, queue = _started()
    broker.clear()
    clock.time = datetime.now(UTC).replace(microsecond=0)
    return BrokerPlace(broker.connection_string, clock, queue=queue)


@cache
def _started() -> tuple[Broker, BrokerClock, Queue]:
    broker = Broker(QUEUE_NAMES).start()
    atexit.register(broker.stop)
    clock = BrokerClock(broker)
    return broker, clock, patient_queue(broker.connection_string, clock)


STATES: Mapping[str, Callable[[Path], StatePlace]] = {
    "sqlite": lambda folder: StatePlace(f"sqlite:///{folder / 'state.db'}"),
    "tables": lambda _: StatePlace(shared().url()),
}

QUEUES: Mapping[str, Callable[[Path], QueuePlace]] = {
    "embedded": lambda folder: QueuePlace(f"sqlite:///{folder / 'queue.db'}", FakeClock()),
    "servicebus": servicebus,
}
