"""`run --once`: everything that is due is done, and what could not be told is said."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli import keys
from local.ado_simulator import Fault, Simulator, World
from local.ado_simulator.resources import PROJECT_SETTINGS
from shared.model.command import DoWork
from shared.model.work import WorkKind
from shared.ports import State
from shared.queue import open_queue
from shared.wiring.clock import SystemClock
from tests.cli.conftest import ROOT, CommandLine, command

INVENTORY = r"_apis/git/repositories"


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """Two organizations of which everything can be told."""
    world = World(seed=5)
    for name in ("alpha", "Beta"):
        organization = world.add_organization(name)
        for number in range(2):
            project = organization.add_project(f"project {number}")
            project.settings = dict.fromkeys(PROJECT_SETTINGS, True)
            for repository in ("one", "two", "three"):
                project.add_repository(repository)
    with Simulator(world) as running:
        monkeypatch.setenv("ADO_GATEWAY_URL", running.url)
        monkeypatch.setenv("ADO_PAT", world.token)
        yield running


@pytest.fixture(autouse=True)
def connector(ado: CommandLine, simulator: Simulator) -> None:
    assert simulator.url
    ado("connector", "create", "--name", "one")


def untold(summary: dict[str, list[dict[str, str]]]) -> str:
    return "\n".join(f"{one['subject']}: {one['reason']}" for one in summary["couldNotTell"])


def test_fills_the_inventory_and_says_so(ado: CommandLine, simulator: Simulator) -> None:
    summary = ado.json("run", "--once")
    assert list(summary) == list(keys.SUMMARY)
    assert summary["couldNotTell"] == []
    assert summary["totals"] == {"organizations": 2, "onboarded": 2, "projects": 4, "repositories": 12}
    assert summary["recommendations"]["unknown"] == summary["recommendations"]["neverAssessed"] == 0
    assert sum(summary["recommendations"].values()) > 0
    for status, number in summary["recommendations"].items():
        assert number == sum(one["recommendations"][status] for one in summary["organizations"])
    listed = {one["id"] for one in ado.json("inventory", "list", "--kind", "repository")}
    truth = {
        repository.id
        for organization in simulator.world.organizations
        for project in organization.projects.values()
        for repository in project.repositories.values()
    }
    assert listed == truth


def test_the_table_names_every_organization_and_progress_goes_to_stderr(ado: CommandLine) -> None:
    told = ado("run", "--once")
    assert "alpha" in told.out
    assert "Beta" in told.out
    assert "2 organizations, 4 projects, 12 repositories" in told.out
    assert "Looking for organizations" in told.err
    assert "Looking for organizations" not in told.out


def test_a_second_run_has_nothing_to_do_and_now_does_all_again(
    ado: CommandLine, simulator: Simulator
) -> None:
    ado("run", "--once")
    simulator.reset_requests()
    ado("run", "--once")
    assert listings(simulator) == 0
    ado("run", "--once", "--now")
    assert listings(simulator) == 2
    assert simulator.requests.summary()


def listings(simulator: Simulator) -> int:
    """Organization-wide listings of repositories: one for each sync of an organization."""
    return sum(1 for one in simulator.requests if one.path.endswith(INVENTORY))


def test_finds_what_is_new(ado: CommandLine, simulator: Simulator) -> None:
    ado("run", "--once")
    project = simulator.world.add_organization("newcomer").add_project("first")
    project.settings = dict.fromkeys(PROJECT_SETTINGS, True)
    project.add_repository("first")
    simulator.world.organization("alpha").project("project 0").add_repository("brand-new")
    summary = ado.json("run", "--once", "--now")
    assert summary["totals"]["organizations"] == 3
    assert summary["totals"]["repositories"] == 14


def test_an_incomplete_listing_is_told_and_exits_with_2(ado: CommandLine, simulator: Simulator) -> None:
    simulator.add_fault(Fault("trouble", organization="alpha", path=INVENTORY, status=500))
    summary = ado.json("run", "--once", code=2)
    assert "alpha: Listing projects and repositories failed" in untold(summary)
    assert "Beta" not in untold(summary)
    row = {one["name"]: one for one in ado.json("organizations", "list")}["alpha"]
    assert row["lastSync"] is None
    assert "Listing projects and repositories failed" in row["reason"]


def test_discovery_that_fails_is_told_and_exits_with_2(
    ado: CommandLine, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert simulator.url
    monkeypatch.setenv("ADO_PAT", "not-the-token")
    told = ado("run", "--once", code=2)
    assert "connector one" in told.out
    assert "not-the-token" not in told.out + told.err
    assert ado.json("connector", "show", "one")["provisioningState"] == "Failed"


def test_an_organization_that_is_not_onboarded_for_a_reason_is_told(
    ado: CommandLine, simulator: Simulator
) -> None:
    simulator.world.organization("Beta").set_licence("stakeholder")
    summary = ado.json("run", "--once")
    row = {one["name"]: one for one in summary["organizations"]}["Beta"]
    assert row["onboardingState"] == "NotOnboarded"
    assert row["prerequisites"]["accessLevel"]["status"] == "notMet"
    assert row["reason"]
    assert row["recommendations"] is None
    assert [one["subject"] for one in summary["needsPerson"]] == ["Beta"]


def test_an_unknown_prerequisite_is_not_told(ado: CommandLine, simulator: Simulator) -> None:
    simulator.add_fault(Fault("access-denied", organization="alpha", path="entitlements"))
    summary = ado.json("run", "--once", code=2)
    assert "alpha" in untold(summary)
    row = {one["name"]: one for one in summary["organizations"]}["alpha"]
    assert row["prerequisites"]["accessLevel"]["status"] == "unknown"


def test_an_unknown_extension_is_not_told(ado: CommandLine, simulator: Simulator) -> None:
    simulator.add_fault(Fault("access-denied", organization="alpha", path="installedextensionsbyname"))
    summary = ado.json("run", "--once", code=2)
    assert "Container Mapping extension" in untold(summary)
    row = {one["name"]: one for one in summary["organizations"]}["alpha"]
    assert row["extension"] == "unknown"


def test_unknown_recommendations_are_not_told(ado: CommandLine, simulator: Simulator) -> None:
    simulator.add_fault(Fault("access-denied", organization="alpha", path="policy/configurations"))
    summary = ado.json("run", "--once", code=2)
    assert "recommendations list --organization alpha --status unknown" in untold(summary)
    assert summary["recommendations"]["unknown"] > 0


def test_a_message_that_cannot_be_read_is_told(ado: CommandLine) -> None:
    ado("queue", "send", "onboarding", "--body", "not json")
    summary = ado.json("run", "--once", code=2)
    assert "dead-letters" in untold(summary)
    again = ado.json("run", "--once")
    assert again["deadLetters"] == 1


def test_short_pauses_of_the_rate_limit_are_waited_for(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGEST_SLEEP", "0s")
    # In force until somebody waits for it: whoever is held up may miss a pause of a second.
    simulator.add_fault(Fault("blocked", organization="alpha", path=INVENTORY, retry_after=1))
    told = []
    with subprocess.Popen(  # noqa: S603 - our own program
        command(("run", "--once", "--output", "json")),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as running:
        for line in running.stderr or ():
            told.append(line)
            if "Waiting for the rate limit" in line:
                simulator.clear_faults()
        out, _ = running.communicate()
    assert running.returncode == 0, told
    assert json.loads(out)["totals"]["repositories"] == 12
    assert "Waiting for the rate limit" in "".join(told)


def test_work_that_another_process_puts_off_for_a_moment_is_done(
    ado: CommandLine, simulator: Simulator, state: State, settings: Path
) -> None:
    ado("run", "--once")
    simulator.reset_requests()
    now = datetime.now(UTC)
    organization = state.organizations()[0]
    work = state.bring_forward(organization.id, WorkKind.INVENTORY, now)
    assert state.mark_queued(work, now) is not None
    queue = open_queue(f"sqlite:///{settings}", SystemClock())
    later = now + timedelta(seconds=1)
    queue.send(DoWork(organization.id, WorkKind.INVENTORY, work.revision), not_before=later)
    queue.close()
    ado("run", "--once")
    assert listings(simulator) == 1


def test_longer_pauses_than_allowed_are_told(
    ado: CommandLine, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGEST_SLEEP", "0s")
    simulator.add_fault(Fault("blocked", organization="alpha", path=INVENTORY, retry_after=300))
    began = datetime.now(UTC)
    summary = ado.json("run", "--once", "--wait", "2s", code=2)
    assert "waits for the rate limit" in untold(summary)
    assert (datetime.now(UTC) - began).total_seconds() < 60


def test_what_failed_is_tried_again_by_the_next_run(ado: CommandLine, simulator: Simulator) -> None:
    simulator.add_fault(Fault("trouble", organization="alpha", path=INVENTORY, status=500))
    ado("run", "--once", code=2)
    simulator.clear_faults()
    ado("run", "--once")


def test_what_was_refused_is_onboarded_by_the_next_run_after_the_fix(
    ado: CommandLine, simulator: Simulator
) -> None:
    simulator.world.organization("alpha").set_licence("stakeholder")
    ado("run", "--once")
    simulator.world.organization("alpha").set_licence("basic")
    ado("run", "--once")
    assert {one["onboardingState"] for one in ado.json("organizations", "list")} == {"Onboarded"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_goes_on_until_it_is_stopped(number: signal.Signals, simulator: Simulator) -> None:
    assert simulator.url
    with subprocess.Popen(  # noqa: S603 - our own program
        command(("run",)), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as running:
        assert running.stderr is not None
        assert "Running" in running.stderr.readline()
        running.send_signal(number)
        out, err = running.communicate(timeout=60)
        assert running.returncode == 0, err
    assert out == ""
    assert "Traceback" not in err
    assert "Stopped" in err
