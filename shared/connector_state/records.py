"""All that the file holds as records, in the order that every store tells them in, and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from shared.connector_state.codec import (
    Cell,
    Document,
    Documents,
    from_cell,
    time_of,
    time_or_none,
    time_text,
    to_cell,
)
from shared.connector_state.database import Part
from shared.connector_state.inventory import (
    PROJECTS,
    PUT_PROJECT,
    PUT_REPOSITORY,
    REPOSITORIES,
    project_of,
    project_rows,
    repository_of,
    repository_rows,
)
from shared.connector_state.journal import COLUMNS as JOURNAL_COLUMNS
from shared.connector_state.journal import entry_of, write_journal
from shared.connector_state.mappings import PUT_EDGE, edge_identity
from shared.connector_state.organizations import INSERT_ORGANIZATION, organization_row
from shared.connector_state.record_forms import Prerequisites
from shared.connector_state.tables.keys import key
from shared.connector_state.work import COLUMNS as WORK_COLUMNS
from shared.connector_state.work import put_work, read_work
from shared.model.assessment import ResourceAssessments, StatusChange
from shared.model.connector import Connector
from shared.model.exemption import Exemption
from shared.model.extension import ExtensionState
from shared.model.ids import ConnectorId, OrganizationId, ProjectId
from shared.model.journal import JournalEntry
from shared.model.mapping import Edge, Node
from shared.model.notification import Notified
from shared.model.organization import Enrollment, Organization
from shared.model.prerequisite import Prerequisite
from shared.model.record import Claim, KeptWork, Receipt, Record, RecordKind, RepositoryCounts
from shared.model.summary import PostureSummary, ProjectSummary, ResourceStatuses, statuses_of
from shared.ports import SignInRecord, StateConflict, StateUnavailable

_CONNECTOR = Document(Connector)
_ORGANIZATION = Document(Organization)
_ENROLLMENT = Document(Enrollment)
_PREREQUISITES = Documents(Prerequisite)
_EXEMPTION = Document(Exemption)
_SIGN_IN = Document(SignInRecord)
_ASSESSMENT = Document(ResourceAssessments)
_STATUSES = Document(ResourceStatuses)
_CHANGE = Document(StatusChange)
_EXTENSION = Document(ExtensionState)
_NOTIFIED = Document(Notified)
_TOTAL = Document(PostureSummary)
_NODE = Document(Node)
_EDGE = Document(Edge)

_OF_ORGANIZATIONS: Final = (
    "assessments",
    "status_changes",
    "extensions",
    "facts",
    "notified",
    "partials",
    "posture_totals",
    "assessed",
    "projects",
    "repository_counts",
    "repositories",
)
_HOUR: Final = 13
"""Characters of a time up to its hour."""
_END_OF_HOUR: Final = ":59:59.999999+00:00"
_JOURNAL_AT_ONCE: Final = 1_000

Row = tuple[Any, ...]
Read = Callable[[Row], tuple[tuple[str, ...], object]]


class RecordsPart(Part):
    """All of it, in one snapshot, and written in one transaction."""

    def records(self) -> Iterator[Record]:
        with self._database.read() as connection:
            connection.create_function("row_key", -1, _row_key, deterministic=True)
            yield from _of_everybody(connection)
            tables = " UNION ".join(f"SELECT organization FROM {one}" for one in _OF_ORGANIZATIONS)  # noqa: S608
            rows = connection.execute(
                f"SELECT organization FROM ({tables}) ORDER BY row_key('organization', organization)"  # noqa: S608
            ).fetchall()
            for (organization,) in rows:
                yield from _of_organization(connection, organization)
            yield from _of_graph(connection)
            yield from _read(
                connection,
                RecordKind.JOURNAL,
                f"SELECT id, {JOURNAL_COLUMNS} FROM journal ORDER BY id",  # noqa: S608 - constants
                lambda row: ((), replace(entry_of(row), id=0)),
            )

    def import_records(self, records: Iterable[Record], digest: str) -> None:
        del digest  # one transaction: there is nothing to go on with
        entries: list[JournalEntry] = []
        with self._database.write(durable=True) as connection:
            if next(self.records(), None) is not None:
                raise StateConflict("The state is not empty.")
            for record in records:
                if isinstance(record.value, JournalEntry):
                    entries.append(record.value)
                    if len(entries) == _JOURNAL_AT_ONCE:
                        write_journal(connection, entries)
                        entries = []
                else:
                    _put(connection, record)
            write_journal(connection, entries)


def _row_key(*cells: Cell) -> str:
    return key(*(from_cell(one) if isinstance(one, (str, bytes)) else f"{one:012}" for one in cells))


def _read(
    connection: sqlite3.Connection, kind: RecordKind, query: str, read: Read, *values: Cell
) -> Iterator[Record]:
    for row in connection.execute(query, values):
        try:
            name, value = read(row)
        except (StateUnavailable, ValueError, TypeError) as error:
            yield Record(kind, _name_of(row), None, str(error))
        else:
            yield Record(kind, name, value)


def _name_of(row: Row) -> tuple[str, ...]:
    """Of a row that cannot be read: its short texts."""
    return tuple(
        one for one in row if isinstance(one, str) and len(one) <= _NAME_MOST and one[:1] not in "{["
    )


_NAME_MOST: Final = 64


def _of_everybody(connection: sqlite3.Connection) -> Iterator[Record]:
    def documents(
        kind: RecordKind, table: str, names: str, load: Callable[[Any], object]
    ) -> Iterator[Record]:
        query = f"SELECT document, {names} FROM {table} ORDER BY row_key('', {names})"  # noqa: S608
        return _read(connection, kind, query, lambda row: (tuple(row[1:]), load(row[0])))

    yield from documents(RecordKind.CONNECTOR, "connectors", "id", _CONNECTOR.load)
    yield from documents(RecordKind.ORGANIZATION, "organizations", "id", _ORGANIZATION.load)
    yield from _read(
        connection,
        RecordKind.CLAIM,
        "SELECT tenant, organization, connector FROM claims ORDER BY row_key('', tenant, organization)",
        lambda row: ((row[0], row[1]), Claim(ConnectorId(row[2]))),
    )
    pair = "organization, connector"
    yield from documents(RecordKind.ENROLLMENT, "enrollments", pair, _ENROLLMENT.load)
    yield from documents(
        RecordKind.PREREQUISITES,
        "prerequisites",
        pair,
        lambda document: Prerequisites(_PREREQUISITES.load(document)),
    )
    yield from documents(RecordKind.EXEMPTION, "exemptions", "id", _EXEMPTION.load)
    yield from documents(RecordKind.SIGN_IN, "sign_ins", "name", _SIGN_IN.load)
    yield from _read(
        connection,
        RecordKind.WORK,
        f"SELECT {WORK_COLUMNS}, asked_for, dropped FROM work"  # noqa: S608 - constants
        " ORDER BY row_key('', kind, organization)",
        lambda row: (
            (row[1], row[0]),
            KeptWork(read_work(row[:-2]), time_or_none(row[-2]), bool(row[-1])),
        ),
    )


def _of_organization(connection: sqlite3.Connection, of: str) -> Iterator[Record]:
    def read(kind: RecordKind, columns: str, order: str, take: Read) -> Iterator[Record]:
        query = f"SELECT {columns} WHERE organization = ? ORDER BY {order}"
        return _read(connection, kind, query, take, of)

    scope = "coalesce(nullif(project, ''), '-')"
    yield from read(
        RecordKind.ASSESSMENT,
        "project, resource_kind, resource_id, document FROM assessments",
        f"row_key('', {scope}, resource_kind, resource_id)",
        lambda row: ((of, row[0], row[1], from_cell(row[2])), _ASSESSMENT.load(row[3])),
    )
    yield from read(
        RecordKind.STATUS_CHANGE,
        "sequence, document FROM status_changes",
        "sequence",
        lambda row: ((of, str(row[0])), replace(_CHANGE.load(row[1]), sequence=row[0])),
    )
    yield from read(
        RecordKind.EXTENSION, "document FROM extensions", "1", lambda row: ((of,), _EXTENSION.load(row[0]))
    )
    yield from read(
        RecordKind.FACTS,
        "project, content FROM facts",
        "row_key('', project)",
        lambda row: ((of, row[0]), bytes(row[1])),
    )
    yield from read(
        RecordKind.NOTIFIED, "document FROM notified", "1", lambda row: ((of,), _NOTIFIED.load(row[0]))
    )
    yield from read(
        RecordKind.PARTIAL,
        "kind, content FROM partials",
        "row_key('', kind)",
        lambda row: ((of, row[0]), bytes(row[1])),
    )
    yield from read(
        RecordKind.POSTURE_TOTAL,
        "document FROM posture_totals",
        "1",
        lambda row: ((of,), _TOTAL.load(row[0])),
    )
    yield from read(
        RecordKind.POSTURE,
        "project, findings, at FROM assessed",
        f"row_key('', {scope})",
        lambda row: (
            (of, row[0]),
            ProjectSummary(ProjectId(row[0]) if row[0] else None, json.loads(row[1]), time_of(row[2])),
        ),
    )
    yield from _read(
        connection,
        RecordKind.PROJECT,
        f"{PROJECTS} ORDER BY row_key('', id)",
        lambda row: ((of, row[0]), project_of(row, None)),
        of,
    )
    yield from read(
        RecordKind.REPOSITORY_COUNTS,
        "document FROM repository_counts",
        "1",
        lambda row: ((of,), RepositoryCounts(json.loads(row[0]))),
    )
    yield from _read(
        connection,
        RecordKind.REPOSITORY,
        f"{REPOSITORIES} ORDER BY row_key('', id)",
        lambda row: ((of, row[0]), repository_of(row, None)),
        of,
    )


def _of_graph(connection: sqlite3.Connection) -> Iterator[Record]:
    nodes = "SELECT document, kind, key FROM graph_nodes ORDER BY row_key('', kind, key)"
    yield from _read(connection, RecordKind.NODE, nodes, lambda row: ((), _NODE.load(row[0])))
    for _, kind, name in connection.execute(nodes):
        found = list(
            _read(
                connection,
                RecordKind.EDGE,
                "SELECT document FROM graph_edges WHERE start_key = ? AND start_kind = ?",
                lambda row: ((), _EDGE.load(row[0])),
                name,
                kind,
            )
        )
        yield from sorted(found, key=order_of_edge)
    yield from _read(
        connection,
        RecordKind.RECEIPT,
        "SELECT substr(forget_at, 1, 13), token, body FROM report_receipts"
        " ORDER BY row_key('', substr(forget_at, 1, 13)), row_key('', token)",
        lambda row: ((row[0], row[1]), Receipt(row[2])),
    )


def order_of_edge(record: Record) -> tuple[str, ...]:
    """What puts the edges of one node in the same order everywhere."""
    if not isinstance(record.value, Edge):
        return ("",)
    one = record.value
    return (one.kind, one.end.kind, one.end.key, one.source, one.detail)


def _put(connection: sqlite3.Connection, record: Record) -> None:
    """Write one record as it is, in place of the one with its key."""
    query, values = _PUTS[record.kind](record.key, record.value)
    if record.kind is RecordKind.WORK and isinstance(record.value, KeptWork):
        put_work(connection, record.value.work, record.value.asked_for)
    connection.execute(query, values)
    if isinstance(record.value, ResourceAssessments):
        brief = _STATUSES.dump(statuses_of(record.value))
        connection.execute(_PUT_ASSESSMENT.format("statuses"), (*values[:-1], brief))


_PUT_ASSESSMENT = (
    "INSERT OR REPLACE INTO {} (organization, project, resource_kind, resource_id, document)"
    " VALUES (?, ?, ?, ?, ?)"
)

_PUT_CHANGE = (
    "INSERT OR REPLACE INTO status_changes (organization, sequence, at, resource_id, document)"
    " VALUES (?, ?, ?, ?, ?)"
)

_PUTS: Final[dict[RecordKind, Callable[[tuple[str, ...], Any], tuple[str, tuple[Any, ...]]]]] = {
    RecordKind.CONNECTOR: lambda name, one: (
        "INSERT OR REPLACE INTO connectors (id, revision, document) VALUES (?, ?, ?)",
        (*name, one.revision, _CONNECTOR.dump(one)),
    ),
    RecordKind.ORGANIZATION: lambda _, one: (
        INSERT_ORGANIZATION.replace("INSERT", "INSERT OR REPLACE"),
        organization_row(one),
    ),
    RecordKind.CLAIM: lambda name, one: (
        "INSERT OR REPLACE INTO claims (tenant, organization, connector) VALUES (?, ?, ?)",
        (*name, one.connector),
    ),
    RecordKind.ENROLLMENT: lambda name, one: (
        "REPLACE INTO enrollments (organization, connector, revision, document) VALUES (?, ?, ?, ?)",
        (*name, one.revision, _ENROLLMENT.dump(one)),
    ),
    RecordKind.PREREQUISITES: lambda name, one: (
        "INSERT OR REPLACE INTO prerequisites (organization, connector, document) VALUES (?, ?, ?)",
        (*name, _PREREQUISITES.dump(one.checked)),
    ),
    RecordKind.EXEMPTION: lambda name, one: (
        "INSERT OR REPLACE INTO exemptions (id, document) VALUES (?, ?)",
        (*name, _EXEMPTION.dump(one)),
    ),
    RecordKind.SIGN_IN: lambda name, one: (
        "INSERT OR REPLACE INTO sign_ins (name, revision, document) VALUES (?, ?, ?)",
        (*name, one.revision, _SIGN_IN.dump(one)),
    ),
    RecordKind.WORK: lambda name, one: (
        "UPDATE work SET dropped = ? WHERE kind = ? AND organization = ?",
        (one.dropped, *name),
    ),
    RecordKind.ASSESSMENT: lambda name, one: (
        _PUT_ASSESSMENT.format("assessments"),
        (*name[:3], to_cell(name[3]), _ASSESSMENT.dump(one)),
    ),
    RecordKind.STATUS_CHANGE: lambda name, one: (
        _PUT_CHANGE,
        (name[0], int(name[1]), time_text(one.at), to_cell(one.resource.id), _CHANGE.dump(_unnumbered(one))),
    ),
    RecordKind.EXTENSION: lambda name, one: (
        "INSERT OR REPLACE INTO extensions (organization, document) VALUES (?, ?)",
        (*name, _EXTENSION.dump(one)),
    ),
    RecordKind.FACTS: lambda name, one: (
        "INSERT OR REPLACE INTO facts (organization, project, content) VALUES (?, ?, ?)",
        (*name, one),
    ),
    RecordKind.NOTIFIED: lambda name, one: (
        "INSERT OR REPLACE INTO notified (organization, document) VALUES (?, ?)",
        (*name, _NOTIFIED.dump(one)),
    ),
    RecordKind.PARTIAL: lambda name, one: (
        "INSERT OR REPLACE INTO partials (organization, kind, content) VALUES (?, ?, ?)",
        (*name, one),
    ),
    RecordKind.POSTURE_TOTAL: lambda name, one: (
        "INSERT OR REPLACE INTO posture_totals (organization, document) VALUES (?, ?)",
        (*name, _TOTAL.dump(one)),
    ),
    RecordKind.POSTURE: lambda name, one: (
        "INSERT OR REPLACE INTO assessed (organization, project, at, findings) VALUES (?, ?, ?, ?)",
        (*name, time_text(one.assessed_at), json.dumps(one.findings)),
    ),
    RecordKind.PROJECT: lambda name, one: (
        PUT_PROJECT,
        _cells(*project_rows(OrganizationId(name[0]), [one])),
    ),
    RecordKind.REPOSITORY_COUNTS: lambda name, one: (
        "INSERT OR REPLACE INTO repository_counts (organization, document) VALUES (?, ?)",
        (*name, json.dumps(one.by_project, sort_keys=True)),
    ),
    RecordKind.REPOSITORY: lambda name, one: (
        PUT_REPOSITORY,
        _cells(*repository_rows(OrganizationId(name[0]), [one])),
    ),
    RecordKind.NODE: lambda _, one: (
        "INSERT OR REPLACE INTO graph_nodes (kind, key, document) VALUES (?, ?, ?)",
        (one.id.kind.value, to_cell(one.id.key), _NODE.dump(one)),
    ),
    RecordKind.EDGE: lambda _, one: (
        PUT_EDGE,
        (*edge_identity(one), time_text(one.seen_at), _EDGE.dump(one)),
    ),
    RecordKind.RECEIPT: lambda name, one: (
        "INSERT OR REPLACE INTO report_receipts (forget_at, token, body) VALUES (?, ?, ?)",
        (f"{name[0][:_HOUR]}{_END_OF_HOUR}", name[1], one.body),
    ),
}
"""What writes a record of each kind, by its key and value; the journal is written in larger pieces."""


def _unnumbered(change: StatusChange) -> StatusChange:
    return replace(change, sequence=0)


def _cells(row: tuple[Cell, ...]) -> tuple[Cell, ...]:
    return tuple(to_cell(one) if isinstance(one, str) else one for one in row)
