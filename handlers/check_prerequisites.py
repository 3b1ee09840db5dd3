"""Queue: may this organization be onboarded, and by whom; does the identity still hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from handlers.identity_rights import read_identity_rights
from handlers.ownership import new_organization_id, update_organization
from handlers.unit_of_work import bring_forward
from shared.model.connector import Connector
from shared.model.failure import Failure, FailureKind
from shared.model.identity import Account, Connection
from shared.model.ids import ConnectorId, OrganizationId
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.organization import Enrollment, OnboardingState, Organization
from shared.model.prerequisite import Prerequisite
from shared.model.work import Lease, WorkKind
from shared.ports import Dependencies, StateConflict, Urgency
from shared.reconcile.organizations import (
    Decision,
    candidates,
    decided,
    ended_by_merge,
    merge_into,
    organization_entry,
    settle_enrollment,
)
from shared.reconcile.prerequisites import NOT_A_MEMBER, changes, decide_onboarding, judge

_AFTER_ONBOARDING = (WorkKind.INVENTORY, WorkKind.EXTENSION)


def check_prerequisites(
    lease: Lease, deps: Dependencies, connector: Connector, organization: Organization, deadline: datetime
) -> str:
    """Check as the holder or, while nobody holds it, as each connector that wants it, until one may.

    Requests: 7 for each identity that is asked (connection, permission, groups, entitlement, policies, audit
    log, Advanced Security), 1 where the organization does not let it in.
    """
    del lease, connector, deadline
    connectors = {one.id: one for one in deps.state.connectors()}
    for candidate, enrollment in candidates(
        deps.state.enrollments(organization=organization.id),
        connectors,
        organization,
        deps.state.holder(organization.tenant, organization.id),
    ):
        checked = _check(candidate, organization, deps)
        organization = checked.organization
        if checked.is_another:
            return ""
        _decide(candidate, organization, enrollment, checked.prerequisites, deps)
        if deps.state.holder(organization.tenant, organization.id) is not None:
            break
    _settle_others(organization, connectors, deps)
    return ""


@dataclass(frozen=True, slots=True)
class _Checked:
    organization: Organization
    prerequisites: tuple[Prerequisite, ...]
    is_another: bool = False
    """The record turned out to stand for another organization than the one that answers now."""


def _check(connector: Connector, organization: Organization, deps: Dependencies) -> _Checked:
    rights = read_identity_rights(deps.connect(connector, urgency=Urgency.URGENT), organization.name)
    now = deps.clock.now()
    before = deps.state.prerequisites(organization.id, connector.id)
    prerequisites = judge(rights, before, connector.identity.kind, now, tenant=connector.tenant)
    deps.state.put_prerequisites(
        organization.id,
        connector.id,
        prerequisites,
        changes(organization, connector, before, prerequisites, now),
    )
    connection = rights.connection.value
    if connection is None:
        failure = rights.connection.failure
        if failure is not None:
            organization = _unreachable(connector, organization, failure, deps)
        return _Checked(organization, prerequisites)
    known = _identified(connector, organization, connection, deps)
    return _Checked(known or organization, prerequisites, is_another=known is None)


def _unreachable(
    connector: Connector, organization: Organization, failure: Failure, deps: Dependencies
) -> Organization:
    """Keep since when the organization cannot be found; its inventory stays as it is."""
    if failure.kind not in {FailureKind.GONE, FailureKind.DENIED} or failure.code not in NOT_A_MEMBER:
        return organization
    if organization.missing_since is not None and organization.missing_reason == failure.reason:
        return organization
    now = deps.clock.now()
    entry = organization_entry(
        now, JournalEvent.ORGANIZATION_MISSING, connector, organization, reason=failure.sentence()
    )
    return (
        update_organization(
            organization.id,
            lambda one: replace(one, missing_since=one.missing_since or now, missing_reason=failure.reason),
            [entry],
            deps,
        )
        or organization
    )


def _identified(
    connector: Connector, organization: Organization, connection: Connection, deps: Dependencies
) -> Organization | None:
    """The record with its instance id; None when the answer came from another organization than the record's.

    An organization keeps its instance id for life, so another id under the same name is another organization.
    """
    if organization.instance_id and organization.instance_id != connection.instance_id:
        _replace_by_namesake(connector, organization, connection, deps)
        return None
    if organization.instance_id and organization.missing_since is None:
        return organization
    now = deps.clock.now()
    journal: list[JournalEntry] = []
    if organization.missing_since is not None:
        journal.append(
            organization_entry(
                now,
                JournalEvent.ORGANIZATION_BACK,
                connector,
                organization,
                reason=f"It answers again; missing since {organization.missing_since:%Y-%m-%d %H:%M} UTC.",
            )
        )
    try:
        written = update_organization(
            organization.id,
            lambda one: replace(
                one, instance_id=connection.instance_id, missing_since=None, missing_reason=""
            ),
            journal,
            deps,
        )
    except StateConflict:
        twin = _by_instance(organization, connection.instance_id, deps)
        if twin is None:
            raise
        _merge(organization, twin, deps)
        return None
    if journal and deps.state.holder(organization.tenant, organization.id) is not None:
        bring_forward(deps, organization.id, _AFTER_ONBOARDING)
    return written or organization


def _by_instance(organization: Organization, instance_id: str, deps: Dependencies) -> Organization | None:
    return next(
        (
            one
            for one in deps.state.organizations(organization.tenant)
            if one.instance_id == instance_id and one.id != organization.id
        ),
        None,
    )


def _merge(organization: Organization, twin: Organization, deps: Dependencies) -> None:
    """Two records are one organization: the one that was identified first takes the other's place."""
    now = deps.clock.now()
    current = deps.state.get_organization(organization.id) or organization
    kept, gone, entry = merge_into(twin, current, now)
    deps.state.put_organization(gone, [entry])
    deps.state.put_organization(kept)
    _hand_over(organization.id, twin.id, organization, deps)
    for enrollment in deps.state.enrollments(organization=organization.id):
        deps.state.put_enrollment(ended_by_merge(enrollment, twin, now))


def _replace_by_namesake(
    connector: Connector, organization: Organization, connection: Connection, deps: Dependencies
) -> None:
    """Another organization has the name now: the old record goes missing, a new one is enrolled instead."""
    now = deps.clock.now()
    reason = (
        f'The name "{organization.name}" now belongs to another organization (instance id '
        f"{connection.instance_id} instead of {organization.instance_id})."
    )
    entry = organization_entry(now, JournalEvent.ORGANIZATION_MISSING, connector, organization, reason=reason)
    twin = _by_instance(organization, connection.instance_id, deps)
    if twin is None:
        account = Account("", organization.name)
        twin = Organization(
            id=new_organization_id(connector, account, deps),
            tenant=organization.tenant,
            name=organization.name,
            first_seen=now,
            instance_id=connection.instance_id,
        )
        found = organization_entry(
            now, JournalEvent.ORGANIZATION_DISCOVERED, connector, twin, after=twin.name, reason=reason
        )
        twin = deps.state.put_organization(twin, [found])
    update_organization(
        organization.id,
        lambda one: replace(one, missing_since=one.missing_since or now, missing_reason=reason),
        [entry],
        deps,
    )
    _hand_over(organization.id, twin.id, organization, deps)


def _hand_over(
    old: OrganizationId, new: OrganizationId, organization: Organization, deps: Dependencies
) -> None:
    existing: Mapping[ConnectorId, Enrollment] = {
        one.connector: one for one in deps.state.enrollments(organization=new)
    }
    for enrollment in deps.state.enrollments(organization=old):
        deps.state.release(organization.tenant, old, enrollment.connector)
        if enrollment.connector not in existing:
            deps.state.put_enrollment(
                replace(enrollment, organization=new, state=OnboardingState.NOT_ONBOARDED, revision=0)
            )
    for kind in (WorkKind.INVENTORY, WorkKind.EXTENSION, WorkKind.POSTURE, WorkKind.IMAGES):
        deps.state.drop_work(old, kind)
    bring_forward(deps, new, (WorkKind.PREREQUISITES,))


def _decide(
    connector: Connector,
    organization: Organization,
    enrollment: Enrollment,
    prerequisites: tuple[Prerequisite, ...],
    deps: Dependencies,
) -> None:
    """Claim the organization if the prerequisites allow it, and tell the outcome in the journal."""
    now = deps.clock.now()
    decision = decide_onboarding(connector, prerequisites)
    was_ours = deps.state.holder(organization.tenant, organization.id) == connector.id
    if decision.state is OnboardingState.ONBOARDED:
        holder = deps.state.claim(organization.tenant, organization.id, connector.id)
        if holder != connector.id:
            return
    elif was_ours:
        # What was onboarded stays so; what the identity lost is told as the reason and mended by a person.
        decision = replace(decision, state=OnboardingState.ONBOARDED)
    settled, journal = decided(enrollment, decision, connector, organization, now)
    _write(settled, enrollment, journal, connector, organization, decision, deps)
    recovered = was_ours and enrollment.reason and not decision.reason
    if decision.state is OnboardingState.ONBOARDED and (recovered or not was_ours):
        bring_forward(deps, organization.id, _AFTER_ONBOARDING)


def _write(
    settled: Enrollment,
    enrollment: Enrollment,
    journal: list[JournalEntry],
    connector: Connector,
    organization: Organization,
    decision: Decision,
    deps: Dependencies,
) -> None:
    if settled.awaiting:
        refused = decision.state is not OnboardingState.ONBOARDED
        journal = [
            replace(
                entry,
                requested_by=settled.awaiting,
                event=JournalEvent.ONBOARDING_REFUSED if refused else entry.event,
            )
            for entry in journal or [_answer(settled, connector, organization, decision, deps)]
        ]
        settled = replace(settled, awaiting="")
    if settled != enrollment:
        deps.state.put_enrollment(settled, journal)


def _answer(
    settled: Enrollment,
    connector: Connector,
    organization: Organization,
    decision: Decision,
    deps: Dependencies,
) -> JournalEntry:
    """A forced onboarding is answered even where it changed nothing."""
    return organization_entry(
        deps.clock.now(),
        JournalEvent.ONBOARDING_CHANGED,
        connector,
        organization,
        before=settled.state.value,
        after=decision.state.value,
        reason=f"{decision.reason} {decision.fix}".strip()
        or "It was onboarded already; it is refreshed now.",
    )


def _settle_others(
    organization: Organization, connectors: Mapping[ConnectorId, Connector], deps: Dependencies
) -> None:
    """Tell every other connector that sees the organization who has it now."""
    identifier = deps.state.holder(organization.tenant, organization.id)
    holder = connectors.get(identifier) if identifier is not None else None
    for enrollment in deps.state.enrollments(organization=organization.id):
        connector = connectors.get(enrollment.connector)
        if connector is None or holder is None or connector.id == holder.id:
            continue
        settled, journal = settle_enrollment(connector, organization, enrollment, holder, deps.clock.now())
        if settled != enrollment:
            deps.state.put_enrollment(replace(settled, awaiting=""), journal)
