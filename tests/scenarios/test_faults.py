"""A later run meets trouble: nothing is retired, the organization says why, the others go on, it heals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from local.ado_simulator import Fault
from shared.model.connector import AuthorizationStatus, ProvisioningState
from shared.model.failure import FailureKind
from shared.model.work import WorkKind
from tests.scenarios.bench import Bench
from tests.scenarios.conftest import MakeBench

PROJECTS = r"/_apis/projects\b"
REPOSITORIES = r"/_apis/git/repositories\b"

TROUBLE = {
    "a failing page": Fault("trouble", path=PROJECTS, status=500, page=2),
    "a failing listing": Fault("trouble", path=REPOSITORIES, status=503),
    "a sign-in page with 203": Fault("sign-in", path=PROJECTS),
    "a sign-in page with 200": Fault("web-page", path=REPOSITORIES),
    "a redirect to the sign-in page": Fault("sign-in-redirect", path=REPOSITORIES),
    "an empty 401": Fault("unauthorized", path=REPOSITORIES),
    "a 403": Fault("access-denied", path=PROJECTS),
    "a 404 with a web page": Fault("not-found-html", path=PROJECTS),
    "a 404 with JSON": Fault("not-found", path=REPOSITORIES),
    "a 404 in plain text": Fault("not-found-plain", path=REPOSITORIES),
    "a stopped organization": Fault("stopped", path=PROJECTS),
    "a truncated body": Fault("truncated", path=REPOSITORIES),
    "broken JSON": Fault("malformed", path=REPOSITORIES),
    "an empty body": Fault("empty", path=REPOSITORIES),
    "a reset": Fault("reset", path=REPOSITORIES),
    "a looping token": Fault("loop-token", path=PROJECTS),
    "a repeated token": Fault("repeat-token", path=PROJECTS),
    "wrong types": Fault("wrong-types", path=REPOSITORIES),
    "missing ids": Fault("missing-ids", path=PROJECTS),
    "deep nesting": Fault(
        "status",
        path=REPOSITORIES,
        status=200,
        content_type="application/json",
        body='{"value":' + "[" * 100_000 + "]" * 100_000 + "}",
    ),
    "huge names": Fault("huge-names", path=REPOSITORIES),
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_trouble_in_one_organization(make_bench: MakeBench, name: str, trouble: str) -> None:
    bench = make_bench(page_size=2)
    bench.connect()
    bench.run()
    other = bench.world.organizations[1].name
    before = (bench.projects(name), bench.repositories(name))
    bench.world.organization(other).add_project("Meanwhile").add_repository("news")
    added = bench.simulator.add_fault(replace(TROUBLE[trouble], organization=name))
    for _ in range(3):
        bench.run()
    assert added.fired > 0
    after = (bench.projects(name), bench.repositories(name))
    assert [rows.keys() for rows in after] == [rows.keys() for rows in before]
    assert {(row.missing_since, row.retired_at) for row in after[0].values()} == {(None, None)}
    assert {(row.missing_since, row.retired_at) for row in after[1].values()} == {(None, None)}
    failure = bench.work(name, WorkKind.INVENTORY).last_failure
    assert failure is not None
    assert name in failure.reason
    assert failure.fix
    assert bench.equals_the_world(other)
    bench.simulator.clear_faults()
    bench.world.organization(name).add_project("Afterwards").add_repository("late")
    bench.run()
    assert bench.work(name, WorkKind.INVENTORY).last_failure is None
    assert bench.equals_the_world(name)


@pytest.mark.parametrize(
    "trouble", ["wrong types", "missing ids", "deep nesting", "huge names", "broken JSON"]
)
def test_a_hostile_first_answer_leaves_nothing_half_applied(bench: Bench, name: str, trouble: str) -> None:
    bench.simulator.add_fault(replace(TROUBLE[trouble], path=REPOSITORIES, organization=name))
    bench.connect()
    bench.run()
    assert bench.repositories(name) == {}
    failure = bench.work(name, WorkKind.INVENTORY).last_failure
    assert failure is not None
    assert failure.kind is FailureKind.UNREADABLE
    assert len(failure.reason) < 1_000


def test_a_real_deletion_waits_for_a_run_that_reads_everything(bench: Bench, name: str) -> None:
    bench.connect()
    bench.run()
    project = bench.world.organization(name).ordered_projects()[0]
    project.delete()
    bench.simulator.add_fault(Fault("trouble", path=REPOSITORIES, organization=name, status=500))
    bench.run()
    assert bench.projects(name)[project.id].missing_since is None
    bench.simulator.clear_faults()
    bench.run()
    assert bench.projects(name)[project.id].retired_at is not None
    assert bench.equals_the_world(name)


def test_pages_that_were_read_before_one_failed_are_kept(make_bench: MakeBench, name: str) -> None:
    bench = make_bench(page_size=2)
    bench.simulator.add_fault(Fault("trouble", path=PROJECTS, organization=name, status=500, page=2))
    bench.connect()
    bench.run()
    assert 0 < len(bench.projects(name)) < len(bench.world.organization(name).projects)
    assert bench.organization(name).last_complete_listing is None


def test_a_project_that_the_listing_lacks_is_asked_for_by_its_id(bench: Bench, name: str) -> None:
    bench.connect()
    bench.run()
    bench.simulator.add_fault(Fault("drop-items", path=PROJECTS, organization=name, times=1))
    bench.simulator.reset_requests()
    bench.run()
    assert bench.equals_the_world(name)
    assert bench.simulator.requests.count(organization=name, path="/_apis/projects/{project}") > 0


def test_what_appears_while_pages_are_read_is_found_at_the_latest_on_the_next_sync(
    make_bench: MakeBench, name: str
) -> None:
    bench = make_bench(page_size=2)
    organization = bench.world.organization(name)

    def appear() -> None:
        organization.add_project("000 first in order").add_repository("early")

    bench.connect()
    bench.run()
    bench.simulator.add_fault(
        Fault("run", path=PROJECTS, organization=name, page=2, times=1, action=lambda *_: appear())
    )
    bench.run()
    assert all(row.missing_since is None for row in bench.projects(name).values())
    bench.run()
    assert bench.equals_the_world(name)


def test_a_project_renamed_between_two_pages_is_not_lost(make_bench: MakeBench, name: str) -> None:
    bench = make_bench(page_size=2)
    organization = bench.world.organization(name)
    bench.connect()
    bench.run()
    last = organization.ordered_projects()[-1]
    bench.simulator.add_fault(
        Fault(
            "run",
            path=PROJECTS,
            organization=name,
            page=2,
            times=1,
            action=lambda *_: last.rename("000 now first"),
        )
    )
    bench.run()
    assert bench.projects(name)[last.id].retired_at is None
    assert bench.projects(name)[last.id].missing_since is None
    bench.run()
    assert bench.equals_the_world(name)


def test_trouble_with_one_capability_leaves_the_others_alone(bench: Bench, name: str) -> None:
    bench.world.organization(name).deny_capability("extensions")
    bench.world.organization(name).deny_capability("organizationpolicies")
    bench.connect()
    bench.run()
    extension = bench.state.extension(bench.organization(name).id)
    assert extension.status.value == "unknown"
    assert "Permission that allows it" in extension.fix
    assert bench.equals_the_world(name)


def test_the_token_is_in_no_file(
    bench: Bench, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        bench.connect()
        bench.run()
        bench.simulator.add_fault(Fault("unauthorized", organization=name))
        bench.run()
        bench.runtime.close()
    token = bench.world.token
    assert token not in caplog.text
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert token.encode() not in path.read_bytes(), path


def test_a_wait_that_the_service_asks_for_is_kept_and_the_sync_completes(bench: Bench, name: str) -> None:
    bench.connect()
    bench.simulator.add_fault(Fault("blocked", path=REPOSITORIES, organization=name, retry_after=5, times=1))
    before = bench.clock.now()
    bench.run(seconds=0)
    assert (bench.clock.now() - before).total_seconds() >= 5
    assert bench.equals_the_world(name)


def test_a_long_wait_goes_back_to_the_queue_and_others_go_on(bench: Bench, name: str) -> None:
    other = bench.world.organizations[1].name
    bench.connect()
    bench.simulator.add_fault(
        Fault("blocked", path=REPOSITORIES, organization=name, retry_after=600, times=1)
    )
    bench.run(seconds=0)
    waiting = bench.work(name, WorkKind.INVENTORY)
    assert waiting.last_failure is not None
    assert waiting.last_failure.kind is FailureKind.THROTTLED
    assert waiting.not_before is not None
    assert bench.equals_the_world(other)
    requests = bench.simulator.requests.count(organization=name)
    bench.clock.advance(seconds=300)
    bench.host.drain()
    assert bench.simulator.requests.count(organization=name) == requests
    bench.clock.advance(seconds=301)
    bench.host.drain()
    assert bench.equals_the_world(name)


def test_an_organization_that_cannot_be_read_from_the_listing_hides_no_other(bench: Bench, name: str) -> None:
    def break_the_last(document: dict[str, list[dict[str, object]]]) -> object:
        document["value"][-1]["accountName"] = "x" * 5_000
        return document

    bench.simulator.add_fault(Fault("mutate", path="_apis/accounts", mutate=break_the_last))
    connector = bench.connect()
    bench.run()
    assert bench.equals_the_world(name)
    told = bench.state.get_connector(connector.id)
    assert told.provisioning is ProvisioningState.FAILED
    assert "accountName" in told.provisioning_message
    assert told.baseline_at is None


def test_ids_that_stand_for_two_things_are_no_listing(bench: Bench, name: str) -> None:
    def make_alike(document: dict[str, list[dict[str, object]]]) -> object:
        for item in document["value"]:
            item["id"] = document["value"][0]["id"]
        return document

    bench.connect()
    bench.run()
    bench.simulator.add_fault(Fault("mutate", path=PROJECTS, organization=name, mutate=make_alike))
    bench.run()
    assert all(row.missing_since is None for row in bench.projects(name).values())
    failure = bench.work(name, WorkKind.INVENTORY).last_failure
    assert failure is not None
    assert "comes twice" in failure.reason


def test_a_token_that_nobody_has_looked_at_is_not_told_as_good(bench: Bench) -> None:
    connector = bench.connect()
    bench.simulator.add_fault(Fault("trouble", path="_apis/profile", status=503))
    bench.run()
    authorization = bench.state.get_connector(connector.id).authorization
    assert authorization.status is AuthorizationStatus.UNKNOWN
    assert authorization.checked_at is None

    bench.simulator.clear_faults()
    bench.run()
    assert bench.state.get_connector(connector.id).authorization.status is AuthorizationStatus.OK
