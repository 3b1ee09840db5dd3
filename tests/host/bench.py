"""A host on a real queue, in a thread of its own, with a clock that tests move."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import azure.functions as func

from local.host import Event, EventKind, Host
from local.host.host import GRACE
from shared.ports import Clock
from shared.wiring.runtime import OpenStores, Runtime, build_runtime
from shared.wiring.settings import Settings

PATIENCE = 60.0
"""Seconds until a test that waits in vain fails."""

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

HOST_JSON = """{
  "version": "2.0",
  "functionTimeout": "00:20:00",
  "extensions": {
    "serviceBus": {"maxConcurrentCalls": 2, "maxAutoLockRenewalDuration": "00:10:00"}
  }
}"""


class MovedClock:
    """Stands still until it is moved."""

    def __init__(self, start: datetime = START) -> None:
        self.time = start
        self.on_move: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nobody sleeps here ({seconds})")

    def move_to(self, moment: datetime) -> None:
        self.time = moment
        self.on_move()

    def move(self, **units: float) -> None:
        self.move_to(self.time + timedelta(**units))


class Told:
    """The host's events, and a way to wait for them."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._changed = threading.Condition()

    def __call__(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def of(self, kind: EventKind, function: str | None = None) -> list[Event]:
        return [one for one in self.events if one.kind is kind and function in {None, one.function}]

    def wait_for(self, kind: EventKind, function: str, count: int = 1) -> list[Event]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.of(kind, function)) >= count, PATIENCE), (
                self.events
            )
            return self.of(kind, function)


def add_look(app: func.FunctionApp) -> None:
    """Add the function that `Bench.look` needs."""

    @app.service_bus_queue_trigger("message", connection="Bus", queue_name="onboarding")
    def looked(message: func.ServiceBusMessage) -> None:
        del message


class Bench:
    """One host of one test app."""

    def __init__(
        self,
        app: func.FunctionApp,
        runtime: Runtime,
        clock: Clock,
        folder: Path,
        *,
        settings: Mapping[str, str] | None = None,
        grace: timedelta = GRACE,
    ) -> None:
        self.app = app
        self.runtime = runtime
        self.queue = runtime.queue
        self.clock = clock
        self.told = Told()
        host_json = folder / "host.json"
        if not host_json.exists():
            host_json.write_text(HOST_JSON, encoding="utf-8")
        self.host = Host(
            app, runtime, host_json=host_json, settings=settings, on_event=self.told, grace=grace
        )
        if isinstance(clock, MovedClock):
            clock.on_move = self.host.wake

    def look(self) -> None:
        """Returns when the host has looked at its locks and timers: it does so before it takes a message.

        The first message may be taken by a look that had begun before; the second cannot.
        """
        for _ in range(2):
            before = len(self.told.of(EventKind.FINISHED, "looked"))
            self.queue.send_raw("onboarding", b"{}")
            self.host.wake()
            self.told.wait_for(EventKind.FINISHED, "looked", before + 1)

    def look_until(self, is_so: Callable[[], bool]) -> None:
        """Looks again until it is so: what was told as finished is noted a moment later."""
        deadline = time.monotonic() + PATIENCE
        while not is_so():
            assert time.monotonic() < deadline
            self.look()

    @contextmanager
    def running(self) -> Iterator[None]:
        """The host goes on beside the test, and has ended when the block has."""
        looked = threading.Event()
        done = threading.Event()
        problems: list[BaseException] = []

        def until() -> bool:
            looked.set()
            return done.is_set()

        def run() -> None:
            try:
                self.host.run(until=until)
            except BaseException as problem:  # noqa: BLE001 - raised again below
                problems.append(problem)
                looked.set()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        assert looked.wait(PATIENCE)
        try:
            yield
        finally:
            done.set()
            self.host.wake()
            thread.join(PATIENCE)
        assert not thread.is_alive()
        if problems:
            raise problems[0]


def make_runtime(folder: Path, clock: Clock, stores: OpenStores | None = None) -> Runtime:
    settings = Settings(state_url=f"sqlite:///{folder / 'state.db'}")
    return build_runtime(settings, clock=clock, stores=stores)
