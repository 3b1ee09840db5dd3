"""Between full refreshes the audit log says what is read again: over the wire, to a simulated service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from local.ado_simulator import Fault, FaultKind, Simulator, World
from local.ado_simulator.project import Project as SimulatedProject
from shared.model.assessment import ResourceAssessments
from shared.model.failure import Throttled
from shared.model.ids import ProjectId
from shared.model.work import WorkKind
from tests.posture.bench import CLASSIC, HOUR, OTHERS_DECIDE, Bench, a_good_project
from tests.posture.test_cost import fill

LOOK = 8 * HOUR
AUDIT = "audit/auditlog"
AT_MOST = 20


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Four projects with everything in them, read in full just now."""
    world = World(seed=7)
    with Simulator(world) as simulator:
        made = Bench(world, simulator, tmp_path)
        made.goes_by_the_log()
        for number in range(4):
            fill(a_good_project(made.truth, f"p{number}"))
        refresh(made)
        yield made
        made.close()


def refresh(bench: Bench, later: timedelta = LOOK) -> int:
    """One whole refresh some time later; returns the requests that it took."""
    bench.sync()
    bench.clock.time += later
    bench.simulator.reset_requests()
    while bench.assess():
        pass
    return len(bench.simulator.requests)


def rows(bench: Bench) -> dict[tuple[str, str], ResourceAssessments]:
    found = bench.state.assessments(bench.organization.id)
    return {(row.resource.project or "", row.resource.id): row for row in found}


def statuses(bench: Bench) -> dict[tuple[str, str, str], str]:
    return {
        (*key, rule): one.verdict.status.value
        for key, row in rows(bench).items()
        for rule, one in row.assessments.items()
    }


def in_full(bench: Bench) -> dict[tuple[str, str, str], str]:
    """What a refresh that reads everything says now."""
    day = bench.deps.intervals.posture_full
    refresh(bench, day + LOOK)
    assert AUDIT not in str([one.path for one in bench.simulator.requests])
    return statuses(bench)


def weaken(project: SimulatedProject) -> None:
    project.set_setting(CLASSIC[0], value=False)


def new_connection(project: SimulatedProject) -> None:
    project.add_service_endpoint("another", scheme="UsernamePassword", url="http://example.com")


CHANGES: dict[str, Callable[[Bench, SimulatedProject], object]] = {
    "organization policy": lambda bench, _: bench.truth.set_policy("DisallowOAuthAuthentication", value=True),
    "setting of the organization": lambda bench, _: bench.truth.set_pipeline_setting(
        "enforceJobAuthScope", value=True
    ),
    "setting of a project": lambda _, project: weaken(project),
    "new branch policy": lambda _, project: project.add_branch_policy(settings=OTHERS_DECIDE),
    "branch policy": lambda _, project: project.update_branch_policy(
        project.policies[0].id, is_enabled=False
    ),
    "branch policy removed": lambda _, project: project.remove_branch_policy(project.policies[0].id),
    "pipeline": lambda _, project: project.update_definition(project.definitions[0], badgeEnabled=True),
    "new pipeline": lambda _, project: project.add_definition("classic", process=1),
    "service connection": lambda _, project: project.update_service_endpoint(
        project.endpoints[0], scheme="ServicePrincipal"
    ),
    "new service connection": lambda _, project: new_connection(project),
    "service connection removed": lambda _, project: project.remove_service_endpoint(project.endpoints[0]),
    "service connection shared": lambda bench, project: project.share_service_endpoint(
        project.endpoints[0], bench.truth.project("p3")
    ),
    "pipeline permission": lambda _, project: project.set_pipeline_permission(
        "endpoint", project.endpoints[0].id, all_pipelines=True
    ),
    "pipeline permission of a group": lambda _, project: project.set_pipeline_permission(
        "variablegroup", str(project.variable_groups[0].id), all_pipelines=True
    ),
    "check": lambda _, project: project.add_check(
        "endpoint", project.endpoints[0].id, "8c6f20a7-a545-4486-9777-f762fafe0d4d"
    ),
    "variable group": lambda _, project: project.add_variable_group(
        "plain", {"password": {"value": "a1B2c3D4!"}}
    ),
    "extension": lambda bench, _: bench.truth.install_extension("fabrikam", "tasks"),
    "audit stream": lambda bench, _: bench.truth.add_audit_stream("siem"),
    "member": lambda bench, _: bench.truth.add_member(bench.world.add_identity("other"), pca="direct"),
    "new repository": lambda _, project: project.add_repository("more"),
    "repository disabled": lambda _, project: next(iter(project.repositories.values())).disable(),
    "new project": lambda bench, _: bench.truth.add_project("new"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_one_change_costs_little_and_is_judged_as_if_all_were_read(bench: Bench, change: str) -> None:
    refresh(bench)
    CHANGES[change](bench, bench.truth.project("p1"))
    asked = refresh(bench)
    assert asked <= AT_MOST + (change == "new project") * 8, change
    heard = statuses(bench)
    assert heard == in_full(bench)


def test_where_nothing_changed_nothing_is_read_or_written(bench: Bench) -> None:
    before, journal = rows(bench), bench.state.journal(limit=100_000)
    read_at = bench.state.assessed_at(bench.organization.id)
    for _ in range(2):
        assert refresh(bench) == 3, "the policies, the log and the organization's pipeline settings"
        assert rows(bench) == before
        assert bench.state.journal(limit=100_000) == journal
        assert bench.state.assessed_at(bench.organization.id) == read_at
        told = bench.state.posture_summaries()[bench.organization.id]
        assert (told.read_since, told.confirmed_at) == (read_at[""], bench.clock.now())


def test_everything_is_read_once_a_full_interval(bench: Bench) -> None:
    assert refresh(bench) == 3
    assert refresh(bench) == 3
    assert refresh(bench) > 3
    told = bench.state.posture_summaries()[bench.organization.id]
    assert told.confirmed_at is None, "what was just read needs no confirmation"
    assert set(bench.state.assessed_at(bench.organization.id).values()) == {bench.clock.now()}


def test_an_entry_is_heeded_once(bench: Bench) -> None:
    weaken(bench.truth.project("p1"))
    assert refresh(bench, HOUR / 4) == 4
    assert refresh(bench, HOUR / 4) == 3, "the log tells of it again, within the hour that a look goes back"


def test_an_entry_that_comes_late_is_heeded(bench: Bench) -> None:
    weaken(bench.truth.project("p1"))
    late = bench.truth.audit_log.pop()
    assert refresh(bench, HOUR / 4) == 3
    bench.truth.audit_log.insert(0, late)
    assert refresh(bench, HOUR / 4) == 4
    assert statuses(bench) == in_full(bench)


def test_what_comes_too_late_is_seen_by_the_full_refresh(bench: Bench) -> None:
    weaken(bench.truth.project("p1"))
    late = bench.truth.audit_log.pop()
    refresh(bench)
    bench.truth.audit_log.append(late)
    before = statuses(bench)
    assert refresh(bench) == 3
    assert statuses(bench) == before
    assert in_full(bench) != before


def test_a_long_log_is_read_page_by_page(bench: Bench) -> None:
    project = bench.truth.project("p1")
    for _ in range(2_500):
        weaken(project)
    assert refresh(bench) == 4 + 2


def off(bench: Bench) -> None:
    bench.truth.set_policy("LogAuditEvents", value=False)


def off_and_on(bench: Bench) -> None:
    off(bench)
    bench.truth.set_policy("LogAuditEvents", value=True)


def unplaced(bench: Bench) -> None:
    bench.truth.audit("Library.ServiceConnectionSharedWithMultipleProjects", "modify", None)


def failing(bench: Bench) -> None:
    bench.simulator.add_fault(Fault(FaultKind.TROUBLE, status=500, path=AUDIT))


def broken(bench: Bench) -> None:
    bench.simulator.add_fault(Fault(FaultKind.TRUNCATED, path=AUDIT))


def refused(bench: Bench) -> None:
    bench.truth.deny_capability("auditlog")


def endless(bench: Bench) -> None:
    for _ in range(30_001):
        bench.truth.audit("Token.PatCreateEvent", "create", None)


@pytest.mark.parametrize("gap", [off, off_and_on, unplaced, failing, broken, refused, endless])
def test_where_the_log_does_not_tell_everything_is_read(bench: Bench, gap: Callable[[Bench], None]) -> None:
    project = bench.truth.project("p1")
    project.settings[CLASSIC[0]] = False
    gap(bench)
    assert refresh(bench) > AT_MOST
    assert bench.state.posture_summaries()[bench.organization.id].confirmed_at is None
    key = (project.id, project.id, "ADO-PROJ-001")
    assert statuses(bench)[key] == "unhealthy"


def test_a_log_that_may_not_be_read_is_not_asked_for(bench: Bench) -> None:
    bench.truth.deny_capability("auditstreams")
    bench.truth.deny_capability("auditlog")
    refresh(bench, 24 * HOUR)
    for _ in range(2):
        refresh(bench)
        assert bench.simulator.requests.count(path=AUDIT) == 0
        assert bench.simulator.requests.count(path="generalsettings") == 4
    assert set(bench.state.assessed_at(bench.organization.id).values()) == {bench.clock.now()}


def test_a_rate_limit_is_no_gap(bench: Bench) -> None:
    bench.simulator.add_fault(Fault(FaultKind.BLOCKED, path=AUDIT, retry_after=600, times=1))
    with pytest.raises(Throttled):
        refresh(bench)
    assert refresh(bench, HOUR) == 3


def test_what_could_not_be_read_is_asked_for_again(bench: Bench) -> None:
    weaken(bench.truth.project("p1"))
    project = bench.truth.project("p1")
    bench.simulator.add_fault(
        Fault(FaultKind.TROUBLE, status=500, path=f"{project.id}/_apis/build/generalsettings")
    )
    key = (project.id, project.id, "ADO-PROJ-001")
    refresh(bench)
    assert statuses(bench)[key] == "unknown"
    bench.simulator.clear_faults()
    assert refresh(bench) == 4
    assert statuses(bench)[key] == "unhealthy"
    assert statuses(bench) == in_full(bench)


def test_what_was_looked_at_outlives_a_death_before_it_was_read(bench: Bench) -> None:
    """The run dies between the look and the reading: what the log told is read by the next one."""
    project = bench.truth.project("p1")
    weaken(project)
    bench.simulator.add_fault(
        Fault(
            FaultKind.RUN,
            path=f"{project.id}/_apis/build/generalsettings",
            action=lambda: bench.state.release_leases_of(["worker"]),
            times=1,
        )
    )
    bench.clock.time += LOOK
    with pytest.raises(Exception, match="no longer holds"):
        bench.assess()
    assert refresh(bench, 2 * HOUR) == 4
    assert statuses(bench) == in_full(bench)


def test_slices_go_on_with_what_has_changed(bench: Bench) -> None:
    refresh(bench)
    for number in range(4):
        weaken(bench.truth.project(f"p{number}"))
    bench.clock.time += LOOK
    bench.simulator.reset_requests()
    checkpoints = []
    while checkpoint := bench.assess(seconds=0):
        checkpoints.append(checkpoint)
    ids = sorted(one.id for one in bench.truth.projects.values())
    assert checkpoints == [f"~{one}" for one in ids[:-1]]
    assert len(bench.simulator.requests) == 3 + 4
    assert bench.simulator.requests.count(path=AUDIT) == 1
    assert statuses(bench) == in_full(bench)


def test_another_identity_and_other_numbers_read_everything_anew(bench: Bench) -> None:
    assert refresh(bench) == 3
    bench.deps = replace(bench.deps, thresholds=replace(bench.deps.thresholds, reviewers_least=3))
    assert refresh(bench) > AT_MOST
    assert refresh(bench) == 3
    own = replace(bench.connector.identity, secret_setting="ADO_PAT", account="somebody@example.com")
    bench.connector = replace(bench.connector, identity=own)
    assert refresh(bench) > AT_MOST


def test_what_is_kept_of_a_deleted_project_goes_with_it(bench: Bench) -> None:
    project = bench.truth.project("p1")
    gone = replace(bench.project(project), retired_at=bench.clock.now())
    assert bench.state.facts(bench.organization.id, ProjectId(project.id))
    project.destroy()
    bench.sync(gone)
    bench.clock.time += LOOK
    assert bench.assess() == ""
    assert bench.state.facts(bench.organization.id, ProjectId(project.id)) == b""
    assert not [key for key in rows(bench) if key[0] == project.id]


def test_a_broken_record_of_the_last_refresh_is_read_anew(bench: Bench) -> None:
    lease = bench._lease(WorkKind.POSTURE)
    bench.state.put_partial(lease, b"broken")
    bench.state.finish_work(lease, bench._work(WorkKind.POSTURE))
    assert refresh(bench) > AT_MOST
    assert refresh(bench) == 3


def test_what_is_asked_for_in_full_is_read_in_full(bench: Bench) -> None:
    weaken(bench.truth.project("p1"))
    bench.truth.audit_log.clear()
    bench.deps = replace(bench.deps, intervals=replace(bench.deps.intervals, posture_in_full=True))
    assert refresh(bench, HOUR) > AT_MOST
    assert bench.simulator.requests.count(path=AUDIT) == 0


def test_a_connector_has_intervals_of_its_own(bench: Bench) -> None:
    options = replace(bench.connector.options, posture_interval=HOUR, posture_full_interval=3 * HOUR)
    bench.connector = replace(bench.connector, options=options)
    assert [refresh(bench, HOUR) > AT_MOST for _ in range(6)] == [False, False, True, False, False, True]


def test_what_came_before_the_full_refresh_is_no_news(bench: Bench) -> None:
    weaken(bench.truth.project("p1"))
    bench.truth.set_policy("LogAuditEvents", value=True)
    refresh(bench, 24 * HOUR)
    assert refresh(bench) == 3


@pytest.mark.parametrize("state", ["wellFormed", "createPending", "deleting"])
def test_a_project_of_which_there_is_nothing_to_say_was_looked_at_all_the_same(
    bench: Bench, state: str
) -> None:
    added = bench.truth.add_project("new", state=state)
    refresh(bench)
    assert added.id in bench.state.assessed_at(bench.organization.id)
