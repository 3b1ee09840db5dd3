"""One pass over everything: each kind of work in its order, until nothing is left that can be done now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.model.failure import FailureKind
from shared.model.organization import OnboardingCause
from shared.model.work import WorkKind, is_held
from shared.wiring.process import is_alive

if TYPE_CHECKING:
    from local.host import Host
    from shared.wiring.runtime import Runtime

Say = Callable[[str], None]

DISCOVER = "discover_organizations"
REPORT = "report_status"
STEPS: tuple[tuple[str, tuple[tuple[str, WorkKind], ...]], ...] = (
    ("Checking prerequisites", (("refresh_prerequisites", WorkKind.PREREQUISITES),)),
    (
        "Listing projects and repositories",
        (("refresh_inventory", WorkKind.INVENTORY), ("refresh_extensions", WorkKind.EXTENSION)),
    ),
    ("Assessing", (("refresh_posture", WorkKind.POSTURE),)),
    ("Tracing images", (("refresh_images", WorkKind.IMAGES),)),
    ("Notifying", (("refresh_notifications", WorkKind.NOTIFICATIONS),)),
)
"""What is done after discovery: what it is called, and the timers with the kind of work that each queues."""


_GLANCE = timedelta(milliseconds=200)
"""How often to look whether other processes are done."""

_SOON = timedelta(seconds=3)
"""Longer than work waits that met another process in the same record."""

_ON_ITS_WAY = timedelta(seconds=30)
"""Longer than a process that is held up has a message in hand before it begins with the work."""


def _silent(_: str) -> None:
    return


class Pass:
    """Does everything that is due, was refused or failed, or with `everything` all there is, once each."""

    def __init__(
        self,
        runtime: Runtime,
        host: Host,
        *,
        everything: bool = False,
        wait: timedelta = timedelta(0),
        say: Say = _silent,
    ) -> None:
        self._runtime = runtime
        self._host = host
        self._everything = everything
        self._say = say
        self.started = runtime.clock.now()
        self._patience = wait
        self.failed: list[str] = []
        """Timers that did not go well, which is a fault of ours or of the state."""

    def run(self) -> None:
        """Discovery first, then one kind of work after the other."""
        self._say("Looking for organizations")
        self._fire(DISCOVER)
        self._try_again()
        self._say("Working off the queues")
        self.drain()
        for what, timers in STEPS:
            self._say(what)
            for timer, kind in timers:
                self._queue(timer, kind)
            self.drain()
        # Who runs this now and then, with no app beside it, is told in the log and by metrics all the same.
        self._fire(REPORT)

    def _try_again(self) -> None:
        """What was refused or failed is tried now: whoever runs this may have mended it."""
        from handlers.unit_of_work import bring_forward  # noqa: PLC0415 - heavy

        runtime = self._runtime
        refused = {
            (one.organization, WorkKind.PREREQUISITES)
            for one in runtime.state.enrollments()
            if one.cause is OnboardingCause.PREREQUISITES and one.reason
        }
        failed = {
            (one.organization, one.kind)
            for one in runtime.state.work()
            if one.last_failure is not None and one.last_failure.kind is not FailureKind.THROTTLED
        }
        for organization, kind in sorted(refused | failed):
            bring_forward(runtime.dependencies, organization, (kind,))

    def drain(self) -> None:
        """Work until nothing may start now; pauses of the rate limit are waited for as long as allowed."""
        while True:
            self._host.drain(wait_for=self._is_worth_waiting)
            now = self._runtime.clock.now()
            elsewhere = done_elsewhere(self._runtime, now) or is_on_its_way(self._runtime, now)
            if self._patience > _GLANCE and elsewhere:
                # What another process has in hand is part of the answer.
                self._patience -= _GLANCE
                self._runtime.clock.sleep(_GLANCE.total_seconds())
                continue
            resume = next_after_throttle(self._runtime, now)
            if resume is None or resume - now > self._patience:
                return
            self._patience -= resume - now
            self._say(f"Waiting for the rate limit until {resume:%H:%M:%S} UTC")
            self._runtime.clock.sleep((resume - now).total_seconds())

    def _is_worth_waiting(self, available: datetime) -> bool:
        """Of what the rate limit holds back, the person is told first."""
        now = self._runtime.clock.now()
        resume = next_after_throttle(self._runtime, now)
        return available - now <= min(_SOON, self._patience) and (resume is None or available < resume)

    def _fire(self, timer: str) -> None:
        if not self._host.fire(timer):
            self.failed.append(timer)

    def _queue(self, timer: str, kind: WorkKind) -> None:
        if not self._everything:
            self._fire(timer)
            return
        from handlers.queue_due_work import queue_due_work  # noqa: PLC0415 - heavy

        queue_due_work(kind, self._runtime.dependencies, everything=True, since=self.started)


def done_elsewhere(runtime: Runtime, now: datetime) -> bool:
    """Whether another process, which is still alive, has work in hand."""
    owner = runtime.dependencies.owner
    longest = runtime.dependencies.intervals.lease
    return any(
        is_held(work, now, longest) and work.leased_by != owner and is_alive(work.leased_by)
        for work in runtime.state.work()
    )


def is_on_its_way(runtime: Runtime, now: datetime) -> bool:
    """Whether work is due whose message was sent of late, and that no process has begun yet.

    Asked when the queues hold nothing more for this process, so that another one is about to begin with it.
    """
    longest = runtime.dependencies.intervals.lease
    return any(
        work.queued_at is not None
        and now - _ON_ITS_WAY < work.queued_at <= now
        and work.due_at <= now
        and (work.not_before is None or work.not_before <= now)
        and not is_held(work, now, longest)
        for work in runtime.state.work()
    )


def next_after_throttle(runtime: Runtime, now: datetime) -> datetime | None:
    """When the first work that the rate limit holds back may go on."""
    waiting = [
        work.not_before
        for work in runtime.state.work()
        if work.not_before is not None
        and work.not_before > now
        and work.last_failure is not None
        and work.last_failure.kind is FailureKind.THROTTLED
    ]
    return min(waiting, default=None)
