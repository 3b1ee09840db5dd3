"""What `doctor` checks of a connector: does its identity sign in, and which organizations is it shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cli.checks import Check, Group, Outcome, Weight
from cli.hosting import only_with_app
from cli.output import instant, many
from shared.model.connector import AuthorizationStatus, Connector, IdentityReference
from shared.model.failure import Failure, FailureKind, ServiceError
from shared.model.identity import Account
from shared.model.ids import OrganizationId
from shared.model.organization import Organization
from shared.ports import SecretUnavailable, Urgency

if TYPE_CHECKING:
    from datetime import datetime

    from shared.wiring.runtime import Runtime

_BREAKS = "everything of this connector: what is known stays as it is, and goes stale"


@dataclass(frozen=True, slots=True)
class SignIn:
    """Whether an identity signs in; `failure` is set where it does not, or could not be told."""

    check: Check
    failure: Failure | None = None


def sign_in(runtime: Runtime, connector: Connector, organizations: Sequence[str]) -> SignIn:
    """As the identity that the connector runs as. Requests: 1, and 1 more where that leaves a doubt."""
    return _sign_in(runtime, connector, connector.identity, organizations, "signIn", "sign-in")


@dataclass(frozen=True, slots=True)
class Listing:
    """The checks of what a connector is shown, and the names of organizations that it would take."""

    checks: tuple[Check, ...]
    wanted: tuple[str, ...] = ()


def list_organizations(runtime: Runtime, connector: Connector) -> Listing:
    """What is known of the authorisation, and the listing of organizations. Requests: at most 3."""
    checks = [*_authorization(connector)]
    if connector.discover_as is not None:
        discovering = _sign_in(
            runtime, connector, connector.discover_as, (), "signInToDiscover", "sign-in to discover"
        )
        checks.append(discovering.check)
        if discovering.failure is not None:
            return Listing(tuple(checks))
    listing, accounts = _listing(runtime, connector)
    return Listing((*checks, listing), _wanted(connector, accounts, runtime.clock.now()))


def _wanted(connector: Connector, accounts: Iterable[Account], now: datetime) -> tuple[str, ...]:
    """As discovery would decide of organizations that it sees for the first time."""
    from shared.reconcile.organizations import eligibility, new_enrollment  # noqa: PLC0415 - heavy

    nobody = OrganizationId("")
    seen = [Organization(nobody, connector.tenant, one.name, first_seen=now) for one in accounts]
    return tuple(
        one.name for one in seen if eligibility(connector, one, new_enrollment(connector, one, now)).eligible
    )


def _sign_in(
    runtime: Runtime,
    connector: Connector,
    identity: IdentityReference,
    organizations: Sequence[str],
    key: str,
    title: str,
) -> SignIn:
    def check(outcome: Outcome, evidence: str, failure: Failure | None = None) -> SignIn:
        made = Check(
            key,
            Group.CONNECTOR,
            f"{title} ({identity.kind.value})",
            outcome,
            evidence,
            _BREAKS,
            failure.fix if failure else "",
            weight=Weight.BLOCKING,
            code=failure.code if failure else "",
            connector=connector.name,
        )
        return SignIn(made, None if outcome is Outcome.MET else failure)

    if away := only_with_app(identity, runtime):
        return SignIn(*_of_app(connector, away, check))
    client = runtime.factory.connect(identity, connector.tenant, Urgency.URGENT)
    try:
        client.sign_in()
        profile = client.profile()
    except SecretUnavailable as error:
        problem, _, fix = str(error).partition(". ")
        failure = Failure(FailureKind.DENIED, "SecretUnavailable", f"{problem}.", fix)
    except ServiceError as error:
        failure = error.failure
    else:
        return check(Outcome.MET, f"Signed in as {profile.display_name or 'an unnamed identity'}.")
    failure = replace(failure, fix=failure.fix.replace("authorize NAME", f"authorize {connector.name}"))
    if failure.code == "TokenRefused":
        for organization in organizations[:1]:
            try:
                client.connection(organization)
            except ServiceError as error:
                if error.failure.code != "NotAMember":
                    continue
            told = f"Organization {organization} takes the token, though the profile may not be read with it."
            return check(Outcome.MET, told)
    return check(
        Outcome.NOT_MET if failure.kind is FailureKind.DENIED else Outcome.UNKNOWN, failure.reason, failure
    )


def _of_app(
    connector: Connector, away: str, check: Callable[[Outcome, str, Failure | None], SignIn]
) -> tuple[Check, Failure]:
    """What the deployed app last told of a sign-in that cannot be tried from here, and that it cannot."""
    known = connector.authorization
    here = f"From here it cannot be tried: {away} is not on this machine but with the deployed app."
    look = f'See what the app tells: "ado-connector connector show {connector.name}".'
    untried = Failure(FailureKind.DENIED, "CredentialMissing", here, look)
    if known.status in {AuthorizationStatus.OK, AuthorizationStatus.ENDING}:
        when = f" at {instant(known.checked_at)}" if known.checked_at else ""
        return check(Outcome.MET, f"The deployed app signed in{when}.", None).check, untried
    if known.status is AuthorizationStatus.ENDED:
        ended = replace(untried, code=known.code, fix=known.fix)
        return check(
            Outcome.NOT_MET, f"The deployed app cannot sign in: {known.reason}", ended
        ).check, untried
    return check(Outcome.UNKNOWN, here, untried).check, untried


def _authorization(connector: Connector) -> Iterator[Check]:
    """What is known beyond today: an authorisation that is about to end still signs in."""
    known = connector.authorization
    if known.status not in {AuthorizationStatus.ENDING, AuthorizationStatus.NOT_AUTHORIZED}:
        return
    ending = known.status is AuthorizationStatus.ENDING
    until = f" at {instant(known.expires_at)}" if known.expires_at else ""
    evidence = f"It is about to end{until}." if ending else "Nobody has signed in for the connector yet."
    yield Check(
        "authorization",
        Group.CONNECTOR,
        "authorisation",
        Outcome.NOT_MET,
        f"{evidence} {known.reason}".strip(),
        _BREAKS,
        known.fix or f'Sign in for it: "ado-connector connector authorize {connector.name}".',
        weight=Weight.DEGRADING if ending else Weight.BLOCKING,
        code=known.code or known.status.value,
        connector=connector.name,
    )


def _listing(runtime: Runtime, connector: Connector) -> tuple[Check, tuple[Account, ...]]:
    from handlers.discover_organizations import observe_organizations  # noqa: PLC0415 - heavy

    identity = connector.discover_as or connector.identity
    named = len(connector.organizations)

    def check(outcome: Outcome, evidence: str, fix: str = "", failure: Failure | None = None) -> Check:
        return Check(
            "organizationListing",
            Group.CONNECTOR,
            "organization listing",
            outcome,
            evidence,
            "organizations that are new are not found; those that are known go on",
            fix,
            code=failure.code if failure else "",
            connector=connector.name,
            permission=failure.permission if failure else "",
            capabilities=("discovery",),
        )

    observed = observe_organizations(connector, runtime.dependencies)
    failure = observed.failure
    if not identity.lists_organizations:
        told = f"Azure DevOps lists none for a {identity.kind.value}; {many(named, 'organization')} named."
        fix = "Name the organizations in the connector, or let it discover as a user."
        made = check(Outcome.MET, told) if named else check(Outcome.NOT_MET, told, fix)
    elif failure is None:
        made = check(Outcome.MET, f"The identity is shown {many(len(observed.items), 'organization')}.")
    else:
        outcome = Outcome.NOT_MET if failure.kind is FailureKind.DENIED else Outcome.UNKNOWN
        made = check(outcome, failure.reason, failure.fix, failure)
    return made, observed.items
