"""Prerequisites: every combination of rights, and what it means for onboarding."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.model.connector import AuthKind, Connector, ConnectorOptions, DiscoveryMode, IdentityReference
from shared.model.facts import Fact
from shared.model.failure import Failure, FailureKind
from shared.model.identity import (
    Connection,
    Entitlement,
    IdentityRights,
    OrganizationPolicies,
    PolicyValue,
)
from shared.model.ids import ConnectorId, OrganizationId, TenantId
from shared.model.organization import OnboardingState, Organization
from shared.model.prerequisite import Prerequisite, PrerequisiteName, PrerequisiteStatus
from shared.reconcile.prerequisites import (
    OAUTH_POLICY,
    administrators_descriptor,
    administrators_sid,
    changes,
    decide_onboarding,
    judge,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
INSTANCE = "f9223383-4917-48e5-83d6-6d8080d09b65"
SID = administrators_sid(INSTANCE)
FORBIDDEN = Failure(
    FailureKind.DENIED, "PermissionMissing", "Access denied.", "Ask for it.", permission="vso.graph"
)
CONNECTION = Connection(INSTANCE, "me", "aad.abc", "Conn Svc")
BASIC = Entitlement("express", "account", "none", "active", "Basic")


def oauth(value: bool | None, effective: bool | None) -> Fact[OrganizationPolicies]:
    """The policies answer with one policy in it."""
    return Fact.read(OrganizationPolicies({OAUTH_POLICY: PolicyValue(value, effective)}))


RIGHTS = IdentityRights(
    connection=Fact.read(CONNECTION),
    administrator=Fact.read(True),
    groups=Fact.read(frozenset({SID})),
    entitlement=Fact.read(BASIC),
    policies=oauth(value=False, effective=True),
)


def outcome(rights: IdentityRights, name: PrerequisiteName, kind: AuthKind = AuthKind.PAT) -> Prerequisite:
    """The one prerequisite asked for."""
    return {one.name: one for one in judge(rights, (), kind, NOW)}[name]


def test_the_administrators_group_is_computed_as_azure_devops_does() -> None:
    assert SID == "S-1-9-1551374245-2201166585-390718792-2211868032-2161154917-0-0-0-0-1"
    assert administrators_descriptor(INSTANCE) == (
        "vssgp.Uy0xLTktMTU1MTM3NDI0NS0yMjAxMTY2NTg1LTM5MDcxODc5Mi0yMjExODY4MDMyLTIxNjExNTQ5MTctMC0wLTAtMC0x"
    )


@pytest.mark.parametrize(
    ("effective", "groups", "status", "warns"),
    [
        (True, {SID}, PrerequisiteStatus.MET, False),
        (True, set(), PrerequisiteStatus.MET, True),
        (False, {SID}, PrerequisiteStatus.NOT_MET, False),
        (False, set(), PrerequisiteStatus.NOT_MET, False),
        # The administrators of some project have the same last five numbers.
        (False, {"S-1-9-1551374245-1-2-3-4-0-0-0-0-1"}, PrerequisiteStatus.NOT_MET, False),
        (True, None, PrerequisiteStatus.MET, False),
        (None, {SID}, PrerequisiteStatus.UNKNOWN, False),
    ],
)
def test_administrator(
    effective: bool | None, groups: set[str] | None, status: PrerequisiteStatus, warns: bool
) -> None:
    rights = replace(
        RIGHTS,
        administrator=Fact.unread(FORBIDDEN) if effective is None else Fact.read(effective),
        groups=Fact.unread(FORBIDDEN) if groups is None else Fact.read(frozenset(groups)),
    )
    told = outcome(rights, PrerequisiteName.PROJECT_COLLECTION_ADMINISTRATOR)
    assert told.status is status
    assert bool(told.warning) is warns
    assert told.evidence
    assert told.fix or status is PrerequisiteStatus.MET


@pytest.mark.parametrize(
    ("account", "source", "msdn", "state", "status"),
    [
        ("express", "account", "none", "active", PrerequisiteStatus.MET),
        ("advanced", "account", "none", "active", PrerequisiteStatus.MET),
        ("professional", "account", "none", "active", PrerequisiteStatus.MET),
        ("earlyadopter", "account", "none", "active", PrerequisiteStatus.MET),
        ("none", "msdn", "enterprise", "active", PrerequisiteStatus.MET),
        ("none", "msdn", "eligible", "active", PrerequisiteStatus.MET),
        ("express", "account", "none", "pending", PrerequisiteStatus.MET),
        ("stakeholder", "account", "none", "active", PrerequisiteStatus.NOT_MET),
        ("none", "account", "none", "active", PrerequisiteStatus.NOT_MET),
        ("none", "msdn", "none", "active", PrerequisiteStatus.NOT_MET),
        ("express", "account", "none", "disabled", PrerequisiteStatus.NOT_MET),
        ("express", "account", "none", "expired", PrerequisiteStatus.NOT_MET),
        ("somethingnew", "account", "none", "active", PrerequisiteStatus.UNKNOWN),
    ],
)
def test_access_level(account: str, source: str, msdn: str, state: str, status: PrerequisiteStatus) -> None:
    rights = replace(RIGHTS, entitlement=Fact.read(Entitlement(account, source, msdn, state, "")))
    told = outcome(rights, PrerequisiteName.ACCESS_LEVEL)
    assert told.status is status
    assert account in told.evidence


@pytest.mark.parametrize(
    ("value", "effective", "status"),
    [
        (False, True, PrerequisiteStatus.MET),
        (True, False, PrerequisiteStatus.NOT_MET),
        (True, True, PrerequisiteStatus.UNKNOWN),
        (False, False, PrerequisiteStatus.UNKNOWN),
        (False, None, PrerequisiteStatus.MET),
        (True, None, PrerequisiteStatus.NOT_MET),
        (None, True, PrerequisiteStatus.MET),
        (None, None, PrerequisiteStatus.UNKNOWN),
    ],
)
def test_oauth_polarity(value: bool | None, effective: bool | None, status: PrerequisiteStatus) -> None:
    told = outcome(replace(RIGHTS, policies=oauth(value, effective)), PrerequisiteName.THIRD_PARTY_OAUTH)
    assert told.status is status


def test_oauth_off_never_blocks_by_default() -> None:
    rights = replace(RIGHTS, policies=oauth(value=True, effective=False))
    prerequisites = judge(rights, (), AuthKind.SERVICE_PRINCIPAL, NOW)
    assert decide_onboarding(connector(), prerequisites).state is OnboardingState.ONBOARDED


def test_not_a_member_is_not_met_and_what_it_hides_is_unknown() -> None:
    failure = Failure(FailureKind.DENIED, "NotAMember", "contoso: not a user.", "Add it.")
    unread = Fact[object].unread(failure)
    rights = IdentityRights(unread, unread, unread, unread, unread)  # type: ignore[arg-type]
    told = {one.name: one.status for one in judge(rights, (), AuthKind.PAT, NOW)}
    assert told == {
        PrerequisiteName.MEMBERSHIP: PrerequisiteStatus.NOT_MET,
        PrerequisiteName.PROJECT_COLLECTION_ADMINISTRATOR: PrerequisiteStatus.UNKNOWN,
        PrerequisiteName.ACCESS_LEVEL: PrerequisiteStatus.UNKNOWN,
        PrerequisiteName.THIRD_PARTY_OAUTH: PrerequisiteStatus.UNKNOWN,
    }


def test_a_refused_token_says_nothing_about_membership() -> None:
    failure = Failure(FailureKind.DENIED, "TokenRefused", "The token was refused.", "Renew it.")
    unread = Fact[object].unread(failure)
    rights = IdentityRights(unread, unread, unread, unread, unread)  # type: ignore[arg-type]
    told = judge(rights, (), AuthKind.PAT, NOW)
    assert {one.status for one in told} == {PrerequisiteStatus.UNKNOWN}
    assert decide_onboarding(connector(), told).reason.startswith("Could not tell: membership")


def connector(**options: object) -> Connector:
    """A connector with the given options."""
    return Connector(
        ConnectorId("c"),
        "main",
        TenantId("t"),
        DiscoveryMode.EXISTING_AND_FUTURE,
        IdentityReference(AuthKind.PAT),
        created_at=NOW,
        options=ConnectorOptions(**options),  # type: ignore[arg-type]
    )


def test_everything_met_onboards() -> None:
    assert decide_onboarding(connector(), judge(RIGHTS, (), AuthKind.PAT, NOW)).state is (
        OnboardingState.ONBOARDED
    )


def test_every_failing_prerequisite_is_told_with_its_fix() -> None:
    rights = replace(
        RIGHTS,
        administrator=Fact.read(False),
        groups=Fact.read(frozenset()),
        entitlement=Fact.read(replace(BASIC, account_license="stakeholder", display_name="Stakeholder")),
    )
    decision = decide_onboarding(connector(), judge(rights, (), AuthKind.PAT, NOW))
    assert decision.state is OnboardingState.NOT_ONBOARDED
    assert "Project Collection Administrator" in decision.reason
    assert "Stakeholder" in decision.reason
    assert "Change access level" in decision.fix


def test_unknown_is_not_met() -> None:
    rights = replace(RIGHTS, administrator=Fact.unread(FORBIDDEN))
    decision = decide_onboarding(connector(), judge(rights, (), AuthKind.PAT, NOW))
    assert decision.state is OnboardingState.NOT_ONBOARDED
    assert decision.reason.startswith("Could not tell")
    assert "vso.graph" in decision.fix


def test_a_connector_may_require_less() -> None:
    rights = replace(RIGHTS, administrator=Fact.read(False), groups=Fact.read(frozenset()))
    relaxed = connector(required_prerequisites=(PrerequisiteName.MEMBERSHIP,))
    decision = decide_onboarding(relaxed, judge(rights, (), AuthKind.PAT, NOW))
    assert decision.state is OnboardingState.ONBOARDED


def test_since_is_kept_while_the_status_holds_and_restarts_with_another_identity() -> None:
    first = judge(RIGHTS, (), AuthKind.PAT, NOW)
    later = NOW + timedelta(hours=1)
    again = judge(RIGHTS, first, AuthKind.PAT, later)
    assert {one.since for one in again} == {NOW}
    assert {one.checked_at for one in again} == {later}
    other = replace(RIGHTS, connection=Fact.read(replace(CONNECTION, identity_id="other")))
    changed = {one.name: one.since for one in judge(other, first, AuthKind.PAT, later)}
    assert changed[PrerequisiteName.MEMBERSHIP] == later
    assert changed[PrerequisiteName.ACCESS_LEVEL] == NOW


def test_the_journal_tells_changes_and_first_failures_only() -> None:
    organization = Organization(OrganizationId("o"), TenantId("t"), "contoso", first_seen=NOW)
    good = judge(RIGHTS, (), AuthKind.PAT, NOW)
    bad = judge(replace(RIGHTS, administrator=Fact.read(False)), good, AuthKind.PAT, NOW)
    assert changes(organization, connector(), (), good, NOW) == []
    assert changes(organization, connector(), good, good, NOW) == []
    (entry,) = changes(organization, connector(), good, bad, NOW)
    assert (entry.subject, entry.before, entry.after) == (
        "projectCollectionAdministrator",
        "met",
        "notMet",
    )
