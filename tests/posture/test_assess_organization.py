"""Assessing an organization: real HTTP to a simulated Azure DevOps, real state; only time is ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local.ado_simulator import Fault, FaultKind, Simulator, World
from local.ado_simulator.resources import PROJECT_SETTINGS
from shared.model.failure import Denied, Throttled, Transient
from shared.model.thresholds import DEFAULTS
from shared.ports import LeaseLost
from shared.posture.catalogue import RULES
from shared.posture.gathering import Plan
from tests.posture.bench import HOUR, OTHERS_DECIDE, Bench, a_bare_project, a_good_project


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    world = World(seed=7)
    with Simulator(world) as simulator:
        made = Bench(world, simulator, tmp_path)
        yield made
        made.close()


def test_judges_everything_there_is(bench: Bench) -> None:
    a_good_project(bench.truth, "good")
    bad = a_bare_project(bench.truth, "bad")
    bad.add_repository("bad-code")
    bad.add_repository("bad-empty", default_branch=None)
    bad.add_repository("bad-disabled", disabled=True)
    bad.add_service_endpoint("bad-classic", type="Azure", all_pipelines=True)
    bad.add_service_endpoint("bad-github", type="github")
    bench.sync()
    assert bench.assess() == ""
    assert bench.said() == {
        ("good", "ADO-PROJ-001"): "healthy",
        ("good-code", "ADO-REPO-001"): "healthy",
        ("good-code", "ADO-REPO-002"): "healthy",
        ("good-azure", "ADO-CONN-001"): "healthy",
        ("good-azure", "ADO-CONN-002"): "healthy",
        ("bad", "ADO-PROJ-001"): "unhealthy",
        ("bad-code", "ADO-REPO-001"): "unhealthy",
        ("bad-code", "ADO-REPO-002"): "unhealthy",
        ("bad-empty", "ADO-REPO-001"): "notApplicable",
        ("bad-empty", "ADO-REPO-002"): "notApplicable",
        ("bad-disabled", "ADO-REPO-001"): "notApplicable",
        ("bad-disabled", "ADO-REPO-002"): "notApplicable",
        ("bad-classic", "ADO-CONN-001"): "unhealthy",
        ("bad-classic", "ADO-CONN-002"): "unhealthy",
        ("bad-github", "ADO-CONN-001"): "healthy",
        ("bad-github", "ADO-CONN-002"): "notApplicable",
    }
    assert {entry.subject_name for entry in bench.journal()} == {"bad", "bad-code", "bad-classic"}


def test_assessing_again_changes_nothing_but_the_time(bench: Bench) -> None:
    project = a_good_project(bench.truth, "one")
    bench.truth.add_project("two").add_repository("two-code")
    bench.sync()
    bench.assess()
    before, journal = bench.stored(), bench.journal()
    bench.clock.time += HOUR
    bench.assess()
    assert bench.stored() == before
    assert bench.journal() == journal
    assert bench.state.assessed_at(bench.organization.id)[project.id] == bench.clock.now()


def test_mending_a_setting_is_seen_and_told(bench: Bench) -> None:
    project = bench.truth.add_project("web")
    project.add_repository("code")
    bench.sync()
    bench.assess()
    project.add_branch_policy(settings=OTHERS_DECIDE)
    bench.clock.time += HOUR
    bench.assess()
    now = bench.stored()["code", "ADO-REPO-001"]
    assert (now.verdict.status, now.changed_at - now.first_seen) == ("healthy", HOUR)
    assert {(one.before, one.after) for one in bench.journal() if one.at == bench.clock.now()} == {
        ("unhealthy", "healthy")
    }


def test_the_number_of_requests_is_the_documented_one(bench: Bench) -> None:
    for number in range(3):
        a_good_project(bench.truth, f"p{number}").add_service_endpoint("another")
    bench.truth.add_project("empty").add_repository("nothing", default_branch=None)
    bench.truth.add_project("going", state="deleting")
    bench.sync()
    bench.assess()
    assert bench.asked() == {
        "hierarchyquery": 1,
        "generalsettings": 4,
        "policy/configurations": 3,
        "serviceendpoint/endpoints": 4,
        "pipelinepermissions": 6,
    }


def test_what_the_organization_enforces_is_not_asked_of_projects(bench: Bench) -> None:
    a_good_project(bench.truth, "web")
    for key in PROJECT_SETTINGS:
        bench.truth.set_pipeline_setting(key, value=True)
    bench.sync()
    bench.assess()
    assert bench.asked()["generalsettings"] == 0
    assert bench.said()["web", "ADO-PROJ-001"] == "healthy"


@pytest.mark.parametrize(
    ("capability", "turned"),
    [
        ("policies", {"ADO-REPO-001", "ADO-REPO-002"}),
        ("generalsettings", {"ADO-PROJ-001"}),
        ("serviceendpoints", {"ADO-CONN-001", "ADO-CONN-002"}),
        ("pipelinepermissions", {"ADO-CONN-001"}),
    ],
)
def test_a_right_that_is_taken_away_turns_exactly_the_rules_that_need_it(
    bench: Bench, capability: str, turned: set[str]
) -> None:
    a_good_project(bench.truth, "web")
    bench.sync()
    bench.assess()
    before = bench.stored()
    bench.truth.deny_capability(capability)
    bench.clock.time += HOUR
    bench.assess()
    assert bench.unknown_rules() == turned
    for (name, rule), one in bench.stored().items():
        if rule in turned:
            assert one.verdict.permission
            assert name == "web" or one.first_seen == before[name, rule].first_seen
        else:
            assert one == before[name, rule]
    bench.truth.allow_capability(capability)
    bench.clock.time += HOUR
    bench.assess()
    assert bench.unknown_rules() == set()
    assert {key: one.first_seen for key, one in bench.stored().items()} == {
        key: one.first_seen for key, one in before.items()
    }


def test_an_organization_that_does_not_tell_its_settings_leaves_it_to_the_projects(bench: Bench) -> None:
    a_good_project(bench.truth, "sure")
    a_bare_project(bench.truth, "unsure")
    bench.truth.deny_capability("organizationpipelinesettings")
    bench.sync()
    bench.assess()
    assert bench.said()["sure", "ADO-PROJ-001"] == "healthy"
    assert bench.said()["unsure", "ADO-PROJ-001"] == "unknown"


def test_slices_of_one_project_add_up_to_the_whole(bench: Bench) -> None:
    projects = [a_good_project(bench.truth, f"p{number}") for number in range(5)]
    bench.sync()
    checkpoints = []
    while checkpoint := bench.assess(seconds=0):
        checkpoints.append(checkpoint)
    ids = sorted(project.id for project in projects)
    sets = len(Plan(RULES, DEFAULTS).of_organization()) - 1  # nothing is scanned: no alerts
    assert checkpoints == ["-"] * (sets - 1) + ids[:-1], "one set of the organization, then one project"
    assert bench.asked()["policy/configurations"] == len(projects)
    assert bench.asked()["hierarchyquery"] == 1, "what was read of the organization is kept"
    assert len(bench.said()) == 5 * len(projects)


def test_a_rate_limit_keeps_what_was_done_and_makes_nothing_unknown(bench: Bench) -> None:
    for number in range(12):
        a_good_project(bench.truth, f"p{number:02d}")
    bench.sync()
    ids = sorted(project.id for project in bench.truth.projects.values())
    # Far enough behind the first ones that they are stored before it is begun.
    bench.simulator.add_fault(
        Fault(FaultKind.BLOCKED, path=f"{ids[11]}/_apis/policy", retry_after=600, times=1)
    )
    checkpoint = bench.assess()
    assert checkpoint in ids[:11]
    assert bench.unknown_rules() == set()
    with pytest.raises(Throttled):
        bench.assess()
    bench.clock.time += HOUR
    assert bench.assess() == ""
    assert len(bench.said()) == 5 * len(ids)
    assert set(bench.said().values()) == {"healthy"}


def test_a_rate_limit_on_one_service_connection_makes_nothing_unknown_either(bench: Bench) -> None:
    a_good_project(bench.truth, "web").add_service_endpoint("another")
    bench.sync()
    bench.simulator.add_fault(Fault(FaultKind.BLOCKED, path="pipelinepermissions", after=1, retry_after=600))
    with pytest.raises(Throttled):
        bench.assess()
    assert bench.stored() == {}


def test_an_outage_is_not_a_verdict(bench: Bench) -> None:
    a_good_project(bench.truth, "web")
    bench.sync()
    bench.assess()
    before = bench.stored()
    bench.simulator.add_fault(Fault(FaultKind.TROUBLE, status=503))
    with pytest.raises(Transient):
        bench.assess()
    assert bench.stored() == before


def test_an_outage_that_spares_the_first_request_is_not_a_verdict_either(bench: Bench) -> None:
    a_good_project(bench.truth, "web")
    bench.sync()
    bench.simulator.add_fault(Fault(FaultKind.TROUBLE, status=503, after=1))
    with pytest.raises(Transient):
        bench.assess()
    assert bench.stored() == {}


def test_a_token_that_ran_out_is_not_a_verdict(bench: Bench) -> None:
    a_good_project(bench.truth, "web")
    bench.sync()
    bench.assess()
    before = bench.stored()
    bench.world.expire_token()
    with pytest.raises(Denied):
        bench.assess()
    assert bench.stored() == before


def test_one_broken_project_does_not_hold_up_the_others(bench: Bench) -> None:
    projects = [a_good_project(bench.truth, f"p{number}") for number in range(4)]
    broken = min(projects, key=lambda one: one.id)
    bench.sync()
    bench.simulator.add_fault(Fault(FaultKind.TROUBLE, status=500, path=f"/{broken.id}/"))
    assert bench.assess() == ""
    assert {name for (name, _), status in bench.said().items() if status == "unknown"} == {
        broken.name,
        f"{broken.name}-code",
    }
    assert len([status for status in bench.said().values() if status == "healthy"]) == 15


def test_a_worker_that_lost_its_lease_writes_nothing_more(bench: Bench) -> None:
    for number in range(3):
        a_good_project(bench.truth, f"p{number}")
    bench.sync()
    last = max(project.id for project in bench.truth.projects.values())
    bench.simulator.add_fault(
        Fault(
            FaultKind.RUN,
            path=f"{last}/_apis/policy",
            action=lambda: bench.state.release_leases_of(["worker"]),
        )
    )
    with pytest.raises(LeaseLost):
        bench.assess()
    rules = Counter(row.resource.project for row in bench.state.assessments(bench.organization.id))
    assert set(rules.values()) <= {3}, "what was written is whole"
    assert last not in rules
    bench.simulator.clear_faults()
    assert bench.assess() == ""
    assert len(bench.said()) == 15


def test_what_is_deleted_is_dropped_and_what_is_missing_is_kept(bench: Bench) -> None:
    kept, missing, deleted = (a_good_project(bench.truth, name) for name in ("kept", "missing", "deleted"))
    bench.sync()
    bench.assess()
    before = bench.said()
    gone = replace(bench.project(deleted), retired_at=bench.clock.now())
    away = replace(bench.project(missing), missing_since=bench.clock.now())
    deleted.destroy()
    missing.destroy()
    bench.sync(gone, away)
    bench.assess()
    assert set(bench.said()) == {key for key in before if not key[0].startswith("deleted")}
    assert {one.after for one in bench.journal()} == {"notAssessed"}
    assert bench.state.assessed_at(bench.organization.id)[kept.id] == bench.clock.now()


def test_a_shared_service_connection_is_judged_in_each_project(bench: Bench) -> None:
    here = a_good_project(bench.truth, "here")
    there = bench.truth.add_project("there")
    shared = here.endpoint("here-azure")
    here.share_service_endpoint(shared, there)
    there.set_pipeline_permission("endpoint", shared.id, all_pipelines=True)
    bench.sync()
    bench.assess()

    def rows() -> dict[str | None, str]:
        return {
            row.resource.project: one.verdict.status.value
            for row in bench.state.assessments(bench.organization.id)
            for rule, one in row.assessments.items()
            if rule == "ADO-CONN-001"
        }

    assert rows() == {here.id: "healthy", there.id: "unhealthy"}
    journal = bench.journal()
    bench.assess()
    assert rows() == {here.id: "healthy", there.id: "unhealthy"}
    assert bench.journal() == journal


def test_an_organization_without_projects_is_done_at_once(bench: Bench) -> None:
    bench.sync()
    assert bench.assess() == ""
    assert bench.stored() == {}
