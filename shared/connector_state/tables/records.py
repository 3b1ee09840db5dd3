"""All that the table holds as records, in the order that every store tells them in, and back."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, islice
from typing import Any, Final, cast

from shared.connector_state.codec import Document, Documents, time_text
from shared.connector_state.record_forms import Prerequisites
from shared.connector_state.records import order_of_edge
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
from shared.connector_state.tables.journal import CHUNK, ENTRIES, JOURNAL, Chunks, name_of_imported
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
from shared.connector_state.tables.sign_ins import SIGN_IN
from shared.connector_state.tables.table import BATCH_MOST, Entity, Operation, Put
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
from shared.model.record import Claim, KeptWork, Receipt, Record, RecordKind, RepositoryCounts
from shared.model.summary import PostureSummary, ProjectSummary
from shared.ports import SignInRecord, StateConflict, StateUnavailable

VERSION_ROW: Final = "version"
IMPORTING: Final = "importing"
"""Property of the version's row while an import is under way: the digest of its file."""

_ORGANIZATION: Final = "organization"
_ALL: Final = ("!", "~~")
_BYTES_MOST: Final = 1_500_000
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
        for kind in (RecordKind.CONNECTOR, RecordKind.ORGANIZATION):
            yield from self._documents(kind, CATALOG)
        for entity in self._table.query(CATALOG, prefix("claim")):
            yield _read(
                RecordKind.CLAIM,
                _texts(entity.row)[1:],
                lambda one: Claim(ConnectorId(one.text("connector"))),
                entity,
            )
        yield from self._documents(RecordKind.ENROLLMENT, CATALOG)
        for entity in self._table.query(CATALOG, prefix("prerequisites")):
            yield _read(
                RecordKind.PREREQUISITES,
                _texts(entity.row)[1:],
                lambda one: Prerequisites(_PREREQUISITES.load(unpack(one.values))),
                entity,
            )
        yield from self._documents(RecordKind.EXEMPTION, CATALOG)
        yield from self._documents(RecordKind.SIGN_IN, SIGN_IN, "of")
        for entity in self._table.query(WORK, _ALL):
            if entity.row.partition(":")[0] != "outbox":
                yield _document(RecordKind.WORK, _texts(entity.row), entity)
        for _, rows in groupby(
            self._table.query_partitions(prefix(_ORGANIZATION), _ALL), lambda one: one.text("PartitionKey")
        ):
            yield from _of_organization(rows)
        yield from self._graph_records()
        yield from self._journal_records()

    def _documents(self, kind: RecordKind, partition: str, word: str = "") -> Iterator[Record]:
        for entity in self._table.query(partition, prefix(word or kind.value)):
            yield _document(kind, _texts(entity.row)[1:], entity)

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
        number = 0 if version is None else version.number("version")
        self._table.put(CATALOG, VERSION_ROW, {"version": number, IMPORTING: digest})
        batch: list[Operation] = []
        where, size, entries = "", 0, 0
        for kind, some in groupby(records, lambda one: one.kind):
            if kind in {RecordKind.NODE, RecordKind.EDGE}:
                self._put_graph(some)
            elif kind is RecordKind.JOURNAL:
                entries = self._put_journal(some, entries)
            else:
                for partition, operation in _operations(kind, some):
                    weight = _weight(operation)
                    if batch and (
                        partition != where or len(batch) == BATCH_MOST or size + weight > _BYTES_MOST
                    ):
                        self._table.transact(where, batch)
                        batch, size = [], 0
                    where = partition
                    batch.append(operation)
                    size += weight
        self._table.transact(where, batch)
        self._table.put(CATALOG, VERSION_ROW, {"version": number})

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
        return Record(kind, name, load(entity))
    except _UNREADABLE as error:
        return Record(kind, name, None, str(error) or type(error).__name__)


def _document(kind: RecordKind, name: tuple[str, ...], entity: Entity) -> Record:
    return _read(kind, name, lambda one: _DOCUMENTS[kind].load(unpack(one.values)), entity)


def _entries(stored: Entity) -> Iterator[Record]:
    chunk = _read(RecordKind.JOURNAL, (stored.row,), lambda one: ENTRIES.load(unpack(one.values)), stored)
    if chunk.value is None:
        yield chunk
        return
    for entry in cast("Sequence[JournalEntry]", chunk.value):
        yield Record(RecordKind.JOURNAL, (), replace(entry, id=0))


def _of_organization(rows: Iterable[Entity]) -> Iterator[Record]:
    """The records in the rows of one organization's partition."""
    for (partition, base), some in groupby(rows, _base):
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
        yield Record(RecordKind.STATUS_CHANGE, (organization, str(number)), replace(one, sequence=number))


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


def _weight(operation: Operation) -> int:
    values = operation.values.values() if isinstance(operation, Put) else ()
    return sum(len(one) for one in values if isinstance(one, (str, bytes)))
