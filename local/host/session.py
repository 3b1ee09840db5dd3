"""The host at work: takes what is due, hands it to threads, keeps its locks, and ends in good order.

One thread, the dispatcher, decides everything; whoever called waits for it. So Ctrl-C never lands between
taking a message and running its function. It takes nothing before the caller waits, either: what is taken is
always given back.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, runtime_checkable

from local.host.crew import Crew
from local.host.functions import QueueFunction, TimerFunction
from local.host.host_json import HostOptions
from local.host.runs import Run, Runner, new_message_run, renewal
from local.host.timer_store import TimerStatus, TimerStore
from shared.model.work import SKEW
from shared.ports import Clock, Log, StateUnavailable
from shared.queue.receiver import MessageLockLost, Queues

POLL = 0.5
"""Seconds between looks at the queues when nothing is known to come: another process may send something."""

_LEAST = 0.001
_AFTER_OUTAGE = 1.0
_JOIN = 0.5

WaitFor = Callable[[datetime], bool]
"""Whether to wait for a message that is available at that time."""


@runtime_checkable
class _Stoppable(Protocol):
    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What a session works on, and when it is over."""

    queues: Sequence[QueueFunction] = ()
    timers: Sequence[TimerFunction] = ()
    fire: TimerFunction | None = None
    until: Callable[[], bool] | None = None
    forever: bool = False
    wait_for: WaitFor | None = None


@dataclass(slots=True)
class _Timer:
    function: TimerFunction
    store: TimerStore
    next: datetime
    missed: datetime | None
    running: bool = False


@dataclass(frozen=True, slots=True)
class Means:
    """What a session works with; the sessions of one host share it."""

    runner: Runner
    queue: Queues
    clock: Clock
    log: Log
    options: HostOptions
    grace: timedelta
    store_of: Callable[[TimerFunction], TimerStore]
    one_at_a_time: Mapping[str, threading.Lock]


class Session:
    """One `run`, `drain` or `fire`."""

    def __init__(self, means: Means, plan: Plan) -> None:
        self._means = means
        self._plan = plan
        self._clock = means.clock
        self._queue = means.queue
        self._log = means.log
        self._crew = Crew()
        self._changed = threading.Condition()
        self._generation = 0
        self._runs: set[Run] = set()
        self._timers: list[_Timer] = []
        self._stopping = False
        self._hurried = False
        self._give_up_at = float("inf")
        self._awaited = threading.Event()
        # Not an event: Ctrl-C may come while one is waited for, and would leave its lock in disorder.
        self._is_over = False
        self._working = threading.Lock()
        self._working.acquire()
        self._problem: BaseException | None = None
        self.went_well = True

    # --- for the caller -----------------------------------------------------------------------------------

    def work(self) -> None:
        """Work until the plan is done or the host is asked to stop. On Ctrl-C, stop and raise it again."""
        try:
            threading.Thread(target=self._dispatch, name="functions-host", daemon=True).start()
            self._awaited.set()
            self._wait()
        except BaseException:
            if self._awaited.is_set():
                self._interrupted()
            else:
                self.stop()  # the dispatcher, if it came to life, has taken nothing and ends
            raise
        if self._problem is not None:
            raise self._problem

    def _interrupted(self) -> None:
        """Asked to end while waiting: in good order the first time, at once the second."""
        try:
            if not self._hurried:
                self.stop(hurry=True)
                self._wait()
                return
        except BaseException:
            self._abandon_all(tell=False)
            raise
        self._abandon_all(tell=False)

    def stop(self, *, hurry: bool = False) -> None:
        """Take nothing more, end when what is in hand is finished; in a hurry, wait only so long for it."""
        if hurry and isinstance(self._clock, _Stoppable):
            self._clock.stop()
        with self._changed:
            self._stopping = True
            if hurry and not self._hurried:
                self._hurried = True
                self._give_up_at = time.monotonic() + self._means.grace.total_seconds()
        self.wake()

    def wake(self) -> None:
        """Look again at once: something has changed."""
        with self._changed:
            self._generation += 1
            self._changed.notify_all()

    def _wait(self) -> None:
        # In short steps: on Windows, Ctrl-C is noticed only between them.
        while not self._is_over:
            self._working.acquire(timeout=_JOIN)

    # --- the dispatcher -----------------------------------------------------------------------------------

    def _dispatch(self) -> None:
        while not self._awaited.wait(_JOIN):
            if self._stopping:
                return
        try:
            self._open_timers()
            if self._plan.fire is not None:
                self._fire(self._plan.fire)
            while self._turn():
                pass
        except BaseException as problem:  # noqa: BLE001 - raised again where the caller waits
            self._problem = problem
        finally:
            self._crew.dismiss()
            self._is_over = True
            self._working.release()

    def _turn(self) -> bool:
        """Do what is due now, then wait for what comes next; returns whether to go on."""
        with self._changed:
            seen = self._generation
        try:
            # Locks first: one that ran out would be taken anew below, by this very host.
            self._tend()
            self._means.runner.settle_left()
            if not self._stopping:
                self._start_timers()
                self._start_messages()
            pause = self._pause()
        except StateUnavailable as error:
            if not self._plan.forever:
                raise
            self._log.error("host.queueUnavailable", error=str(error))
            pause = _AFTER_OUTAGE
        if pause is None:
            # The last run may have ended, and the queue come back, since the look above.
            self._means.runner.settle_left()
            return False
        with self._changed:
            self._changed.wait_for(lambda: self._generation != seen, pause)
        return True

    def _pause(self) -> float | None:
        """Seconds until the next look; None when the session is over."""
        if not self._stopping and self._plan.until is not None and self._plan.until():
            self._stopping = True
        running = self._in_hand()
        if self._stopping:
            if not running:
                return None
            left = self._give_up_at - time.monotonic()
            if left <= 0:
                self._abandon_all(tell=True)
                return None
            return min(left, self._seconds_until(self._times_of(running)))
        upcoming = self._upcoming(running)
        if not running and not self._plan.forever:
            earliest = min(upcoming, default=None)
            if earliest is None:
                return None
            if earliest > self._clock.now() and not (self._plan.wait_for and self._plan.wait_for(earliest)):
                return None
        return self._seconds_until([*upcoming, *self._times_of(running)])

    def _upcoming(self, running: Sequence[Run]) -> list[datetime]:
        """When there is something to take, as far as there is a place for it."""
        taken = Counter(run.function.name for run in running)
        available = [
            self._queue.next_available_at(function.queue)
            for function in self._plan.queues
            if taken[function.name] < self._means.options.max_concurrent_calls
        ]
        return [
            *(at for at in available if at is not None),
            *(timer.next for timer in self._timers if not timer.running),
        ]

    @staticmethod
    def _times_of(running: Sequence[Run]) -> list[datetime]:
        return [at for run in running for at in (run.renew_at, run.late_at) if at is not None]

    def _seconds_until(self, times: Sequence[datetime]) -> float:
        if not times:
            return POLL
        return min(max((min(times) - self._clock.now()).total_seconds(), _LEAST), POLL)

    def _in_hand(self) -> list[Run]:
        with self._changed:
            return list(self._runs)

    # --- messages -----------------------------------------------------------------------------------------

    def _start_messages(self) -> None:
        taken = Counter(run.function.name for run in self._in_hand())
        options = self._means.options
        for function in self._plan.queues:
            free = options.max_concurrent_calls - taken[function.name]
            if free <= 0:
                continue
            for delivery in self._queue.receive(function.queue, max_messages=free):
                run = new_message_run(
                    function,
                    delivery,
                    self._clock.now(),
                    renew_for=options.max_lock_renewal,
                    timeout=options.function_timeout,
                )
                self._start(run, partial(self._means.runner.run_message, run, function, delivery))

    def _start(self, run: Run, task: Callable[[], object]) -> None:
        with self._changed:
            self._runs.add(run)

        def work() -> None:
            try:
                task()
            finally:
                with self._changed:
                    self._runs.discard(run)
                self.wake()

        self._crew.start(work)

    def _tend(self) -> None:
        """Renew locks half-way; tell of runs that take too long, which a thread cannot be kept from."""
        now = self._clock.now()
        for run in self._in_hand():
            if run.late_at is not None and run.late_at <= now:
                run.late_at = run.renew_at = None
                self._log.error("function.timeout", function=run.function.name)
            if run.renew_at is None or run.renew_at > now or run.delivery is None or run.renew_until is None:
                continue
            try:
                run.delivery = self._queue.renew(run.delivery)
            except MessageLockLost:
                run.renew_at = None  # finished just now, or lost: the run itself finds out
            else:
                run.renew_at = renewal(run.delivery, now, run.renew_until)

    def _abandon_all(self, *, tell: bool) -> None:
        """Give back what is still in hand, so that another process need not wait for the locks to run out."""
        for run in self._in_hand():
            run.given_up.set()
            if not tell:
                continue
            self._log.warning("function.abandoned", function=run.function.name)
            if run.delivery is not None:
                try:
                    self._queue.abandon(run.delivery)
                except (MessageLockLost, StateUnavailable) as error:
                    self._log.error("message.notSettled", function=run.function.name, error=str(error))

    # --- timers -------------------------------------------------------------------------------------------

    def _open_timers(self) -> None:
        now = self._clock.now()
        for function in self._plan.timers:
            store = self._means.store_of(function)
            status = store.open(function.name, function.schedule, now)
            missed = status.next if status.next < now else None
            self._timers.append(_Timer(function, store, status.next, missed))

    def _start_timers(self) -> None:
        now = self._clock.now()
        for timer in self._timers:
            if not timer.running:
                self._correct(timer, now)
            if timer.running or timer.next > now:
                continue
            status = timer.store.claim(timer.function.name, now)
            if status is None:
                # Another process runs it or has run it.
                timer.next = max(timer.store.status(timer.function.name).next, now + timedelta(seconds=POLL))
                continue
            timer.running = True
            past_due, timer.missed = timer.missed == status.next, None
            self._start_timer(timer, status, past_due=past_due)

    @staticmethod
    def _correct(timer: _Timer, now: datetime) -> None:
        """No occurrence is left out between now and the next: else a clock that was ahead has set it."""
        if timer.next <= now + SKEW:
            return
        following = timer.function.schedule.next_after(now)
        if following < timer.next:
            timer.store.correct(timer.function.name, following)
            timer.next = following

    def _start_timer(self, timer: _Timer, status: TimerStatus, *, past_due: bool) -> None:
        function, runner = timer.function, self._means.runner
        run = Run(function, self._clock.now())

        def task() -> None:
            try:
                with self._means.one_at_a_time[function.name]:
                    runner.run_timer(run, function, status, past_due=past_due)
            finally:
                timer.next = runner.finish_timer(function, timer.store, run.started)
                timer.running = False

        self._start(run, task)

    def _fire(self, function: TimerFunction) -> None:
        """Run a timer that somebody asks for. Its schedule goes on as if nothing had been."""
        run = Run(function, self._clock.now())
        status = self._means.store_of(function).open(function.name, function.schedule, run.started)

        def task() -> None:
            with self._means.one_at_a_time[function.name]:
                self.went_well = self._means.runner.run_timer(run, function, status, past_due=False)

        self._start(run, task)
