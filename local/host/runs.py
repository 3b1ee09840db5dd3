"""One run of one function, from its arguments to what became of it."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from queue import SimpleQueue
from typing import Any

import azure.functions as func

from local.host.arguments import queue_arguments, timer_arguments, with_context
from local.host.events import Event, EventKind, OnEvent
from local.host.functions import Function, HttpFunction, QueueFunction, TimerFunction
from local.host.timer_store import TimerStatus, TimerStore
from shared import wiring
from shared.ports import Clock, Log, StateUnavailable
from shared.queue.embedded import MAX_DELIVERY_COUNT
from shared.queue.messages import MessageRefused
from shared.queue.receiver import MAX_DELIVERY_COUNT_EXCEEDED, Delivery, MessageLockLost, Queues


@dataclass(slots=True, eq=False)
class Run:
    """A run in hand."""

    function: Function
    started: datetime
    delivery: Delivery | None = None
    renew_at: datetime | None = None
    renew_until: datetime | None = None
    late_at: datetime | None = None
    given_up: threading.Event = field(default_factory=threading.Event)
    """Set when the host ends without waiting any longer: what becomes of the run is no longer told."""


@dataclass(frozen=True, slots=True)
class _Settling:
    """What is to become of a message whose run is over; `told` when it is known that it has to wait."""

    function: str
    delivery: Delivery
    settle: Callable[[], None]
    told: bool = False


def renewal(delivery: Delivery, now: datetime, until: datetime) -> datetime | None:
    """When to renew the lock: half-way, unless it lasts for as long as it may be renewed."""
    if delivery.locked_until >= until:
        return None
    return now + (delivery.locked_until - now) / 2


class Runner:
    """Calls functions, settles their messages, tells of both."""

    def __init__(self, queue: Queues, clock: Clock, log: Log, on_event: OnEvent | None) -> None:
        self._queue = queue
        self._clock = clock
        self._log = log
        self._on_event = on_event
        self._left: SimpleQueue[_Settling] = SimpleQueue()

    def run_message(self, run: Run, function: QueueFunction, delivery: Delivery) -> None:
        """Call the function with the message; complete it on return, give it back on an error."""
        event = Event(
            EventKind.STARTED,
            function.name,
            run.started,
            delivery_count=delivery.delivery_count,
            organization=self._organization(function.queue, delivery.body),
        )
        error = self._call(run, event, lambda: queue_arguments(function, delivery))
        if run.given_up.is_set():
            return
        if not error:
            settle = partial(self._queue.complete, delivery)
        elif self._is_last(event):
            # As an abandoned one would be, and with what a person needs to know.
            settle = partial(
                self._queue.dead_letter, delivery, reason=MAX_DELIVERY_COUNT_EXCEEDED, description=error
            )
        else:
            settle = partial(self._queue.abandon, delivery)
        self._settle(_Settling(function.name, delivery, settle))

    def settle_left(self) -> None:
        """Settle what could not be settled while the queue was away."""
        for _ in range(self._left.qsize()):
            if not self._settle(self._left.get()):
                return

    def _settle(self, settling: _Settling) -> bool:
        """Returns whether the queue answered. If not, it is left for later, or until its lock runs out."""
        try:
            settling.settle()
        except MessageLockLost:
            self._log.warning(
                "message.lockLost",
                function=settling.function,
                sequence_number=settling.delivery.sequence_number,
            )
        except StateUnavailable as error:
            if not settling.told:
                self._log.error("message.notSettled", function=settling.function, error=str(error))
            self._left.put(replace(settling, told=True))
            return False
        return True

    def run_timer(self, run: Run, function: TimerFunction, status: TimerStatus, *, past_due: bool) -> bool:
        """Call the function as its timer does; returns whether it went well."""
        event = Event(EventKind.STARTED, function.name, run.started, past_due=past_due)
        return not self._call(run, event, lambda: timer_arguments(function, status, past_due=past_due))

    def run_http(self, run: Run, function: HttpFunction, request: func.HttpRequest) -> func.HttpResponse:
        """Call the function with the request. Raises `RuntimeError` when it fails, or answers nothing."""
        event = Event(EventKind.STARTED, function.name, run.started)
        answers: list[object] = []
        error = self._call(
            run, event, lambda: with_context(function, {function.binding: request}), answers.append
        )
        if error or not isinstance(answers[0], func.HttpResponse):
            raise RuntimeError(error or f"{function.name} did not answer with an HttpResponse")
        return answers[0]

    def finish_timer(self, function: TimerFunction, store: TimerStore, started: datetime) -> datetime:
        """Move the timer on and return when it is next.

        It counts from the start of the run: occurrences that passed meanwhile are made up for once.
        """
        following = function.schedule.next_after(started)
        try:
            store.finish(function.name, started, following, self._clock.now())
        except StateUnavailable as error:
            # It counts as not run, which the next start of the host makes up for.
            self._log.error("timer.notNoted", function=function.name, error=str(error))
        return following

    def _call(
        self,
        run: Run,
        event: Event,
        arguments: Callable[[], dict[str, Any]],
        keep: Callable[[object], None] = lambda _: None,
    ) -> str:
        """Call the function; returns its error in one line, empty when it went well."""
        self._tell(event)
        began = time.perf_counter()
        error = ""
        try:
            result = run.function.call(**arguments())
            if inspect.iscoroutine(result):
                result = asyncio.run(result)
            keep(result)
        except BaseException as problem:  # noqa: BLE001 - whatever a function raises, the host goes on
            error = _one_line(problem)
            if not run.given_up.is_set():
                self._log_failure(event, error)
                self._log.debug(
                    "function.traceback",
                    function=event.function,
                    traceback="".join(traceback.format_exception(problem)),
                )
        seconds = round(time.perf_counter() - began, 6)
        kind = EventKind.FAILED if error else EventKind.FINISHED
        if not run.given_up.is_set():
            self._tell(replace(event, kind=kind, at=self._clock.now(), seconds=seconds, error=error))
        return error

    def _is_last(self, event: Event) -> bool:
        return event.delivery_count >= MAX_DELIVERY_COUNT

    def _log_failure(self, event: Event, error: str) -> None:
        """A message that fails again and again is told at its first failure and when it is given up."""
        if not event.delivery_count:
            self._log.error("function.failed", function=event.function, error=error)
            return
        function, count = event.function, event.delivery_count
        if self._is_last(event):
            self._log.error("message.givenUp", function=function, error=error, delivery_count=count)
        elif count == 1:
            self._log.warning("message.failed", function=function, error=error, delivery_count=count)
        else:
            self._log.info("message.failedAgain", function=function, error=error, delivery_count=count)

    def _tell(self, event: Event) -> None:
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception as problem:  # noqa: BLE001 - a display must not decide what becomes of a message
            self._log.error("host.eventFailed", function=event.function, error=_one_line(problem))

    def _organization(self, queue: str, body: bytes) -> str:
        if self._on_event is None:
            return ""
        try:
            return wiring.decode(queue, body).organization
        except MessageRefused:
            return ""


def _one_line(problem: BaseException) -> str:
    return " ".join(f"{type(problem).__name__}: {problem}".split())


def new_message_run(
    function: QueueFunction,
    delivery: Delivery,
    now: datetime,
    *,
    renew_for: timedelta,
    timeout: timedelta | None,
) -> Run:
    """A run that is about to start, with the times at which it has to be looked at."""
    until = now + renew_for
    return Run(
        function,
        now,
        delivery=delivery,
        renew_at=renewal(delivery, now, until),
        renew_until=until,
        late_at=now + timeout if timeout else None,
    )
