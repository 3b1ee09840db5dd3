"""`organizations`: what each connector makes of each organization, forced onboarding, and removal."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cli import keys
from local.ado_simulator import Simulator
from tests.cli.conftest import CommandLine


@pytest.fixture(autouse=True)
def world(simulator: Simulator) -> None:
    for organization in simulator.world.organizations:
        organization.rename({0: "alpha", 1: "beta"}[simulator.world.organizations.index(organization)])


def by_name(rows: list[dict[str, object]]) -> dict[object, dict[str, object]]:
    return {one["name"]: one for one in rows}


def ready(ado: CommandLine, *more: str) -> None:
    ado("connector", "create", "--name", "one", *more)
    ado("run", "--once", code=None)


def test_a_row_for_each_organization_with_every_key(ado: CommandLine, simulator: Simulator) -> None:
    began = datetime.now(UTC)
    ready(ado)
    rows = ado.json("organizations", "list")
    assert [one["name"] for one in rows] == ["alpha", "beta"]
    for row in rows:
        truth = simulator.world.organization(row["name"])
        assert list(row) == list(keys.ORGANIZATION)
        assert row["url"] == f"https://dev.azure.com/{row['name']}"
        assert row["connector"] == "one"
        assert row["onboardingState"] == "Onboarded"
        assert row["reason"] is None
        assert row["organizationInstanceId"] == truth.instance_id
        assert row["projects"] == len(truth.projects)
        assert row["repositories"] == sum(len(one.repositories) for one in truth.projects.values())
        assert datetime.fromisoformat(row["lastSync"]) > began
        assert row["lastSync"].endswith("Z")
        assert row["extension"] in {"installed", "notInstalled", "disabled"}
        prerequisites = row["prerequisites"]
        assert set(prerequisites) == {
            "organizationMembership",
            "projectCollectionAdministrator",
            "accessLevel",
            "thirdPartyApplicationAccess",
            "sameTenant",
            "organizationActive",
            "auditing",
            "advancedSecurity",
        }
        assert all(list(one) == list(keys.PREREQUISITE) for one in prerequisites.values())
        assert prerequisites["accessLevel"]["status"] == "met"
        assert prerequisites["accessLevel"]["required"] is True
        assert prerequisites["accessLevel"]["evidence"]
        assert prerequisites["thirdPartyApplicationAccess"]["required"] is False


def test_the_table_has_the_state_and_the_counts(ado: CommandLine) -> None:
    ready(ado)
    lines = ado("organizations", "list").out.splitlines()
    assert lines[0].startswith("NAME")
    assert "Onboarded" in lines[1]


def test_what_is_wrong_is_told_with_its_fix(ado: CommandLine, simulator: Simulator) -> None:
    simulator.world.organization("beta").set_pca("none")
    ready(ado)
    row = by_name(ado.json("organizations", "list"))["beta"]
    assert row["onboardingState"] == "NotOnboarded"
    assert "Project Collection Administrator" in str(row["reason"])
    assert row["fix"]
    assert str(row["fix"]) in str(row["reason"])
    assert row["extension"] == "notChecked"
    assert row["lastSync"] is None


def test_lost_rights_are_told_of_an_onboarded_organization(ado: CommandLine, simulator: Simulator) -> None:
    ready(ado)
    simulator.world.organization("beta").set_licence("stakeholder")
    ado("run", "--once", "--now", code=None)
    row = by_name(ado.json("organizations", "list"))["beta"]
    assert row["onboardingState"] == "Onboarded"
    assert row["reason"]
    prerequisites = row["prerequisites"]
    assert isinstance(prerequisites, dict)
    assert prerequisites["accessLevel"]["status"] == "notMet"


def test_one_row_for_each_connector_that_sees_it(ado: CommandLine) -> None:
    ready(ado)
    ado("connector", "create", "--name", "two")
    ado("run", "--once", code=None)
    rows = ado.json("organizations", "list")
    assert [(one["name"], one["connector"], one["onboardingState"]) for one in rows] == [
        ("alpha", "one", "Onboarded"),
        ("alpha", "two", "OnboardedByOtherConnector"),
        ("beta", "one", "Onboarded"),
        ("beta", "two", "OnboardedByOtherConnector"),
    ]
    assert 'Connector "one" has it' in rows[1]["reason"]
    only = ado.json("organizations", "list", "--connector", "TWO", "--organization", "beta")
    assert [(one["name"], one["connector"]) for one in only] == [("beta", "two")]


def test_what_a_deleted_connector_leaves_behind_is_shown(ado: CommandLine) -> None:
    ready(ado)
    ado("connector", "delete", "one")
    row = ado.json("organizations", "list")[0]
    assert row["connector"] is None
    assert row["onboardingState"] == "NotOnboarded"
    assert "inventory is kept" in row["reason"]
    assert ado.json("inventory", "list", "--organization", "alpha")


def test_onboard_is_queued_and_answered_by_the_next_run(ado: CommandLine) -> None:
    ready(ado, "--mode", "selected", "--organization", "alpha")
    assert by_name(ado.json("organizations", "list"))["beta"]["onboardingState"] == "NotOnboarded"
    queued = ado("organizations", "onboard", "beta", "--reason", "audit 42", "--output", "json")
    assert list(queued.json) == list(keys.ONBOARD)
    assert queued.json["status"] == "queued"
    assert "journal list --organization beta" in queued.err
    assert by_name(ado.json("organizations", "list"))["beta"]["onboardingState"] == "NotOnboarded"
    ado("run", "--once", code=None)
    row = by_name(ado.json("organizations", "list"))["beta"]
    assert row["onboardingState"] == "Onboarded"
    assert row["forcedBy"] == queued.json["requestedBy"]
    # Where the answer is, among many entries of the inventory and of findings.
    assert "journal list --organization beta --event onboarding" in queued.err
    answer = ado.json("journal", "list", "--organization", "beta", "--event", "onboarding")
    assert {one["event"] for one in answer} == {"onboarding.requested", "onboarding.changed"}


def test_onboard_here_and_now(ado: CommandLine) -> None:
    ready(ado, "--mode", "selected", "--organization", "alpha")
    answer = ado.json("organizations", "onboard", "https://dev.azure.com/beta", "--wait")
    assert answer["status"] == "onboarded"
    assert answer["organization"] == "beta"
    assert by_name(ado.json("organizations", "list"))["beta"]["onboardingState"] == "Onboarded"
    again = ado.json("organizations", "onboard", "beta", "--wait")
    assert again["status"] == "onboarded"


def test_an_exclusion_wins_over_force(ado: CommandLine) -> None:
    ready(ado, "--exclude", "bet*")
    told = ado("organizations", "onboard", "beta", "--wait", code=1)
    assert "excludes it" in told.err
    answer = ado.json("organizations", "onboard", "beta", "--wait", code=1)
    assert answer["status"] == "refused"
    events = [one["event"] for one in ado.json("journal", "list", "--organization", "beta")]
    assert events.count("onboarding.refused") == 2


def test_missing_prerequisites_refuse_with_the_reason(ado: CommandLine, simulator: Simulator) -> None:
    simulator.world.organization("beta").set_licence("stakeholder")
    ready(ado)
    told = ado("organizations", "onboard", "beta", "--wait", code=1)
    assert "is not onboarded" in told.err
    assert "Basic" in told.err


def test_an_organization_that_does_not_exist_is_answered(ado: CommandLine) -> None:
    ready(ado)
    told = ado("organizations", "onboard", "nowhere", "--wait", code=1)
    assert "nowhere" in told.err
    assert ado.json("journal", "list", "--organization", "nowhere")


def test_several_connectors_need_a_name(ado: CommandLine) -> None:
    ready(ado)
    ado("connector", "create", "--name", "two")
    told = ado("organizations", "onboard", "gamma", code=2)
    assert "Several connectors" in told.err
    ado("organizations", "onboard", "gamma", "--connector", "two")
    assert "no connector" in ado("organizations", "onboard", "gamma", "--connector", "x", code=2).err


def test_remove_and_take_back(ado: CommandLine) -> None:
    ready(ado)
    removed = ado.json("organizations", "remove", "beta")
    assert list(removed) == list(keys.REMOVE)
    ado("run", "--once", "--now", code=None)
    row = by_name(ado.json("organizations", "list"))["beta"]
    assert row["onboardingState"] == "NotOnboarded"
    assert row["removedBy"]
    assert "removed it" in str(row["reason"])
    assert ado.json("inventory", "list", "--organization", "beta")
    assert ado.json("organizations", "onboard", "beta", "--wait")["status"] == "onboarded"


def test_removing_what_is_not_there_is_refused(ado: CommandLine) -> None:
    ready(ado)
    assert "knows no organization" in ado("organizations", "remove", "gamma", code=1).err
