"""What a connector would find, asked of Azure DevOps before it exists or changes; nothing is written."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from cli.hosting import only_with_app
from handlers.discover_organizations import observe_organizations
from handlers.identity_rights import read_identity_rights
from shared.model.connector import Connector
from shared.model.failure import Failure, FailureKind, ServiceError
from shared.model.identity import Account
from shared.model.ids import OrganizationId
from shared.model.observation import Observation
from shared.model.organization import Enrollment, OnboardingState, Organization
from shared.model.prerequisite import Prerequisite
from shared.ports import SecretUnavailable, Urgency
from shared.reconcile.organizations import eligibility, find, new_enrollment, settle_enrollment
from shared.reconcile.prerequisites import decide_onboarding, judge

if TYPE_CHECKING:
    from shared.wiring.runtime import Runtime

_AT_ONCE: Final = 8
"""Organizations that are asked at once; the rate limit is per organization and identity."""

_PAGE: Final = 100
_RIGHTS: Final = 7
_PER_ORGANIZATION: Final = 3
"""Container Mapping extension, repositories, and the organization's own settings."""
_PER_PROJECT: Final = 3
"""Pipeline settings, branch policies and service connections; each service connection takes one more."""


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One organization, and what would become of it.

    `state` is `Onboarded` where it would be taken (or is already); `reason` and `fix` tell why not.
    `projects` were seen on the first page, and `has_more` says that there are others.
    """

    name: str
    state: OnboardingState
    reason: str = ""
    fix: str = ""
    prerequisites: tuple[Prerequisite, ...] = ()
    projects: int = 0
    has_more: bool = False

    @property
    def requests(self) -> int:
        """What its first sync takes, at least."""
        if self.state is not OnboardingState.ONBOARDED:
            return _RIGHTS if self.prerequisites else 0
        pages = math.ceil(self.projects / _PAGE) + 1
        return _RIGHTS + _PER_ORGANIZATION + pages + _PER_PROJECT * self.projects


@dataclass(frozen=True, slots=True)
class Survey:
    """All organizations that the connector's identity sees or that it names, in order of name.

    `failure` says why they could not all be told. `seconds_per_request` was measured on the way.
    """

    organizations: tuple[Surveyed, ...]
    failure: Failure | None = None
    seconds_per_request: float = 0.0

    @property
    def onboarded(self) -> tuple[Surveyed, ...]:
        """Those that will be onboarded."""
        return tuple(one for one in self.organizations if one.state is OnboardingState.ONBOARDED)

    @property
    def requests(self) -> int:
        """What a first sync of all of them takes, at least: the discovery and each organization."""
        return 2 + sum(one.requests for one in self.organizations)

    @property
    def has_more(self) -> bool:
        """Whether some have more projects than were counted."""
        return any(one.has_more for one in self.onboarded)


def survey(connector: Connector, runtime: Runtime, said: Callable[[str], None]) -> Survey:
    """Ask as the connector's identities. `said` is told what is being done, for people who wait.

    Requests: 2 to list, 7 for each organization that is wanted, 1 more for each that may be onboarded.
    """
    said("Listing organizations")
    deps = runtime.dependencies
    began = deps.clock.now()
    observed, refused = _observed(connector, runtime)
    failure = observed.failure or refused
    if refused is not None:
        return Survey(
            tuple(_untold(account, refused) for account in _by_name(observed.items)), failure=refused
        )
    asked = _Asked(connector, runtime)
    accounts = _by_name(observed.items)
    said(f"Checking {len(accounts)} organizations")
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="survey") as pool:
        found = tuple(pool.map(asked.one, accounts))
    took = (deps.clock.now() - began).total_seconds()
    # Eight are asked at once, and each waits for one answer at a time.
    requests = 2 + sum(_RIGHTS + 1 for one in found if one.prerequisites)
    return Survey(found, failure, took * min(_AT_ONCE, max(1, len(found))) / requests)


def _observed(connector: Connector, runtime: Runtime) -> tuple[Observation[Account], Failure | None]:
    """The organizations, and why the identity that the connector runs as cannot sign in."""
    observed = observe_organizations(connector, runtime.dependencies)
    if away := only_with_app(connector.identity, runtime):
        return observed, Failure(
            FailureKind.DENIED,
            "CredentialMissing",
            f"From here it cannot be told: {away} is not on this machine but with the deployed app.",
            "Nothing to do: the app tells it after its next discovery.",
        )
    try:
        runtime.dependencies.connect(connector, urgency=Urgency.URGENT).sign_in()
    except ServiceError as error:
        return observed, error.failure
    except SecretUnavailable as error:
        return observed, Failure(FailureKind.TRANSIENT, "SecretUnavailable", str(error))
    return observed, None


def _by_name(accounts: Iterable[Account]) -> list[Account]:
    return sorted(accounts, key=lambda one: (one.name.casefold(), one.name))


def _untold(account: Account, failure: Failure) -> Surveyed:
    return Surveyed(account.name, OnboardingState.NOT_ONBOARDED, failure.reason, failure.fix)


class _Asked:
    """Looks at one organization after the other, from several threads."""

    def __init__(self, connector: Connector, runtime: Runtime, forced_by: str = "") -> None:
        self._connector = connector
        self._forced_by = forced_by
        self._deps = runtime.dependencies
        self._now = runtime.clock.now()
        self._known = runtime.state.organizations(connector.tenant)
        connectors = {one.id: one for one in runtime.state.connectors()}
        self._holders = {
            organization: connectors[holder]
            for organization, holder in runtime.state.claims().items()
            if holder in connectors
        }
        self._enrollments = {
            one.organization: one for one in runtime.state.enrollments(connector=connector.id)
        }
        self._ado = self._deps.connect(connector, urgency=Urgency.URGENT)

    def one(self, account: Account) -> Surveyed:
        record = find(account, self._known)
        organization = record or _new(account, self._connector, self._now)
        enrollment = self._enrollment(organization)
        if self._forced_by:
            enrollment = replace(enrollment, forced_by=self._forced_by, removed_by="")
        wish = eligibility(self._connector, organization, enrollment)
        if not wish.eligible:
            return Surveyed(account.name, OnboardingState.NOT_ONBOARDED, wish.reason, wish.fix)
        holder = self._holders.get(organization.id)
        if holder is not None and holder.id != self._connector.id:
            return Surveyed(
                account.name,
                OnboardingState.ONBOARDED_BY_OTHER_CONNECTOR,
                f'Connector "{holder.name}" has it; one organization belongs to one connector per tenant.',
                f'Move it: "ado-connector organizations move {account.name} --to {self._connector.name}".',
            )
        try:
            rights = read_identity_rights(self._ado, account.name)
        except ServiceError as error:
            return _untold(account, error.failure)
        prerequisites = judge(
            rights, (), self._connector.identity.kind, self._now, tenant=self._connector.tenant
        )
        decision = decide_onboarding(self._connector, prerequisites)
        told = Surveyed(account.name, decision.state, decision.reason, decision.fix, prerequisites)
        if decision.state is not OnboardingState.ONBOARDED:
            return told
        try:
            first = self._ado.projects(account.name, deadline=self._now)
        except ServiceError as error:
            return replace(told, reason=error.failure.sentence())
        return replace(told, projects=len(first.items), has_more=not first.complete)

    def known_row(self, account: Account) -> dict[str, object]:
        """The organization as the state has it, asked nothing more."""
        record = find(account, self._known)
        organization = record or _new(account, self._connector, self._now)
        settled, _ = settle_enrollment(
            self._connector,
            organization,
            self._enrollment(organization),
            self._holders.get(organization.id),
            self._now,
        )
        return {
            "organization": account.name,
            "connector": self._connector.name,
            "onboardingState": settled.state.value,
            "reason": f"{settled.reason} {settled.fix}".strip() or None,
            "known": record is not None,
        }

    def _enrollment(self, organization: Organization) -> Enrollment:
        found = self._enrollments.get(organization.id)
        return found or new_enrollment(self._connector, organization, self._now)


def _new(account: Account, connector: Connector, now: datetime) -> Organization:
    return Organization(
        id=OrganizationId(""),
        tenant=connector.tenant,
        name=account.name,
        first_seen=now,
        account_id=account.account_id,
    )


def survey_one(name: str, connector: Connector, runtime: Runtime, *, forced_by: str) -> Surveyed:
    """What would become of one organization that somebody asks for. Requests: 8 at most."""
    return _Asked(connector, runtime, forced_by=forced_by).one(Account("", name))


def available_rows(
    connectors: Iterable[Connector], runtime: Runtime
) -> tuple[list[dict[str, object]], list[str]]:
    """Every organization that the connectors see or name, with its state; and what could not be told.

    Requests: 2 for each connector whose identity can list.
    """
    rows: list[dict[str, object]] = []
    untold: list[str] = []
    for connector in connectors:
        observed, refused = _observed(connector, runtime)
        failure = observed.failure or refused
        if failure is not None:
            untold.append(f'Connector "{connector.name}": {failure.sentence()}')
        asked = _Asked(connector, runtime)
        rows.extend(asked.known_row(account) for account in _by_name(observed.items))
    return rows, untold
