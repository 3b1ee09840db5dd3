"""What of the facts that are kept is asked for again, and what is not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace

import pytest

from shared.model.facts import AdvancedSecurity, Fact, FactKind, OrganizationFacts, ProjectFacts
from shared.model.thresholds import DEFAULTS
from shared.posture.audit import Mark
from shared.posture.catalogue import RULES
from shared.posture.fact_sets import Level, at_level
from shared.posture.gathering import (
    Plan,
    forget_of_organization,
    forget_of_project,
    is_unasked,
    known_permissions,
    not_asked,
    nothing_gathered,
    nothing_of_organization,
    unread_of_organization,
)
from tests.posture.builders import (
    CONNECTION,
    FILE,
    NOW,
    ORGANIZATION,
    SOME_RULES,
    a_connection,
    a_project,
    a_repository,
    some_facts,
    some_organization,
    without,
)

K = FactKind
OF_ORGANIZATION = [one.kind for one in at_level(Level.ORGANIZATION)]
OF_PROJECT = [one.kind for one in at_level(Level.PROJECT)]
OF_OBJECTS = [one.kind for one in at_level(Level.OBJECT)]
ALL = {
    (K.SERVICE_CONNECTION_PERMISSIONS, CONNECTION),
    (K.VARIABLE_GROUP_PERMISSIONS, "5"),
    (K.SECURE_FILE_PERMISSIONS, FILE),
    (K.ENVIRONMENT_PERMISSIONS, "3"),
}
"""The permissions of every object of `some_facts`."""


def unasked(facts: OrganizationFacts | ProjectFacts, kinds: Iterable[FactKind]) -> set[FactKind]:
    return {kind for kind in kinds if is_unasked(getattr(facts, kind.name.lower()))}


def test_at_first_nothing_was_asked() -> None:
    organization = nothing_of_organization(ORGANIZATION, "contoso", NOW)
    assert unasked(organization, OF_ORGANIZATION) == set(OF_ORGANIZATION)
    assert (organization.organization, organization.name) == (ORGANIZATION, "contoso")
    assert (organization.gathered_at, organization.requests) == (NOW, {})
    project, repository = a_project(), a_repository()
    facts = nothing_gathered(project, (repository,), organization, NOW)
    assert unasked(facts, OF_PROJECT) == set(OF_PROJECT)
    assert (facts.project, facts.repositories, facts.organization) == (project, (repository,), organization)
    assert (facts.gathered_at, facts.requests) == (NOW, {})
    assert known_permissions(facts, ()) == {}


def test_what_was_refused_was_asked() -> None:
    assert not is_unasked(some_organization().users)
    assert not is_unasked(without(some_organization(), K.USERS).users)
    assert is_unasked(not_asked())


@pytest.mark.parametrize("kind", OF_ORGANIZATION)
def test_one_set_of_the_organization_is_forgotten_and_nothing_else(kind: FactKind) -> None:
    facts = some_organization()
    forgotten = forget_of_organization(facts, [kind])
    also = {K.ADMINISTRATORS} if kind is K.GROUPS else set()
    assert unasked(forgotten, OF_ORGANIZATION) == {kind, *also}
    kept = {one.name for one in fields(facts)} - {one.name.lower() for one in {kind, *also}}
    assert all(getattr(forgotten, name) == getattr(facts, name) for name in kept)


def test_where_nothing_is_forgotten_the_facts_are_the_same() -> None:
    organization, project = some_organization(), some_facts()
    assert forget_of_organization(organization, ()) is organization
    assert forget_of_project(project, ()) is project


@pytest.mark.parametrize("kind", OF_ORGANIZATION)
def test_what_was_refused_of_the_organization_is_told(kind: FactKind) -> None:
    facts = without(some_organization(), kind)
    assert unread_of_organization(facts) == (kind,)
    assert unread_of_organization(forget_of_organization(facts, [kind])) == ()
    assert unread_of_organization(some_organization()) == ()


@pytest.mark.parametrize("kind", OF_PROJECT)
@pytest.mark.parametrize("how", ["marked", "refused"])
def test_one_set_of_a_project_is_forgotten_with_the_checks_of_its_objects(kind: FactKind, how: str) -> None:
    facts = some_facts() if how == "marked" else without(some_facts(), kind)
    forgotten = forget_of_project(facts, [(kind, "")] if how == "marked" else [])
    listings = {K.SERVICE_CONNECTIONS, K.VARIABLE_GROUPS, K.SECURE_FILES, K.ENVIRONMENTS}
    gone = {kind, K.CHECKS} if kind in listings else {kind}
    assert unasked(forgotten, OF_PROJECT) == gone
    for one in set(OF_PROJECT) - gone:
        assert getattr(forgotten, one.name.lower()) == getattr(facts, one.name.lower())
    assert forgotten.organization == facts.organization


def test_marks_of_the_organization_and_of_single_objects_forget_no_set_of_a_project() -> None:
    facts = some_facts()
    marks: list[Mark] = [(K.USERS, ""), (K.SERVICE_CONNECTIONS, CONNECTION)]
    assert forget_of_project(facts, marks) is facts


@pytest.mark.parametrize("mark", sorted(ALL))
@pytest.mark.parametrize("whole", [True, False])
def test_permissions_of_one_object_or_of_all_of_a_kind_are_forgotten(mark: Mark, *, whole: bool) -> None:
    kind, one = mark
    facts = some_facts()
    forgotten = forget_of_project(facts, [(kind, "" if whole else one)])
    assert set(known_permissions(forgotten, ())) == ALL - {mark}
    assert unasked(forgotten, OF_PROJECT) == set()
    assert set(known_permissions(facts, [(kind, "" if whole else one)])) == ALL - {mark}
    other: Mark = (kind, "another")
    assert forget_of_project(facts, [other]) is facts
    assert set(known_permissions(facts, [other])) == ALL


@pytest.mark.parametrize("kind", OF_OBJECTS)
def test_permissions_that_were_refused_are_asked_for_again(kind: FactKind) -> None:
    facts = without(some_facts(), kind)
    assert {one for one, _ in known_permissions(facts, ())} == set(OF_OBJECTS) - {kind}
    again = forget_of_project(facts, ())
    assert Plan(RULES, DEFAULTS).objects(again, kind)
    assert not Plan(RULES, DEFAULTS).objects(facts, kind)


def test_only_the_object_that_was_named_is_asked_about_again() -> None:
    facts = some_facts(connections=[a_connection("a"), a_connection("b", is_open=True)])
    forgotten = forget_of_project(facts, [(K.SERVICE_CONNECTION_PERMISSIONS, "a")])
    assert Plan(RULES, DEFAULTS).objects(forgotten, K.SERVICE_CONNECTION_PERMISSIONS) == ("a",)
    told = known_permissions(forgotten, [(K.SERVICE_CONNECTION_PERMISSIONS, "a")])
    assert told[K.SERVICE_CONNECTION_PERMISSIONS, "b"].value is True
    assert known_permissions(facts, ())[K.SERVICE_CONNECTION_PERMISSIONS, "a"].value is False


def test_of_the_organization_is_read_what_rules_need_and_was_not_asked() -> None:
    plan = Plan(RULES, DEFAULTS)
    nothing = nothing_of_organization(ORGANIZATION, "contoso", NOW)
    assert list(plan.of_organization()) == OF_ORGANIZATION
    assert list(plan.left_of_organization(nothing)) == OF_ORGANIZATION
    assert plan.left_of_organization(some_organization()) == ()
    assert Plan(SOME_RULES, DEFAULTS).left_of_organization(nothing) == (K.ORGANIZATION_PIPELINE_SETTINGS,)
    refused = without(some_organization(), K.USERS)
    assert plan.left_of_organization(refused) == (), "it was asked"
    assert plan.left_of_organization(forget_of_organization(refused, [K.USERS])) == (K.USERS,)


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        (Fact.read(AdvancedSecurity({}, {"r": {"secretProtectionEnabled": True}})), True),
        (
            Fact.read(
                AdvancedSecurity(
                    {}, {"q": {}, "r": {"codeQLEnabled": False, "secretProtectionEnabled": True}}
                )
            ),
            True,
        ),
        (Fact.read(AdvancedSecurity({}, {"r": {"secretProtectionEnabled": False}})), False),
        (Fact.read(AdvancedSecurity({}, {})), False),
        (not_asked(), True),
        (without(some_organization(), K.ADVANCED_SECURITY).advanced_security, False),
    ],
)
def test_alerts_are_asked_for_where_something_looks(told: Fact[AdvancedSecurity], *, asked: bool) -> None:
    facts = forget_of_organization(some_organization(), [K.ALERTS])
    left = Plan(RULES, DEFAULTS).left_of_organization(replace(facts, advanced_security=told))
    assert (K.ALERTS in left) is asked
