"""Queue: forced onboarding of one organization, now; and its opposite, taking one out by hand."""

from __future__ import annotations

from dataclasses import replace

from handlers.ownership import new_organization_id, release
from handlers.unit_of_work import bring_forward
from shared.model.command import OnboardOrganization
from shared.model.connector import Connector
from shared.model.identity import Account
from shared.model.ids import ConnectorId
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.organization import Enrollment, OnboardingCause, Organization
from shared.model.work import LOOKING, WorkKind
from shared.ports import Dependencies, StateConflict
from shared.reconcile.organizations import (
    eligibility,
    find,
    new_enrollment,
    organization_entry,
    settle_enrollment,
)

_TRIES = 5


def onboard_organization(command: OnboardOrganization, deps: Dependencies) -> None:
    """Mark the organization as forced and have it checked at once; the check answers in the journal.

    What can be refused without asking Azure DevOps (an exclusion, another holder, no such connector) is
    answered here. An organization that is onboarded already is refreshed in all respects.
    """
    for attempt in range(_TRIES):
        try:
            _onboard(command, deps)
        except StateConflict:
            if attempt == _TRIES - 1:
                raise
            continue
        return


def _onboard(command: OnboardOrganization, deps: Dependencies) -> None:
    connector, refusal = choose_connector(command.connector, command.organization, deps)
    if connector is None:
        _refuse(command, None, None, refusal, deps)
        return
    now = deps.clock.now()
    account = Account("", command.organization)
    record = find(account, deps.state.organizations(connector.tenant))
    journal: list[JournalEntry] = []
    if record is None:
        record = Organization(
            id=new_organization_id(connector, account, deps),
            tenant=connector.tenant,
            name=command.organization,
            first_seen=now,
        )
        journal.append(
            organization_entry(
                now,
                JournalEvent.ORGANIZATION_DISCOVERED,
                connector,
                record,
                after=record.name,
                reason=command.reason,
                requested_by=command.requested_by,
            )
        )
    enrollment = _enrollment(connector, record, deps) or replace(
        new_enrollment(connector, record, now), in_baseline=False
    )
    forced = replace(
        enrollment,
        forced_by=command.requested_by,
        awaiting=command.requested_by,
        removed_by="",
    )
    wish = eligibility(connector, record, forced)
    if not wish.eligible:
        _refuse(command, connector, record, f"{wish.reason} {wish.fix}", deps)
        return
    holder = _holder(record, deps)
    if holder is not None and holder.id != connector.id:
        reason = f'Connector "{holder.name}" has it; one organization belongs to one connector per tenant.'
        _refuse(command, connector, record, reason, deps)
        return
    if journal:
        record = deps.state.put_organization(record, journal)
    settled, entries = settle_enrollment(connector, record, forced, holder, now)
    entries.insert(
        0,
        organization_entry(
            now,
            JournalEvent.ONBOARDING_REQUESTED,
            connector,
            record,
            reason=command.reason,
            requested_by=command.requested_by,
        ),
    )
    deps.state.put_enrollment(settled, entries)
    kinds = LOOKING if holder is not None else (WorkKind.PREREQUISITES,)
    bring_forward(deps, record.id, kinds)


def remove_organization(
    organization: str, connector_name: str, requested_by: str, deps: Dependencies, *, dry_run: bool = False
) -> str:
    """Take an organization out of a connector by hand: release the claim, keep the inventory.

    It stays out until it is forced in again. Returns the refusal, or the empty string when done; with
    `dry_run`, when it could be done.
    """
    connector, refusal = choose_connector(connector_name, organization, deps)
    if connector is None:
        return refusal
    record = find(Account("", organization), deps.state.organizations(connector.tenant))
    enrollment = _enrollment(connector, record, deps) if record is not None else None
    if record is None or enrollment is None:
        return f'Connector "{connector.name}" knows no organization "{organization}".'
    if dry_run:
        return ""
    now = deps.clock.now()
    holder = _holder(record, deps)
    removed = replace(enrollment, removed_by=requested_by, forced_by="", awaiting="")
    settled, entries = settle_enrollment(connector, record, removed, holder, now)
    deps.state.put_enrollment(settled, [replace(entry, requested_by=requested_by) for entry in entries])
    release(connector, record.id, deps, f"{requested_by} removed it.", asked=requested_by)
    return ""


def choose_connector(wanted: str, organization: str, deps: Dependencies) -> tuple[Connector | None, str]:
    """The connector that is meant, or why that cannot be told.

    By name or id where one is given; else the holder of the organization, the only connector that knows it,
    or the only connector there is.
    """
    connectors = deps.state.connectors()
    if not connectors:
        return None, 'There is no connector yet. Create one: "ado-connector connector create --help".'
    if wanted:
        named = [one for one in connectors if one.id == wanted or one.name.casefold() == wanted.casefold()]
        if len(named) == 1:
            return named[0], ""
        if named:
            ids = ", ".join(one.id for one in named)
            return None, f'Several connectors are named "{wanted}"; give one of their ids: {ids}.'
        names = ", ".join(f'"{one.name}"' for one in connectors)
        return None, f'There is no connector "{wanted}". There are: {names}.'
    if len(connectors) == 1:
        return connectors[0], ""
    knowing = _knowing(organization, connectors, deps)
    if len(knowing) == 1:
        return knowing[0], ""
    names = ", ".join(f'"{one.name}"' for one in knowing or connectors)
    return None, f'Several connectors could take "{organization}": {names}. Name one of them.'


def _knowing(organization: str, connectors: tuple[Connector, ...], deps: Dependencies) -> list[Connector]:
    by_id = {one.id: one for one in connectors}
    knowing: list[Connector] = []
    for record in deps.state.organizations():
        if record.name.casefold() != organization.casefold():
            continue
        holder = deps.state.holder(record.tenant, record.id)
        if holder in by_id:
            return [by_id[holder]]
        knowing.extend(
            by_id[one.connector]
            for one in deps.state.enrollments(organization=record.id)
            if one.connector in by_id and one.cause is not OnboardingCause.NOT_WANTED
        )
    return knowing


def _enrollment(connector: Connector, record: Organization, deps: Dependencies) -> Enrollment | None:
    return next(
        (one for one in deps.state.enrollments(organization=record.id) if one.connector == connector.id),
        None,
    )


def _holder(record: Organization, deps: Dependencies) -> Connector | None:
    holder: ConnectorId | None = deps.state.holder(record.tenant, record.id)
    return deps.state.get_connector(holder) if holder is not None else None


def _refuse(
    command: OnboardOrganization,
    connector: Connector | None,
    record: Organization | None,
    reason: str,
    deps: Dependencies,
) -> None:
    deps.state.append_journal(
        [
            JournalEntry(
                at=deps.clock.now(),
                event=JournalEvent.ONBOARDING_REFUSED,
                connector=connector.id if connector is not None else None,
                organization=record.id if record is not None else None,
                subject=record.id if record is not None else "",
                subject_name=command.organization,
                reason=reason.strip(),
                requested_by=command.requested_by,
            )
        ]
    )
    deps.log.warning(
        "onboarding.refused",
        organization=command.organization,
        requested_by=command.requested_by,
        reason=reason,
    )
