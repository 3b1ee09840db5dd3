"""Prerequisites decide onboarding; force and removal by hand."""

from __future__ import annotations

import json

import pytest

from handlers.onboard_organization import remove_organization
from shared.model.connector import ConnectorOptions, DiscoveryMode
from shared.model.ids import TenantId
from shared.model.journal import JournalEvent
from shared.model.organization import OnboardingState
from shared.model.prerequisite import PrerequisiteName, PrerequisiteStatus
from tests.scenarios.bench import Bench

ONBOARDED = OnboardingState.ONBOARDED
NOT_ONBOARDED = OnboardingState.NOT_ONBOARDED


def force(bench: Bench, **message: object) -> None:
    """Send the message that any other system may send, and let it be handled."""
    bench.runtime.queue.send_raw("onboarding", json.dumps({"version": 1, **message}).encode())
    bench.host.drain()


def test_a_stakeholder_is_not_onboarded_until_the_licence_changes(bench: Bench, name: str) -> None:
    bench.world.organization(name).set_licence("stakeholder")
    bench.connect()
    bench.run()
    refused = bench.enrollment(name)
    assert refused.state is NOT_ONBOARDED
    assert "stakeholder" in refused.reason.lower()
    assert "Change access level" in refused.fix
    assert bench.repositories(name) == {}
    bench.world.organization(name).set_licence("basic")
    bench.run()
    assert bench.enrollment(name).state is ONBOARDED
    assert bench.equals_the_world(name)


@pytest.mark.parametrize(
    "licence",
    [
        "basic",
        "basic-test-plans",
        "professional",
        "early-adopter",
        "visual-studio",
        "visual-studio-eligible",
        "pending",
    ],
)
def test_licences_that_show_repositories_are_onboarded(bench: Bench, name: str, licence: str) -> None:
    bench.world.organization(name).set_licence(licence)
    bench.connect()
    bench.run()
    assert bench.enrollment(name).state is ONBOARDED
    access = bench.prerequisite(name, PrerequisiteName.ACCESS_LEVEL)
    assert access.status is PrerequisiteStatus.MET
    assert bool(access.warning) is (licence == "pending")


@pytest.mark.parametrize(
    "licence", ["stakeholder", "visual-studio-unconfirmed", "none", "disabled", "expired"]
)
def test_licences_that_hide_repositories_are_not(bench: Bench, name: str, licence: str) -> None:
    bench.world.organization(name).set_licence(licence)
    bench.connect()
    bench.run()
    refused = bench.enrollment(name)
    assert refused.state is NOT_ONBOARDED
    assert "Not met: Basic access level" in refused.reason


def test_a_member_to_whom_it_is_denied_is_told_of_the_denial(bench: Bench, name: str) -> None:
    bench.world.organization(name).set_pca("denied")
    bench.connect()
    bench.run()
    refused = bench.enrollment(name)
    assert "but" in refused.reason
    assert "is denied" in refused.reason
    assert "Take away the explicit deny" in refused.fix


@pytest.mark.parametrize(
    ("elsewhere", "reason", "fix"),
    [
        (True, "The connector signs in to tenant", "Sign in to tenant"),
        (False, "no user of the organization", "Users > Add users"),
    ],
)
def test_another_tenant_and_no_membership_are_two_reasons(
    bench: Bench, name: str, reason: str, fix: str, *, elsewhere: bool
) -> None:
    organization = bench.world.organization(name)
    organization.remove_member()
    organization.tenant = "22222222-2222-4222-8222-222222222222" if elsewhere else bench.world.tenant
    bench.connect(tenant=TenantId(bench.world.tenant), organizations=(name,))
    bench.run()
    refused = bench.enrollment(name)
    assert refused.state is NOT_ONBOARDED
    assert reason in refused.reason
    assert fix in refused.fix
    assert ("The connector signs in to tenant" in refused.reason) is elsewhere
    organization.tenant = bench.world.tenant
    organization.add_member(pca="direct")
    bench.run()
    assert bench.enrollment(name).state is ONBOARDED
    assert bench.prerequisite(name, PrerequisiteName.SAME_TENANT).status is PrerequisiteStatus.MET


def test_oauth_off_does_not_block(bench: Bench, name: str) -> None:
    bench.world.organization(name).set_policy("DisallowOAuthAuthentication", value=True)
    bench.connect()
    bench.run()
    assert bench.enrollment(name).state is ONBOARDED
    shown = bench.prerequisite(name, PrerequisiteName.THIRD_PARTY_OAUTH)
    assert shown.status is PrerequisiteStatus.NOT_MET


def test_auditing_that_is_off_is_shown_and_blocks_only_who_requires_it(bench: Bench, name: str) -> None:
    bench.world.organization(name).set_policy("LogAuditEvents", value=False)
    bench.connect(options=ConnectorOptions(required_prerequisites=(PrerequisiteName.AUDITING,)))
    bench.run()
    refused = bench.enrollment(name)
    assert refused.state is NOT_ONBOARDED
    assert "auditing is off" in refused.reason
    bench.world.organization(name).set_policy("LogAuditEvents", value=True)
    bench.run()
    assert bench.enrollment(name).state is ONBOARDED


@pytest.mark.parametrize("kind", ["direct", "nested", "entra-group"])
def test_administrators_in_every_way_are_onboarded(bench: Bench, name: str, kind: str) -> None:
    bench.world.organization(name).set_pca(kind)
    bench.connect()
    bench.run()
    assert bench.enrollment(name).state is ONBOARDED
    administrator = bench.prerequisite(name, PrerequisiteName.PROJECT_COLLECTION_ADMINISTRATOR)
    assert (administrator.status, administrator.warning) == (PrerequisiteStatus.MET, "")


def test_a_custom_grant_is_onboarded_with_a_warning(bench: Bench, name: str) -> None:
    bench.world.organization(name).set_pca("custom")
    bench.connect()
    bench.run()
    assert bench.enrollment(name).state is ONBOARDED
    warned = bench.prerequisite(name, PrerequisiteName.PROJECT_COLLECTION_ADMINISTRATOR)
    assert "custom grant" in warned.warning


@pytest.mark.parametrize("kind", ["none", "denied"])
def test_no_administrator_is_not_onboarded(bench: Bench, name: str, kind: str) -> None:
    bench.world.organization(name).set_pca(kind)
    bench.connect()
    bench.run()
    refused = bench.enrollment(name)
    assert refused.state is NOT_ONBOARDED
    assert "Project Collection Administrator" in refused.reason
    bench.world.organization(name).set_pca("direct")
    bench.run()
    assert bench.enrollment(name).state is ONBOARDED


def test_a_connector_may_require_less(bench: Bench, name: str) -> None:
    bench.world.organization(name).set_pca("none")
    bench.connect(options=ConnectorOptions(required_prerequisites=(PrerequisiteName.MEMBERSHIP,)))
    bench.run()
    assert bench.enrollment(name).state is ONBOARDED


def test_lost_rights_are_told_and_do_not_take_the_organization_out(bench: Bench, name: str) -> None:
    bench.connect()
    bench.run()
    bench.world.organization(name).set_pca("none")
    bench.run()
    lost = bench.enrollment(name)
    assert lost.state is ONBOARDED
    assert "Project Collection Administrator" in lost.reason
    assert any(
        entry.subject == "projectCollectionAdministrator" and entry.after == "notMet"
        for entry in bench.journal(JournalEvent.PREREQUISITE_CHANGED)
    )


def test_a_stopped_organization_says_so(bench: Bench, name: str) -> None:
    bench.world.organization(name).stop()
    bench.connect()
    bench.run()
    stopped = bench.enrollment(name)
    assert stopped.state is NOT_ONBOARDED
    assert "inactiv" in stopped.reason
    bench.world.organization(name).stop(stopped=False)
    bench.run()
    assert bench.enrollment(name).state is ONBOARDED


def test_force_adds_to_the_mode_and_is_answered_in_the_journal(bench: Bench) -> None:
    bench.connect(DiscoveryMode.EXISTING)
    bench.run()
    bench.world.add_organization("newcomer").add_project("One").add_repository("r")
    bench.run()
    assert bench.enrollment("newcomer").state is NOT_ONBOARDED
    force(bench, organization="newcomer", requestedBy="ada", reason="audit next week")
    assert bench.enrollment("newcomer").state is ONBOARDED
    assert bench.equals_the_world("newcomer")
    (asked,) = bench.journal(JournalEvent.ONBOARDING_REQUESTED)
    assert (asked.requested_by, asked.reason) == ("ada", "audit next week")
    answer = bench.journal(JournalEvent.ONBOARDING_CHANGED)[-1]
    assert (answer.requested_by, answer.after) == ("ada", "Onboarded")


def test_force_does_not_override_an_exclusion(bench: Bench, name: str) -> None:
    bench.connect(excluded=(name,))
    bench.run()
    force(bench, organization=name, requestedBy="ada")
    bench.run()
    assert bench.enrollment(name).state is NOT_ONBOARDED
    (refused,) = bench.journal(JournalEvent.ONBOARDING_REFUSED)
    assert "excludes it" in refused.reason
    assert refused.requested_by == "ada"


def test_force_onto_an_organization_that_fails_says_why_and_what_to_do(bench: Bench, name: str) -> None:
    bench.world.organization(name).set_licence("stakeholder")
    bench.connect()
    bench.run()
    force(bench, organization=name, requestedBy="ada")
    (refused,) = bench.journal(JournalEvent.ONBOARDING_REFUSED)
    assert "Basic access level" in refused.reason
    assert "Change access level" in refused.reason


def test_force_onto_an_organization_that_does_not_exist_is_refused(bench: Bench) -> None:
    bench.connect()
    bench.run()
    force(bench, organization="no-such-organization", requestedBy="ada")
    (refused,) = bench.journal(JournalEvent.ONBOARDING_REFUSED)
    assert "no-such-organization" in refused.reason
    assert refused.requested_by == "ada"


def test_force_onto_an_organization_that_another_connector_has_is_refused(bench: Bench, name: str) -> None:
    bench.connect(name="first")
    bench.connect(name="second")
    bench.run()
    force(bench, organization=name, connector="second", requestedBy="ada")
    (refused,) = bench.journal(JournalEvent.ONBOARDING_REFUSED)
    assert '"first" has it' in refused.reason


def test_force_refreshes_what_is_onboarded_already(bench: Bench, name: str) -> None:
    bench.connect()
    bench.run()
    bench.world.organization(name).add_project("Later").add_repository("late")
    force(bench, organization=name, requestedBy="ada")
    assert bench.equals_the_world(name)
    assert bench.journal(JournalEvent.ONBOARDING_CHANGED)[-1].requested_by == "ada"


def test_force_by_a_new_name_that_discovery_has_not_seen_ends_in_one_record(bench: Bench, name: str) -> None:
    connector = bench.connect()
    bench.run()
    before = bench.organization(name)
    bench.world.organization(name).rename("renamed")
    force(bench, organization="renamed", requestedBy="ada")
    for _ in range(3):
        bench.run()
    assert bench.organization("renamed").id == before.id
    assert len(bench.state.organizations()) == 2
    assert len(bench.journal(JournalEvent.ORGANIZATION_MERGED)) == 1
    # Nothing goes on under the record that was merged: no claim, no work, no onboarded enrollment.
    assert set(bench.state.claims()) == {one.id for one in bench.state.organizations()}
    assert {one.organization for one in bench.state.work()} == set(bench.state.claims())
    onboarded = {one.organization for one in bench.state.enrollments() if one.state is ONBOARDED}
    assert onboarded == set(bench.state.claims())
    assert set(bench.state.claims().values()) == {connector.id}
    assert bench.equals_the_world("renamed")


def test_force_names_an_unknown_connector_as_the_problem(bench: Bench, name: str) -> None:
    bench.connect(name="first")
    force(bench, organization=name, connector="nope", requestedBy="ada")
    (refused,) = bench.journal(JournalEvent.ONBOARDING_REFUSED)
    assert 'no connector "nope"' in refused.reason
    assert '"first"' in refused.reason


def test_an_organization_removed_by_hand_stays_out_until_it_is_forced_in(bench: Bench, name: str) -> None:
    bench.connect()
    bench.run()
    before = bench.repositories(name)
    assert remove_organization(name, "", "ada", bench.runtime.dependencies) == ""
    bench.run()
    assert bench.enrollment(name).state is NOT_ONBOARDED
    assert "ada removed it" in bench.enrollment(name).reason
    assert bench.repositories(name).keys() == before.keys()
    force(bench, organization=name, requestedBy="ada")
    assert bench.enrollment(name).state is ONBOARDED


def test_a_message_that_cannot_be_read_becomes_a_dead_letter_and_blocks_nobody(
    bench: Bench, name: str
) -> None:
    bench.connect()
    bench.runtime.queue.send_raw("onboarding", b'{"version": 1}')
    bench.runtime.queue.send_raw("onboarding", b"not json")
    force(bench, organization=name, requestedBy="ada")
    assert bench.enrollment(name).state is ONBOARDED
    dead = bench.runtime.queue.dead_letters("onboarding")
    assert len(dead) == 2
    assert "organization" in f"{dead[0].reason} {dead[0].description}"
