"""All that the table holds as records, in the order that every store tells them in, and back."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby, islice
from typing import Any, Final, cast

from shared.connector_state.codec import Document, Documents, time_text
from shared.connector_state.record_forms import Prerequisites, checked
from shared.connector_state.records import is_as_read, order_of_edge
from shared.connector_state.tables.assessments import (
    AT,
    BRIEF,
    CHANGES,
    HISTORY_CHUNK,
    NEWEST,
    NOTIFIED_ROW,
    TOTAL_ROW,
    WHOLE,
    AssessmentsPart,
    brief,
    change_key,
)
from shared.connector_state.tables.catalog import CATALOG, REVISION, UNIQUE, claim_values, unique_keys
from shared.connector_state.tables.fence import partition_of
from shared.connector_state.tables.inventory import COUNTS, EXTENSION_ROW, PIECE, unseen
from shared.connector_state.tables.journal import (
    CHUNK,
    ENTRIES,
    JOURNAL,
    OF_THE_STORE,
    Chunks,
    name_of_imported,
)
from shared.connector_state.tables.keys import (
    Value,
    key,
    pack,
    pack_bytes,
    prefix,
    unpack,
    unpack_bytes,
)
from shared.connector_state.tables.mappings import GRAPH, NEAR, RECEIPT, MappingsPart, near_of
from shared.connector_state.tables.migrations import VERSION_ROW, version_of, version_row
from shared.connector_state.tables.rows import is_in_catalog, is_of_organization, is_work
from shared.connector_state.tables.sign_ins import SIGN_IN
from shared.connector_state.tables.table import (
    BATCH_MOST,
    BYTES_MOST,
    Delete,
    Entity,
    Insert,
    Operation,
    Put,
    Refused,
    Replace,
    weight_of,
)
from shared.connector_state.tables.work import WORK
from shared.model.assessment import ResourceAssessments, StatusChange
from shared.model.connector import Connector
from shared.model.exemption import Exemption
from shared.model.extension import ExtensionState
from shared.model.ids import ConnectorId, OrganizationId
from shared.model.inventory import Project, Repository
from shared.model.journal import JournalEntry
from shared.model.mapping import Edge, GraphFacts, Node
from shared.model.notification import Notified
from shared.model.organization import Enrollment, Organization
from shared.model.prerequisite import Prerequisite
from shared.model.record import (
    OF_ORGANIZATIONS,
    Claim,
    KeptWork,
    Receipt,
    Record,
    RecordKind,
    RepositoryCounts,
)
from shared.model.sign_in import SignInRecord
from shared.model.summary import PostureSummary, ProjectSummary
from shared.ports import StateConflict, StateUnavailable

IMPORTING: Final = "importing"
"""Property of the version's row while an import is under way: the digest of its file."""

_ORGANIZATION: Final = "organization"
_ALL: Final = ("!", "~~")
_FACTS_AT_ONCE: Final = 200

_DOCUMENTS: Final[Mapping[RecordKind, Document[Any]]] = {
    RecordKind.CONNECTOR: Document(Connector),
    RecordKind.ORGANIZATION: Document(Organization),
    RecordKind.ENROLLMENT: Document(Enrollment),
    RecordKind.EXEMPTION: Document(Exemption),
    RecordKind.SIGN_IN: Document(SignInRecord),
    RecordKind.WORK: Document(KeptWork),
    RecordKind.ASSESSMENT: Document(ResourceAssessments),
    RecordKind.EXTENSION: Document(ExtensionState),
    RecordKind.NOTIFIED: Document(Notified),
    RecordKind.POSTURE_TOTAL: Document(PostureSummary),
    RecordKind.POSTURE: Document(ProjectSummary),
    RecordKind.PROJECT: Document(Project),
    RecordKind.REPOSITORY_COUNTS: Document(RepositoryCounts),
    RecordKind.REPOSITORY: Document(Repository),
}
_PREREQUISITES = Documents(Prerequisite)
_EDGE = Document(Edge)

_SINGLE: Final[Mapping[str, RecordKind]] = {
    EXTENSION_ROW: RecordKind.EXTENSION,
    NOTIFIED_ROW: RecordKind.NOTIFIED,
    TOTAL_ROW: RecordKind.POSTURE_TOTAL,
    COUNTS: RecordKind.REPOSITORY_COUNTS,
}
"""Rows of which an organization has one."""

_UNREADABLE: Final = (StateUnavailable, ValueError, TypeError, KeyError, zlib.error)
_BYTE = re.compile("~([0-9a-f]{2})")


class RecordsPart(AssessmentsPart, MappingsPart):
    """All of it: a row at a time, since Table Storage has no snapshot."""

    def records(self) -> Iterator[Record]:
        yield from self.records_of_everybody()
        for _, rows in groupby(
            self._table.query_partitions(prefix(_ORGANIZATION), _ALL), lambda one: one.text("PartitionKey")
        ):
            yield from _of_organization(rows)
        yield from self.records_of_graph_and_journal()

    def records_of_graph_and_journal(self) -> Iterator[Record]:
        yield from self._graph_records()
        yield from self._journal_records()

    def records_of_everybody(self) -> Iterator[Record]:
        yield from self._documents(RecordKind.CONNECTOR)
        owners = {
            one.row: one.text("organization")
            for one in self._table.query(CATALOG, prefix(UNIQUE), select=("organization",))
        }
        for entity in self._of_catalog("organization"):
            record = _document(RecordKind.ORGANIZATION, _texts(entity.row)[1:], entity)
            if isinstance(record.value, Organization) and record.copies_agree:
                names = unique_keys(record.value)
                agree = all(owners.get(one) == record.value.id for one in names)
                agree = agree and entity.text(UNIQUE) == json.dumps(names)
                record = replace(record, copies_agree=agree)
            yield record
        for entity in self._of_catalog("claim"):
            yield _claim(entity)
        yield from self._documents(RecordKind.ENROLLMENT)
        for entity in self._of_catalog("prerequisites"):
            yield _prerequisites(entity)
        yield from self._documents(RecordKind.EXEMPTION)
        for entity in self._table.query(SIGN_IN, prefix("of")):
            yield _document(RecordKind.SIGN_IN, _texts(entity.row)[1:], entity)
        for entity in self._table.query(WORK, _ALL):
            if is_work(entity.row) and entity.row.partition(":")[0] != "outbox":
                yield _document(RecordKind.WORK, _texts(entity.row), entity)

    def organizations_with_records(self) -> Iterator[OrganizationId]:
        begin, end = prefix(_ORGANIZATION)
        # One row of each partition is asked for: what comes after it begins behind all of its rows.
        while (row := next(self._table.query_partitions((begin, end), _ALL, page=1), None)) is not None:
            partition = row.text("PartitionKey")
            begin = f"{partition}!"
            rows = self._table.query(partition, _ALL, select=("RowKey",))
            if any(_is_record(one.row) for one in rows):
                yield OrganizationId(_texts(partition)[1])

    def records_of(
        self, organization: OrganizationId, kinds: Sequence[RecordKind] = OF_ORGANIZATIONS
    ) -> Iterator[Record]:
        total = self._table.get(CATALOG, key("posture", organization))
        for rows in self._rows_of(organization, kinds):
            yield from (
                replace(one, copies_agree=_copies_agree(one, rows[0], total))
                for one in _of_organization(rows)
            )

    def _rows_of(
        self, organization: OrganizationId, kinds: Sequence[RecordKind]
    ) -> Iterator[Sequence[Entity]]:
        """The rows of an organization, those of one record together."""
        ranges = [_ALL] if kinds == OF_ORGANIZATIONS else [_range_of(kind) for kind in kinds]
        for one in ranges:
            ours = (
                row
                for row in self._table.query(partition_of(organization), one)
                if is_of_organization(row.row)
            )
            for (_, base), rows in groupby(ours, _base):
                if base:
                    yield list(rows)
                else:
                    yield from ([row] for row in rows)

    def drop_records_of(self, organization: OrganizationId) -> None:
        partition = partition_of(organization)
        rows = [one.row for one in self._table.query(partition, _ALL, select=("RowKey",))]
        for start in range(0, len(rows), BATCH_MOST):
            self._table.transact(partition, [Delete(one) for one in rows[start : start + BATCH_MOST]])
        self._table.delete(CATALOG, key("posture", organization))

    def compact(self) -> tuple[int, int] | None:
        return None  # the service takes back what is deleted

    def replace_record(self, record: Record, after: object | None) -> bool:
        partition, row, whole = _place_of(record)
        rows = list(self._table.query(partition, whole)) if whole else []
        if row and (entity := self._table.get(partition, row)) is not None:
            rows = [entity]
        if record.kind is RecordKind.STATUS_CHANGE:
            of, number = OrganizationId(record.key[0]), int(record.key[1])
            rows = list(islice(self._changes_from(of, number, page=1), 1))
        stored = next(_stored(record.kind, record.key, rows), None)
        if not is_as_read(stored, record):
            return False
        if record.kind is RecordKind.STATUS_CHANGE:
            return self._replace_change(record, cast("StatusChange", after), rows[0])
        if after is None:
            main: list[Operation] = [Delete(one.row, one.etag) for one in rows]
            also: list[tuple[str, Operation]] = []
        else:
            (_, first), *also = _puts(replace(record, value=after))
            if not isinstance(first, Put):
                raise TypeError(f"a {record.kind} cannot be replaced")
            main = [
                Replace(first.row, first.values, rows[0].etag) if rows else Insert(first.row, first.values)
            ]
        try:
            for start in range(0, len(main), BATCH_MOST):
                self._table.transact(partition, main[start : start + BATCH_MOST])
        except Refused:
            return False
        for where, operation in also:
            self._table.transact(where, [operation])
        if after is None and record.kind is RecordKind.POSTURE_TOTAL:
            self._table.delete(CATALOG, key("posture", *record.key))
        return True

    def _replace_change(self, record: Record, after: StatusChange, row: Entity) -> bool:
        """Write one change anew in the row that it has with those before and behind it."""
        some = [
            after if one.key == record.key else cast("StatusChange", one.value)
            for one in _changes(record.key[0], row)
        ]
        partition, put = _history_put(record.key[0], some)
        if not isinstance(put, Put):
            raise TypeError
        values = {**put.values, "project": row.text("project")}
        try:
            self._table.transact(partition, [Replace(row.row, values, row.etag)])
        except Refused:
            return False
        return True

    def number_status_changes(self, organization: OrganizationId, last: int) -> None:
        partition = partition_of(organization)
        kept = [
            (one.row, len(list(_changes(organization, one)))) for one in self._changes_from(organization, 1)
        ]
        # The newest first: each row moves up to where nothing is any more.
        for row, number in reversed(kept):
            if row != change_key(last) and (stored := self._table.get(partition, row)) is not None:
                values = {name: one for name, one in stored.values.items() if name not in OF_THE_STORE}
                moved: list[Operation] = [Put(change_key(last), values), Delete(row, stored.etag)]
                self._table.transact(partition, moved)
            last -= number

    def date_journal(self, now: datetime) -> None:
        self._journal.date(now)

    def _documents(self, kind: RecordKind) -> Iterator[Record]:
        for entity in self._of_catalog(kind.value):
            yield _document(kind, _texts(entity.row)[1:], entity)

    def _of_catalog(self, word: str) -> Iterator[Entity]:
        """What is no row of ours is told as a stray one, not as a record."""
        return (one for one in self._table.query(CATALOG, prefix(word)) if is_in_catalog(one.row))

    def _graph_records(self) -> Iterator[Record]:
        for entity in self._table.query_partitions(prefix(GRAPH), prefix(NEAR)):
            yield _read(RecordKind.NODE, (), lambda one: near_of(one).node, entity)
        leaving = self._table.query_partitions(prefix(GRAPH), (f"{NEAR}:", "out;"))
        for _, rows in groupby(leaving, lambda one: one.text("PartitionKey")):
            edges: list[Record] = []
            for entity in rows:
                if entity.row.startswith(f"{NEAR}:"):
                    near = _read(RecordKind.NODE, (), lambda one: near_of(one).out, entity)
                    told = cast("Sequence[Edge]", near.value or ())
                    edges.extend(Record(RecordKind.EDGE, (), one) for one in told)
                else:
                    edges.append(
                        _read(RecordKind.EDGE, (), lambda one: _EDGE.load(unpack(one.values)), entity)
                    )
            yield from sorted(edges, key=order_of_edge)
        for entity in self._table.query_partitions(prefix(RECEIPT), prefix(RECEIPT)):
            hour, token = _texts(entity.text("PartitionKey"))[1], _texts(entity.row)[1]
            yield Record(RecordKind.RECEIPT, (hour, token), Receipt(entity.text("body")))

    def _journal_records(self) -> Iterator[Record]:
        """Oldest first, though keys count down: their names are few enough to be turned round."""
        for partition in [CATALOG, WORK, *self._partitions_of_organizations()]:
            self._journal.deliver_left(partition)
        names = [one.row for one in self._table.query(JOURNAL, ("0", "9"), select=("organization",))]
        for end in range(len(names), 0, -_PAGE):
            some = names[max(end - _PAGE, 0) : end]
            for stored in reversed(list(self._table.query(JOURNAL, (some[0], f"{some[-1]}!")))):
                yield from _entries(stored)

    def _partitions_of_organizations(self) -> list[str]:
        """Those with news that were not moved yet."""
        left = self._table.query_partitions(prefix(_ORGANIZATION), prefix("outbox"))
        return [name for name, _ in groupby(left, lambda one: one.text("PartitionKey"))]

    # --- writing ------------------------------------------------------------------------------------------

    def import_records(self, records: Iterable[Record], digest: str) -> None:
        version = self._table.get(CATALOG, VERSION_ROW)
        under_way = "" if version is None else version.text(IMPORTING)
        if under_way != digest and next(self.records(), None) is not None:
            raise StateConflict("The state is not empty.")
        number = 0 if version is None else version_of(version)
        self._table.put(CATALOG, VERSION_ROW, {**version_row(number), IMPORTING: digest})
        batch: list[Operation] = []
        where, size, entries = "", 0, 0
        for kind, some in groupby(records, lambda one: one.kind):
            if kind in {RecordKind.NODE, RecordKind.EDGE}:
                self._put_graph(some)
            elif kind is RecordKind.JOURNAL:
                entries = self._put_journal(some, entries)
            else:
                for partition, operation in _operations(kind, some):
                    weight = weight_of(operation.values) if isinstance(operation, Put) else 0
                    if batch and (
                        partition != where or len(batch) == BATCH_MOST or size + weight > BYTES_MOST
                    ):
                        self._table.transact(where, batch)
                        batch, size = [], 0
                    where = partition
                    batch.append(operation)
                    size += weight
        self._table.transact(where, batch)
        self._table.put(CATALOG, VERSION_ROW, version_row(number))

    def _put_graph(self, records: Iterable[Record]) -> None:
        stream = iter(records)
        while some := list(islice(stream, _FACTS_AT_ONCE)):
            nodes = tuple(one.value for one in some if isinstance(one.value, Node))
            self.record_mappings(
                GraphFacts(nodes, tuple(one.value for one in some if isinstance(one.value, Edge)))
            )

    def _put_journal(self, records: Iterable[Record], number: int) -> int:
        """Write entries in chunks whose names follow from their place: again, they are the same."""
        entries = (cast("JournalEntry", one.value) for one in records)
        waiting = []
        for organization, same in groupby(entries, lambda one: one.organization or ""):
            while told := list(islice(same, CHUNK)):
                number += 1
                waiting.append(Chunks.named(name_of_imported(number), organization, told))
                if len(waiting) == _CHUNKS_AT_ONCE:
                    self._journal.write(waiting)
                    waiting = []
        if waiting:
            self._journal.write(waiting)
        return number


_PAGE: Final = 500
_CHUNKS_AT_ONCE: Final = 20


def _texts(row: str) -> tuple[str, ...]:
    """The parts that `key` made a key of. Those that were too long for it are not told."""
    found = []
    for one in row.split(":"):
        if "~~" in one:
            raise StateUnavailable(f"The key {row} is too long to be read back.")
        raw = _BYTE.sub(lambda match: chr(int(match[1], 16)), one).encode("latin-1")
        found.append(raw.decode(errors="surrogatepass"))
    return tuple(found)


def _read(
    kind: RecordKind, name: tuple[str, ...], load: Callable[[Entity], object], entity: Entity
) -> Record:
    try:
        found = Record(kind, name, load(entity))
        # Of several in one row each is looked at alone.
        return checked(found) if kind in _DOCUMENTS or isinstance(found.value, Prerequisites) else found
    except _UNREADABLE as error:
        return Record(kind, name, None, str(error) or type(error).__name__)


def _document(kind: RecordKind, name: tuple[str, ...], entity: Entity) -> Record:
    found = _read(kind, name, lambda one: _DOCUMENTS[kind].load(unpack(one.values)), entity)
    if isinstance(found.value, (Connector, Organization, Enrollment, SignInRecord)):
        return replace(found, copies_agree=entity.text(REVISION) == str(found.value.revision))
    return found


def _claim(entity: Entity) -> Record:
    return _read(
        RecordKind.CLAIM,
        _texts(entity.row)[1:],
        lambda one: Claim(ConnectorId(one.text("connector"))),
        entity,
    )


def _prerequisites(entity: Entity) -> Record:
    return _read(
        RecordKind.PREREQUISITES,
        _texts(entity.row)[1:],
        lambda one: Prerequisites(_PREREQUISITES.load(unpack(one.values))),
        entity,
    )


_NO_RECORDS: Final = frozenset({"fence", "outbox"})
"""Rows of an organization's partition that are no record, by their first word."""


def _is_record(row: str) -> bool:
    return is_of_organization(row) and row.partition(":")[0] not in _NO_RECORDS


def _place_of(record: Record) -> tuple[str, str, tuple[str, str] | None]:
    """Partition and row of a record; or, of one in pieces, the range of its rows."""
    kind, name = record.kind, record.key
    if kind in {RecordKind.FACTS, RecordKind.PARTIAL}:
        return partition_of(OrganizationId(name[0])), "", prefix(kind.value, name[1])
    if kind in _OF_ORGANIZATION:
        word = next((word for word, one in _SINGLE.items() if one is kind), "")
        row = key(word) if word else key(kind.value, name[1] or WHOLE, *name[2:])
        return partition_of(OrganizationId(name[0])), row, None
    if kind is RecordKind.WORK:
        return WORK, key(*name), None
    if kind is RecordKind.SIGN_IN:
        return SIGN_IN, key("of", *name), None
    return CATALOG, key(kind.value, *name), None


def _range_of(kind: RecordKind) -> tuple[str, str]:
    """The rows of an organization's partition that hold records of this kind."""
    word = next((word for word, one in _SINGLE.items() if one is kind), "")
    if word:
        return key(word), f"{key(word)}!"
    return prefix("change" if kind is RecordKind.STATUS_CHANGE else kind.value)


def _stored(kind: RecordKind, name: tuple[str, ...], rows: Sequence[Entity]) -> Iterator[Record]:
    """The record of this name that is in these rows."""
    if not rows:
        return
    if kind is RecordKind.STATUS_CHANGE:
        yield from (one for one in _changes(name[0], rows[0]) if one.key == name)
    elif kind is RecordKind.CLAIM:
        yield _claim(rows[0])
    elif kind is RecordKind.PREREQUISITES:
        yield _prerequisites(rows[0])
    elif kind in _OF_ORGANIZATION:
        yield from _of_organization(rows)
    else:
        yield _document(kind, name, rows[0])


def _copies_agree(record: Record, entity: Entity, total: Entity | None) -> bool:
    """Whether the statuses beside an assessment, and the sum that is kept for everybody, are its own."""
    if isinstance(record.value, ResourceAssessments):
        told = entity.values.get(BRIEF)
        try:
            return isinstance(told, bytes) and zlib.decompress(told) == zlib.decompress(brief(record.value))
        except zlib.error:
            return False
    if isinstance(record.value, PostureSummary):
        return total is not None and unpack(total.values) == unpack(entity.values)
    return True


def _entries(stored: Entity) -> Iterator[Record]:
    chunk = _read(RecordKind.JOURNAL, (stored.row,), lambda one: ENTRIES.load(unpack(one.values)), stored)
    if chunk.value is None:
        yield chunk
        return
    for entry in cast("Sequence[JournalEntry]", chunk.value):
        yield Record(RecordKind.JOURNAL, (), replace(entry, id=0))


def _of_organization(rows: Iterable[Entity]) -> Iterator[Record]:
    """The records in the rows of one organization's partition."""
    ours = (one for one in rows if is_of_organization(one.row))
    for (partition, base), some in groupby(ours, _base):
        (organization,) = _texts(partition)[1:]
        yield from _of_rows(organization, base, some)


def _base(entity: Entity) -> tuple[str, str]:
    """Partition and what the pieces of one record have in common; nothing, for what is one row."""
    word, _, rest = entity.row.partition(":")
    return entity.text("PartitionKey"), f"{word}:{rest.rpartition(':')[0]}" if word in _IN_PIECES else ""


_IN_PIECES: Final = frozenset({"facts", "partial"})


def _of_rows(organization: str, base: str, rows: Iterable[Entity]) -> Iterator[Record]:
    if base:
        word, name = _texts(base)
        kind = RecordKind(word)
        yield Record(kind, (organization, name), b"".join(unpack_bytes(one.values) for one in rows))
        return
    for entity in rows:
        word = entity.row.partition(":")[0]
        if word == "change":
            yield from _changes(organization, entity)
        elif word in _SINGLE:
            yield _document(_SINGLE[word], (organization,), entity)
        elif word in _ROWS:
            parts = _texts(entity.row)[1:]
            scope = "" if parts[0] == WHOLE else parts[0]
            yield _document(_ROWS[word], (organization, scope, *parts[1:]), entity)


_ROWS: Final = {
    one.value: one
    for one in (RecordKind.ASSESSMENT, RecordKind.POSTURE, RecordKind.PROJECT, RecordKind.REPOSITORY)
}


def _changes(organization: str, entity: Entity) -> Iterator[Record]:
    last = int(entity.row.rpartition(":")[2])
    chunk = _read(
        RecordKind.STATUS_CHANGE,
        (organization, str(last)),
        lambda one: CHANGES.load(unpack(one.values)),
        entity,
    )
    if chunk.value is None:
        yield chunk
        return
    some = cast("Sequence[StatusChange]", chunk.value)
    for number, one in enumerate(some, start=last - len(some) + 1):
        name = (organization, str(number))
        yield checked(Record(RecordKind.STATUS_CHANGE, name, replace(one, sequence=number)))


def _operations(kind: RecordKind, records: Iterable[Record]) -> Iterator[tuple[str, Operation]]:
    """What writes records of one kind, with the partition of each."""
    if kind is RecordKind.STATUS_CHANGE:
        yield from _history(records)
        return
    for record in records:
        yield from _puts(record)


def _history(records: Iterable[Record]) -> Iterator[tuple[str, Operation]]:
    """Changes in pieces of numbers that follow one another."""
    waiting: list[StatusChange] = []
    where = ""
    for record in records:
        one = cast("StatusChange", record.value)
        follows = bool(waiting) and waiting[-1].sequence + 1 == one.sequence and record.key[0] == where
        if waiting and (not follows or len(waiting) == HISTORY_CHUNK):
            yield _history_put(where, waiting)
            waiting = []
        where = record.key[0]
        waiting.append(one)
    if waiting:
        yield _history_put(where, waiting)


def _history_put(organization: str, some: Sequence[StatusChange]) -> tuple[str, Operation]:
    newest = time_text(max(one.at for one in some))
    document = CHANGES.dump(replace(one, sequence=0) for one in some)
    row = Put(change_key(some[-1].sequence), {**pack(document), NEWEST: newest, "project": ""})
    return partition_of(OrganizationId(organization)), row


def _puts(record: Record) -> Iterator[tuple[str, Operation]]:
    kind, name, value = record.kind, record.key, record.value
    if kind in _OF_ORGANIZATION:
        yield from _put_of_organization(kind, name, value)
    elif isinstance(value, Organization):
        unique = unique_keys(value)
        told = {REVISION: str(value.revision), UNIQUE: json.dumps(unique)}
        yield CATALOG, Put(key("organization", value.id), {**_packed(record), **told})
        for one in unique:
            yield CATALOG, Put(one, {"organization": value.id})
    elif isinstance(value, Claim):
        yield CATALOG, Put(key("claim", *name), claim_values(OrganizationId(name[1]), value.connector))
    elif isinstance(value, Prerequisites):
        values = {**pack(_PREREQUISITES.dump(value.checked)), "connector": name[1]}
        yield CATALOG, Put(key("prerequisites", *name), values)
    elif isinstance(value, KeptWork):
        yield WORK, Put(key(*name), _packed(record))
    elif isinstance(value, SignInRecord):
        yield SIGN_IN, Put(key("of", *name), {**_packed(record), REVISION: str(value.revision)})
    elif isinstance(value, Receipt):
        yield key(RECEIPT, name[0]), Put(key(RECEIPT, name[1]), {"body": value.body})
    else:
        values = _packed(record)
        if isinstance(value, (Connector, Enrollment)):
            values = {**values, REVISION: str(value.revision)}
        if isinstance(value, Enrollment):
            values = {**values, "connector": value.connector}
        yield CATALOG, Put(key(kind.value, *name), values)


_OF_ORGANIZATION: Final = frozenset(
    {*_ROWS.values(), *_SINGLE.values(), RecordKind.FACTS, RecordKind.PARTIAL}
)


def _put_of_organization(
    kind: RecordKind, name: tuple[str, ...], value: object
) -> Iterator[tuple[str, Operation]]:
    partition = partition_of(OrganizationId(name[0]))
    if isinstance(value, bytes):
        for number, start in enumerate(range(0, len(value), PIECE)):
            piece = pack_bytes(value[start : start + PIECE])
            yield partition, Put(key(kind.value, name[1], f"{number:06}"), piece)
        return
    value = _unseen(value)
    values: dict[str, Value] = dict(pack(_DOCUMENTS[kind].dump(value)))
    if isinstance(value, ResourceAssessments):
        values[BRIEF] = brief(value)
    if isinstance(value, ProjectSummary):
        values |= {AT: time_text(value.assessed_at), "project": value.project or ""}
    word = next((word for word, one in _SINGLE.items() if one is kind), "")
    row = key(word) if word else key(kind.value, name[1] or WHOLE, *name[2:])
    yield partition, Put(row, values)
    if isinstance(value, PostureSummary):
        yield CATALOG, Put(key("posture", name[0]), pack(_DOCUMENTS[kind].dump(value)))


def _unseen(value: object) -> object:
    if isinstance(value, Project):
        return unseen(value)
    return unseen(value) if isinstance(value, Repository) else value


def _packed(record: Record) -> dict[str, Value]:
    return dict(pack(_DOCUMENTS[record.kind].dump(record.value)))
