"""`journal list`: the newest entries that match, oldest of them first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cli import keys
from shared.model.ids import OrganizationId, TenantId
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.organization import Organization
from shared.ports import State
from tests.cli.conftest import CommandLine

ALPHA = OrganizationId("id-of-alpha")
NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def entries(state: State) -> None:
    now = datetime.now(UTC)  # as the test begins: tests may be collected long before
    state.put_organization(
        Organization(ALPHA, TenantId("default"), "alpha", now, former_names=("omega",), instance_id="i-1")
    )
    state.append_journal(
        [
            JournalEntry(
                now - timedelta(days=2),
                JournalEvent.ORGANIZATION_DISCOVERED,
                organization=ALPHA,
                subject=ALPHA,
                subject_name="omega",
                after="omega",
            ),
            JournalEntry(
                now - timedelta(hours=2),
                JournalEvent.ORGANIZATION_RENAMED,
                organization=ALPHA,
                subject=ALPHA,
                subject_name="alpha",
                before="omega",
                after="alpha",
            ),
            JournalEntry(
                now - timedelta(minutes=1),
                JournalEvent.ONBOARDING_REFUSED,
                subject_name="Nobody",
                reason="There is no such connector.",
                requested_by="ana",
            ),
        ]
    )


def events(rows: list[dict[str, object]]) -> list[object]:
    return [one["event"] for one in rows]


def test_everything_oldest_first(ado: CommandLine) -> None:
    rows = ado.json("journal", "list")
    assert all(list(one) == list(keys.JOURNAL) for one in rows)
    assert events(rows) == ["organization.discovered", "organization.renamed", "onboarding.refused"]
    assert rows[1]["organization"] == "alpha"
    assert rows[1]["before"] == "omega"
    assert rows[1]["reason"] is None
    table = ado("journal", "list").out
    assert "organization.renamed" in table
    assert "ana" in table


@pytest.mark.parametrize("name", ["alpha", "ALPHA", "omega", "id-of-alpha", "i-1"])
def test_of_one_organization_by_any_of_its_names(ado: CommandLine, name: str) -> None:
    rows = ado.json("journal", "list", "--organization", name)
    assert events(rows) == ["organization.discovered", "organization.renamed"]


def test_the_refusal_of_an_organization_that_nobody_knows(ado: CommandLine) -> None:
    (row,) = ado.json("journal", "list", "--organization", "nobody")
    assert row["organization"] == "Nobody"
    assert row["organizationId"] is None
    assert row["requestedBy"] == "ana"
    assert ado.json("journal", "list", "--organization", "never-heard-of") == []


def test_of_one_event(ado: CommandLine) -> None:
    assert events(ado.json("journal", "list", "--event", "organization.renamed")) == ["organization.renamed"]
    of_alpha = ("journal", "list", "--organization", "alpha", "--event", "onboarding.refused")
    assert ado.json(*of_alpha) == []


def test_of_all_events_whose_names_begin_so(ado: CommandLine) -> None:
    of_organizations = ado.json("journal", "list", "--event", "organization")
    assert events(of_organizations) == ["organization.discovered", "organization.renamed"]
    (refused,) = ado.json("journal", "list", "--organization", "nobody", "--event", "onboarding")
    assert refused["event"] == "onboarding.refused"


def test_that_there_are_more_is_told(ado: CommandLine) -> None:
    cut = ado("journal", "list", "--limit", "2", "--output", "json")
    assert events(cut.json) == ["organization.renamed", "onboarding.refused"]
    assert cut.err == "These are the newest 2: --limit, --event and --since show others.\n"
    assert ado("journal", "list", "--limit", "3").err == ""


@pytest.mark.parametrize(
    ("since", "count"),
    [
        ("3d", 3),
        ("1d", 2),
        ("3h", 2),
        ("90m", 1),
        ("30s", 0),
        ((NOW - timedelta(days=1)).isoformat(), 2),
        ((NOW - timedelta(days=1)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), 2),
        ((NOW - timedelta(days=1)).replace(tzinfo=None).isoformat(), 2),
        ("2020-01-01", 3),
    ],
    ids=["days", "day", "hours", "minutes", "seconds", "time with offset", "time with Z", "time", "date"],
)
def test_since(ado: CommandLine, since: str, count: int) -> None:
    assert len(ado.json("journal", "list", "--since", since)) == count


def test_the_newest_so_many(ado: CommandLine) -> None:
    assert events(ado.json("journal", "list", "--limit", "1")) == ["onboarding.refused"]
    of_alpha = ("journal", "list", "--organization", "alpha", "--limit", "1")
    assert events(ado.json(*of_alpha)) == ["organization.renamed"]
