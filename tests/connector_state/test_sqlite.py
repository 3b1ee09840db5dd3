"""What is particular to the SQLite state: snapshots, memory, rows written, failures of the store."""

from __future__ import annotations

import json
import signal
import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from shared.connector_state import open_state
from shared.connector_state.sqlite import SqliteConnectorState
from shared.model.ids import OrganizationId
from shared.ports import InventoryChange, StateUnavailable
from tests.contract.adapters import START
from tests.contract.processes import answer, pipe, race_threads, worker
from tests.contract.records import (
    CONNECTOR,
    INVENTORY,
    ORGANIZATION,
    TENANT,
    connector,
    entry,
    lease,
    organization,
    project,
    repository,
    subjects,
)

LISTED = START + timedelta(hours=1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def state(file: Path) -> Iterator[SqliteConnectorState]:
    with SqliteConnectorState(file, busy_seconds=0.05) as opened:
        yield opened


def test_a_listing_is_of_one_moment(state: SqliteConnectorState) -> None:
    state.put_organization(organization())
    held = lease(state)
    state.apply_inventory(held, InventoryChange(tuple(project(n) for n in range(500))))
    listing = state.projects(ORGANIZATION)
    first = next(listing)
    later = tuple(replace(project(n), name="later") for n in range(1_000))
    state.apply_inventory(held, InventoryChange(later))
    state.finish_listing(held, listed_at=LISTED, projects=1_000, repositories=0)
    assert [first, *listing] == [project(n) for n in range(500)]
    assert {(one.name, one.last_seen) for one in state.projects(ORGANIZATION)} == {("later", LISTED)}


def test_a_listing_is_read_in_little_memory(state: SqliteConnectorState) -> None:
    held = lease(state)
    state.apply_inventory(held, InventoryChange(repositories=tuple(repository(n) for n in range(20_000))))
    next(state.repositories(ORGANIZATION))
    tracemalloc.start()
    count = sum(1 for _ in state.repositories(ORGANIZATION))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 20_000
    assert most < 1_000_000


def test_finishing_a_listing_writes_no_inventory(state: SqliteConnectorState, file: Path) -> None:
    state.put_organization(organization())
    held = lease(state)
    state.apply_inventory(held, InventoryChange((project(1),), (repository(1),)))
    with closing(sqlite3.connect(file)) as other:
        for table in ("projects", "repositories"):
            for what in ("INSERT", "UPDATE", "DELETE"):
                other.execute(
                    f"CREATE TRIGGER no_{what}_{table} BEFORE {what} ON {table}"
                    " BEGIN SELECT raise(ABORT, 'an inventory row was written'); END"
                )
        other.commit()
    state.finish_listing(held, listed_at=LISTED, projects=1, repositories=1)
    assert [one.last_seen for one in state.repositories(ORGANIZATION)] == [LISTED]
    with pytest.raises(sqlite3.IntegrityError, match="an inventory row was written"):
        state.apply_inventory(held, InventoryChange((project(1),)))


def test_a_store_that_somebody_else_keeps_locked_is_unavailable(
    state: SqliteConnectorState, file: Path
) -> None:
    state.put_connector(connector())
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateUnavailable, match="locked"):
            state.claim(TENANT, ORGANIZATION, CONNECTOR)
        assert [one.id for one in state.connectors()] == [CONNECTOR]
        other.execute("ROLLBACK")
    assert state.claim(TENANT, ORGANIZATION, CONNECTOR) == CONNECTOR


def test_a_full_disk_is_unavailable_and_leaves_nothing_half_written(state: SqliteConnectorState) -> None:
    held = lease(state)
    (connection,) = state._database._idle
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 10}")
    change = InventoryChange(tuple(project(n) for n in range(5_000)), journal=(entry("told"),))
    with pytest.raises(StateUnavailable, match="full"):
        state.apply_inventory(held, change)
    assert list(state.projects(ORGANIZATION)) == []
    assert subjects(state) == []
    state.apply_inventory(held, change)
    assert subjects(state) == ["told"]


def test_a_file_that_was_overwritten_is_unavailable(state: SqliteConnectorState, file: Path) -> None:
    held = lease(state)
    state.apply_inventory(held, InventoryChange(tuple(project(n) for n in range(5_000))))
    state.close()
    content = bytearray(file.read_bytes())
    content[4096:] = b"\x2a" * (len(content) - 4096)
    file.write_bytes(content)
    with pytest.raises((StateUnavailable, ValueError)) as refusal, SqliteConnectorState(file) as again:
        list(again.projects(ORGANIZATION))
    assert str(file) in str(refusal.value)


def test_a_damaged_record_is_unavailable_and_named(state: SqliteConnectorState, file: Path) -> None:
    state.put_connector(connector())
    with closing(sqlite3.connect(file)) as other:
        other.execute("""UPDATE connectors SET document = '{"id": "c", "mode": "of the future"}'""")
        other.commit()
    with pytest.raises(StateUnavailable, match=r"stored Connector .*of the future"):
        state.connectors()


def test_a_record_of_an_older_version_gets_defaults_and_one_of_a_newer_is_read(
    state: SqliteConnectorState, file: Path
) -> None:
    written = state.put_connector(connector())
    with closing(sqlite3.connect(file)) as other:
        other.execute(
            "UPDATE connectors SET document = json_set(json_remove(document, '$.options', '$.plan'),"
            " '$.colour', 'blue')"
        )
        other.commit()
    assert state.get_connector(CONNECTOR) == written


def test_a_closed_state_is_unavailable(file: Path) -> None:
    state = SqliteConnectorState(file)
    listing = state.projects(ORGANIZATION)
    state.close()
    state.close()
    for act in (state.connectors, lambda: next(listing)):
        with pytest.raises(StateUnavailable, match="closed"):
            act()


def test_closing_leaves_one_file_behind(file: Path) -> None:
    state = SqliteConnectorState(file)
    race_threads(lambda number: state.ensure_work(OrganizationId(f"o{number}"), INVENTORY, START))
    state.close()
    assert [one.name for one in file.parent.iterdir()] == [file.name]


def test_threads_leave_no_connections_behind(state: SqliteConnectorState) -> None:
    for _ in range(5):
        race_threads(lambda number: state.throttle(f"k{number}"))
    assert len(state._database._idle) <= 8


def test_an_id_that_cannot_be_stored_is_refused_and_nothing_with_it(state: SqliteConnectorState) -> None:
    with pytest.raises(ValueError, match="surrogates"):
        state.put_connector(connector("c\ud800"), [entry("told")])
    assert state.connectors() == ()
    assert subjects(state) == []
    state.put_connector(connector())


def test_a_time_without_a_zone_is_refused(state: SqliteConnectorState) -> None:
    with pytest.raises(ValueError, match="time zone"):
        state.ensure_work(ORGANIZATION, INVENTORY, START.replace(tzinfo=None))
    assert state.work() == ()


def test_what_a_person_asked_for_is_on_the_disk_when_the_call_returns(
    state: SqliteConnectorState,
) -> None:
    def synchronous() -> int:
        (connection,) = state._database._idle
        (level,) = connection.execute("PRAGMA synchronous").fetchone()
        return int(level)

    state.put_connector(connector())
    assert synchronous() == 2  # FULL
    state.ensure_work(ORGANIZATION, INVENTORY, START)
    assert synchronous() == 1  # NORMAL
    (connection,) = state._database._idle
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_forked_process_has_connections_of_its_own(state: SqliteConnectorState, file: Path) -> None:
    state.put_connector(connector())
    with worker("fork", f"sqlite:///{file}") as process:
        assert answer(process) == ["child", "parent"]
    assert set(state.claims()) == {"child", "parent"}


@pytest.mark.parametrize("generations", [1, 3])
def test_a_kill_in_mid_write_leaves_whole_writes_only(tmp_path: Path, generations: int) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    state = open_state(url)
    state.put_organization(organization())
    with worker("write_for_ever", url) as process:
        last = [answer(process) for _ in range(generations)][-1]
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
        assert isinstance(last, int)
        told = [json.loads(line) for line in pipe(process.stdout).readlines() if line.endswith("\n")]
    names = {one.name for one in state.projects(ORGANIZATION)}
    names |= {one.name for one in state.repositories(ORGANIZATION)}
    assert len(names) == 1
    generation = int(names.pop().removeprefix("generation-"))
    # What was told was written; one more may have been written and not told.
    assert generation - max([last, *told]) in {0, 1}
    entries = state.journal(limit=100_000)
    assert len(entries) == generation * 400
    assert entries[-1].after == f"generation-{generation}"
    state.close()


def test_a_process_that_dies_in_a_transaction_writes_nothing_of_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    state = open_state(url)
    with worker("die_while_writing", url) as process:
        assert answer(process) == "dying"
        assert process.wait(timeout=60) == 9
    assert list(state.projects(ORGANIZATION)) == []
    assert subjects(state) == []
    assert len(state.enrollments()) == 1
    state.apply_inventory(lease(state, now=LISTED), InventoryChange((project(1),), journal=(entry("next"),)))
    assert subjects(state) == ["next"]
    state.close()


def test_a_state_that_somebody_writes_to_is_not_compacted(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    with SqliteConnectorState(file, busy_seconds=0.1) as state, closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateUnavailable, match="locked"):
            state.compact()
        other.rollback()
        assert state.compact() is not None


def test_a_damaged_file_is_told_as_such_with_what_helps(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    with SqliteConnectorState(file) as state:
        state.append_journal([entry(f"entry {number}") for number in range(2_000)])
    content = bytearray(file.read_bytes())
    half = len(content) // 2
    content[half:] = b"\xff" * (len(content) - half)
    file.write_bytes(content)
    with (
        SqliteConnectorState(file) as state,
        pytest.raises(StateUnavailable, match=r"is damaged .*state import"),
    ):
        list(state.records())
