"""Timers: queue what the state says is due of one kind of work."""

from __future__ import annotations

from datetime import datetime, timedelta

from handlers.unit_of_work import queue_work
from shared.model.organization import OnboardingState
from shared.model.work import WorkKind
from shared.ports import Dependencies
from shared.reconcile.work import is_due

_FOR_ONBOARDED = (WorkKind.INVENTORY, WorkKind.EXTENSION, WorkKind.PREREQUISITES)
"""Work that every onboarded organization has. Posture joins once there is an inventory to judge, images where
the connector asks for them."""


def queue_due_work(
    kind: WorkKind, deps: Dependencies, *, everything: bool = False, since: datetime | None = None
) -> int:
    """Send a message for each due piece of this kind of work; returns how many were sent.

    With `everything`, all work counts as due whatever its interval or backoff (a pause that the rate limit
    asked for still holds), except what succeeded or failed at `since` or later: so that one pass over
    everything does each piece once.
    """
    now = deps.clock.now()
    _ensure(kind, deps, now)
    sent = 0
    for work in deps.state.work(kind=kind):
        current = work
        if everything:
            last = max((t for t in (work.last_success, work.last_failure_at) if t is not None), default=None)
            if since is not None and last is not None and last >= since:
                continue
            current = deps.state.bring_forward(work.organization, kind, now)
            if not is_due(current, now, timedelta(0), deps.intervals.lease):
                continue
        elif not is_due(work, now, deps.intervals.requeue_after, deps.intervals.lease):
            continue
        sent += queue_work(deps, current)
    if sent:
        deps.log.info("work.queued", kind=kind.value, count=sent)
    return sent


def _ensure(kind: WorkKind, deps: Dependencies, now: datetime) -> None:
    """State decides: an onboarded organization has this work even if an earlier run died before noting it."""
    if kind is WorkKind.IMAGES:
        wanting = {one.id for one in deps.state.connectors() if one.options.traces_images}
    elif kind in _FOR_ONBOARDED:
        wanting = {one.id for one in deps.state.connectors()}
    else:
        return
    existing = {work.organization for work in deps.state.work(kind=kind)}
    for enrollment in deps.state.enrollments():
        if (
            enrollment.state is OnboardingState.ONBOARDED
            and enrollment.connector in wanting
            and enrollment.organization not in existing
        ):
            deps.state.ensure_work(enrollment.organization, kind, now)
