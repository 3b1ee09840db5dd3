"""Whether the file is whole: its pages, its tables and indexes, and the marks that tell whose it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import cache
from typing import Final

from shared.connector_state.codec import Document, to_cell
from shared.connector_state.database import Part, statements
from shared.connector_state.mappings import EDGE_COLUMNS, edge_columns
from shared.connector_state.schema import APPLICATION_ID, MIGRATIONS, VERSION_TABLE
from shared.model.mapping import Edge, Node
from shared.model.storage import GRAPH, StorageProblem, StorageTrouble
from shared.ports import StateUnavailable

_NODE = Document(Node)
_EDGE = Document(Edge)

_MOST: Final = 20
"""Of the places that SQLite names in a damaged file."""
_BACKUP: Final = (
    'Stop the app, set STATE_URL to a new file, and bring the last backup into it: "ado-connector state '
    'import". Keep this file: what can be read of it may still be wanted.'
)

_OTHERS_REST_ON_IT: Final = frozenset(
    {"assessments", "connectors", "enrollments", "organizations", "projects", "repositories"}
)
"""Tables that are not made anew: with an empty one, what rests on it would seem to belong to nobody."""

_MARK: Final = "mark"
_VERSIONS: Final = "versions"
_INDEXES: Final = "indexes"


class SoundnessPart(Part):
    """The file itself."""

    def storage_problems(self) -> Iterator[StorageProblem]:
        damaged = list(self._damaged())
        yield from damaged
        if not any(one.stops for one in damaged):
            with self._database.read() as connection:
                lacking = list(_lacking(connection))
            yield from lacking

    def mend_storage(self, name: str) -> bool:
        if name == GRAPH:
            self._mend_graph()
            return True
        word, _, what = name.partition(":")
        try:
            with self._database.write(durable=True) as connection:
                if word == _MARK:
                    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                elif word == _VERSIONS:
                    _write_versions(connection)
                elif word == _INDEXES:
                    connection.execute("REINDEX")
                else:
                    for kind, one in _schema():
                        if (kind, one) == (word, what) or (word == "table" and _table_of(kind, one) == what):
                            connection.execute(_schema()[kind, one][1])
        except sqlite3.IntegrityError:
            return False  # an index that would forbid what is there
        return True

    def _mend_graph(self) -> None:
        with self._database.write(durable=True) as connection:
            rows = connection.execute("SELECT kind, key, document FROM graph_nodes").fetchall()
            for kind, key, document in rows:
                try:
                    node = _NODE.load(document)
                except (StateUnavailable, ValueError, TypeError):
                    continue
                true = (node.id.kind.value, to_cell(node.id.key))
                if true != (kind, key):
                    connection.execute(
                        "UPDATE OR REPLACE graph_nodes SET kind = ?, key = ? WHERE kind = ? AND key = ?",
                        (*true, kind, key),
                    )
            for number, *told, document in connection.execute(
                f"SELECT id, {EDGE_COLUMNS}, document FROM graph_edges"  # noqa: S608 - constants
            ).fetchall():
                try:
                    edge = _EDGE.load(document)
                except (StateUnavailable, ValueError, TypeError):
                    continue
                if edge_columns(edge) != tuple(told):
                    connection.execute(
                        f"UPDATE OR REPLACE graph_edges SET ({EDGE_COLUMNS}) = (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
                        " WHERE id = ?",
                        (*edge_columns(edge), number),
                    )

    def _damaged(self) -> Iterator[StorageProblem]:
        try:
            with self._database.read() as connection:
                told = [
                    str(line)
                    for (line,) in connection.execute(f"PRAGMA integrity_check({_MOST})")
                    if line != "ok"
                ]
        except StateUnavailable as problem:
            yield StorageProblem(StorageTrouble.DAMAGED, str(problem), stops=True, fix=_BACKUP)
            return
        if not told:
            return
        where = self._database.path
        what = f"SQLite says of {where}: {'; '.join(told[:3])}."
        if all(_is_of_index(line) for line in told):
            yield StorageProblem(StorageTrouble.DAMAGED, what, _INDEXES)
        else:
            yield StorageProblem(StorageTrouble.DAMAGED, what, stops=True, fix=_BACKUP)


def _is_of_index(line: str) -> bool:
    return "missing from index" in line or line.startswith("wrong # of entries in index")


def _lacking(connection: sqlite3.Connection) -> Iterator[StorageProblem]:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        what = "The file does not bear the mark of this program's states (application_id)."
        yield StorageProblem(StorageTrouble.LACKING, what, _MARK)
    versions = {number for (number,) in connection.execute(f"SELECT version FROM {VERSION_TABLE}")}  # noqa: S608
    if versions != set(range(1, len(MIGRATIONS) + 1)):
        what = f"The table {VERSION_TABLE} does not tell each version of the schema once."
        yield StorageProblem(StorageTrouble.LACKING, what, _VERSIONS)
    there = set(connection.execute("SELECT type, name FROM sqlite_master"))
    for kind, name in _schema():
        if ("table", _table_of(kind, name)) not in there and kind != "table":
            continue  # it comes with its table
        if (kind, name) not in there:
            yield _lacks(kind, name)
        elif kind == "table" and (columns := _columns_of()[name] - _columns(connection, name)):
            what = f"The table {name} lacks {', '.join(sorted(columns))}."
            yield StorageProblem(StorageTrouble.LACKING, what, stops=True, fix=_BACKUP)


def _lacks(kind: str, name: str) -> StorageProblem:
    what = f"The {kind} {name} is not there."
    if name in _OTHERS_REST_ON_IT:
        return StorageProblem(StorageTrouble.LACKING, what, stops=True, fix=_BACKUP)
    if kind == "table":
        what = f"The table {name} is not there; made anew it is empty."
    return StorageProblem(StorageTrouble.LACKING, what, f"{kind}:{name}", stops=kind == "table")


@cache
def _schema() -> Mapping[tuple[str, str], tuple[str, str]]:
    """The table that each table or index is of, and what makes it; tables first."""
    with closing(_new()) as connection:
        rows = connection.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"
            " AND name NOT LIKE 'sqlite_%' ORDER BY type DESC, name"
        ).fetchall()
    return {(kind, name): (table, sql) for kind, name, table, sql in rows}


def _table_of(kind: str, name: str) -> str:
    return _schema()[kind, name][0]


@cache
def _columns_of() -> Mapping[str, frozenset[str]]:
    with closing(_new()) as connection:
        return {name: _columns(connection, name) for kind, name in _schema() if kind == "table"}


def _columns(connection: sqlite3.Connection, table: str) -> frozenset[str]:
    rows = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
    return frozenset(name for (name,) in rows)


def _new() -> sqlite3.Connection:
    """A database in memory with the schema of this version and nothing in it."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for script in MIGRATIONS:
        for statement in statements(script):
            connection.execute(statement)
    return connection


def _write_versions(connection: sqlite3.Connection) -> None:
    connection.execute(f"DELETE FROM {VERSION_TABLE}")  # noqa: S608 - constant
    connection.executemany(
        f"INSERT INTO {VERSION_TABLE} (version) VALUES (?)",  # noqa: S608 - constant
        [(number,) for number in range(1, len(MIGRATIONS) + 1)],
    )
