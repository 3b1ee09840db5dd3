"""What a refresh is told to cost, number by number, from what is known before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model.facts import AdvancedSecurity, Fact, FactKind, ProjectFacts
from shared.model.thresholds import DEFAULTS
from shared.posture.catalogue import RULES
from shared.posture.cost import KnownProject, cost_of
from shared.posture.fact_sets import FACT_SETS, Level, at_level
from shared.posture.judge import judge
from shared.posture.rule import Rule
from tests.posture.builders import (
    DISABLES_CLASSIC,
    NOW,
    ORGANIZATION,
    SOME_RULES,
    STRICT_ORGANIZATION_SETTINGS,
    a_connection,
    a_project,
    a_repository,
    a_secure_file,
    a_variable,
    a_variable_group,
    an_environment,
    some_facts,
    without,
)

K = FactKind
OF_ORGANIZATION = {one.kind for one in at_level(Level.ORGANIZATION)}
PAGED = {K.BRANCH_POLICIES, K.PIPELINES, K.VARIABLE_GROUPS, K.ENVIRONMENTS, K.CHECKS}
"""Listings of a project that come in pages."""
PERMISSIONS = {one.kind for one in at_level(Level.OBJECT)}
SECRETS = a_variable_group(type="Vsts", variables=(a_variable("key", is_secret=True),))
NO_SECRETS = a_variable_group(type="Vsts", variables=(a_variable(),))


def full() -> ProjectFacts:
    """One of each protected object."""
    return some_facts(
        variable_groups=[SECRETS], secure_files=[a_secure_file()], environments=[an_environment()]
    )


def known(facts: ProjectFacts | None = None, rules: Sequence[Rule] = RULES) -> KnownProject:
    """A project that was judged by these facts."""
    facts = facts or full()
    rows = judge(ORGANIZATION, facts, (), rules, NOW).rows
    return KnownProject(facts.project, facts.repositories, rows, was_judged=True)


def told(
    *projects: KnownProject, rules: Sequence[Rule] = RULES, requests: Mapping[str, int] | None = None
) -> dict[FactKind, int]:
    return {one.fact_set.kind: one.requests for one in cost_of(iter(projects), rules, DEFAULTS, requests)}


def guesses(*projects: KnownProject, requests: Mapping[str, int] | None = None) -> set[FactKind]:
    """Fact sets that may take more requests than is told."""
    return {one.fact_set.kind for one in cost_of(projects, RULES, DEFAULTS, requests) if not one.is_exact}


def test_each_set_that_is_needed_is_told_once_in_the_order_in_which_it_is_asked() -> None:
    assert list(told(known())) == [one.kind for one in FACT_SETS]
    assert list(told(known(rules=SOME_RULES), rules=SOME_RULES)) == [
        K.ORGANIZATION_PIPELINE_SETTINGS,
        K.BRANCH_POLICIES,
        K.PIPELINE_SETTINGS,
        K.SERVICE_CONNECTIONS,
        K.SERVICE_CONNECTION_PERMISSIONS,
    ]


def test_a_project_with_one_of_everything_takes_one_request_for_each_set_and_four_for_alerts() -> None:
    assert told(known()) == {one.kind: 4 if one.kind is K.ALERTS else 1 for one in FACT_SETS}
    assert guesses(known()) == {K.USERS}, "nobody knows how many pages of people there are"


@pytest.mark.parametrize("many", [2, 7])
def test_sets_of_projects_and_objects_add_up(many: int) -> None:
    costs = told(*(known() for _ in range(many)))
    for kind, number in costs.items():
        assert number == (4 if kind is K.ALERTS else 1 if kind in OF_ORGANIZATION else many), kind


def test_only_projects_that_are_there_and_ready_are_asked_about() -> None:
    one = known()
    away = [
        replace(one, project=replace(one.project, missing_since=NOW)),
        replace(one, project=replace(one.project, retired_at=NOW)),
        replace(one, project=a_project(state="deleting")),
    ]
    assert told(one, *away) == told(one)
    assert guesses(one, *away) == guesses(one)
    assert all(number == 0 for kind, number in told(*away).items() if kind not in OF_ORGANIZATION)


def test_what_was_never_judged_may_hold_more_than_is_known() -> None:
    new = KnownProject(a_project(), (a_repository(),), (), was_judged=False)
    costs = told(new)
    assert {kind: costs[kind] for kind in costs if kind not in OF_ORGANIZATION} == {
        **dict.fromkeys({one.kind for one in at_level(Level.PROJECT)}, 1),
        **dict.fromkeys(PERMISSIONS, 0),
        K.CHECKS: 0,
    }
    assert costs[K.ALERTS] == 0
    assert guesses(new) == {K.USERS, K.ALERTS} | PAGED | PERMISSIONS
    assert guesses(known(), new) == {K.USERS} | PAGED | PERMISSIONS


@pytest.mark.parametrize(("projects", "identities"), [(1, 1), (18, 1), (19, 2), (38, 2), (39, 3), (100, 6)])
def test_members_are_asked_for_forty_groups_at_once(projects: int, identities: int) -> None:
    """Three groups of the organization and two of each project."""
    assert told(*(known() for _ in range(projects)))[K.ADMINISTRATORS] == identities


def test_groups_of_fifteen_projects_are_sure_to_fit_on_a_page() -> None:
    assert K.GROUPS not in guesses(*(known() for _ in range(15)))
    assert K.GROUPS in guesses(*(known() for _ in range(16)))
    assert K.ADMINISTRATORS not in guesses(*(known() for _ in range(16)))


@pytest.mark.parametrize(("objects", "requests"), [(0, 0), (1, 1), (100, 1), (101, 2)])
def test_checks_are_asked_for_a_hundred_objects_at_once(objects: int, requests: int) -> None:
    connections = [a_connection(f"c{number}") for number in range(objects)]
    facts = some_facts(connections=connections, variable_groups=[], secure_files=[], environments=[])
    assert told(known(facts))[K.CHECKS] == requests


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        (K.SERVICE_CONNECTION_PERMISSIONS, some_facts(connections=[])),
        (K.VARIABLE_GROUP_PERMISSIONS, some_facts(variable_groups=[])),
        (K.VARIABLE_GROUP_PERMISSIONS, some_facts(variable_groups=[NO_SECRETS])),
        (K.SECURE_FILE_PERMISSIONS, some_facts(secure_files=[])),
        (K.ENVIRONMENT_PERMISSIONS, some_facts(environments=[])),
    ],
)
def test_permissions_are_asked_only_of_objects_that_some_rule_wants_to_know_about(
    kind: FactKind, facts: ProjectFacts
) -> None:
    assert told(known(facts), known())[kind] == 1, "of the other project's alone"


@pytest.mark.parametrize(
    ("facts", "policies"),
    [
        (some_facts(), 1),
        (some_facts(repositories=[]), 0),
        (some_facts(repositories=[a_repository(default_branch=None)]), 0),
        (some_facts(repositories=[a_repository(is_disabled=True)]), 0),
        (some_facts(repositories=[replace(a_repository(), retired_at=NOW)]), 0),
        (some_facts(repositories=[a_repository(is_disabled=True), a_repository()]), 1),
    ],
)
def test_branch_policies_are_asked_where_there_is_a_branch_to_protect(
    facts: ProjectFacts, policies: int
) -> None:
    assert told(known(facts))[K.BRANCH_POLICIES] == policies


@pytest.mark.parametrize(
    ("rules", "of_organization", "settings"),
    [
        (SOME_RULES, DISABLES_CLASSIC, 0),
        (SOME_RULES, {}, 1),
        (RULES, STRICT_ORGANIZATION_SETTINGS, 0),
        (RULES, DISABLES_CLASSIC, 1),
    ],
)
def test_settings_of_a_project_are_not_asked_where_the_organization_settles_all(
    rules: Sequence[Rule], of_organization: Mapping[str, bool], settings: int
) -> None:
    facts = some_facts(organization_settings=of_organization)
    assert told(known(facts, rules), rules=rules)[K.PIPELINE_SETTINGS] == settings


def not_scanned(facts: ProjectFacts) -> ProjectFacts:
    nowhere = AdvancedSecurity({}, {})
    organization = replace(facts.organization, advanced_security=Fact.read(nowhere))
    return replace(facts, organization=organization)


@pytest.mark.parametrize(
    ("change", "alerts"),
    [
        (lambda facts: facts, 4),
        (not_scanned, 0),
        (lambda facts: without(facts, K.ALERTS), 4),
        (lambda facts: without(facts, K.ADVANCED_SECURITY), 0),
    ],
    ids=["scanned", "nowhere", "alerts refused", "scanners refused"],
)
def test_alerts_are_asked_for_where_something_looked_last_time(
    change: Callable[[ProjectFacts], ProjectFacts], alerts: int
) -> None:
    assert told(known(change(full())))[K.ALERTS] == alerts
    assert K.ALERTS not in guesses(known(change(full())))


def test_pages_that_a_listing_had_last_are_counted_again() -> None:
    one = replace(known(), requests={"pipelines": 3, "branchPolicies": 1, "secureFilePermissions": 5})
    costs = told(one, known(), requests={"users": 12, "groups": 2})
    assert (costs[K.PIPELINES], costs[K.BRANCH_POLICIES], costs[K.USERS], costs[K.GROUPS]) == (4, 2, 12, 2)
    assert costs[K.SECURE_FILE_PERMISSIONS] == 6
    assert guesses(one, requests={"users": 12}) == set()


def test_never_less_than_is_known_to_be_there() -> None:
    many = [known(some_facts(connections=[a_connection(f"c{one}") for one in range(150)]))]
    one = replace(many[0], requests={"checks": 1, "serviceConnectionPermissions": 20})
    assert told(one)[K.CHECKS] == 2
    assert told(one)[K.SERVICE_CONNECTION_PERMISSIONS] == 150


def test_what_could_not_be_asked_last_is_not_asked_and_what_is_not_asked_costs_nothing() -> None:
    one = replace(known(), requests={"pipelines": 0})
    assert told(one, requests={"administrators": 0})[K.PIPELINES] == 0
    assert told(one, requests={"administrators": 0})[K.ADMINISTRATORS] == 0
    bare = replace(known(some_facts(repositories=[])), requests={"branchPolicies": 7})
    assert told(bare)[K.BRANCH_POLICIES] == 0


def test_no_project_is_a_cost_of_the_organization_alone() -> None:
    costs = told()
    assert {kind for kind, number in costs.items() if number} == OF_ORGANIZATION - {K.ALERTS}
    assert guesses() == {K.USERS}


def test_rows_of_other_rules_and_kinds_say_nothing() -> None:
    """By rules that need no permission, no permission is asked."""
    rules = [rule for rule in RULES if not set(rule.needs) & PERMISSIONS]
    facts = full()
    rows = judge(ORGANIZATION, facts, (), rules, NOW + timedelta(days=1)).rows
    judged = KnownProject(facts.project, facts.repositories, rows, was_judged=True)
    assert {told(judged)[kind] for kind in PERMISSIONS} == {0}
    assert PERMISSIONS.isdisjoint(told(judged, rules=rules))
