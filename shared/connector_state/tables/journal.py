"""The journal: written along with what it tells of, then moved to where it can be read in order of time.

Entries are written in chunks, into the partition and the transaction of the change they tell of (its outbox),
and moved from there into the journal's own partitions: one of everything, one for each organization. Chunks
have names of their own, so moving them twice changes nothing. A process that dies in between leaves them in
the outbox, for whoever comes next.
"""

from __future__ import annotations

import secrets
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby, islice
from typing import Final

from shared.connector_state.codec import Documents, time_text
from shared.connector_state.tables.keys import Value, key, pack, prefix, unpack
from shared.connector_state.tables.table import BATCH_MOST, Delete, Operation, Put, Refused, Table
from shared.model.ids import OrganizationId
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.work import SKEW
from shared.ports import StateUnavailable

JOURNAL: Final = "journal"
OUTBOX: Final = "outbox"

ENTRIES = Documents(JournalEntry)
CHUNK: Final = 100
"""Entries in one entity, at most: a few kilobytes, compressed."""
_TOGETHER: Final = 20
"""Chunks that are moved at once: moving takes three transactions, however many there are."""
_END: Final = 10**19
"""Behind every time in nanoseconds that there will be: keys count down to it, so the newest come first."""
_PER_CHUNK: Final = 1_000
"""Ids of entries: the chunk's time, and a number below this."""

ORGANIZATION: Final = "organization"
_NEWEST: Final = "newest"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some entries of one organization (or of none), under the name that they keep."""

    name: str
    organization: str
    values: Mapping[str, Value]

    @property
    def operation(self) -> Operation:
        """What writes it along with the change that it tells of."""
        return Put(key(OUTBOX, self.name), self.values)


class Chunks:
    """Makes chunks. Their times only grow within a process, so its own entries keep their order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def of(self, entries: Sequence[JournalEntry]) -> list[Chunk]:
        """The entries as chunks, in their order."""
        chunks: list[Chunk] = []
        for organization, same in groupby(entries, lambda one: one.organization or ""):
            told = list(same)
            chunks.extend(
                self._chunk(organization, told[start : start + CHUNK]) for start in range(0, len(told), CHUNK)
            )
        return chunks

    def _chunk(self, organization: str, entries: Sequence[JournalEntry]) -> Chunk:
        with self._lock:
            self._last = max(self._last + 1, time.time_ns())
            name = f"{_END - self._last:020d}-{secrets.token_hex(3)}"
        return self.named(name, organization, entries)

    @staticmethod
    def named(name: str, organization: str, entries: Sequence[JournalEntry]) -> Chunk:
        """The entries under this name."""
        document = ENTRIES.dump(replace(one, id=0) for one in entries)
        newest = max(time_text(one.at) for one in entries)
        return Chunk(name, organization, {**pack(document), ORGANIZATION: organization, _NEWEST: newest})


def name_of_imported(number: int) -> str:
    """The name of a chunk that was imported, older than every one that was written here."""
    return f"{_END - 1 - number:020d}-import"


class Journal:
    """Moves chunks out of outboxes, and reads them back."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.chunks = Chunks()
        self._lock = threading.Lock()
        self._left: dict[str, list[Chunk]] = {}

    def deliver(self, partition: str, chunks: Iterable[Chunk]) -> None:
        """Move chunks that were written to a partition's outbox. What cannot be moved now is moved later."""
        with self._lock:
            mine = [*self._left.pop(partition, ()), *chunks]
        if not mine:
            return
        try:
            self._move(partition, mine)
        except StateUnavailable:
            # The change itself was written; that its news are late must not make it look as if it were not.
            with self._lock:
                self._left[partition] = [*mine, *self._left.get(partition, ())]

    def deliver_soon(self, partition: str, chunks: Iterable[Chunk]) -> None:
        """As `deliver`, for many small changes in a row: when there are enough of them, or somebody reads."""
        with self._lock:
            waiting = self._left.setdefault(partition, [])
            waiting.extend(chunks)
            enough = len(waiting) >= _TOGETHER
        if enough:
            self.deliver(partition, ())

    def deliver_left(self, partition: str) -> None:
        """Move what somebody who died left in a partition's outbox. Raises `StateUnavailable`."""
        left = [
            Chunk(
                entity.row.partition(":")[2],
                entity.text(ORGANIZATION),
                {name: value for name, value in entity.values.items() if name not in OF_THE_STORE},
            )
            for entity in self._table.query(partition, prefix(OUTBOX))
        ]
        if left:
            self._move(partition, left)

    def append(self, entries: Sequence[JournalEntry]) -> None:
        """Write entries that tell of no change of the state."""
        for slice_ in _slices(self.chunks.of(entries)):
            self.write(slice_)

    def write(self, chunks: Sequence[Chunk]) -> None:
        """Write chunks to where they are read; those that are there stay as they are."""
        by_organization: dict[str, list[Operation]] = {}
        for one in chunks:
            if one.organization:
                by_organization.setdefault(one.organization, []).append(Put(one.name, one.values))
        for organization, operations in by_organization.items():
            self._table.transact(key(JOURNAL, organization), operations)
        self._table.transact(JOURNAL, [Put(one.name, one.values) for one in chunks])

    def _move(self, partition: str, chunks: Sequence[Chunk]) -> None:
        for slice_ in _slices(chunks):
            self.write(slice_)
            try:
                self._table.transact(partition, [Delete(key(OUTBOX, one.name)) for one in slice_])
            except Refused:
                # Somebody else moved some of them, or our own first try did.
                for one in slice_:
                    self._table.delete(partition, key(OUTBOX, one.name))

    def read(
        self,
        organization: OrganizationId | None,
        event: JournalEvent | None,
        since: datetime | None,
        limit: int,
    ) -> tuple[JournalEntry, ...]:
        """The newest entries that match, oldest of them first."""
        with self._lock:
            waiting = list(self._left)
        for partition in waiting:
            self.deliver(partition, ())
        found: list[JournalEntry] = []
        for entry in self._newest(organization, since, limit) if limit > 0 else ():
            if event is not None and entry.event is not event:
                continue
            if since is not None and entry.at < since:
                continue
            found.append(entry)
            if len(found) >= limit:
                break
        return tuple(reversed(found))

    def forget(self, before: datetime, limit: int) -> int:
        """Forget chunks of which every entry is older, as many at most; returns how many."""
        oldest = time_text(before)
        # Names count down from when they were written, so those that may be old are one range.
        begin = f"{_END - int(before.timestamp()) * 10**9:020d}"
        found = self._table.query(JOURNAL, (begin, "9"), select=(ORGANIZATION, _NEWEST))
        old = list(islice((one for one in found if one.text(_NEWEST) < oldest), limit))
        # The organization's copy goes first: the other is what it is found by again.
        copies: dict[str, list[str]] = {}
        for one in old:
            if one.text(ORGANIZATION):
                copies.setdefault(key(JOURNAL, one.text(ORGANIZATION)), []).append(one.row)
        for partition, rows in (*copies.items(), (JOURNAL, [one.row for one in old])):
            for start in range(0, len(rows), BATCH_MOST):
                some = rows[start : start + BATCH_MOST]
                try:
                    self._table.transact(partition, [Delete(row) for row in some])
                except Refused:  # somebody else forgot some of them, or our own first try did
                    for row in some:
                        self._table.delete(partition, row)
        return len(old)

    def date(self, now: datetime) -> None:
        """Date entries that are still to come as of now, in names of now: they stood before all others."""
        latest = now + SKEW
        for entity in list(self._table.query(JOURNAL, ("0", "9"), select=("RowKey",))):
            if (stored := self._table.get(JOURNAL, entity.row)) is None:
                continue
            try:
                entries = ENTRIES.load(unpack(stored.values))
            except (StateUnavailable, ValueError, TypeError, zlib.error):
                continue
            if all(one.at <= latest for one in entries):
                continue
            dated = [replace(one, at=min(one.at, now)) if one.at > latest else one for one in entries]
            written = (_END - int(entity.row.partition("-")[0])) / 10**9
            if written <= latest.timestamp():
                self.write([Chunks.named(entity.row, stored.text(ORGANIZATION), dated)])
                continue
            self.append(dated)
            if stored.text(ORGANIZATION):
                self._table.delete(key(JOURNAL, stored.text(ORGANIZATION)), entity.row)
            self._table.delete(JOURNAL, entity.row)

    def _newest(
        self, organization: OrganizationId | None, since: datetime | None, limit: int
    ) -> Iterator[JournalEntry]:
        partition = JOURNAL if organization is None else key(JOURNAL, organization)
        oldest = "" if since is None else time_text(since)
        page = min(500, limit // 10 + 10)
        for entity in self._table.query(partition, ("0", "9"), page=page):
            if entity.text(_NEWEST) < oldest:
                continue
            first = (_END - int(entity.row.partition("-")[0])) * _PER_CHUNK
            entries = ENTRIES.load(unpack(entity.values))
            for number in reversed(range(len(entries))):
                yield replace(entries[number], id=first + number)


OF_THE_STORE = frozenset({"PartitionKey", "RowKey", "Timestamp"})


def _slices(chunks: Sequence[Chunk]) -> Iterator[Sequence[Chunk]]:
    """As many as one transaction takes, in number and in bytes."""
    begin, size = 0, 0
    for number, chunk in enumerate(chunks):
        weight = sum(len(value) for value in chunk.values.values() if isinstance(value, (str, bytes)))
        if number > begin and (number - begin >= BATCH_MOST or size + weight > _BYTES_MOST):
            yield chunks[begin:number]
            begin, size = number, 0
        size += weight
    if chunks:
        yield chunks[begin:]


_BYTES_MOST: Final = 1_000_000
"""Of a transaction's documents: Table Storage takes four megabytes, in base64 and with everything around."""


class Part:
    """A share of the state; several make up the whole, on one table."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._journal = Journal(table)


class JournalPart(Part):
    """Appending to the journal and reading its end."""

    def append_journal(self, entries: Sequence[JournalEntry]) -> None:
        self._journal.append(entries)

    def journal(
        self,
        *,
        organization: OrganizationId | None = None,
        event: JournalEvent | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> tuple[JournalEntry, ...]:
        return self._journal.read(organization, event, since, limit)

    def forget_journal(self, before: datetime, limit: int) -> int:
        return self._journal.forget(before, limit)
