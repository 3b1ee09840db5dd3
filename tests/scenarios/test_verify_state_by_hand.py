"""`state verify` of a SQLite file that somebody changed by hand: found, told and mended, or refused."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from handlers.mend_state import Outcome
from handlers.verify_state import repair_state, verify_state
from shared.connector_state import StateUrlError, open_state
from shared.connector_state.transfer import FileRefused, export_lines
from shared.model.mapping import (
    Confidence,
    Direction,
    Edge,
    EdgeKind,
    GraphFacts,
    Source,
    image_node,
    run_node,
)
from shared.model.record import RecordKind
from shared.model.work import WorkKind
from shared.reconcile.consistency.findings import Code
from tests.scenarios.spoiled_state import ANA, LONGEST, Place

SPOILT = {
    "a time without a zone": "UPDATE work SET due_at = '2026-01-01T00:00:00' WHERE kind = 'inventory'",
    "a list for an object": "UPDATE repository_counts SET document = '[1]'",
    "a text for a number": """UPDATE repository_counts SET document = '{"a":"two"}'""",
    "a name of another": "UPDATE assessments SET resource_id = 'gone' || resource_id "
    "WHERE resource_kind = 'repository'",
    "an enrollment with nobody": "UPDATE enrollments SET connector = 'gone'",
    "a revision beside it": "UPDATE connectors SET revision = 77",
    "a name beside it": "UPDATE organizations SET name_key = 'other-' || id",
    "a time beside it": "UPDATE status_changes SET at = '2036-01-01T00:00:00+00:00' WHERE sequence = 5",
    "a status of nothing": "INSERT INTO statuses SELECT organization, resource_kind, 'gone', project, "
    "document FROM statuses LIMIT 1",
    "a lease without end": "UPDATE work SET leased_by = 'vm/9/9' WHERE kind = 'inventory'",
    "a change to come": "UPDATE status_changes SET document = "
    "json_set(document, '$.at', '2036-01-01T00:00:00+00:00'), "
    "at = '2036-01-01T00:00:00+00:00' WHERE sequence = 5",
    "a success to come": "UPDATE work SET last_success = '2036-01-01T00:00:00+00:00' WHERE kind = 'posture'",
    "a listing to come": "UPDATE organizations SET document = "
    "json_set(document, '$.last_complete_listing', '2036-01-01T00:00:00+00:00')",
}
"""What somebody may do to the file by hand."""


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.parametrize("statement", SPOILT.values(), ids=SPOILT)
def test_what_is_done_to_the_file_by_hand_is_found_and_mended(place: Place, statement: str) -> None:
    place.execute(statement)
    assert place.found()
    assert {one for _, one in place.mend()} <= {Outcome.MENDED, Outcome.DUE}
    assert {one for _, one in verify_state(place.state, place.clock.now(), LONGEST)} <= {Outcome.DUE}
    place.run()
    assert place.found() == []


@pytest.mark.parametrize(
    "statement",
    [
        """UPDATE organizations SET document = json_set(document, '$.projects', 'many')""",
        """UPDATE organizations SET document = json_set(document, '$.id', 'other')""",
        """UPDATE journal SET event = 'nonsense' WHERE id = 5""",
    ],
)
@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_what_no_import_would_take_is_found_and_not_exported(place: Place, statement: str) -> None:
    place.execute(statement)
    assert {one for one, _ in place.found()} == {Code.UNREADABLE}
    with pytest.raises(FileRefused, match="cannot be read"):
        list(export_lines(place.state.records()))
    claims = place.state.claims()
    assert {one for _, one in place.mend()} == {Outcome.BY_HAND}
    assert place.state.claims() == claims, "nothing is given up for what only cannot be read"


LACKING = {
    "an index": "DROP INDEX organizations_by_instance",
    "another index": "DROP INDEX journal_by_event",
    "statuses": "DROP TABLE statuses",
    "how far it was told": "DROP TABLE notified",
    "numbers": "DROP TABLE repository_counts",
    "work": "DROP TABLE work",
    "a version": "DELETE FROM schema_version WHERE version = 4",
    "the mark": "PRAGMA application_id = 0",
}


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.parametrize("statement", LACKING.values(), ids=LACKING)
def test_what_the_schema_lacks_is_made_anew(place: Place, statement: str) -> None:
    place.execute(statement)
    assert {one for one, _ in place.found()} == {Code.SCHEMA_LACKING}
    assert {one for _, one in place.mend()} <= {Outcome.MENDED, Outcome.DUE}
    assert place.found() == []
    place.run()
    assert place.found() == []


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.parametrize("table", ["connectors", "organizations", "enrollments", "projects", "assessments"])
def test_nothing_is_taken_for_nobody_s_because_a_table_is_gone(place: Place, table: str) -> None:
    place.execute(f"DROP TABLE {table}")
    ((finding, outcome),) = repair_state(place.state, place.clock, LONGEST, ANA)
    assert (finding.code, outcome) == (Code.SCHEMA_LACKING, Outcome.BY_HAND)
    assert "state import" in finding.fix
    assert len(place.state.claims()) == 2


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_damaged_file_is_told_as_one_and_left_alone(place: Place) -> None:
    file = Path(place.url.removeprefix("sqlite:///"))
    place.state.close()
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'assessments'"
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with file.open("r+b") as content:
        content.seek((page - 1) * size)
        content.write(b"\xff" * size)
    with open_state(place.url) as state:
        ((finding, _),) = verify_state(state, place.clock.now(), LONGEST)
        assert finding.code is Code.FILE_DAMAGED
        assert "state import" in finding.fix
        assert [one for _, one in repair_state(state, place.clock, LONGEST, ANA)] == [Outcome.BY_HAND]


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_an_index_that_lacks_rows_is_made_anew(place: Place) -> None:
    place.state.close()
    with sqlite3.connect(place.url.removeprefix("sqlite:///")) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = 'CREATE INDEX journal_by_event ON journal (event) WHERE id < 0'"
            " WHERE name = 'journal_by_event'"
        )
        connection.commit()
    connection.close()
    with sqlite3.connect(place.url.removeprefix("sqlite:///")) as connection:
        connection.execute("REINDEX journal_by_event")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = 'CREATE INDEX journal_by_event ON journal (event)'"
            " WHERE name = 'journal_by_event'"
        )
        connection.commit()
    connection.close()
    with open_state(place.url) as state:
        assert {one.code for one, _ in verify_state(state, place.clock.now(), LONGEST)} == {Code.FILE_DAMAGED}
        assert {one for _, one in repair_state(state, place.clock, LONGEST, ANA)} == {Outcome.MENDED}
        assert list(verify_state(state, place.clock.now(), LONGEST)) == []


REFUSED = {
    "all tables": "",
    "the table of versions": "DROP TABLE schema_version",
    "the last version": "DELETE FROM schema_version WHERE version >= 10",
    "all versions": "DELETE FROM schema_version",
}


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.parametrize("lost", REFUSED)
def test_a_file_that_lost_its_version_is_refused_and_left_as_it_is(place: Place, lost: str) -> None:
    place.state.close()
    with sqlite3.connect(place.url.removeprefix("sqlite:///")) as connection:
        if lost == "all tables":
            found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (name,) in found:
                if not name.startswith("sqlite_"):
                    connection.execute(f"DROP TABLE {name}")
        else:
            connection.execute(REFUSED[lost])
        before = connection.execute("SELECT * FROM sqlite_master").fetchall()
    connection.close()
    with pytest.raises(StateUrlError, match="state import"):
        open_state(place.url)
    with sqlite3.connect(place.url.removeprefix("sqlite:///")) as connection:
        assert connection.execute("SELECT * FROM sqlite_master").fetchall() == before
    connection.close()


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE graph_edges SET end_key = 'gone'",
        "UPDATE graph_edges SET seen_at = '2000-01-01T00:00:00.000000+00:00'",
        "UPDATE graph_nodes SET key = 'gone' WHERE kind = 'run'",
    ],
)
def test_nodes_and_edges_are_found_by_what_they_are(place: Place, statement: str) -> None:
    run, image = run_node(place.organization, 7), image_node("sha256:" + "0" * 64)
    edge = Edge(image, EdgeKind.BUILT_BY, run, Source.REPORT, Confidence.CLAIMED, place.clock.now())
    place.state.record_mappings(GraphFacts(edges=(edge,)))
    place.execute(statement)
    assert {one for one, _ in place.found()} == {Code.COPIES_DIFFER}
    assert {one for _, one in place.mend()} == {Outcome.MENDED}
    assert place.found() == []
    assert [one.id for one in place.state.edges(run, Direction.IN).edges] == [edge.id]
    assert place.state.node(run) is not None


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_verdicts_that_were_lost_are_found_again(place: Place) -> None:
    before = {one.key for one in place.all(RecordKind.ASSESSMENT)}
    place.execute("DELETE FROM assessments")
    place.execute("DELETE FROM statuses")
    assert {one for one, _ in place.mend()} == {Code.SUMS_DIFFER}
    assert place.found() == []
    assert not place.state.partial(place.organization, WorkKind.POSTURE), "nothing is left out"
    place.run()
    assert {one.key for one in place.all(RecordKind.ASSESSMENT)} == before
    assert place.found() == []


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_change_without_a_number_gets_one(place: Place) -> None:
    place.execute("UPDATE status_changes SET sequence = 0 WHERE sequence = 1")
    assert {one for one, _ in place.found()} == {Code.HISTORY_LACKING}
    assert {one for _, one in place.mend()} == {Outcome.MENDED}
    assert place.found() == []
    assert next(place.state.status_changes(place.organization)).sequence == 1


LATELY = {
    Code.ONBOARDED_WITHOUT_CLAIM: "DELETE FROM claims WHERE organization = ?",
    Code.HELD_BUT_NOT_ONBOARDED: "UPDATE enrollments SET document = json_set(document, '$.state', "
    "'NotOnboarded') WHERE organization = ?",
    Code.WORK_LACKING: "DELETE FROM work WHERE kind = 'posture' AND organization = ?",
}


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.parametrize("code", LATELY)
def test_what_was_onboarded_a_minute_ago_is_no_less_wrong_unless_somebody_is_at_it(
    place: Place, code: Code
) -> None:
    place.execute(
        "UPDATE enrollments SET document = json_set(document, '$.changed_at', ?) WHERE organization = ?",
        (place.clock.now() - timedelta(minutes=1)).isoformat(timespec="microseconds"),
        place.organization,
    )
    place.execute(LATELY[code], place.organization)
    assert [one for one, _ in place.found()] == [code]
    until = place.clock.now() + timedelta(minutes=5)
    place.edit_work(WorkKind.PREREQUISITES, leased_until=until, leased_by="vm/1/1")
    assert place.found() == []


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_an_organization_that_only_says_that_another_holds_it_is_held_by_nobody(place: Place) -> None:
    place.execute(
        "UPDATE enrollments SET document = json_set(document, '$.state', 'OnboardedByOtherConnector') "
        "WHERE organization = ?",
        place.organization,
    )
    place.execute("DELETE FROM claims WHERE organization = ?", place.organization)
    assert [one for one, _ in place.found()] == [Code.HELD_BY_NOBODY]
    assert [one for _, one in place.mend()] == [Outcome.MENDED]


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_lease_that_nobody_has_hides_nothing_beside_it(place: Place) -> None:
    place.edit_work(
        WorkKind.INVENTORY, leased_until=place.clock.now() + timedelta(days=9000), leased_by="vm/9/9"
    )
    place.execute(
        "UPDATE organizations SET document = json_set(document, '$.projects', 77) WHERE id = ?",
        place.organization,
    )
    assert {one for one, _ in place.found()} == {Code.LEASE_WITHOUT_END, Code.COUNTS_DIFFER}
    assert {one for _, one in place.mend()} == {Outcome.MENDED}
    assert place.found() == []
