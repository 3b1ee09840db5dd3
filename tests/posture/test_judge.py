"""What changes in stored assessments when a project is judged again, and what does not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.assessment import AssessmentChange, AssessmentStatus, ResourceAssessments, ResourceKind
from shared.model.facts import FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.model.journal import JournalEntry, JournalEvent
from shared.posture.judge import drop_all, judge
from shared.posture.judging import ResourceKey, count_statuses, judge_facts, key_of
from tests.posture.builders import (
    CONNECTION,
    CONNECTION_HERE,
    NOW,
    ORGANIZATION,
    PROJECT,
    REFUSED,
    REPOSITORY,
    SOME_RULES,
    a_connection,
    a_policy,
    a_project,
    a_repository,
    some_facts,
    without,
)
from tests.posture.variants import some

LATER = NOW + timedelta(hours=8)
Rows = dict[ResourceKey, ResourceAssessments]


def stored(change: AssessmentChange, before: Iterable[ResourceAssessments] = ()) -> Rows:
    """What a store holds once the change is written."""
    rows = {key_of(row.resource): row for row in before}
    rows.update({key_of(row.resource): row for row in change.rows})
    for key in change.dropped:
        del rows[key]
    return rows


def writes_nothing(change: AssessmentChange) -> bool:
    return not (change.rows or change.dropped or change.journal)


def judged(facts: ProjectFacts, before: Rows | None = None, now: datetime = NOW) -> AssessmentChange:
    return judge(ORGANIZATION, facts, (before or {}).values(), SOME_RULES, now)


def told(journal: Iterable[JournalEntry]) -> list[tuple[str, str, str, str]]:
    return [(one.subject, one.reason.split(":")[0], one.before, one.after) for one in journal]


@given(st.lists(some, min_size=1, max_size=4))
def test_judging_the_same_facts_twice_changes_nothing(history: list[ProjectFacts]) -> None:
    rows: Rows = {}
    for number, facts in enumerate(history):
        now = NOW + timedelta(hours=number)
        rows = stored(judged(facts, rows, now), rows.values())
        assert writes_nothing(judged(facts, rows, now + timedelta(minutes=1)))


@given(some, some)
def test_what_is_stored_says_what_the_facts_say(first: ProjectFacts, second: ProjectFacts) -> None:
    """Whatever was stored before, the rows end up as if nothing had been, save for history."""
    before = stored(judged(first))
    after = stored(judged(second, before, LATER), before.values())
    for key, one in judge_facts(second, SOME_RULES).items():
        assert after[key].resource == one.resource
        assert {rule: kept.verdict for rule, kept in after[key].assessments.items()} == one.verdicts


@given(some, some)
def test_history_moves_with_the_status_alone(first: ProjectFacts, second: ProjectFacts) -> None:
    before = stored(judged(first))
    change = judged(second, before, LATER)
    moved = {(entry.subject, entry.reason.split(":")[0]) for entry in change.journal if entry.before}
    for row in change.rows:
        for rule, now in row.assessments.items():
            old = (
                before[key_of(row.resource)].assessments.get(rule) if key_of(row.resource) in before else None
            )
            if old is None:
                assert now.first_seen == now.changed_at == LATER
            elif old.verdict.status is now.verdict.status:
                assert (now.first_seen, now.changed_at) == (old.first_seen, old.changed_at)
            else:
                assert (now.first_seen, now.changed_at) == (old.first_seen, LATER)
                assert (row.resource.id, rule) in moved


@given(some, some)
def test_nothing_disappears_because_it_could_not_be_read(first: ProjectFacts, second: ProjectFacts) -> None:
    before = stored(judged(first))
    for kind, key in judged(without(second, FactKind.SERVICE_CONNECTIONS), before, LATER).dropped:
        assert kind == ResourceKind.REPOSITORY
        assert key not in {one.id for one in second.repositories}


def test_first_verdicts_are_journalled_only_where_something_is_to_be_done() -> None:
    facts = some_facts(policies=[], connections=[a_connection(is_open=REFUSED)])
    change = judged(facts)
    assert len(change.rows) == 3
    assert set(told(change.journal)) == {
        (REPOSITORY, "ADO-REPO-001", "", "unhealthy"),
        (REPOSITORY, "ADO-REPO-002", "", "unhealthy"),
        (CONNECTION_HERE, "ADO-CONN-001", "", "unknown"),
    }
    assert {entry.event for entry in change.journal} == {JournalEvent.ASSESSMENT_CHANGED}
    assert {entry.organization for entry in change.journal} == {ORGANIZATION}


def test_a_first_judging_in_which_all_is_well_is_no_news() -> None:
    change = judged(some_facts())
    assert change.rows
    assert change.journal == ()


def test_other_evidence_updates_the_row_and_moves_nothing() -> None:
    before = stored(judged(some_facts()))
    change = judged(some_facts(policies=[a_policy({"minimumApproverCount": 3})]), before, LATER)
    [row] = change.rows
    assert change.journal == ()
    assert {one.changed_at for one in row.assessments.values()} == {NOW}
    assert "need 3 approvals" in row.assessments[SOME_RULES[3].id].verdict.reason


def test_a_rename_keeps_history() -> None:
    before = stored(judged(some_facts()))
    [row] = judged(some_facts(repositories=[replace(a_repository(), name="new")]), before, LATER).rows
    assert row.resource.name == "new"
    assert {(one.first_seen, one.changed_at) for one in row.assessments.values()} == {(NOW, NOW)}


def test_a_deleted_repository_is_dropped_and_told_of() -> None:
    before = stored(judged(some_facts()))
    gone = replace(a_repository(), retired_at=LATER)
    for facts in (some_facts(repositories=[]), some_facts(repositories=[gone])):
        change = judged(facts, before, LATER)
        assert change.rows == ()
        assert change.dropped == (("repository", REPOSITORY),)
        assert told(change.journal) == [
            (REPOSITORY, "ADO-REPO-001", "healthy", "notAssessed"),
            (REPOSITORY, "ADO-REPO-002", "healthy", "notAssessed"),
        ]


def test_a_missing_repository_keeps_its_verdicts() -> None:
    before = stored(judged(some_facts()))
    missing = replace(a_repository(), missing_since=LATER)
    assert writes_nothing(judged(some_facts(repositories=[missing]), before, LATER))


def test_a_deleted_service_connection_is_dropped() -> None:
    before = stored(judged(some_facts()))
    change = judged(some_facts(connections=[]), before, LATER)
    assert change.dropped == (("serviceConnection", CONNECTION_HERE),)


def test_unlisted_service_connections_become_unknown_and_come_back() -> None:
    """They are neither dropped nor left healthy, and the project says that there may be others."""
    before = stored(judged(some_facts()))
    change = judged(without(some_facts(), FactKind.SERVICE_CONNECTIONS), before, LATER)
    assert change.dropped == ()
    assert sorted(told(change.journal)) == [
        (PROJECT, "ADO-CONN-001", "", "unknown"),
        (PROJECT, "ADO-CONN-002", "", "unknown"),
        (CONNECTION_HERE, "ADO-CONN-001", "healthy", "unknown"),
        (CONNECTION_HERE, "ADO-CONN-002", "healthy", "unknown"),
    ]
    during = stored(change, before.values())
    again = judged(some_facts(), during, LATER)
    after = stored(again, during.values())
    connection = after["serviceConnection", CONNECTION_HERE]
    assert {one.first_seen for one in connection.assessments.values()} == {NOW}
    assert set(after["project", PROJECT].assessments) == {"ADO-PROJ-001"}
    assert (PROJECT, "ADO-CONN-001", "unknown", "notAssessed") in told(again.journal)


def test_the_same_failure_met_again_changes_nothing() -> None:
    facts = without(some_facts(), FactKind.BRANCH_POLICIES)
    before = stored(judged(facts))
    again = replace(REFUSED, activity="another", retry_at=LATER)
    assert writes_nothing(judged(without(facts, FactKind.BRANCH_POLICIES, again), before, LATER))


def test_a_project_being_deleted_makes_all_of_it_not_applicable() -> None:
    before = stored(judged(some_facts()))
    rows = stored(judged(some_facts(project=a_project(state="deleting")), before, LATER), before.values())
    assert {one.verdict.status for row in rows.values() for one in row.assessments.values()} == {
        AssessmentStatus.NOT_APPLICABLE
    }
    assert set(rows) == set(before)


@pytest.mark.parametrize(
    ("kind", "turned"),
    [
        (FactKind.PIPELINE_SETTINGS, {"ADO-PROJ-001"}),
        (FactKind.BRANCH_POLICIES, {"ADO-REPO-001", "ADO-REPO-002"}),
        (FactKind.SERVICE_CONNECTIONS, {"ADO-CONN-001", "ADO-CONN-002"}),
        (FactKind.SERVICE_CONNECTION_PERMISSIONS, {"ADO-CONN-001"}),
    ],
)
def test_taking_one_right_away_turns_exactly_the_rules_that_need_it(kind: FactKind, turned: set[str]) -> None:
    before = stored(judged(some_facts()))
    rows = stored(judged(without(some_facts(), kind), before, LATER), before.values())
    unknown = {
        rule
        for row in rows.values()
        for rule, one in row.assessments.items()
        if one.verdict.status is AssessmentStatus.UNKNOWN
    }
    assert unknown == turned


def test_everything_of_a_deleted_project_is_dropped() -> None:
    before = stored(judged(some_facts()))
    change = drop_all(ORGANIZATION, before.values(), LATER)
    assert stored(change, before.values()) == {}
    assert len(change.journal) == sum(len(row.assessments) for row in before.values())


def test_verdicts_can_be_counted() -> None:
    counts = count_statuses(judge_facts(some_facts(connections=[a_connection(is_open=REFUSED)]), SOME_RULES))
    assert counts == {AssessmentStatus.HEALTHY: 4, AssessmentStatus.UNKNOWN: 1}


def test_service_connections_shared_by_projects_are_judged_in_each() -> None:
    """Open in one project and closed in another: the open one is not lost."""
    other = a_project("aaaaaaaa-0000-0000-0000-000000000002", name="api")
    here = judged(some_facts(connections=[a_connection(is_shared=True)]))
    there = judged(
        some_facts(project=other, repositories=[], connections=[a_connection(is_shared=True, is_open=True)])
    )
    rows = [row for row in (*here.rows, *there.rows) if row.resource.id.endswith(CONNECTION)]
    assert [(row.resource.project, row.assessments[SOME_RULES[0].id].verdict.status) for row in rows] == [
        (PROJECT, AssessmentStatus.HEALTHY),
        (other.id, AssessmentStatus.UNHEALTHY),
    ]


def test_a_change_counts_what_there_is_once_it_is_written() -> None:
    """Stored rows that stay, rows that are written, and none that is dropped or missing from the facts."""
    before = stored(judged(some_facts()))
    reviewers, scope = RuleId("ADO-REPO-001"), RuleId("ADO-PROJ-001")
    first = judged(some_facts()).findings
    assert first[reviewers] == {AssessmentStatus.HEALTHY: 1}
    assert judged(some_facts(), before, LATER).findings == first
    unread = judged(without(some_facts(), FactKind.BRANCH_POLICIES), before, LATER)
    assert unread.findings[reviewers] == {AssessmentStatus.UNKNOWN: 1}
    assert unread.findings[scope] == first[scope]
    gone = judged(some_facts(repositories=[]), before, LATER)
    assert reviewers not in gone.findings
    missing = replace(a_repository(), missing_since=LATER)
    assert judged(some_facts(repositories=[missing]), before, LATER).findings == first
