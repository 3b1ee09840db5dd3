"""Inventory, assessments, journal and rate-limit records."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.model.assessment import (
    Assessment,
    AssessmentChange,
    AssessmentStatus,
    Resource,
    ResourceAssessments,
    ResourceKind,
    Verdict,
)
from shared.model.ids import ProjectId, RuleId
from shared.model.inventory import Repository
from shared.model.journal import JournalEvent
from shared.model.summary import (
    PostureSummary,
    ProjectSummary,
    ResourceStatuses,
    findings_of,
    statuses_of,
)
from shared.model.work import Lease, WorkKind
from shared.ports import InventoryChange, LeaseLost, StateConflict, ThrottleRecord
from shared.posture.judging import key_of
from tests.contract.adapters import START, State
from tests.contract.records import (
    ORGANIZATION,
    OTHER,
    entry,
    lease,
    organization,
    project,
    repository,
    subjects,
)

SOON = START + timedelta(minutes=1)
LATER = START + timedelta(hours=1)


def test_rows_come_back_in_order_of_id(state: State) -> None:
    held = lease(state)
    change = InventoryChange(
        projects=tuple(project(n) for n in (3, 1, 2)),
        repositories=tuple(repository(n) for n in (2, 3, 1)),
        journal=(entry("first"), entry("second")),
    )
    state.apply_inventory(held, change)
    assert list(state.projects(ORGANIZATION)) == [project(1), project(2), project(3)]
    assert list(state.repositories(ORGANIZATION)) == [repository(1), repository(2), repository(3)]
    assert list(state.projects(OTHER)) == []
    assert list(state.repositories(OTHER)) == []
    assert subjects(state) == ["first", "second"]


def test_a_row_is_replaced_by_its_id(state: State) -> None:
    held = lease(state)
    state.apply_inventory(held, InventoryChange((project(1), project(2)), (repository(1),)))
    renamed = replace(project(1), name="Renamed", visibility="public")
    moved = replace(
        repository(1), project_id=project(2).id, default_branch=None, is_disabled=True, is_fork=True
    )
    state.apply_inventory(held, InventoryChange((renamed,), (moved,)))
    assert list(state.projects(ORGANIZATION)) == [renamed, project(2)]
    assert list(state.repositories(ORGANIZATION)) == [moved]


def test_what_is_alive_was_last_seen_by_the_last_complete_listing(state: State) -> None:
    state.put_organization(organization())
    held = lease(state)
    gone = replace(project(2), missing_since=SOON, missing_reason="not listed", last_seen=START)
    buried = replace(repository(2), retired_at=SOON, last_seen=START)
    state.apply_inventory(held, InventoryChange((project(1), gone), (repository(1), buried)))
    assert [one.last_seen for one in state.projects(ORGANIZATION)] == [None, START]

    state.finish_listing(held, listed_at=LATER, projects=1, repositories=1)

    assert list(state.projects(ORGANIZATION)) == [replace(project(1), last_seen=LATER), gone]
    assert list(state.repositories(ORGANIZATION)) == [replace(repository(1), last_seen=LATER), buried]


def test_what_came_back_is_seen_with_the_others_again(state: State) -> None:
    state.put_organization(organization())
    held = lease(state)
    state.apply_inventory(held, InventoryChange((project(1, missing_since=SOON, last_seen=START),)))
    state.apply_inventory(held, InventoryChange((project(1, last_seen=START),)))
    state.finish_listing(held, listed_at=LATER, projects=1, repositories=0)
    assert [one.last_seen for one in state.projects(ORGANIZATION)] == [LATER]


def test_rows_without_the_lease_are_refused_with_their_journal(state: State) -> None:
    held = lease(state)
    state.release_leases_of(["worker"])
    with pytest.raises(LeaseLost):
        state.apply_inventory(held, InventoryChange((project(1),), (repository(1),), (entry("told"),)))
    assert list(state.projects(ORGANIZATION)) == []
    assert list(state.repositories(ORGANIZATION)) == []
    assert subjects(state) == []


def test_several_listings_are_read_at_once(state: State) -> None:
    held = lease(state)
    projects = tuple(project(n) for n in range(50))
    repositories = tuple(repository(n) for n in range(50))
    state.apply_inventory(held, InventoryChange(projects, repositories))
    pairs = list(zip(state.projects(ORGANIZATION), state.repositories(ORGANIZATION), strict=True))
    assert pairs == list(zip(projects, repositories, strict=True))


def test_writing_goes_on_while_a_listing_is_read(state: State) -> None:
    held = lease(state)
    state.apply_inventory(held, InventoryChange(tuple(project(n) for n in range(10))))
    seen = []
    for one in state.projects(ORGANIZATION):
        seen.append(one.id)
        state.apply_inventory(held, InventoryChange((replace(one, name="seen"),)))
    assert seen == [project(n).id for n in range(10)]
    assert {one.name for one in state.projects(ORGANIZATION)} == {"seen"}


def test_a_listing_that_is_left_early_holds_nothing_up(state: State) -> None:
    held = lease(state)
    state.apply_inventory(held, InventoryChange(tuple(project(n) for n in range(10))))
    for _ in range(30):
        assert next(state.projects(ORGANIZATION)) == project(0)
    state.apply_inventory(held, InventoryChange((project(11),)))
    assert len(list(state.projects(ORGANIZATION))) == 11


# --- assessments ------------------------------------------------------------------------------------------

RULE = RuleId("ADO-REPO-001")


def judged(
    kind: ResourceKind, identifier: str, of: str | None, status: AssessmentStatus = AssessmentStatus.HEALTHY
) -> ResourceAssessments:
    verdict = Verdict(status, "why", {"reviewers": 2, "branches": ["main"], "nested": {"a": None}}, "Read")
    resource = Resource(kind, identifier, identifier.upper(), None if of is None else ProjectId(of))
    return ResourceAssessments(ORGANIZATION, resource, {RULE: Assessment(verdict, START, SOON)})


def test_assessments_are_read_by_project_and_as_a_whole(state: State) -> None:
    held = lease(state, WorkKind.POSTURE)
    whole = judged(ResourceKind.ORGANIZATION, "o", None)
    of_a = judged(ResourceKind.REPOSITORY, "r1", "a")
    of_b = judged(ResourceKind.PROJECT, "b", "b")
    state.apply_assessments(held, None, AssessmentChange((whole,)), START)
    state.apply_assessments(held, ProjectId("a"), AssessmentChange((of_a,), journal=(entry("a"),)), SOON)
    state.apply_assessments(held, ProjectId("b"), AssessmentChange((of_b,)), LATER)
    assert list(state.assessments(ORGANIZATION, ProjectId("a"))) == [of_a]
    assert sorted(one.resource.id for one in state.assessments(ORGANIZATION)) == ["b", "o", "r1"]
    assert list(state.assessments(OTHER)) == []
    assert state.assessed_at(ORGANIZATION) == {"": START, "a": SOON, "b": LATER}
    assert state.assessed_at(OTHER) == {}
    assert subjects(state) == ["a"]


def test_an_unchanged_assessment_only_moves_its_time(state: State) -> None:
    held = lease(state, WorkKind.POSTURE)
    row = judged(ResourceKind.REPOSITORY, "r1", "a")
    state.apply_assessments(held, ProjectId("a"), AssessmentChange((row,)), START)
    state.apply_assessments(held, ProjectId("a"), AssessmentChange(), LATER)
    assert list(state.assessments(ORGANIZATION)) == [row]
    assert state.assessed_at(ORGANIZATION) == {"a": LATER}


def test_a_resource_has_one_row_wherever_it_moves(state: State) -> None:
    held = lease(state, WorkKind.POSTURE)
    before = judged(ResourceKind.REPOSITORY, "r1", "a")
    after = judged(ResourceKind.REPOSITORY, "r1", "b", AssessmentStatus.UNHEALTHY)
    same_id = judged(ResourceKind.SERVICE_CONNECTION, "r1", "a")
    state.apply_assessments(held, ProjectId("a"), AssessmentChange((before, same_id)), START)
    state.apply_assessments(held, ProjectId("b"), AssessmentChange((after,)), START)
    dropped = AssessmentChange(dropped=((ResourceKind.REPOSITORY.value, "r1"),))
    state.apply_assessments(held, ProjectId("a"), dropped, SOON)
    assert list(state.assessments(ORGANIZATION, ProjectId("b"))) == [after]
    assert list(state.assessments(ORGANIZATION, ProjectId("a"))) == [same_id]


def test_dropped_resources_are_gone(state: State) -> None:
    held = lease(state, WorkKind.POSTURE)
    rows = tuple(judged(ResourceKind.REPOSITORY, f"r{n}", "a") for n in range(3))
    state.apply_assessments(held, ProjectId("a"), AssessmentChange(rows), START)
    change = AssessmentChange(dropped=(("repository", "r0"), ("repository", "r2"), ("project", "r1")))
    state.apply_assessments(held, ProjectId("a"), change, SOON)
    assert [one.resource.id for one in state.assessments(ORGANIZATION)] == ["r1"]


def test_assessments_without_the_lease_are_refused(state: State) -> None:
    held = lease(state, WorkKind.POSTURE)
    state.drop_work(ORGANIZATION, WorkKind.POSTURE)
    change = AssessmentChange((judged(ResourceKind.PROJECT, "a", "a"),), journal=(entry("told"),))
    with pytest.raises(LeaseLost):
        state.apply_assessments(held, ProjectId("a"), change, START)
    assert list(state.assessments(ORGANIZATION)) == []
    assert state.assessed_at(ORGANIZATION) == {}
    assert subjects(state) == []


# --- journal ----------------------------------------------------------------------------------------------


def test_the_newest_entries_come_oldest_first(state: State) -> None:
    state.append_journal([entry(str(n)) for n in range(5)])
    state.append_journal([entry("5")])
    assert [one.subject for one in state.journal(limit=3)] == ["3", "4", "5"]
    ids = [one.id for one in state.journal()]
    assert ids == sorted(set(ids))
    assert ids[0] > 0
    assert state.journal(limit=0) == ()


def test_an_entry_is_read_back_whole(state: State) -> None:
    told = replace(
        entry("subject", JournalEvent.ONBOARDING_REFUSED),
        subject_name="name",
        before="before",
        after="after",
        reason="reason",
        requested_by="ana",
    )
    nobody = replace(told, connector=None, organization=None)
    state.append_journal([replace(told, id=99), nobody])
    assert [replace(one, id=0) for one in state.journal()] == [told, nobody]


def test_entries_are_found_by_organization_event_and_time(state: State) -> None:
    state.append_journal(
        [
            entry("1"),
            replace(entry("2"), organization=OTHER),
            entry("3", JournalEvent.WORK_FAILED, SOON),
            entry("4", at=LATER),
        ]
    )
    found = state.journal(organization=ORGANIZATION)
    assert [one.subject for one in found] == ["1", "3", "4"]
    assert [one.subject for one in state.journal(event=JournalEvent.WORK_FAILED)] == ["3"]
    assert [one.subject for one in state.journal(since=SOON)] == ["3", "4"]
    both = state.journal(
        organization=ORGANIZATION, event=JournalEvent.PROJECT_DISCOVERED, since=START, limit=1
    )
    assert [one.subject for one in both] == ["4"]
    assert state.journal(since=LATER + timedelta(microseconds=1)) == ()


# --- rate limit -------------------------------------------------------------------------------------------


def test_an_unknown_rate_limit_is_an_empty_record(state: State) -> None:
    assert state.throttle("contoso|pat") == ThrottleRecord()
    assert state.throttles() == {}


def test_a_rate_limit_record_is_written_conditionally(state: State) -> None:
    record = ThrottleRecord(LATER, "asked to wait", START, 7, 12.5, 200.0, SOON, 3.25)
    first = state.put_throttle("contoso|pat", record)
    assert first == replace(record, revision=1)
    second = state.put_throttle("contoso|pat", replace(first, requests=8))
    for late in (record, first):
        with pytest.raises(StateConflict):
            state.put_throttle("contoso|pat", late)
    assert state.throttle("contoso|pat") == second
    assert state.throttles() == {"contoso|pat": second}


# --- listings that take more than one slice ---------------------------------------------------------------


def test_what_a_listing_has_read_is_kept_for_the_next_slice(state: State) -> None:
    held = lease(state)
    long = bytes(range(256)) * 6_000
    assert state.partial(ORGANIZATION, WorkKind.INVENTORY) == b""
    state.put_partial(held, long)
    assert state.partial(ORGANIZATION, WorkKind.INVENTORY) == long
    assert state.partial(ORGANIZATION, WorkKind.POSTURE) == b""
    assert state.partial(OTHER, WorkKind.INVENTORY) == b""
    state.put_partial(held, b"short")
    assert state.partial(ORGANIZATION, WorkKind.INVENTORY) == b"short"
    state.drop_work(ORGANIZATION, WorkKind.INVENTORY)
    with pytest.raises(LeaseLost):
        state.put_partial(held, b"late")
    assert state.partial(ORGANIZATION, WorkKind.INVENTORY) == b"short"


def test_repositories_are_counted_by_project(state: State) -> None:
    state.put_organization(organization())
    held = lease(state)
    assert state.repository_counts(ORGANIZATION) == {}
    counts = {project(1).id: 3, project(2).id: 1}
    state.finish_listing(held, listed_at=LATER, projects=2, repositories=4, by_project=counts)
    assert state.repository_counts(ORGANIZATION) == counts
    state.finish_listing(held, listed_at=None, projects=2, repositories=4)
    assert state.repository_counts(ORGANIZATION) == counts
    state.finish_listing(held, listed_at=LATER, projects=2, repositories=1, by_project={project(1).id: 1})
    assert state.repository_counts(ORGANIZATION) == {project(1).id: 1}


# --- sums of what was assessed ----------------------------------------------------------------------------

HEALTHY, UNHEALTHY = AssessmentStatus.HEALTHY, AssessmentStatus.UNHEALTHY


def assessed(state: State, held: Lease, of: str, *statuses: AssessmentStatus, at: datetime = START) -> None:
    rows = tuple(judged(ResourceKind.REPOSITORY, f"{of}{n}", of, status) for n, status in enumerate(statuses))
    state.apply_assessments(held, ProjectId(of), AssessmentChange(rows, findings=findings_of(rows)), at)


def posture_ends(state: State, held: Lease) -> Lease:
    (work,) = state.work(kind=WorkKind.POSTURE)
    state.finish_work(held, work)
    return lease(state, WorkKind.POSTURE)


def test_what_was_assessed_is_counted_by_project_and_as_a_whole(state: State) -> None:
    held = lease(state, WorkKind.POSTURE)
    assert state.project_summaries(ORGANIZATION) == ()
    assert state.posture_summaries() == {}
    assessed(state, held, "a", HEALTHY, UNHEALTHY)
    assessed(state, held, "b", UNHEALTHY, at=SOON)
    held = posture_ends(state, held)
    assert state.project_summaries(ORGANIZATION) == (
        ProjectSummary(ProjectId("a"), {RULE: {HEALTHY: 1, UNHEALTHY: 1}}, START),
        ProjectSummary(ProjectId("b"), {RULE: {UNHEALTHY: 1}}, SOON),
    )
    assert state.posture_summaries() == {
        ORGANIZATION: PostureSummary(ORGANIZATION, {RULE: {HEALTHY: 1, UNHEALTHY: 2}}, 2, SOON)
    }

    assessed(state, held, "a", HEALTHY, at=LATER)
    assessed(state, held, "b", at=LATER)
    posture_ends(state, held)
    assert state.posture_summaries() == {
        ORGANIZATION: PostureSummary(ORGANIZATION, {RULE: {HEALTHY: 1}}, 2, LATER)
    }
    assert state.project_summaries(OTHER) == ()


def test_statuses_are_kept_beside_the_assessments(state: State) -> None:
    held = lease(state, WorkKind.POSTURE)
    assert list(state.statuses(ORGANIZATION)) == []
    assessed(state, held, "a", HEALTHY, UNHEALTHY)
    assessed(state, held, "b", *[UNHEALTHY] * 150)
    odd = judged(ResourceKind.REPOSITORY, "c0", "c", AssessmentStatus.UNKNOWN)
    odd = replace(odd, resource=replace(odd.resource, name="x\ud800\x00\n日本語" + "n" * 400))
    state.apply_assessments(held, ProjectId("c"), AssessmentChange((odd,)), START)

    def told() -> dict[tuple[str, str], ResourceStatuses]:
        return {key_of(one.resource): one for one in state.statuses(ORGANIZATION)}

    def stored() -> dict[tuple[str, str], ResourceStatuses]:
        return {key_of(one.resource): statuses_of(one) for one in state.assessments(ORGANIZATION)}

    assert told() == stored()
    assert len(told()) == 153
    assert told()["repository", "a1"] == ResourceStatuses(
        judged(ResourceKind.REPOSITORY, "a1", "a", UNHEALTHY).resource, {RULE: UNHEALTHY}
    )
    changed = judged(ResourceKind.REPOSITORY, "a0", "a", UNHEALTHY)
    change = AssessmentChange((changed,), dropped=(("repository", "a1"), ("repository", "b1")))
    state.apply_assessments(held, ProjectId("a"), change, LATER)
    assert told() == stored()
    assert told()["repository", "a0"].statuses == {RULE: UNHEALTHY}
    assert ("repository", "a1") not in told()
    assert ("repository", "b1") in told(), "it is in another project now"
    assert list(state.statuses(OTHER)) == []


def test_sums_without_the_lease_are_refused(state: State) -> None:
    held = lease(state, WorkKind.POSTURE)
    assessed(state, held, "a", HEALTHY)
    state.release_leases_of(["worker"])
    with pytest.raises(LeaseLost):
        assessed(state, held, "a", UNHEALTHY)
    assert [one.findings for one in state.project_summaries(ORGANIZATION)] == [{RULE: {HEALTHY: 1}}]


def test_a_project_s_repositories_come_page_by_page(state: State) -> None:
    state.put_organization(organization())
    held = lease(state)
    mine = tuple(repository(n, of=1 + n % 2) for n in range(1, 12))
    buried = replace(repository(12, of=1), retired_at=SOON, last_seen=START)
    state.apply_inventory(held, InventoryChange((project(1), project(2)), (*mine, buried)))
    state.finish_listing(held, listed_at=LATER, projects=2, repositories=11)
    expected = [one for one in state.repositories(ORGANIZATION) if one.project_id == project(1).id]

    pages: list[Repository] = []
    after = ""
    while True:
        page = state.project_repositories(ORGANIZATION, project(1).id, after=after, limit=2)
        assert len(page.rows) <= 2
        pages.extend(page.rows)
        after = page.next
        if not after:
            break

    assert pages == expected
    assert len(pages) == 6
    assert state.project_repositories(OTHER, project(1).id).rows == ()
    assert state.project_repositories(ORGANIZATION, project(3).id).rows == ()
