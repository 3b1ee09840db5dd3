"""Which groups administer what, and who is in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.model.facts import FactKind, Group, OrganizationFacts, User
from shared.model.failure import Failure

ADMINISTRATORS = "-0-0-0-0-1"
SERVICE_ACCOUNTS = "-0-0-0-0-2"
VALID_USERS = "-0-0-0-0-3"
BUILD_ADMINISTRATORS = "-0-0-0-1-2"
"""Ends of the SIDs of well-known groups, of the organization and of every project alike; names differ by
language."""

_SHOWN = 20
"""People that evidence names at most."""


def administrators_groups(groups: Iterable[Group]) -> tuple[Group, ...]:
    """The groups whose members rules ask for, in a stable order."""
    ends = (ADMINISTRATORS, SERVICE_ACCOUNTS, BUILD_ADMINISTRATORS)
    return tuple(sorted((one for one in groups if one.sid.endswith(ends)), key=lambda one: one.descriptor))


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why it cannot be told who is in a group: the fact that is missing."""

    kind: FactKind
    failure: Failure


def members_of(
    facts: OrganizationFacts, end: str, project: str | None
) -> tuple[str, ...] | Unreadable | None:
    """Account names in the well-known group of the organization (no project) or of a project.

    None where there is no such group, or it was not answered.
    """
    if facts.groups.failure is not None:
        return Unreadable(FactKind.GROUPS, facts.groups.failure)
    if facts.administrators.failure is not None:
        return Unreadable(FactKind.ADMINISTRATORS, facts.administrators.failure)
    members = facts.administrators.value or {}
    index = by_scope(facts)
    group = index.get((end, project.lower() if project else None))
    return members.get(group.descriptor) if group is not None else None


def by_scope(facts: OrganizationFacts) -> Mapping[tuple[str, str | None], Group]:
    """Well-known groups by the end of their SID and their project."""
    known = facts.derived.get("wellKnownGroups")
    if isinstance(known, dict):
        return known
    ends = (ADMINISTRATORS, SERVICE_ACCOUNTS, VALID_USERS, BUILD_ADMINISTRATORS)
    found: dict[tuple[str, str | None], Group] = {}
    for group in facts.groups.value or ():
        for end in ends:
            if group.sid.endswith(end):
                found[end, group.project] = group
    facts.derived["wellKnownGroups"] = found
    return found


def users_by_account(facts: OrganizationFacts) -> Mapping[str, User]:
    """People with an access level, by their account name in lower case."""
    known = facts.derived.get("usersByAccount")
    if isinstance(known, dict):
        return known
    found = {one.principal.casefold(): one for one in facts.users.value or ()}
    facts.derived["usersByAccount"] = found
    return found


def shown(accounts: Iterable[str]) -> list[str]:
    """The first of them, in order: evidence stays small."""
    return sorted(accounts)[:_SHOWN]
