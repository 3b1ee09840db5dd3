"""The six outcomes, as recommendations show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.model.assessment import AssessmentStatus, ResourceAssessments, ResourceKind
from shared.model.facts import FactKind, OrganizationFacts, ProjectFacts
from shared.model.inventory import Project, Repository
from shared.posture.catalogue import RULES
from shared.posture.judge import judge
from shared.posture.rule import Rule
from shared.posture.subjects import organization_resource
from shared.posture.views import (
    Freshness,
    Recommendation,
    count,
    own_recommendations,
    project_recommendations,
)
from tests.posture.builders import (
    NOW,
    ORGANIZATION,
    REFUSED,
    REPOSITORY,
    SOME_RULES,
    a_connection,
    a_project,
    a_repository,
    some_facts,
    some_organization,
    without,
)

EIGHT_HOURS = timedelta(hours=8)
OTHER = a_repository(REPOSITORY[:-1] + "2")


def rows_of(facts: ProjectFacts) -> tuple[ResourceAssessments, ...]:
    return judge(ORGANIZATION, facts, (), SOME_RULES, NOW).rows


def shown(
    rows: Iterable[ResourceAssessments],
    *,
    project: Project | None = None,
    repositories: Sequence[Repository] = (a_repository(),),
    assessed_at: datetime | None = NOW,
    now: datetime = NOW,
) -> list[Recommendation]:
    return list(
        project_recommendations(
            project or a_project(),
            repositories,
            rows,
            assessed_at,
            rules=SOME_RULES,
            freshness=Freshness(EIGHT_HOURS, EIGHT_HOURS),
            now=now,
        )
    )


def outcomes(recommendations: Iterable[Recommendation]) -> dict[str, int]:
    return {status.value: number for status, number in count(recommendations).items() if number}


def test_each_verdict_is_shown_as_it_was_given() -> None:
    facts = some_facts(
        policies=[],
        repositories=[a_repository(), replace(OTHER, default_branch=None)],
        connections=[a_connection(is_open=REFUSED)],
    )
    told = shown(rows_of(facts), repositories=facts.repositories)
    assert outcomes(told) == {"healthy": 2, "unhealthy": 2, "notApplicable": 2, "unknown": 1}
    [unknown] = [one for one in told if one.status is AssessmentStatus.UNKNOWN]
    assert unknown.permission == "The right"
    assert unknown.first_seen == unknown.changed_at == unknown.assessed_at == NOW


def test_all_six_outcomes_are_counted_even_when_there_are_none() -> None:
    assert count([]) == dict.fromkeys(AssessmentStatus, 0)


def test_a_project_that_was_never_assessed_says_so_for_every_rule() -> None:
    told = shown([], assessed_at=None)
    assert outcomes(told) == {"neverAssessed": len(SOME_RULES)}
    assert {one.rule.id for one in told} == {rule.id for rule in SOME_RULES}


def test_a_repository_that_appeared_since_was_never_assessed() -> None:
    told = shown(rows_of(some_facts()), repositories=[a_repository(), OTHER])
    assert {one.resource.id for one in told if one.status is AssessmentStatus.NEVER_ASSESSED} == {OTHER.id}


def test_a_project_without_service_connections_has_no_recommendation_of_them() -> None:
    told = shown(rows_of(some_facts(connections=[])))
    assert {one.rule.id for one in told} == {"ADO-PROJ-001", "ADO-REPO-001", "ADO-REPO-002"}


@pytest.mark.parametrize(
    ("age", "stale"), [(2 * EIGHT_HOURS, False), (2 * EIGHT_HOURS + timedelta(seconds=1), True)]
)
def test_a_verdict_is_stale_after_two_intervals(age: timedelta, *, stale: bool) -> None:
    told = shown(rows_of(some_facts()), now=NOW + age)
    assert {one.status is AssessmentStatus.STALE for one in told} == {stale}
    assert {one.last_status for one in told} == {AssessmentStatus.HEALTHY}


def test_what_could_not_be_listed_is_shown_on_the_project() -> None:
    told = shown(rows_of(without(some_facts(), FactKind.SERVICE_CONNECTIONS)))
    assert [
        (one.rule.id, one.resource.kind.value) for one in told if one.status is AssessmentStatus.UNKNOWN
    ] == [
        ("ADO-CONN-001", "project"),
        ("ADO-CONN-002", "project"),
    ]


@pytest.mark.parametrize(("missing", "deleted"), [(NOW, None), (NOW, NOW), (None, NOW)])
def test_what_is_missing_or_deleted_has_no_recommendations(
    missing: datetime | None, deleted: datetime | None
) -> None:
    rows = rows_of(some_facts())
    assert shown(rows, project=replace(a_project(), missing_since=missing, retired_at=deleted)) == []
    told = shown(rows, repositories=[replace(a_repository(), missing_since=missing, retired_at=deleted)])
    assert {one.resource.kind.value for one in told} == {"project", "serviceConnection"}


def test_a_verdict_of_a_rule_that_is_gone_is_not_shown() -> None:
    rows = rows_of(some_facts())
    told = list(
        project_recommendations(
            a_project(),
            [a_repository()],
            rows,
            NOW,
            rules=SOME_RULES[:1],
            freshness=Freshness(EIGHT_HOURS, EIGHT_HOURS),
            now=NOW,
        )
    )
    assert {one.rule.id for one in told} == {SOME_RULES[0].id}


def test_a_rule_that_is_new_has_not_judged_anything_yet() -> None:
    rows = judge(ORGANIZATION, some_facts(), (), SOME_RULES[:1], NOW).rows
    told = shown(rows, assessed_at=NOW)
    assert outcomes(told) == {"healthy": 1, "neverAssessed": 4}
    assert {one.resource.kind for one in told if one.rule.id == "ADO-CONN-002"} == {
        ResourceKind.SERVICE_CONNECTION
    }


RULE_LOGGED = next(rule for rule in SOME_RULES if rule.is_logged)
RULE_BEYOND = replace(RULE_LOGGED, beyond_log=True)
DAY = timedelta(days=1)
HOURS = timedelta(hours=1)


def test_what_the_log_shows_to_hold_counts_as_assessed_at_the_look() -> None:
    fresh = Freshness(EIGHT_HOURS, DAY, read_since=NOW, confirmed_at=NOW + 20 * HOURS)
    assert fresh.assessed_at(RULE_LOGGED, NOW) == NOW + 20 * HOURS
    assert not fresh.is_stale(RULE_LOGGED, NOW, NOW + 36 * HOURS)
    assert fresh.is_stale(RULE_LOGGED, NOW, NOW + 37 * HOURS), "twice the short interval after the look"
    assert fresh.assessed_at(RULE_LOGGED, NOW + 21 * HOURS) == NOW + 21 * HOURS, "read later still"


def test_what_the_log_does_not_tell_of_counts_as_assessed_when_it_was_read() -> None:
    fresh = Freshness(EIGHT_HOURS, DAY, read_since=NOW, confirmed_at=NOW + 40 * HOURS)
    assert fresh.assessed_at(RULE_BEYOND, NOW) == NOW
    assert not fresh.is_stale(RULE_BEYOND, NOW, NOW + 48 * HOURS)
    assert fresh.is_stale(RULE_BEYOND, NOW, NOW + 49 * HOURS)


def test_what_the_last_full_refresh_did_not_read_is_not_confirmed() -> None:
    fresh = Freshness(EIGHT_HOURS, DAY, read_since=NOW, confirmed_at=NOW + 20 * HOURS)
    assert fresh.assessed_at(RULE_LOGGED, NOW - HOURS) == NOW - HOURS
    assert fresh.is_stale(RULE_LOGGED, NOW - HOURS, NOW + 20 * HOURS)


def test_without_a_log_all_grow_old_by_the_short_interval() -> None:
    fresh = Freshness(EIGHT_HOURS, DAY)
    for rule in (RULE_LOGGED, RULE_BEYOND):
        assert not fresh.is_stale(rule, NOW, NOW + 16 * HOURS)
        assert fresh.is_stale(rule, NOW, NOW + 17 * HOURS)


OWN_RULES = tuple(
    rule for rule in RULES if rule.resource in {ResourceKind.ORGANIZATION, ResourceKind.AGENT_POOL}
)
OF_ORGANIZATION = [rule.id for rule in OWN_RULES if rule.resource is ResourceKind.ORGANIZATION]
OF_POOLS = [rule.id for rule in OWN_RULES if rule.resource is ResourceKind.AGENT_POOL]


def shown_of_organization(
    facts: OrganizationFacts | None,
    *,
    assessed_at: datetime | None = NOW,
    now: datetime = NOW,
    judged_by: Sequence[Rule] = RULES,
) -> list[Recommendation]:
    rows = judge(ORGANIZATION, facts, (), judged_by, NOW).rows if facts else ()
    return list(
        own_recommendations(
            organization_resource(some_organization()),
            iter(rows),
            assessed_at,
            rules=RULES,
            freshness=Freshness(EIGHT_HOURS, EIGHT_HOURS),
            now=now,
        )
    )


def test_what_is_said_of_an_organization_is_of_it_and_of_its_agent_pools() -> None:
    told = shown_of_organization(some_organization())
    assert [one.rule.id for one in told] == [rule.id for rule in OWN_RULES]
    for one in told:
        assert one.resource.kind is one.rule.resource
        assert one.assessed_at == one.first_seen == one.changed_at == NOW
        assert one.status is one.last_status
    assert outcomes(told)["healthy"] > len(told) / 2


def test_an_organization_without_agent_pools_has_no_recommendation_of_them() -> None:
    told = shown_of_organization(some_organization(agent_pools=()))
    assert [one.rule.id for one in told] == OF_ORGANIZATION


def test_an_organization_that_was_never_assessed_says_so_for_every_rule() -> None:
    told = shown_of_organization(None, assessed_at=None)
    assert outcomes(told) == {"neverAssessed": len(OWN_RULES)}
    assert {one.resource for one in told} == {organization_resource(some_organization())}
    assert {(one.reason, one.assessed_at, one.first_seen) for one in told} == {
        ("It has not been assessed yet.", None, None)
    }


def test_rules_that_are_new_have_not_judged_the_organization_yet() -> None:
    told = shown_of_organization(some_organization(), judged_by=SOME_RULES)
    assert [one.rule.id for one in told] == OF_ORGANIZATION
    assert outcomes(told) == {"neverAssessed": len(OF_ORGANIZATION)}


def test_what_was_said_of_an_organization_grows_old() -> None:
    told = shown_of_organization(some_organization(), now=NOW + 2 * EIGHT_HOURS + timedelta(seconds=1))
    assert outcomes(told) == {"stale": len(OWN_RULES)}
    assert {one.last_status for one in told} <= {AssessmentStatus.HEALTHY, AssessmentStatus.NOT_APPLICABLE}
    assert OF_POOLS
