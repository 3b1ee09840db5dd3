"""Questions about people: how many are in a group, and which of them should not be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from shared.model.assessment import Verdict
from shared.model.facts import FactKind, OrganizationFacts, User
from shared.model.thresholds import Thresholds
from shared.posture.administrators import Unreadable, members_of, shown, users_by_account
from shared.posture.verdicts import healthy, unhealthy, unknown, unread

Lacking = Callable[[User, OrganizationFacts, Thresholds], bool | None]
"""Whether something is wrong with a person; None where that is not told."""


def accounts_in(facts: OrganizationFacts, end: str, project: str | None) -> tuple[str, ...] | Verdict:
    """Account names in a well-known group, or that they are not known."""
    found = members_of(facts, end, project)
    if isinstance(found, Unreadable):
        return unread(found.kind, found.failure)
    if found is None:
        return unknown("Azure DevOps does not tell of the group.", {"group": end})
    return found


def at_most(facts: OrganizationFacts, end: str, project: str | None, most: int) -> Verdict:
    """Healthy where the group has no more members than that, at any depth."""
    found = accounts_in(facts, end, project)
    if isinstance(found, Verdict):
        return found
    evidence = {"members": shown(found), "number": len(found), "most": most}
    if len(found) > most:
        return unhealthy(f"It has {len(found)} members, more than {most}.", evidence)
    return healthy(f"It has {len(found)} members.", evidence)


def at_least(facts: OrganizationFacts, end: str, project: str | None, least: int) -> Verdict:
    """Healthy where the group has at least so many members, at any depth."""
    found = accounts_in(facts, end, project)
    if isinstance(found, Verdict):
        return found
    evidence = {"members": shown(found), "number": len(found), "least": least}
    if len(found) < least:
        return unhealthy(f"It has {len(found)} members, fewer than {least}.", evidence)
    return healthy(f"It has {len(found)} members.", evidence)


def none_of(
    facts: OrganizationFacts,
    end: str,
    project: str | None,
    thresholds: Thresholds,
    is_wrong: Lacking,
    what: str,
) -> Verdict:
    """Healthy where no member of the group is such a person. Applications are not people, and left out."""
    found = accounts_in(facts, end, project)
    if isinstance(found, Verdict):
        return found
    if facts.users.failure is not None:
        return unread(FactKind.USERS, facts.users.failure)
    known = users_by_account(facts)
    people = [known[name.casefold()] for name in found if name.casefold() in known]
    return nobody(people, facts, thresholds, is_wrong, what)


def nobody(
    people: Iterable[User], facts: OrganizationFacts, thresholds: Thresholds, is_wrong: Lacking, what: str
) -> Verdict:
    """Healthy where none of these people is such a person; unknown where that is not told of one of them."""
    wrong: list[str] = []
    untold: list[str] = []
    number = 0
    for one in people:
        number += 1
        answer = is_wrong(one, facts, thresholds)
        if answer is None:
            untold.append(one.principal)
        elif answer:
            wrong.append(one.principal)
    evidence = {"people": shown(wrong), "number": len(wrong), "lookedAt": number}
    if wrong:
        return unhealthy(f"{len(wrong)} of {number} people {what}: {', '.join(shown(wrong)[:3])}.", evidence)
    if untold:
        return unknown(
            f"Azure DevOps does not tell of {len(untold)} people whether they {what}.",
            {**evidence, "untold": shown(untold)},
        )
    return healthy(f"None of {number} people {what}.", evidence)


def is_guest(user: User, _: OrganizationFacts, __: Thresholds) -> bool | None:
    """A guest of the tenant."""
    return user.is_guest


def is_inactive(user: User, facts: OrganizationFacts, thresholds: Thresholds) -> bool | None:
    """Somebody who has not been there for long; who never came counts from when they were added."""
    since = user.last_accessed or user.created
    if since is None:
        return None
    return facts.gathered_at - since > timedelta(days=thresholds.inactive_days)


def never_came(user: User, facts: OrganizationFacts, thresholds: Thresholds) -> bool | None:
    """Somebody who was added long ago and has never been there."""
    if user.last_accessed is not None:
        return False
    if user.created is None:
        return None
    return facts.gathered_at - user.created > timedelta(days=thresholds.inactive_days)


def is_not_of_entra(user: User, _: OrganizationFacts, __: Thresholds) -> bool | None:
    """Somebody who signs in other than through Microsoft Entra."""
    return user.origin.casefold() not in {"aad", "ad"} if user.origin else None


def is_shut_out(user: User, _: OrganizationFacts, __: Thresholds) -> bool | None:
    """Somebody whose account is disabled, deleted or expired and who is still listed."""
    return user.status.casefold() in {"disabled", "deleted", "expired"} if user.status else None
