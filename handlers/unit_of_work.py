"""What all leased work has in common: take the lease, run, record how it went, queue what follows."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from shared.model.command import DoWork
from shared.model.connector import Connector
from shared.model.failure import CAP_REACHED, Failure, FailureKind, ServiceError
from shared.model.ids import OrganizationId
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.organization import Organization
from shared.model.work import Lease, Work, WorkKind
from shared.ports import Dependencies, LeaseLost, StateConflict, StateUnavailable
from shared.reconcile import work as transitions
from shared.reconcile.organizations import candidates

Body = Callable[[Lease, Dependencies, Connector, Organization, datetime], str]
"""One slice of a unit of work on an organization, as the connector that may touch it.

Returns the checkpoint where the rest goes on, or the empty string when all is done. Stops soon after the
deadline. Raises `ServiceError` when the whole of it cannot be done now.
"""


_CONFLICT_PAUSE = timedelta(seconds=1)

_in_hand: list[tuple[OrganizationId, WorkKind]] = []
"""The runs of this process, by what they work on. A lease in its name on anything else was left behind.

Threads share it without a lock: each step on a list is whole.
"""


def perform(command: DoWork, deps: Dependencies, body: Body) -> None:
    """Do the work that a message names, once: an outdated or repeated message finds no lease to take.

    Failures of Azure DevOps are recorded on the work and complete the message; failures of our own state
    and bugs are raised, and the message is delivered again.
    """
    _in_hand.append((command.organization, command.kind))
    try:
        _perform(command, deps, body)
    finally:
        _in_hand.remove((command.organization, command.kind))


def _perform(command: DoWork, deps: Dependencies, body: Body) -> None:
    started = deps.clock.now()
    lease = _lease(command, deps, started)
    if lease is None and _was_left_behind(command, deps):
        lease = _lease(command, deps, started)
    if lease is None:
        deps.log.info(
            "work.outdated",
            organization_id=command.organization,
            kind=command.kind.value,
            revision=command.revision,
        )
        return
    current = _work(deps, command.organization, command.kind)
    organization = deps.state.get_organization(command.organization)
    connector = acting_connector(deps, organization, command.kind) if organization else None
    merged = organization is not None and organization.merged_into is not None
    if organization is None or connector is None or current is None or merged:
        deps.state.drop_work(command.organization, command.kind)
        deps.log.info("work.dropped", organization_id=command.organization, kind=command.kind.value)
        return
    deps = replace(deps, log=deps.log.bind(organization=organization.name, connector=connector.name))
    try:
        ended = _run(current, lease, deps, connector, organization, body, started)
    except LeaseLost:
        deps.log.warning(
            "work.leaseLost",
            organization=organization.name,
            connector=connector.name,
            kind=command.kind.value,
        )
        return
    except StateConflict:
        # Another worker changed a record that this one decided on. Deciding again is all it takes.
        _let_go(deps, lease)
        deps.sender.send(command, not_before=deps.clock.now() + _CONFLICT_PAUSE)
        return
    except Exception:
        # A bug, or our own state is away: the host delivers the message again, and that needs the lease.
        _let_go(deps, lease)
        raise
    queue_again(deps, ended)
    if ended.kind is WorkKind.POSTURE and not ended.checkpoint and ended.last_failure is None:
        tell_of_changes(deps, command.organization)
    queue_due(deps, command.organization)


def tell_of_changes(deps: Dependencies, organization: OrganizationId) -> None:
    """Have changes told that were not yet: once a whole organization was assessed, so a run is one message.

    Not before its lease is let go: whoever tells looks whether a run is under way.
    """
    if deps.notifications is None:
        return
    told = deps.state.notified(organization).told
    if next(iter(deps.state.status_changes(organization, after=told)), None) is not None:
        bring_forward(deps, organization, (WorkKind.NOTIFICATIONS,))


def _lease(command: DoWork, deps: Dependencies, now: datetime) -> Lease | None:
    return deps.state.lease_work(
        command.organization,
        command.kind,
        command.revision,
        owner=deps.owner,
        now=now,
        until=now + deps.intervals.lease,
    )


def _was_left_behind(command: DoWork, deps: Dependencies) -> bool:
    """Free the lease if it is this process's, which does nothing else of this work.

    The state was away when it should have been let go. If another run takes it first, it is not freed: a
    lease is told by its attempt.
    """
    work = _work(deps, command.organization, command.kind)
    if work is None or work.leased_until is None or work.leased_by != deps.owner:
        return False
    if work.revision != command.revision or _in_hand.count((command.organization, command.kind)) > 1:
        return False
    held = Lease(work.organization, work.kind, work.revision, work.attempt, deps.owner, work.leased_until)
    try:
        deps.state.renew_lease(held, deps.clock.now())
    except LeaseLost:
        return False
    deps.log.info("work.wasLeftBehind", organization_id=work.organization, kind=work.kind.value)
    return True


def _let_go(deps: Dependencies, lease: Lease) -> None:
    with contextlib.suppress(LeaseLost, StateUnavailable):
        deps.state.renew_lease(lease, deps.clock.now())


def _run(
    current: Work,
    lease: Lease,
    deps: Dependencies,
    connector: Connector,
    organization: Organization,
    body: Body,
    started: datetime,
) -> Work:
    failure: Failure | None = None
    checkpoint = ""
    try:
        checkpoint = body(lease, deps, connector, organization, started + deps.intervals.slice)
    except ServiceError as error:
        failure = error.failure
    now = deps.clock.now()
    interval = _interval(deps, connector, organization, lease.kind)
    journal: list[JournalEntry] = []
    if failure is not None:
        ended = transitions.failed(
            current, failure, now, interval, deps.intervals.retry_first, deps.intervals.retry_most
        )
        if _is_news(current, failure):
            journal.append(_entry(now, JournalEvent.WORK_FAILED, connector, organization, lease, failure))
        deps.log.warning(
            "work.failed",
            organization=organization.name,
            connector=connector.name,
            kind=lease.kind.value,
            seconds=round((now - started).total_seconds(), 3),
            code=failure.code,
            reason=failure.reason,
            activity=failure.activity,
            next_try=ended.not_before.isoformat() if ended.not_before else None,
        )
        if failure.code == CAP_REACHED and ended.not_before is not None:
            # Told at once, too: before the timer tells of it the hour may be over.
            deps.log.warning(
                "budget.exhausted",
                organization=organization.name,
                organization_id=organization.id,
                connector=connector.name,
                reason=failure.reason,
                until=ended.not_before.isoformat(timespec="seconds"),
            )
    elif checkpoint:
        ended = transitions.to_be_continued(current, checkpoint, now)
    else:
        ended = transitions.succeeded(current, started, now, interval)
        if current.last_failure is not None and current.last_failure.kind is not FailureKind.THROTTLED:
            journal.append(
                _entry(now, JournalEvent.WORK_RECOVERED, connector, organization, lease, current.last_failure)
            )
        deps.log.info(
            "work.done",
            organization=organization.name,
            connector=connector.name,
            kind=lease.kind.value,
            seconds=round((now - started).total_seconds(), 3),
        )
    return deps.state.finish_work(lease, ended, journal)


def _is_news(current: Work, failure: Failure) -> bool:
    """A failure is journalled when it begins or changes, not each time it is met again; a wait never is."""
    if failure.kind is FailureKind.THROTTLED:
        return False
    before = current.last_failure
    return before is None or (before.code, before.reason) != (failure.code, failure.reason)


def _entry(
    now: datetime,
    event: JournalEvent,
    connector: Connector,
    organization: Organization,
    lease: Lease,
    failure: Failure,
) -> JournalEntry:
    return JournalEntry(
        at=now,
        event=event,
        connector=connector.id,
        organization=organization.id,
        subject=lease.kind.value,
        subject_name=organization.name,
        before=failure.code if event is JournalEvent.WORK_RECOVERED else "",
        after=failure.code if event is JournalEvent.WORK_FAILED else "",
        reason=failure.sentence(),
    )


def acting_connector(deps: Dependencies, organization: Organization, kind: WorkKind) -> Connector | None:
    """As whom the work is done: the holder or, for the prerequisites of a free organization, a candidate."""
    connectors = {connector.id: connector for connector in deps.state.connectors()}
    holder = deps.state.holder(organization.tenant, organization.id)
    if holder is not None:
        return connectors.get(holder)
    if kind is not WorkKind.PREREQUISITES:
        return None
    wanting = candidates(
        deps.state.enrollments(organization=organization.id), connectors, organization, holder
    )
    return wanting[0][0] if wanting else None


def _interval(
    deps: Dependencies, connector: Connector, organization: Organization, kind: WorkKind
) -> timedelta:
    if kind is WorkKind.POSTURE:
        return deps.intervals.posture_of(connector.options).look
    if kind is not WorkKind.PREREQUISITES:
        return deps.intervals.work[kind]
    holder = deps.state.holder(organization.tenant, organization.id)
    fine = any(
        enrollment.connector == holder and not enrollment.reason
        for enrollment in deps.state.enrollments(organization=organization.id)
    )
    # What is refused, or was lost, is looked at more often: somebody may be mending it.
    return deps.intervals.work[kind] if fine else deps.intervals.not_onboarded_recheck


def _work(deps: Dependencies, organization: OrganizationId, kind: WorkKind) -> Work | None:
    return next(iter(deps.state.work(organization=organization, kind=kind)), None)


def queue_again(deps: Dependencies, work: Work) -> None:
    """Send the message for what is left or has to wait, timed for when it may start."""
    if work.not_before is None and not work.checkpoint:
        return
    queue_work(deps, work)


def queue_due(deps: Dependencies, organization: OrganizationId) -> None:
    """Send messages for all work of an organization that the state says is due."""
    now = deps.clock.now()
    for work in deps.state.work(organization=organization):
        if transitions.is_due(work, now, deps.intervals.requeue_after, deps.intervals.lease):
            queue_work(deps, work)


def queue_work(deps: Dependencies, work: Work) -> bool:
    """Note in the state that the message goes out, then send it. A crash in between makes it due again."""
    now = deps.clock.now()
    start = transitions.next_start(work, now)
    marked = deps.state.mark_queued(work, max(start, now))
    if marked is None:
        return False
    deps.sender.send(
        DoWork(work.organization, work.kind, work.revision), not_before=start if start > now else None
    )
    return True


def bring_forward(deps: Dependencies, organization: OrganizationId, kinds: tuple[WorkKind, ...]) -> None:
    """Make work due now and send its messages at once."""
    now = deps.clock.now()
    for kind in kinds:
        work = deps.state.bring_forward(organization, kind, now)
        if transitions.is_due(replace(work, queued_at=None), now, timedelta(0), deps.intervals.lease):
            queue_work(deps, work)
