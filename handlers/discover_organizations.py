"""Timer: find the organizations of every connector, and note what has to be done about each."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from handlers.ownership import new_organization_id, release
from handlers.unit_of_work import bring_forward
from shared.model.connector import AuthKind, AuthorizationStatus, Connector, DiscoveryMode, ProvisioningState
from shared.model.failure import Failure, FailureKind, ServiceError
from shared.model.identity import Account
from shared.model.ids import ConnectorId
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.observation import Observation
from shared.model.organization import OnboardingCause, OnboardingState
from shared.model.work import WorkKind
from shared.ports import AzureDevOps, Dependencies, SecretUnavailable, StateConflict, Urgency
from shared.reconcile.authorization import authorization_entry, is_refused, judge_authorization
from shared.reconcile.organizations import DiscoveredOrganization, plan_discovery

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

_BROKEN = {AuthorizationStatus.ENDED, AuthorizationStatus.NOT_AUTHORIZED}

_FORGET_AT_ONCE = 2_000
"""Rows of the journal in one run: more than come between two, short enough that nobody waits."""

_TRIES = 5
"""How often a plan is made anew when another worker changed a record in between."""


def discover_organizations(deps: Dependencies) -> None:
    """Discover for every connector. One that fails does not keep the others waiting."""
    connectors = deps.state.connectors()
    _free_orphans({connector.id for connector in connectors}, deps)
    for connector in connectors:
        discover_connector(connector, deps)
    # Old entries go a little at a time, with the timer that always runs.
    deps.state.forget_journal(deps.clock.now() - deps.intervals.journal, _FORGET_AT_ONCE)


def _free_orphans(existing: AbstractSet[ConnectorId], deps: Dependencies) -> None:
    """A claim made while its connector was being deleted would keep the organization from everybody."""
    for organization, holder in deps.state.claims().items():
        record = deps.state.get_organization(organization) if holder not in existing else None
        if record is not None:
            deps.state.release(record.tenant, organization, holder)


def discover_connector(connector: Connector, deps: Dependencies) -> bool:
    """List the connector's organizations and bring the state in line; returns whether all could be told.

    Requests: 2 where the identity can list organizations (profile, accounts); else 1 for the tenant's own
    listing, none where the connector's organizations are selected.
    """
    observed = observe_organizations(connector, deps)
    signed_in = _sign_in(connector, observed, deps)
    for _ in range(_TRIES):
        try:
            _apply(connector, observed, signed_in, deps)
        except StateConflict:
            fresh = deps.state.get_connector(connector.id)
            if fresh is None:
                return False
            connector = fresh
            continue
        return observed.complete and signed_in.failure is None
    deps.log.warning("discovery.contended", connector=connector.name)
    return False


@dataclass(frozen=True, slots=True)
class _SignIn:
    """Why the identity that the connector runs as, or discovers as, cannot sign in; when a sign-in ends."""

    failure: Failure | None = None
    ends_at: datetime | None = None


def _sign_in(connector: Connector, observed: Observation[Account], deps: Dependencies) -> _SignIn:
    try:
        ends_at = deps.connect(connector, urgency=Urgency.URGENT).sign_in()
    except ServiceError as error:
        return _SignIn(error.failure)
    except SecretUnavailable as error:
        return _SignIn(Failure(FailureKind.TRANSIENT, "SecretUnavailable", str(error)))
    failure = observed.failure
    if failure is None or is_refused(failure):
        return _SignIn(failure, ends_at)
    # Azure DevOps alone knows whether a personal access token is good, and it did not answer.
    untold = connector.identity.kind is AuthKind.PAT and failure.kind is FailureKind.TRANSIENT
    return _SignIn(failure if untold else None, ends_at)


def observe_organizations(connector: Connector, deps: Dependencies) -> Observation[Account]:
    """What the connector's identity can see, and the organizations that the connector names."""
    named = tuple(Account("", name) for name in connector.organizations)
    identity = connector.discover_as or connector.identity
    if not identity.lists_organizations:
        return Observation.whole(_with_names(_of_tenant(connector, deps), named))
    try:
        listed = _list(deps.connect(connector, discovering=True, urgency=Urgency.URGENT), connector)
    except ServiceError as error:
        return Observation.partial(named, error.failure)
    except SecretUnavailable as error:
        # Told of this connector, so that the others are not kept waiting for its secret.
        return Observation.partial(named, Failure(FailureKind.TRANSIENT, "SecretUnavailable", str(error)))
    return replace(listed, items=_with_names(listed.items, named))


def _with_names(listed: tuple[Account, ...], named: tuple[Account, ...]) -> tuple[Account, ...]:
    names = {account.name.casefold() for account in listed}
    return (*listed, *(account for account in named if account.name.casefold() not in names))


def _of_tenant(connector: Connector, deps: Dependencies) -> tuple[Account, ...]:
    """What the tenant's own listing tells an identity that is shown no other: a hint, where it answers.

    The listing is undocumented and needs rights in Microsoft Entra, so nothing depends on it.
    """
    if connector.mode is DiscoveryMode.SELECTED or not _GUID.fullmatch(connector.tenant):
        return ()
    try:
        listed = deps.connect(connector, discovering=True, urgency=Urgency.URGENT).tenant_organizations(
            connector.tenant
        )
    except (ServiceError, SecretUnavailable):
        return ()
    return listed.items


def _list(ado: AzureDevOps, connector: Connector) -> Observation[Account]:
    profile = ado.profile()
    listed = ado.accounts(profile.id)
    if listed.complete and not listed.items:
        # For some identities the listing is always empty, so an empty one proves nothing.
        return Observation.partial(
            (),
            Failure(
                FailureKind.DENIED,
                "NoOrganizations",
                f'Connector "{connector.name}": {profile.display_name or "the identity"} is shown no '
                "organization at all.",
                "Check that it was added to the organizations and signs in to the tenant they belong to; a "
                'personal access token must be for "All accessible organizations". A service principal or '
                "managed identity is never shown any: name its organizations in the connector.",
            ),
        )
    return listed


def _apply(
    connector: Connector, observed: Observation[Account], signed_in: _SignIn, deps: Dependencies
) -> None:
    now = deps.clock.now()
    connectors = {one.id: one for one in deps.state.connectors()}
    holders = {
        organization: connectors[holder]
        for organization, holder in deps.state.claims().items()
        if holder in connectors
    }
    enrollments = {one.organization: one for one in deps.state.enrollments(connector=connector.id)}
    plan = plan_discovery(
        connector,
        observed,
        deps.state.organizations(connector.tenant),
        enrollments,
        holders,
        now,
        lambda account: new_organization_id(connector, account, deps),
    )
    for discovered in plan.organizations:
        _write(discovered, connector, deps)
        _note_work(discovered, deps, look_now=discovered.appeared_again or _is_free_again(discovered))
    for unlisted in plan.unlisted:
        _write(unlisted, connector, deps)
        _note_work(unlisted, deps, look_now=unlisted.enrollment_changed)
    _record(connector, observed, signed_in, deps, now)


def _is_free_again(discovered: DiscoveredOrganization) -> bool:
    """Whether another connector let go of it, or this one wants it after all."""
    return discovered.enrollment_changed and discovered.enrollment.cause is OnboardingCause.PENDING


def _write(discovered: DiscoveredOrganization, connector: Connector, deps: Dependencies) -> None:
    journal = discovered.journal
    if discovered.organization_changed:
        deps.state.put_organization(discovered.organization, journal)
        journal = ()
    if discovered.enrollment_changed:
        deps.state.put_enrollment(discovered.enrollment, journal)
    if not discovered.wanted and discovered.enrollment.state is OnboardingState.NOT_ONBOARDED:
        release(connector, discovered.organization.id, deps, "The connector does not want it any more.")


def _note_work(discovered: DiscoveredOrganization, deps: Dependencies, *, look_now: bool) -> None:
    """Have the prerequisites of a wanted organization checked, at once if it is new, back, or unlisted."""
    if not discovered.wanted:
        return
    organization = discovered.organization.id
    work = deps.state.ensure_work(organization, WorkKind.PREREQUISITES, deps.clock.now())
    never_queued = work.queued_at is None and work.last_success is None and work.last_failure is None
    if look_now or never_queued:
        bring_forward(deps, organization, (WorkKind.PREREQUISITES,))


def _record(
    connector: Connector,
    observed: Observation[Account],
    signed_in: _SignIn,
    deps: Dependencies,
    now: datetime,
) -> None:
    failure = observed.failure or signed_in.failure
    authorization = judge_authorization(connector, signed_in.failure, now, signed_in.ends_at)
    state = ProvisioningState.SUCCEEDED if failure is None else ProvisioningState.FAILED
    message = "OK" if failure is None else failure.sentence()
    journal: list[JournalEntry] = []
    if (state, message) != (connector.provisioning, connector.provisioning_message):
        failed = failure is not None
        if failed or connector.provisioning is ProvisioningState.FAILED:
            journal.append(
                JournalEntry(
                    at=now,
                    event=JournalEvent.DISCOVERY_FAILED if failed else JournalEvent.DISCOVERY_RECOVERED,
                    connector=connector.id,
                    subject=connector.id,
                    subject_name=connector.name,
                    before=connector.provisioning.value,
                    after=state.value,
                    reason=message if failed else connector.provisioning_message,
                )
            )
    if failure is not None:
        deps.log.error("discovery.failed", connector=connector.name, code=failure.code, reason=failure.reason)
    changed = authorization_entry(connector, authorization, now)
    if changed is not None:
        journal.append(changed)
    if authorization.status in _BROKEN:
        # A stable name to alert on, each time: an alert that fires once is missed once.
        deps.log.error(
            "authorization.ended",
            connector=connector.name,
            status=authorization.status.value,
            code=authorization.code,
            reason=authorization.reason,
        )
    elif authorization.status is AuthorizationStatus.ENDING:
        deps.log.error("authorization.ending", connector=connector.name, reason=authorization.reason)
    deps.state.put_connector(
        replace(
            connector,
            authorization=authorization,
            baseline_at=connector.baseline_at or (now if observed.complete else None),
            provisioning=state,
            provisioning_message=message,
            provisioning_at=now,
        ),
        journal,
    )
    if connector.authorization.status in _BROKEN and authorization.status not in _BROKEN:
        look_again(connector, deps)
    deps.log.info("discovery.done", connector=connector.name, organizations=len(observed.items))


def look_again(connector: Connector, deps: Dependencies) -> None:
    """Have everything of the connector done now that failed while its identity could not sign in."""
    holders = deps.state.claims()
    for enrollment in deps.state.enrollments(connector=connector.id):
        organization = enrollment.organization
        if holders.get(organization, connector.id) != connector.id:
            continue
        failed = {
            one.kind
            for one in deps.state.work(organization=organization)
            if one.last_failure is not None and is_refused(one.last_failure)
        }
        if enrollment.cause is OnboardingCause.PREREQUISITES:
            failed.add(WorkKind.PREREQUISITES)
        bring_forward(deps, organization, tuple(sorted(failed)))
