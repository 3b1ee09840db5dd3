"""Numbered migrations: from every earlier version, all or nothing, once however many open the file."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from shared.connector_state import open_state
from shared.connector_state.database import Database
from shared.connector_state.place import StateUrlError
from shared.connector_state.schema import MIGRATIONS
from shared.model.assessment import (
    Assessment,
    AssessmentChange,
    AssessmentStatus,
    Resource,
    ResourceAssessments,
    ResourceKind,
    Verdict,
)
from shared.model.ids import OrganizationId, ProjectId, RuleId
from shared.model.record import KeptWork
from shared.model.work import WorkKind
from shared.queue import open_queue
from shared.queue.receiver import QueueUrlError
from shared.queue.store import Store
from tests.contract.adapters import START, FakeClock
from tests.contract.processes import race_processes, race_threads
from tests.contract.records import ORGANIZATION
from tests.contract.test_transfer import fill

DAY = timedelta(days=1)
FIRST = "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO things (name) VALUES ('a; b');"
SECOND = (
    "ALTER TABLE things ADD COLUMN size INTEGER NOT NULL DEFAULT 7;\n-- done; really\nDELETE FROM nowhere;"
)


def rows(file: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(file)
    found = connection.execute(query).fetchall()
    connection.close()
    return found


def schema(file: Path) -> list[tuple[object, ...]]:
    return rows(file, "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name")


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_a_state_of_every_released_version_opens_and_becomes_the_current_one(
    tmp_path: Path, version: int
) -> None:
    old = tmp_path / "old.db"
    Database(old, setting="STATE_URL", migrations=MIGRATIONS[:version]).close()
    assert rows(old, "SELECT max(version) FROM schema_version") == [(version,)]
    open_state(f"sqlite:///{old}").close()
    open_state(f"sqlite:///{tmp_path}/new.db").close()
    assert schema(old) == schema(tmp_path / "new.db")


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_what_a_state_of_every_released_version_holds_is_all_there(tmp_path: Path, version: int) -> None:
    """Filled by today's code, then only the tables and columns of that version are kept."""
    with open_state(f"sqlite:///{tmp_path}/full.db") as state:
        fill(state)
        told = list(state.records())
    old = tmp_path / "old.db"
    Database(old, setting="STATE_URL", migrations=MIGRATIONS[:version]).close()
    with sqlite3.connect(old) as connection:
        connection.execute("ATTACH ? AS full", (str(tmp_path / "full.db"),))
        tables = connection.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall()
        kept = {name for (name,) in tables} - {"schema_version", "sqlite_sequence"}
        for name in kept:
            columns = ", ".join(row[1] for row in connection.execute(f"PRAGMA main.table_info({name})"))
            connection.execute(f"INSERT INTO main.{name} ({columns}) SELECT {columns} FROM full.{name}")  # noqa: S608
    connection.close()
    with open_state(f"sqlite:///{old}") as state:
        found = list(state.records())
        statuses = list(state.statuses(ORGANIZATION))
    tables_of = {
        "sign-in": "sign_ins",
        "exemption": "exemptions",
        "status-change": "status_changes",
        "notified": "notified",
        "facts": "facts",
        "node": "graph_nodes",
        "edge": "graph_edges",
        "receipt": "report_receipts",
        "posture-total": "posture_totals",
        "repository-counts": "repository_counts",
        "partial": "partials",
    }
    expected = [one for one in told if tables_of.get(one.kind.value, "connectors") in kept]
    sums = {"posture", "work"} if version == 1 else set()
    # The second version came with sums: what was assessed before is due at once, to be counted.
    assert [one for one in found if one.kind.value not in sums] == [
        one for one in expected if one.kind.value not in sums
    ]
    assert len(found) == len(expected)
    assert {one.resource.id for one in statuses} == {
        one.key[-1] for one in told if one.kind.value == "assessment"
    }
    if version == 1:
        assert all(
            one.value.work.due_at.year == 1970
            for one in found
            if isinstance(one.value, KeptWork) and one.key[0] == "posture"
        )


def test_a_state_of_a_newer_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    open_state(f"sqlite:///{file}").close()
    with sqlite3.connect(file) as connection:
        connection.execute("INSERT INTO schema_version (version) VALUES (?)", (len(MIGRATIONS) + 1,))
    connection.close()
    before = file.read_bytes()
    with pytest.raises(StateUrlError, match=r"newer version of this program .* update the program"):
        open_state(f"sqlite:///{file}")
    assert file.read_bytes() == before


def test_statuses_of_what_was_assessed_before_they_were_kept_apart(tmp_path: Path) -> None:
    """Of an organization's every row, names that are no text in UTF-8 too."""
    file = tmp_path / "state.db"
    with open_state(f"sqlite:///{file}") as state:
        organization = OrganizationId("o")
        work = state.ensure_work(organization, WorkKind.POSTURE, START)
        held = state.lease_work(
            organization, WorkKind.POSTURE, work.revision, owner="w", now=START, until=START + DAY
        )
        assert held is not None
        told = {
            RuleId(f"ADO-REPO-00{number}"): Assessment(Verdict(status, "It is so."), START, START)
            for number, status in enumerate(list(AssessmentStatus)[:4])
        }
        some = [
            Resource(ResourceKind.REPOSITORY, f"r{number}", name, ProjectId("p"))
            for number, name in enumerate(("web", '日本語 "quoted"', "x\ud800", "null\x00byte"))
        ]
        rows = tuple(ResourceAssessments(organization, one, told) for one in some)
        rows += (ResourceAssessments(organization, Resource(ResourceKind.ORGANIZATION, "o", "contoso"), {}),)
        state.apply_assessments(held, ProjectId("p"), AssessmentChange(rows), START)
        before = {one.resource.id: one for one in state.statuses(organization)}
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE statuses")
        connection.execute("DELETE FROM schema_version WHERE version >= 10")
    connection.close()
    with open_state(f"sqlite:///{file}") as state:
        assert {one.resource.id: one for one in state.statuses(organization)} == before
    assert len(before) == 5


def test_only_what_is_missing_is_migrated(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    Database(file, setting="STATE_URL", migrations=[FIRST]).close()
    second = "ALTER TABLE things ADD COLUMN size INTEGER NOT NULL DEFAULT 7;"
    for _ in range(2):
        Database(file, setting="STATE_URL", migrations=[FIRST, second]).close()
    assert rows(file, "SELECT * FROM things") == [(1, "a; b", 7)]
    assert rows(file, "SELECT version FROM schema_version") == [(1,), (2,)]


def test_a_migration_that_fails_leaves_the_version_before_it(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    Database(file, setting="STATE_URL", migrations=[FIRST]).close()
    before = schema(file)
    with pytest.raises(StateUrlError, match="no such table: nowhere"):
        Database(file, setting="STATE_URL", migrations=[FIRST, SECOND])
    assert schema(file) == before
    assert rows(file, "SELECT version FROM schema_version") == [(1,)]


def test_a_migration_of_the_queue_that_fails_leaves_the_version_before_it(tmp_path: Path) -> None:
    file = tmp_path / "queue.db"
    Store(file, setting="QUEUE_URL", migrations=[FIRST]).close()
    before = schema(file)
    with pytest.raises(QueueUrlError, match="no such table: nowhere"):
        Store(file, setting="QUEUE_URL", migrations=[FIRST, SECOND])
    assert schema(file) == before


def test_many_processes_may_create_the_state_at_once(tmp_path: Path) -> None:
    race_processes("create", f"sqlite:///{tmp_path}/state.db", count=0)
    assert rows(tmp_path / "state.db", "SELECT version FROM schema_version") == [
        (number,) for number in range(1, len(MIGRATIONS) + 1)
    ]


def test_many_threads_may_create_both_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/both.db"

    def create(number: int) -> None:
        (open_state(url) if number % 2 else open_queue(url, FakeClock())).close()

    race_threads(create)
    assert rows(tmp_path / "both.db", "SELECT max(version) FROM schema_version") == [(len(MIGRATIONS),)]
    assert len(rows(tmp_path / "both.db", "SELECT version FROM queue_schema_version")) >= 1
