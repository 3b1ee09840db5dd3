"""Which organizations there are, which of them a connector takes, and which records are the same one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase

from shared.model.connector import Connector, DiscoveryMode
from shared.model.identity import Account
from shared.model.ids import ConnectorId, OrganizationId
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.observation import Observation
from shared.model.organization import Enrollment, OnboardingCause, OnboardingState, Organization


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Whether the connector wants the organization; if not, why and what would change it."""

    eligible: bool
    reason: str = ""
    fix: str = ""


def eligibility(connector: Connector, organization: Organization, enrollment: Enrollment) -> Eligibility:
    """Excluded wins over forced, forced over the mode. Names compare without case, former names count."""
    names = [name.casefold() for name in (organization.name, *organization.former_names)]
    for pattern in connector.excluded:
        if any(fnmatchcase(name, pattern.casefold()) for name in names):
            return Eligibility(
                eligible=False,
                reason=f'Connector "{connector.name}" excludes it ("{pattern}").',
                fix="Take the exclusion out of the connector; force does not override it.",
            )
    if enrollment.removed_by:
        return Eligibility(
            eligible=False,
            reason=f"{enrollment.removed_by} removed it from the connector.",
            fix=f'Run "ado-connector organizations onboard {organization.name}" to take it back.',
        )
    if enrollment.forced_by:
        return Eligibility(eligible=True)
    force = f'Run "ado-connector organizations onboard {organization.name}" to onboard it all the same.'
    if connector.mode is DiscoveryMode.SELECTED:
        selected = {name.casefold() for name in connector.organizations}
        if selected.isdisjoint(names):
            return Eligibility(
                eligible=False,
                reason=f'Connector "{connector.name}" takes selected organizations, and this is not one.',
                fix=force,
            )
    if connector.mode is DiscoveryMode.EXISTING and not enrollment.in_baseline:
        since = f" on {connector.baseline_at:%Y-%m-%d %H:%M} UTC" if connector.baseline_at else ""
        return Eligibility(
            eligible=False,
            reason=f'It appeared after connector "{connector.name}" took stock of the existing ones{since}.',
            fix=force,
        )
    return Eligibility(eligible=True)


def find(account: Account, known: Iterable[Organization]) -> Organization | None:
    """The record of an observed organization: by account id, else by name.

    A name only speaks for a record that has no other account id; a new organization under an old name is
    another organization.
    """
    by_name = None
    for organization in known:
        if account.account_id and organization.account_id == account.account_id:
            return organization
        if organization.name.casefold() != account.name.casefold():
            continue
        if account.account_id and organization.account_id:
            continue
        # Of two that had the name, the one that still answers to it.
        if by_name is None or by_name.missing_since is not None:
            by_name = organization
    return by_name


@dataclass(frozen=True, slots=True)
class DiscoveredOrganization:
    """What discovery concludes of one organization: the records to write, unless they are unchanged."""

    organization: Organization
    enrollment: Enrollment
    wanted: bool
    journal: tuple[JournalEntry, ...]
    organization_changed: bool
    enrollment_changed: bool
    appeared_again: bool = False


@dataclass(frozen=True, slots=True)
class DiscoveryPlan:
    """What one discovery run of one connector writes."""

    organizations: tuple[DiscoveredOrganization, ...]
    unlisted: tuple[DiscoveredOrganization, ...]


def plan_discovery(
    connector: Connector,
    observed: Observation[Account],
    known: Iterable[Organization],
    enrollments: Mapping[OrganizationId, Enrollment],
    holders: Mapping[OrganizationId, Connector],
    now: datetime,
    new_id: Callable[[Account], OrganizationId],
) -> DiscoveryPlan:
    """Match what was observed with what is known. Only a complete observation can leave anything out."""
    records = {organization.id: organization for organization in known}
    found: list[DiscoveredOrganization] = []
    seen: set[OrganizationId] = set()
    for account in observed.items:
        record = find(account, records.values())
        if record is not None and record.id in seen:
            continue
        discovered = _discovered(
            connector,
            account,
            record,
            enrollments.get(record.id) if record else None,
            holders.get(record.id) if record else None,
            now,
            new_id,
        )
        seen.add(discovered.organization.id)
        records[discovered.organization.id] = discovered.organization
        found.append(discovered)
    unlisted = []
    if observed.complete:
        for identifier, enrollment in enrollments.items():
            if identifier in seen or identifier not in records:
                continue
            unlisted.append(
                _unlisted(connector, records[identifier], enrollment, holders.get(identifier), now)
            )
    return DiscoveryPlan(tuple(found), tuple(unlisted))


def _discovered(
    connector: Connector,
    account: Account,
    record: Organization | None,
    enrollment: Enrollment | None,
    holder: Connector | None,
    now: datetime,
    new_id: Callable[[Account], OrganizationId],
) -> DiscoveredOrganization:
    journal: list[JournalEntry] = []
    if record is None:
        organization = Organization(
            id=new_id(account),
            tenant=connector.tenant,
            name=account.name,
            first_seen=now,
            account_id=account.account_id,
        )
        journal.append(
            organization_entry(
                now, JournalEvent.ORGANIZATION_DISCOVERED, connector, organization, after=account.name
            )
        )
    else:
        organization = observed_under(record, account)
        if organization.name != record.name:
            journal.append(
                organization_entry(
                    now,
                    JournalEvent.ORGANIZATION_RENAMED,
                    connector,
                    organization,
                    before=record.name,
                    after=organization.name,
                )
            )
    current = enrollment or new_enrollment(connector, organization, now)
    appeared_again = enrollment is not None and not enrollment.listed
    settled, entries = settle_enrollment(connector, organization, replace(current, listed=True), holder, now)
    journal.extend(entries)
    return DiscoveredOrganization(
        organization,
        settled,
        wanted=eligibility(connector, organization, settled).eligible
        and (holder is None or holder.id == connector.id),
        journal=tuple(journal),
        organization_changed=organization != record,
        enrollment_changed=settled != enrollment,
        appeared_again=appeared_again,
    )


def new_enrollment(connector: Connector, organization: Organization, now: datetime) -> Enrollment:
    """What a connector makes of an organization that it sees for the first time."""
    return Enrollment(
        connector=connector.id,
        organization=organization.id,
        state=_PENDING.state,
        reason=_PENDING.reason,
        fix=_PENDING.fix,
        discovered_at=now,
        changed_at=now,
        in_baseline=connector.baseline_at is None,
    )


def _unlisted(
    connector: Connector,
    organization: Organization,
    enrollment: Enrollment,
    holder: Connector | None,
    now: datetime,
) -> DiscoveredOrganization:
    """A known organization that a complete listing lacks: looked at, never dropped."""
    settled, entries = settle_enrollment(
        connector, organization, replace(enrollment, listed=False), holder, now
    )
    return DiscoveredOrganization(
        organization,
        settled,
        wanted=eligibility(connector, organization, settled).eligible
        and (holder is None or holder.id == connector.id),
        journal=tuple(entries),
        organization_changed=False,
        enrollment_changed=settled != enrollment,
    )


def observed_under(record: Organization, account: Account) -> Organization:
    """The record with the observed name and account id; a former name is kept as history."""
    renamed = record.name != account.name
    return replace(
        record,
        name=account.name,
        account_id=record.account_id or account.account_id,
        former_names=(*record.former_names, record.name)
        if renamed and record.name.casefold() != account.name.casefold()
        else record.former_names,
    )


def settle_enrollment(
    connector: Connector,
    organization: Organization,
    enrollment: Enrollment,
    holder: Connector | None,
    now: datetime,
) -> tuple[Enrollment, list[JournalEntry]]:
    """Bring the onboarding state in line with what the connector wants and who holds the organization.

    It never onboards (that takes the prerequisites and the claim); it explains why something is not, takes
    back what is no longer wanted, and makes wanted organizations candidates again.
    """
    wish = eligibility(connector, organization, enrollment)
    if not wish.eligible:
        return decided(
            enrollment,
            Decision(OnboardingState.NOT_ONBOARDED, OnboardingCause.NOT_WANTED, wish.reason, wish.fix),
            connector,
            organization,
            now,
        )
    if holder is not None and holder.id != connector.id:
        return decided(
            enrollment,
            Decision(
                OnboardingState.ONBOARDED_BY_OTHER_CONNECTOR,
                OnboardingCause.HELD_ELSEWHERE,
                f'Connector "{holder.name}" has it; one organization belongs to one connector per tenant.',
                f'Move it: "ado-connector organizations move {organization.name} --to {connector.name}".',
            ),
            connector,
            organization,
            now,
        )
    if holder is not None:
        if enrollment.state is OnboardingState.ONBOARDED:
            return enrollment, []
        onboarded = Decision(OnboardingState.ONBOARDED, OnboardingCause.PREREQUISITES)
        return decided(enrollment, onboarded, connector, organization, now)
    if enrollment.cause is OnboardingCause.PREREQUISITES and (
        enrollment.state is OnboardingState.NOT_ONBOARDED
    ):
        return enrollment, []
    return decided(enrollment, _PENDING, connector, organization, now)


@dataclass(frozen=True, slots=True)
class Decision:
    """An onboarding state with what decided it, why, and what would change it."""

    state: OnboardingState
    cause: OnboardingCause
    reason: str = ""
    fix: str = ""


_PENDING = Decision(
    OnboardingState.NOT_ONBOARDED,
    OnboardingCause.PENDING,
    "Its prerequisites have not been checked yet.",
    "Wait for the next check of its prerequisites.",
)


def decided(
    enrollment: Enrollment,
    decision: Decision,
    connector: Connector,
    organization: Organization,
    now: datetime,
) -> tuple[Enrollment, list[JournalEntry]]:
    """The enrollment after a decision, with a journal entry if the state or its reason changed."""
    settled = replace(
        enrollment,
        state=decision.state,
        cause=decision.cause,
        reason=decision.reason,
        fix=decision.fix,
        changed_at=enrollment.changed_at if enrollment.state is decision.state else now,
    )
    if settled == enrollment:
        return enrollment, []
    if (enrollment.state, enrollment.reason) == (decision.state, decision.reason):
        return settled, []
    entry = organization_entry(
        now,
        JournalEvent.ONBOARDING_CHANGED,
        connector,
        organization,
        before=enrollment.state.value,
        after=decision.state.value,
        reason=f"{decision.reason} {decision.fix}".strip(),
    )
    return settled, [entry]


def organization_entry(
    now: datetime,
    event: JournalEvent,
    connector: Connector | None,
    organization: Organization,
    before: str = "",
    after: str = "",
    reason: str = "",
    requested_by: str = "",
) -> JournalEntry:
    """A journal entry about an organization."""
    return JournalEntry(
        at=now,
        event=event,
        connector=connector.id if connector else None,
        organization=organization.id,
        subject=organization.id,
        subject_name=organization.name,
        before=before,
        after=after,
        reason=reason,
        requested_by=requested_by,
    )


def merge_into(
    kept: Organization, other: Organization, now: datetime
) -> tuple[Organization, Organization, JournalEntry]:
    """Two records turned out to be one organization: keep the older, mark the other as merged into it."""
    merged = replace(
        kept,
        instance_id=kept.instance_id or other.instance_id,
        account_id=kept.account_id or other.account_id,
        first_seen=min(kept.first_seen, other.first_seen),
        former_names=tuple(dict.fromkeys((*kept.former_names, *other.former_names))),
    )
    entry = organization_entry(
        now,
        JournalEvent.ORGANIZATION_MERGED,
        None,
        merged,
        before=other.id,
        after=kept.id,
        reason=f"Both records are the organization with instance id {merged.instance_id}.",
    )
    return merged, replace(other, merged_into=kept.id), entry


def ended_by_merge(enrollment: Enrollment, kept: Organization, now: datetime) -> Enrollment:
    """The enrollment of a record that was merged into another: nobody wants the organization under it."""
    return replace(
        enrollment,
        state=OnboardingState.NOT_APPLICABLE,
        cause=OnboardingCause.NOT_WANTED,
        reason=f'It is the same organization as "{kept.name}", and is kept under that record.',
        fix="",
        listed=False,
        changed_at=now,
    )


def candidates(
    enrollments: Iterable[Enrollment],
    connectors: Mapping[ConnectorId, Connector],
    organization: Organization,
    holder: ConnectorId | None,
) -> tuple[tuple[Connector, Enrollment], ...]:
    """Who may take the organization: its holder alone, else every connector that wants it, oldest first."""
    wanting = [
        (connectors[enrollment.connector], enrollment)
        for enrollment in enrollments
        if enrollment.connector in connectors
        and eligibility(connectors[enrollment.connector], organization, enrollment).eligible
    ]
    wanting.sort(key=lambda pair: (pair[0].created_at, pair[0].id))
    if holder is not None:
        return tuple(pair for pair in wanting if pair[0].id == holder)
    return tuple(wanting)
