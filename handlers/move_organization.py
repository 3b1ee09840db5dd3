"""By hand: give an organization from one connector to another, in one conditional write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from handlers.identity_rights import read_identity_rights
from handlers.unit_of_work import bring_forward
from shared.model.connector import Connector
from shared.model.failure import ServiceError
from shared.model.identity import Account
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.organization import Enrollment, Organization
from shared.model.work import WorkKind
from shared.ports import Dependencies, StateConflict, Urgency
from shared.reconcile.organizations import (
    eligibility,
    find,
    new_enrollment,
    organization_entry,
    settle_enrollment,
)
from shared.reconcile.prerequisites import decide_onboarding, judge

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Move:
    """What a move came to: the refusal, or from where it went. `record` is None where there is none."""

    refusal: str = ""
    source: Connector | None = None
    record: Organization | None = None


def move_organization(
    name: str, target: Connector, requested_by: str, deps: Dependencies, *, dry_run: bool = False
) -> Move:
    """Hand the claim of an organization over to another connector, if its identity may onboard it.

    At every moment one of the two holds the claim. The inventory stays as it is; the target's next runs go on
    with it. A crash in between leaves the claim with one of them, and the next discovery tells the rest.
    Requests: 7, as the target.
    """
    record = find(Account("", name), deps.state.organizations(target.tenant))
    if record is None:
        return Move(f'No organization "{name}" is known in tenant {target.tenant}.')
    holder = deps.state.holder(record.tenant, record.id)
    source = deps.state.get_connector(holder) if holder is not None else None
    if source is None:
        return Move(
            f'No connector holds "{record.name}". Add it: "ado-connector organizations add {record.name} '
            f'--connector {target.name}".',
            record=record,
        )
    if source.id == target.id:
        return Move(f'Connector "{target.name}" holds "{record.name}" already.', source, record)
    refusal = _refusal(record, target, requested_by, deps)
    if refusal or dry_run:
        return Move(refusal, source, record)
    return Move(_handed_over(record, source, target, requested_by, deps), source, record)


def _refusal(record: Organization, target: Connector, requested_by: str, deps: Dependencies) -> str:
    """Why the target may not have it: it excludes it, or its identity may not onboard it."""
    now = deps.clock.now()
    wish = eligibility(target, record, _forced(record, target, requested_by, deps))
    if not wish.eligible:
        return f"{wish.reason} {wish.fix}"
    try:
        rights = read_identity_rights(deps.connect(target, urgency=Urgency.URGENT), record.name)
    except ServiceError as error:
        return f'Connector "{target.name}" could not look at it: {error.failure.sentence()}'
    decision = decide_onboarding(target, judge(rights, (), target.identity.kind, now, tenant=target.tenant))
    if decision.reason:
        return f'Connector "{target.name}" may not onboard it. {decision.reason} {decision.fix}'.strip()
    return ""


def _forced(record: Organization, connector: Connector, requested_by: str, deps: Dependencies) -> Enrollment:
    """Whoever asks for the move wants it there, whatever the mode."""
    found = _enrollment(record, connector, deps) or replace(
        new_enrollment(connector, record, deps.clock.now()), in_baseline=False
    )
    return replace(found, forced_by=requested_by, removed_by="")


def _enrollment(record: Organization, connector: Connector, deps: Dependencies) -> Enrollment | None:
    enrollments = deps.state.enrollments(organization=record.id)
    return next((one for one in enrollments if one.connector == connector.id), None)


def _handed_over(
    record: Organization, source: Connector, target: Connector, requested_by: str, deps: Dependencies
) -> str:
    now = deps.clock.now()
    _retried(lambda: deps.state.put_enrollment(_forced(record, target, requested_by, deps)))
    holder = deps.state.move_claim(record.tenant, record.id, source.id, target.id)
    if holder != target.id:
        other = deps.state.get_connector(holder) if holder is not None else None
        return (
            f'"{record.name}" was {f"taken by connector {other.name!r}" if other else "given up"} meanwhile. '
            "Look at it, and try again."
        )
    moved = organization_entry(
        now,
        JournalEvent.CLAIM_MOVED,
        target,
        record,
        before=source.name,
        after=target.name,
        requested_by=requested_by,
    )
    deps.state.append_journal([moved])
    _retried(lambda: _settle(record, source, target, requested_by, deps))
    _retried(lambda: _settle(record, target, target, requested_by, deps))
    bring_forward(deps, record.id, (WorkKind.PREREQUISITES, WorkKind.INVENTORY))
    return ""


def _settle(
    record: Organization, connector: Connector, holder: Connector, requested_by: str, deps: Dependencies
) -> None:
    enrollment = _enrollment(record, connector, deps)
    if enrollment is None:
        return
    if connector.id != holder.id:
        enrollment = replace(enrollment, forced_by="")
    settled, journal = settle_enrollment(connector, record, enrollment, holder, deps.clock.now())
    told: list[JournalEntry] = [replace(entry, requested_by=requested_by) for entry in journal]
    deps.state.put_enrollment(settled, told)


def _retried(write: Callable[[], object]) -> None:
    """Try again where another worker changed the record in between."""
    for attempt in range(_TRIES):
        try:
            write()
        except StateConflict:
            if attempt == _TRIES - 1:
                raise
            continue
        return
