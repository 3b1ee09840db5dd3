"""When work is due, and what becomes of it when a run ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from shared.model.failure import Failure, FailureKind
from shared.model.work import SKEW, Work, is_held


def is_due(work: Work, now: datetime, requeue_after: timedelta, lease: timedelta) -> bool:
    """Whether a message for this work should go out now.

    Not while it is held back, being worked on (a lease lasts for `lease` at most), or queued so recently that
    its message may still arrive. A message that was lost, or whose worker died, makes the work due again.
    """
    if next_start(work, now) > now or is_held(work, now, lease):
        return False
    # A message that goes out later than now, for work that may start now, was timed by a wrong clock.
    return work.queued_at is None or not now - requeue_after < work.queued_at <= now + SKEW


def next_start(work: Work, now: datetime) -> datetime:
    """The earliest time at which the work may run.

    Times to come are believed when the run that set them is past. A clock that was hours ahead when it set
    them would hold the work back for hours: such work may run now. What never ran was due when it was made.
    """
    ran = max((at for at in (work.last_success, work.last_failure_at) if at is not None), default=None)
    if (work.due_at if ran is None else ran) > now + SKEW:
        return now
    return max(work.due_at, work.not_before) if work.not_before is not None else work.due_at


def succeeded(work: Work, started_at: datetime, now: datetime, interval: timedelta) -> Work:
    """Done; due again one interval after the run began."""
    return replace(
        work,
        due_at=max(started_at + interval, now),
        not_before=None,
        checkpoint="",
        failures_in_a_row=0,
        last_success=now,
        last_failure=None,
        last_failure_at=None,
        failing_since=None,
    )


def to_be_continued(work: Work, checkpoint: str, now: datetime) -> Work:
    """The time slice ended: the rest is due at once, from the checkpoint."""
    return replace(work, due_at=min(work.due_at, now), not_before=None, checkpoint=checkpoint)


def failed(
    work: Work, failure: Failure, now: datetime, interval: timedelta, first: timedelta, most: timedelta
) -> Work:
    """Failed: keep why, and when to try again.

    Throttled work starts again when the rate limit allows, from its checkpoint. What may pass by itself is
    tried again after a delay that doubles from `first` to `most`. What a person must mend is tried again one
    interval later, as is what the service answered wrongly, but never later than `most`.
    """
    if failure.kind is FailureKind.THROTTLED:
        retry_at = failure.retry_at if failure.retry_at is not None else now + first
        return replace(
            work,
            due_at=min(work.due_at, now),
            not_before=max(retry_at, now),
            last_failure=failure,
            last_failure_at=now,
        )
    failures = work.failures_in_a_row + 1
    delay = min(first * 2 ** min(failures - 1, 20), most)
    if failure.kind is FailureKind.TRANSIENT and failure.retry_at is not None:
        delay = max(delay, failure.retry_at - now)
    if failure.kind in {FailureKind.DENIED, FailureKind.GONE}:
        delay = min(interval, most)
    return replace(
        work,
        due_at=now,
        not_before=now + delay,
        checkpoint=work.checkpoint if failure.kind is FailureKind.TRANSIENT else "",
        failures_in_a_row=failures,
        last_failure=failure,
        last_failure_at=now,
        failing_since=work.failing_since or now,
    )
