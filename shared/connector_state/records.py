"""All that the file holds as records, in the order that every store tells them in, and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, cast

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
    PROJECT_COLUMNS,
    PUT_PROJECT,
    PUT_REPOSITORY,
    REPOSITORY_COLUMNS,
    project_of,
    project_rows,
    repository_of,
    repository_rows,
)
from shared.connector_state.journal import COLUMNS as JOURNAL_COLUMNS
from shared.connector_state.journal import entry_of, write_journal
from shared.connector_state.mappings import EDGE_COLUMNS, PUT_EDGE, edge_columns, edge_identity
from shared.connector_state.organizations import INSERT_ORGANIZATION, organization_row
from shared.connector_state.record_forms import Prerequisites, checked
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
from shared.model.record import (
    OF_EVERYBODY,
    OF_ORGANIZATIONS,
    Claim,
    KeptWork,
    Receipt,
    Record,
    RecordKind,
    RepositoryCounts,
)
from shared.model.sign_in import SignInRecord
from shared.model.summary import PostureSummary, ProjectSummary, ResourceStatuses, statuses_of
from shared.model.work import SKEW
from shared.ports import StateConflict, StateUnavailable

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
            for organization in _organizations(connection):
                yield from _of_organization(connection, organization)
            yield from _of_graph_and_journal(connection)

    def records_of_graph_and_journal(self) -> Iterator[Record]:
        with self._database.read() as connection:
            connection.create_function("row_key", -1, _row_key, deterministic=True)
            yield from _of_graph_and_journal(connection)

    def records_of_everybody(self) -> Iterator[Record]:
        with self._database.read() as connection:
            connection.create_function("row_key", -1, _row_key, deterministic=True)
            yield from _of_everybody(connection)

    def organizations_with_records(self) -> Iterator[OrganizationId]:
        with self._database.read() as connection:
            connection.create_function("row_key", -1, _row_key, deterministic=True)
            found = _organizations(connection)
        yield from map(OrganizationId, found)

    def records_of(
        self, organization: OrganizationId, kinds: Sequence[RecordKind] = OF_ORGANIZATIONS
    ) -> Iterator[Record]:
        with self._database.read() as connection:
            connection.create_function("row_key", -1, _row_key, deterministic=True)
            for record in _of_organization(connection, organization, kinds):
                if isinstance(record.value, ResourceAssessments):
                    yield replace(record, copies_agree=_statuses_agree(connection, record))
                else:
                    yield record
            if RecordKind.ASSESSMENT in kinds:
                yield from _copies_of_nothing(connection, organization)

    def drop_records_of(self, organization: OrganizationId) -> None:
        with self._database.write(durable=True) as connection:
            for table in (*(_FORMS[kind].table for kind in OF_ORGANIZATIONS), "statuses"):
                connection.execute(f"DELETE FROM {table} WHERE organization = ?", (organization,))  # noqa: S608

    def compact(self) -> tuple[int, int] | None:
        return self._database.compact()

    def replace_record(self, record: Record, after: object | None) -> bool:
        form = _FORMS[record.kind]
        cells = _cells(record.key)
        with self._database.write(durable=True) as connection:
            connection.create_function("row_key", -1, _row_key, deterministic=True)
            row = connection.execute(form.query(form.one), cells).fetchone()
            if not is_as_read(None if row is None else form.record(record.kind, row), record):
                return False
            if after is not None:
                _put(connection, replace(record, value=after))
            else:
                connection.execute(f"DELETE FROM {form.table} WHERE {form.one}", cells)  # noqa: S608
                if record.kind is RecordKind.ASSESSMENT:
                    connection.execute(f"DELETE FROM statuses WHERE {form.one}", cells)  # noqa: S608
        return True

    def number_status_changes(self, organization: OrganizationId, last: int) -> None:
        with self._database.write(durable=True) as connection:
            kept = connection.execute(
                "SELECT sequence FROM status_changes WHERE organization = ? ORDER BY sequence DESC",
                (organization,),
            ).fetchall()
            # The newest first: each moves up to where nothing is any more.
            connection.executemany(
                "UPDATE status_changes SET sequence = ? WHERE organization = ? AND sequence = ?",
                [
                    (number, organization, before)
                    for number, (before,) in zip(range(last, 0, -1), kept, strict=False)
                    if number != before
                ],
            )

    def date_journal(self, now: datetime) -> None:
        with self._database.write(durable=True) as connection:
            connection.execute(
                "UPDATE journal SET at = ? WHERE at > ? AND julianday(at) IS NOT NULL",
                (time_text(now), time_text(now + SKEW)),
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


def _organizations(connection: sqlite3.Connection) -> list[str]:
    """Those of which anything is kept, whether or not they are known."""
    names = (*(_FORMS[one].table for one in OF_ORGANIZATIONS), "statuses")
    tables = " UNION ".join(f"SELECT organization FROM {one}" for one in names)  # noqa: S608 - constants
    rows = connection.execute(
        f"SELECT organization FROM ({tables}) ORDER BY row_key('organization', organization)"  # noqa: S608
    )
    return [row[0] for row in rows]


def _statuses_agree(connection: sqlite3.Connection, record: Record) -> bool:
    row = connection.execute(
        f"SELECT document FROM statuses WHERE {_FORMS[RecordKind.ASSESSMENT].one}",  # noqa: S608 - constants
        _cells(record.key),
    ).fetchone()
    try:
        return row is not None and _STATUSES.load(row[0]) == statuses_of(
            cast("ResourceAssessments", record.value)
        )
    except (StateUnavailable, ValueError, TypeError):
        return False


def _copies_of_nothing(connection: sqlite3.Connection, of: str) -> Iterator[Record]:
    """Statuses beside which there is no assessment."""
    form = _FORMS[RecordKind.ASSESSMENT]
    names = ", ".join(form.names)
    rows = connection.execute(
        f"SELECT {names} FROM statuses WHERE organization = ?"  # noqa: S608 - constants
        f" AND ({names}) NOT IN (SELECT {names} FROM assessments WHERE organization = ?)"
        f" ORDER BY {form.order}",
        (of, of),
    )
    for row in rows:
        yield Record(RecordKind.ASSESSMENT, tuple(map(from_cell, row)), None, copies_agree=False)


def is_as_read(stored: Record | None, before: Record) -> bool:
    """Whether what is stored is what was read: absent, unreadable, or of this value."""
    if stored is None:
        return before.value is None and not before.problem
    if stored.value is None:
        return bool(before.problem)
    return stored.value == before.value


def _row_key(*cells: Cell) -> str:
    return key(*(from_cell(one) if isinstance(one, (str, bytes)) else f"{one:012}" for one in cells))


@dataclass(frozen=True, slots=True)
class _Form:
    """Where records of one kind are: in `table`, by the columns of their key, with those of their value."""

    table: str
    names: tuple[str, ...]
    cells: str
    load: Callable[[tuple[str, ...], Row], object]
    order: str = ""
    """By columns of the key unless told: as they stand in the other store."""
    copied: str = ""
    """Columns that repeat what the value tells, so that rows are found by it."""
    copies: Callable[[Any], Row] | None = None
    """What they hold, by the value."""

    def query(self, condition: str) -> str:
        """Statement for the rows of which this holds: their keys, then their values."""
        order = self.order or f"row_key('', {', '.join(self.names)})"
        names = ", ".join(self.names)
        cells = f"{self.cells}, {self.copied}" if self.copied else self.cells
        return f"SELECT {names}, {cells} FROM {self.table} WHERE {condition} ORDER BY {order}"  # noqa: S608

    @property
    def one(self) -> str:
        """Condition for the row of one key."""
        return " AND ".join(f"{name} = ?" for name in self.names)

    def record(self, kind: RecordKind, row: Row) -> Record:
        """The record in a row; what cannot be read is told as such."""
        name = tuple(
            from_cell(one) if isinstance(one, (str, bytes)) else str(one) for one in row[: len(self.names)]
        )
        try:
            found = checked(Record(kind, name, self.load(name, row[len(self.names) :])))
        except (StateUnavailable, ValueError, TypeError) as error:
            return Record(kind, name, None, str(error))
        if self.copies is None or found.value is None:
            return found
        told = tuple(row[len(row) - self.copied.count(",") - 1 :])
        return replace(found, copies_agree=told == self.copies(found.value))


def _revision(value: Connector | Enrollment | SignInRecord) -> Row:
    return (value.revision,)


def _in_document(load: Callable[[Any], object]) -> Callable[[tuple[str, ...], Row], object]:
    return lambda _, row: load(row[0])


_PAIR: Final = ("organization", "connector")
_OF: Final = ("organization",)
_SCOPE: Final = "coalesce(nullif(project, ''), '-')"

_FORMS: Final[dict[RecordKind, _Form]] = {
    RecordKind.CONNECTOR: _Form(
        "connectors",
        ("id",),
        "document",
        _in_document(_CONNECTOR.load),
        copied="revision",
        copies=_revision,
    ),
    RecordKind.ORGANIZATION: _Form(
        "organizations",
        ("id",),
        "document",
        _in_document(_ORGANIZATION.load),
        copied="tenant, name_key, instance_key, account_key, merged, revision",
        copies=lambda one: organization_row(one)[:6],
    ),
    RecordKind.CLAIM: _Form(
        "claims", ("tenant", "organization"), "connector", lambda _, row: Claim(ConnectorId(row[0]))
    ),
    RecordKind.ENROLLMENT: _Form(
        "enrollments",
        _PAIR,
        "document",
        _in_document(_ENROLLMENT.load),
        copied="revision",
        copies=_revision,
    ),
    RecordKind.PREREQUISITES: _Form(
        "prerequisites", _PAIR, "document", lambda _, row: Prerequisites(_PREREQUISITES.load(row[0]))
    ),
    RecordKind.EXEMPTION: _Form("exemptions", ("id",), "document", _in_document(_EXEMPTION.load)),
    RecordKind.SIGN_IN: _Form(
        "sign_ins", ("name",), "document", _in_document(_SIGN_IN.load), copied="revision", copies=_revision
    ),
    RecordKind.WORK: _Form(
        "work",
        ("kind", "organization"),
        f"{WORK_COLUMNS}, asked_for, dropped",
        lambda _, row: KeptWork(read_work(row[:-2]), time_or_none(row[-2]), bool(row[-1])),
    ),
    RecordKind.ASSESSMENT: _Form(
        "assessments",
        ("organization", "project", "resource_kind", "resource_id"),
        "document",
        _in_document(_ASSESSMENT.load),
        order=f"row_key('', {_SCOPE}, resource_kind, resource_id)",
    ),
    RecordKind.STATUS_CHANGE: _Form(
        "status_changes",
        ("organization", "sequence"),
        "document",
        lambda name, row: replace(_CHANGE.load(row[0]), sequence=int(name[1])),
        order="sequence",
        copied="at, resource_id",
        copies=lambda one: (time_text(one.at), to_cell(one.resource.id)),
    ),
    RecordKind.EXTENSION: _Form("extensions", _OF, "document", _in_document(_EXTENSION.load)),
    RecordKind.FACTS: _Form(
        "facts",
        ("organization", "project"),
        "content",
        lambda _, row: bytes(row[0]),
        order="row_key('', project)",
    ),
    RecordKind.NOTIFIED: _Form("notified", _OF, "document", _in_document(_NOTIFIED.load)),
    RecordKind.PARTIAL: _Form(
        "partials",
        ("organization", "kind"),
        "content",
        lambda _, row: bytes(row[0]),
        order="row_key('', kind)",
    ),
    RecordKind.POSTURE_TOTAL: _Form("posture_totals", _OF, "document", _in_document(_TOTAL.load)),
    RecordKind.POSTURE: _Form(
        "assessed",
        ("organization", "project"),
        "findings, at",
        lambda name, row: ProjectSummary(
            ProjectId(name[1]) if name[1] else None, json.loads(row[0]), time_of(row[1])
        ),
        order=f"row_key('', {_SCOPE})",
    ),
    RecordKind.PROJECT: _Form(
        "projects",
        ("organization", "id"),
        PROJECT_COLUMNS,
        lambda _, row: project_of(row, None),
        order="row_key('', id)",
    ),
    RecordKind.REPOSITORY_COUNTS: _Form(
        "repository_counts", _OF, "document", lambda _, row: RepositoryCounts(json.loads(row[0]))
    ),
    RecordKind.REPOSITORY: _Form(
        "repositories",
        ("organization", "id"),
        REPOSITORY_COLUMNS,
        lambda _, row: repository_of(row, None),
        order="row_key('', id)",
    ),
}
"""Of all kinds but the graph, its receipts and the journal."""


def _of_everybody(connection: sqlite3.Connection) -> Iterator[Record]:
    for kind in OF_EVERYBODY:
        form = _FORMS[kind]
        yield from (form.record(kind, row) for row in connection.execute(form.query("1")))


def _of_organization(
    connection: sqlite3.Connection, of: str, kinds: Sequence[RecordKind] = OF_ORGANIZATIONS
) -> Iterator[Record]:
    for kind in kinds:
        form = _FORMS[kind]
        rows = connection.execute(form.query("organization = ?"), (of,))
        yield from (form.record(kind, row) for row in rows)


def _of_graph_and_journal(connection: sqlite3.Connection) -> Iterator[Record]:
    yield from _of_graph(connection)
    yield from _read(
        connection,
        RecordKind.JOURNAL,
        f"SELECT id, {JOURNAL_COLUMNS} FROM journal ORDER BY id",  # noqa: S608 - constants
        lambda row: ((), replace(entry_of(row), id=0)),
    )


def _read(
    connection: sqlite3.Connection,
    kind: RecordKind,
    query: str,
    read: Read,
    *values: Cell,
    agree: Callable[[Row, Any], bool] | None = None,
) -> Iterator[Record]:
    for row in connection.execute(query, values):
        try:
            name, value = read(row)
        except (StateUnavailable, ValueError, TypeError) as error:
            yield Record(kind, _name_of(row), None, str(error))
        else:
            yield checked(Record(kind, name, value, copies_agree=agree is None or agree(row, value)))


def _name_of(row: Row) -> tuple[str, ...]:
    """Of a row that cannot be read: its number, or its short texts."""
    if isinstance(row[0], int):
        return (str(row[0]),)
    return tuple(
        one for one in row if isinstance(one, str) and len(one) <= _NAME_MOST and one[:1] not in "{["
    )


_NAME_MOST: Final = 64


def _of_graph(connection: sqlite3.Connection) -> Iterator[Record]:
    nodes = "SELECT document, kind, key FROM graph_nodes ORDER BY row_key('', kind, key)"
    yield from _read(
        connection,
        RecordKind.NODE,
        nodes,
        lambda row: ((), _NODE.load(row[0])),
        agree=lambda row, node: row[1:] == (node.id.kind.value, to_cell(node.id.key)),
    )
    for _, kind, name in connection.execute(nodes):
        yield from sorted(
            _edges(connection, "start_key = ? AND start_kind = ?", name, kind), key=order_of_edge
        )
    # Those that leave what is not there: no version writes them, and a file without them would look whole.
    yield from _edges(
        connection,
        "(start_kind, start_key) NOT IN (SELECT kind, key FROM graph_nodes) ORDER BY id",
    )
    yield from _read(
        connection,
        RecordKind.RECEIPT,
        "SELECT substr(forget_at, 1, 13), token, body FROM report_receipts"
        " ORDER BY row_key('', substr(forget_at, 1, 13)), row_key('', token)",
        lambda row: ((row[0], row[1]), Receipt(row[2])),
    )


def _edges(connection: sqlite3.Connection, condition: str, *values: Cell) -> Iterator[Record]:
    return _read(
        connection,
        RecordKind.EDGE,
        f"SELECT document, {EDGE_COLUMNS} FROM graph_edges WHERE {condition}",  # noqa: S608 - constants
        lambda row: ((), _EDGE.load(row[0])),
        *values,
        agree=lambda row, edge: row[1:] == edge_columns(edge),
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
