"""Numbered migrations: from every earlier version, all or nothing, once however many open the file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from shared.connector_state import open_state
from shared.connector_state.database import Database
from shared.connector_state.place import StateUrlError
from shared.connector_state.schema import MIGRATIONS
from shared.queue import open_queue
from shared.queue.receiver import QueueUrlError
from shared.queue.store import Store
from tests.contract.adapters import FakeClock
from tests.contract.processes import race_processes, race_threads

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
