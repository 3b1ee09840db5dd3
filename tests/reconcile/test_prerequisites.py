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
from shared.model.ids import NO_TENANT, ConnectorId, OrganizationId, TenantId
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.organization import OnboardingState, Organization
from shared.model.prerequisite import INFORMATIONAL, Prerequisite, PrerequisiteName, PrerequisiteStatus
from shared.reconcile.prerequisites import (
    AUDIT_POLICY,
    OAUTH_POLICY,
    TITLES,
    WRONG_TENANT,
    administrators_descriptor,
    administrators_sid,
    changes,
    decide_onboarding,
    diagnosis,
    judge,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
INSTANCE = "f9223383-4917-48e5-83d6-6d8080d09b65"
SID = administrators_sid(INSTANCE)
FORBIDDEN = Failure(
    FailureKind.DENIED, "PermissionMissing", "Access denied.", "Ask for it.", permission="vso.graph"
)
PASSING = Failure(FailureKind.TRANSIENT, "ServerTrouble", "contoso: trouble.", "Wait.")
OAUTH = PrerequisiteName.THIRD_PARTY_OAUTH
OURS = "11111111-1111-4111-8111-111111111111"
THEIRS = "22222222-2222-4222-8222-2222222222aa"
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


@pytest.mark.parametrize(
    ("told", "tenant", "kind", "status"),
    [
        (THEIRS, THEIRS, AuthKind.PAT, PrerequisiteStatus.MET),
        (THEIRS, THEIRS.upper(), AuthKind.PAT, PrerequisiteStatus.MET),
        (THEIRS, OURS, AuthKind.PAT, PrerequisiteStatus.NOT_MET),
        (THEIRS, OURS, AuthKind.USER, PrerequisiteStatus.NOT_MET),
        (THEIRS, "default", AuthKind.PAT, PrerequisiteStatus.UNKNOWN),
        (THEIRS, "contoso.com", AuthKind.AZURE_CLI, PrerequisiteStatus.MET),
        (THEIRS, "contoso.com", AuthKind.MANAGED_IDENTITY, PrerequisiteStatus.UNKNOWN),
        ("", OURS, AuthKind.USER, PrerequisiteStatus.MET),
        ("", OURS, AuthKind.MANAGED_IDENTITY, PrerequisiteStatus.UNKNOWN),
        ("", OURS, AuthKind.PAT, PrerequisiteStatus.UNKNOWN),
    ],
)
def test_same_tenant_of_an_identity_that_is_let_in(
    told: str, tenant: str, kind: AuthKind, status: PrerequisiteStatus
) -> None:
    rights = replace(RIGHTS, connection=Fact.read(replace(CONNECTION, tenant=told)))
    judged = {one.name: one for one in judge(rights, (), kind, NOW, tenant=TenantId(tenant))}
    assert judged[PrerequisiteName.SAME_TENANT].status is status
    assert judged[PrerequisiteName.SAME_TENANT].evidence


def not_let_in(tenant: str) -> IdentityRights:
    """Rights of an identity that the organization of this tenant does not know."""
    failure = Failure(FailureKind.DENIED, "NotAMember", "contoso: not a user.", "Add it.", tenant=tenant)
    unread = Fact[object].unread(failure)
    return IdentityRights(unread, unread, unread, unread, unread)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "same", "code", "fix"),
    [
        (THEIRS, PrerequisiteStatus.NOT_MET, WRONG_TENANT, f"Sign in to tenant {THEIRS}"),
        (OURS, PrerequisiteStatus.MET, "NotAMember", "Users > Add users"),
        (NO_TENANT, PrerequisiteStatus.NOT_MET, "NotAMember", "Add it."),
        ("", PrerequisiteStatus.UNKNOWN, "NotAMember", "Add it."),
    ],
)
def test_another_tenant_is_told_from_no_membership(
    told: str, same: PrerequisiteStatus, code: str, fix: str
) -> None:
    rights = not_let_in(told)
    judged = {one.name: one for one in judge(rights, (), AuthKind.USER, NOW, tenant=TenantId(OURS))}
    membership = judged[PrerequisiteName.MEMBERSHIP]
    assert membership.status is PrerequisiteStatus.NOT_MET
    assert fix in membership.fix
    assert judged[PrerequisiteName.SAME_TENANT].status is same
    assert rights.connection.failure is not None
    assert diagnosis(rights.connection.failure, TenantId(OURS)) == code


def test_a_microsoft_account_shows_that_there_is_no_tenant_and_no_auditing() -> None:
    connection = replace(CONNECTION, subject_descriptor="msa.abc")
    rights = replace(RIGHTS, connection=Fact.read(connection), audit_log=Fact.read(True))
    for name in (PrerequisiteName.SAME_TENANT, PrerequisiteName.AUDITING):
        told = outcome(rights, name)
        assert told.status is PrerequisiteStatus.NOT_MET
        assert "connected to no Microsoft Entra tenant" in told.evidence
        assert "Connect directory" in told.fix


def test_a_stopped_organization_is_not_active_and_a_silent_one_is_not_known_to_be() -> None:
    for code, status in (
        ("OrganizationStopped", PrerequisiteStatus.NOT_MET),
        ("NotAMember", PrerequisiteStatus.UNKNOWN),
        ("TokenRefused", PrerequisiteStatus.UNKNOWN),
    ):
        unread = Fact[Connection].unread(Failure(FailureKind.DENIED, code, "contoso: no.", "Start it."))
        told = outcome(replace(RIGHTS, connection=unread), PrerequisiteName.ORGANIZATION_ACTIVE)
        assert told.status is status
        assert (told.evidence, told.fix) == ("contoso: no.", "Start it.")
    assert outcome(RIGHTS, PrerequisiteName.ORGANIZATION_ACTIVE).status is PrerequisiteStatus.MET


def audit(value: bool | None) -> Fact[OrganizationPolicies]:
    """The policies answer with the audit policy in it, if it has a value."""
    known = {} if value is None else {AUDIT_POLICY: PolicyValue(value, value)}
    return Fact.read(OrganizationPolicies(known))


@pytest.mark.parametrize(
    ("policies", "log", "status", "word"),
    [
        (audit(value=True), Fact.read(False), PrerequisiteStatus.MET, "can be read"),
        (audit(value=True), Fact.unread(FORBIDDEN), PrerequisiteStatus.NOT_MET, "Access denied"),
        (audit(value=False), Fact.read(True), PrerequisiteStatus.NOT_MET, "off"),
        (audit(value=False), Fact.unread(FORBIDDEN), PrerequisiteStatus.NOT_MET, "off"),
        (audit(value=None), Fact.read(True), PrerequisiteStatus.MET, "can be read"),
        (audit(value=None), Fact.read(False), PrerequisiteStatus.UNKNOWN, "empty"),
        (Fact.unread(FORBIDDEN), Fact.read(False), PrerequisiteStatus.UNKNOWN, "empty"),
        (Fact.unread(FORBIDDEN), Fact.unread(PASSING), PrerequisiteStatus.UNKNOWN, "trouble"),
    ],
)
def test_auditing_off_refused_and_untold_are_three_things(
    policies: Fact[OrganizationPolicies], log: Fact[bool], status: PrerequisiteStatus, word: str
) -> None:
    told = outcome(replace(RIGHTS, policies=policies, audit_log=log), PrerequisiteName.AUDITING)
    assert told.status is status
    assert word in told.evidence
    assert (told.status is PrerequisiteStatus.MET) is (told.fix == "")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Fact.read(True), PrerequisiteStatus.MET),
        (Fact.unread(FORBIDDEN), PrerequisiteStatus.NOT_MET),
        (Fact.unread(replace(FORBIDDEN, code="TokenRefused")), PrerequisiteStatus.NOT_MET),
        (Fact.unread(replace(FORBIDDEN, kind=FailureKind.GONE, code="NotFound")), PrerequisiteStatus.UNKNOWN),
        (Fact.unread(PASSING), PrerequisiteStatus.UNKNOWN),
    ],
)
def test_advanced_security(answer: Fact[bool], status: PrerequisiteStatus) -> None:
    told = outcome(replace(RIGHTS, advanced_security=answer), PrerequisiteName.ADVANCED_SECURITY)
    assert told.status is status
    if answer.failure is FORBIDDEN:
        assert "vso.graph" in told.fix


def test_what_merely_informs_is_required_only_where_a_connector_says_so() -> None:
    judged = judge(RIGHTS, (), AuthKind.PAT, NOW)
    assert {one.name for one in judged} == set(PrerequisiteName)
    assert decide_onboarding(connector(), judged).state is OnboardingState.ONBOARDED
    strict = connector(required_prerequisites=(PrerequisiteName.AUDITING,))
    refused = decide_onboarding(strict, judged)
    assert refused.state is OnboardingState.NOT_ONBOARDED
    assert "auditing available" in refused.reason


def test_the_note_on_oauth_says_what_baselines_recommend() -> None:
    told = outcome(replace(RIGHTS, policies=oauth(value=True, effective=False)), OAUTH, AuthKind.USER)
    assert told.status is PrerequisiteStatus.NOT_MET
    assert "does not govern Microsoft Entra tokens" in told.evidence
    assert "baselines recommend to keep it off" in told.fix


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
        **dict.fromkeys(INFORMATIONAL, PrerequisiteStatus.UNKNOWN),
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
    later = NOW + timedelta(hours=1)
    wrong = next(one for one in bad if one.status is PrerequisiteStatus.NOT_MET)
    told = JournalEntry(
        at=later,
        event=JournalEvent.PREREQUISITE_CHANGED,
        connector=connector().id,
        organization=organization.id,
        subject="projectCollectionAdministrator",
        subject_name=TITLES[wrong.name],
        before="met",
        after="notMet",
        reason=f"{wrong.evidence} {wrong.fix}",
    )
    assert changes(organization, connector(), good, bad, later) == [told]
    assert changes(organization, connector(), (), bad, later) == [replace(told, before="")]
    assert wrong.evidence
    assert wrong.fix
    (better,) = changes(organization, connector(), bad, good, later)
    assert (better.before, better.after) == ("notMet", "met")
