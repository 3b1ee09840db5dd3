"""Which groups administer, and who is in them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model.facts import Fact, FactKind
from shared.posture.administrators import (
    ADMINISTRATORS,
    BUILD_ADMINISTRATORS,
    SERVICE_ACCOUNTS,
    VALID_USERS,
    Unreadable,
    administrators_groups,
    by_scope,
    members_of,
    shown,
    users_by_account,
)
from tests.posture.builders import (
    ADA,
    GRACE,
    GROUPS,
    PROJECT,
    REFUSED,
    a_group,
    a_user,
    some_organization,
    without,
)


def test_members_are_asked_for_of_three_kinds_of_groups_in_a_stable_order() -> None:
    asked = administrators_groups(reversed(GROUPS))
    assert asked == administrators_groups(GROUPS)
    assert {one.name for one in asked} == {
        "Project Collection Administrators",
        "Project Collection Service Accounts",
        "Project Collection Build Administrators",
        "Project Administrators",
        "Build Administrators",
    }
    assert [one.descriptor for one in asked] == sorted(one.descriptor for one in asked)
    assert administrators_groups(()) == ()


def test_well_known_groups_are_found_by_their_sid_whatever_their_name() -> None:
    german = replace(a_group(ADMINISTRATORS, "Projektadministratoren"), project=None)
    facts = some_organization(groups=(german, a_group("-9-9", "Project Collection Administrators")))
    assert by_scope(facts) == {(ADMINISTRATORS, None): german}
    assert by_scope(facts) is by_scope(facts), "worked out once"
    whole = by_scope(some_organization())
    assert set(whole) == {
        (ADMINISTRATORS, None),
        (SERVICE_ACCOUNTS, None),
        (VALID_USERS, None),
        (BUILD_ADMINISTRATORS, None),
        (ADMINISTRATORS, PROJECT),
        (VALID_USERS, PROJECT),
        (BUILD_ADMINISTRATORS, PROJECT),
    }


@pytest.mark.parametrize(
    ("end", "project", "members"),
    [
        (ADMINISTRATORS, None, (ADA, GRACE)),
        (SERVICE_ACCOUNTS, None, ()),
        (ADMINISTRATORS, PROJECT, (ADA, GRACE)),
        (ADMINISTRATORS, PROJECT.upper(), (ADA, GRACE)),
        (BUILD_ADMINISTRATORS, PROJECT, (ADA,)),
        (SERVICE_ACCOUNTS, PROJECT, None),
        (ADMINISTRATORS, "another", None),
        (VALID_USERS, None, None),
    ],
)
def test_members_of_a_group_of_the_organization_or_of_a_project(
    end: str, project: str | None, members: tuple[str, ...] | None
) -> None:
    assert members_of(some_organization(), end, project) == members


def test_a_listing_that_was_refused_is_told_by_its_name() -> None:
    no_groups = without(some_organization(), FactKind.GROUPS)
    assert members_of(no_groups, ADMINISTRATORS, None) == Unreadable(FactKind.GROUPS, REFUSED)
    no_members = without(some_organization(), FactKind.ADMINISTRATORS)
    assert members_of(no_members, ADMINISTRATORS, None) == Unreadable(FactKind.ADMINISTRATORS, REFUSED)
    both = without(no_groups, FactKind.ADMINISTRATORS)
    assert members_of(both, ADMINISTRATORS, None) == Unreadable(FactKind.GROUPS, REFUSED)


def test_a_group_whose_members_were_not_answered_has_none_to_tell_of() -> None:
    facts = replace(some_organization(), administrators=Fact.read({}))
    assert members_of(facts, ADMINISTRATORS, None) is None


def test_people_are_found_by_their_account_in_any_case() -> None:
    ada = a_user("Ada@Example.com")
    facts = some_organization(users=(ada, a_user(GRACE)))
    assert users_by_account(facts)["ada@example.com"] == ada
    assert set(users_by_account(facts)) == {ADA, GRACE}
    assert users_by_account(facts) is users_by_account(facts), "worked out once"
    assert users_by_account(without(facts, FactKind.USERS)) == {}


def test_evidence_names_twenty_people_at_most_in_order() -> None:
    many = [f"person{number:02}" for number in range(30)]
    assert shown(reversed(many)) == many[:20]
    assert shown({"b", "a"}) == ["a", "b"]
