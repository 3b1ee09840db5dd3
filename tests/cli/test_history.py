"""`recommendations history`, `changes`, `trend` and `list --at`: what was said when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli import keys
from shared.model.assessment import AssessmentStatus as Is
from shared.model.assessment import ResourceKind
from shared.model.ids import TenantId
from shared.model.organization import Organization
from shared.model.work import Lease, WorkKind
from shared.ports import InventoryChange, State
from shared.posture.catalogue import RULES
from shared.posture.judge import judge
from tests.cli.conftest import CommandLine
from tests.posture.builders import ORGANIZATION, a_policy, a_project, a_repository, some_facts

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
ASSESSED = {
    one.id for one in RULES if one.resource not in {ResourceKind.ORGANIZATION, ResourceKind.AGENT_POOL}
}
"""What is said of a project and what is in it."""
RULE = "ADO-REPO-001"
ONE = {"minimumApproverCount": 1, "creatorVoteCounts": False}

HOW_IT_WENT = ((90, True), (60, False), (45, False), (30, True), (10, False))
"""So many days ago, two reviewers were required, or only one was."""


@pytest.fixture(autouse=True)
def past(state: State) -> State:
    """A project that was assessed now and then; the repository was renamed on the way, another deleted."""
    state.put_organization(Organization(ORGANIZATION, TenantId("t"), "contoso", NOW))
    inventory = lease(state, WorkKind.INVENTORY)
    state.apply_inventory(inventory, InventoryChange((a_project(),), (a_repository(),)))
    held = lease(state, WorkKind.POSTURE)
    for back, is_safe in HOW_IT_WENT:
        at = NOW - back * DAY
        repositories = [a_repository()] if back < 60 else [a_repository(), a_repository("gone-0")]
        facts = some_facts(repositories=repositories, policies=[a_policy() if is_safe else a_policy(ONE)])
        known = list(state.assessments(ORGANIZATION))
        state.apply_assessments(held, a_project().id, judge(ORGANIZATION, facts, known, RULES, at), at)
    return state


def lease(state: State, kind: WorkKind) -> Lease:
    work = state.ensure_work(ORGANIZATION, kind, NOW)
    taken = state.lease_work(
        ORGANIZATION, kind, work.revision, owner="test", now=NOW, until=NOW + timedelta(hours=1)
    )
    assert taken is not None
    return taken


def days_ago(row: dict[str, Any]) -> int:
    return round((NOW - datetime.fromisoformat(row["at"])) / DAY)


def test_history_has_every_change_and_the_first_verdict(ado: CommandLine) -> None:
    for name in ("repository 1", a_repository().id.upper()):
        rows = ado.json("recommendations", "history", name, "--rule", RULE)
        assert [(days_ago(one), one["before"], one["after"]) for one in rows] == [
            (90, None, "healthy"),
            (60, "healthy", "unhealthy"),
            (30, "unhealthy", "healthy"),
            (10, "healthy", "unhealthy"),
        ]
        assert all(list(one) == list(keys.CHANGE) for one in rows)
    told = ado("recommendations", "history", "repository 1").out.splitlines()
    assert told[0].split()[:4] == ["AT", "ORGANIZATION", "PROJECT", "RULE"]


def test_history_of_what_is_gone_ends_with_its_end(ado: CommandLine) -> None:
    rows = ado.json("recommendations", "history", "gone-0", "--rule", RULE)
    assert [(days_ago(one), one["before"], one["after"]) for one in rows] == [
        (90, None, "healthy"),
        (60, "healthy", "unhealthy"),
        (45, "unhealthy", None),
    ]


@pytest.mark.parametrize(
    ("back", "status"),
    [(91, None), (90, "healthy"), (61, "healthy"), (59, "unhealthy"), (20, "healthy"), (5, "unhealthy")],
)
def test_what_was_said_at_a_time(ado: CommandLine, back: int, status: str | None) -> None:
    at = (NOW - back * DAY).isoformat()
    rows = ado.json("recommendations", "history", "repository 1", "--rule", RULE, "--at", at)
    assert [one["after"] for one in rows] == ([status] if status else [])
    listed = ado.json("recommendations", "list", "--rule", RULE, "--at", at)
    assert all(list(one) == list(keys.RECOMMENDATION) for one in listed)
    of_this = [one for one in listed if one["resourceId"] == a_repository().id]
    assert [one["status"] for one in of_this] == ([status] if status else [])
    gone = [one["status"] for one in listed if one["resourceId"] == "gone-0"]
    assert gone == ([] if back > 90 or back < 45 else [status])


def test_the_past_ends_now(ado: CommandLine) -> None:
    told = ado("recommendations", "list", "--at", (NOW + DAY).isoformat(), code=2).err
    assert "yet to come" in told
    assert "--at" in ado("recommendations", "list", "--at", "some day", code=2).err


def test_changes_since_a_time(ado: CommandLine) -> None:
    rows = ado.json("recommendations", "changes", "--since", "65d", "--rule", RULE)
    assert [(days_ago(one), one["before"], one["after"], one["resourceId"]) for one in rows] == [
        (60, "healthy", "unhealthy", a_repository().id),
        (60, "healthy", "unhealthy", "gone-0"),
        (45, "unhealthy", None, "gone-0"),
        (30, "unhealthy", "healthy", a_repository().id),
        (10, "healthy", "unhealthy", a_repository().id),
    ]
    some = ado.json("recommendations", "changes", "--since", "50d", "--until", "20d", "--rule", RULE)
    assert some == rows[2:4]
    assert ado.json("recommendations", "changes", "--since", "1d") == []
    assert "No status changed" in ado("recommendations", "changes", "--since", "1d").err
    assert "--since" in ado("recommendations", "changes", "--since", "never", code=2).err
    tomorrow = (NOW + DAY).isoformat()
    assert "yet to come" in ado("recommendations", "changes", "--since", tomorrow, code=2).err
    told = ado("recommendations", "changes", "--since", "2d", "--until", "3d", code=2).err
    assert "is not after --since" in told


def test_a_rule_that_is_none_is_told_with_those_it_may_mean(ado: CommandLine) -> None:
    told = " ".join(ado("recommendations", "list", "--rule", "ado-rep-001", code=2).err.split())
    assert "Did you mean ADO-REPO-001" in told
    assert "such as ADO-REPO-001" in ado("recommendations", "list", "--rule", "!", code=2).err


def test_a_trend_goes_day_by_day(ado: CommandLine) -> None:
    rows = ado.json("recommendations", "trend", "--days", "100", "--every", "10", "--rule", RULE)
    assert all(list(one) == list(keys.TREND) for one in rows)
    counts = [(one["counts"]["healthy"], one["counts"]["unhealthy"]) for one in rows]
    # Ninety days ago there were two; what is counted is a moment later than what was assessed.
    assert counts == [
        (0, 0), (2, 0), (2, 0), (2, 0), (0, 2), (0, 2), (0, 1), (1, 0), (1, 0), (0, 1), (0, 1),
    ]  # fmt: skip
    assert [one["score"] for one in rows] == [None, 100, 100, 100, 0, 0, 0, 100, 100, 0, 0]
    by_rule = ado.json("recommendations", "trend", "--days", "1", "--by-rule")
    assert {one["rule"] for one in by_rule} == {None} | ASSESSED
    assert Is.UNHEALTHY.value.upper() in ado("recommendations", "trend", "--days", "1").out


def test_what_is_not_known_is_told(ado: CommandLine) -> None:
    assert "was ever assessed" in ado("recommendations", "history", "nothing", code=2).err
    assert "Nothing was ever said" not in ado("recommendations", "history", "gone-0").err
