"""Assessments: one row per resource, and small sums of them for whoever must not read them all.

Rows are kept by project, so that one project is read without the others. Each project's row of sums and the
organization's total are written in the same transaction as the rows that they count. Changes of status are
written in the transaction that makes them, numbered by a count in the total, and kept in order of number.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared.connector_state.codec import Document, Documents, time_of, time_text
from shared.connector_state.tables.catalog import CATALOG
from shared.connector_state.tables.fence import FENCED_MOST, partition_of
from shared.connector_state.tables.inventory import InventoryPart
from shared.connector_state.tables.journal import Chunk
from shared.connector_state.tables.keys import key, pack, prefix, unpack
from shared.connector_state.tables.table import Delete, Entity, Operation, Put, Table
from shared.model.assessment import AssessmentChange, Findings, ResourceAssessments, StatusChange
from shared.model.ids import OrganizationId, ProjectId
from shared.model.journal import JournalEntry
from shared.model.notification import Notified
from shared.model.summary import (
    PostureSummary,
    ProjectSummary,
    ResourceStatuses,
    statuses_of,
    with_change,
)
from shared.model.work import SKEW, Lease, Work, WorkKind

_ROW = Document(ResourceAssessments)
_STATUSES = Document(ResourceStatuses)
_PROJECT = Document(ProjectSummary)
_TOTAL = Document(PostureSummary)

CHANGES = Documents(StatusChange)
_NOTIFIED = Document(Notified)

ResourceKey = tuple[str, str]

AT: Final = "assessedAt"
BRIEF: Final = "statuses"
_CHANGE: Final = "change"
NEWEST: Final = "newest"
_DIGITS: Final = 12
HISTORY_CHUNK: Final = 100
"""Changes of status in one entity, at most: those of one project in one run are kept together."""
TOTAL_ROW: Final = "posture-total"
NOTIFIED_ROW: Final = "notified"
WHOLE: Final = "-"
"""In keys, for the organization itself: no project's id, and a key's part cannot be empty."""
_LAST: Final = 3
"""Operations that end a change: the project's sums, the total, and one in reserve."""


@dataclass(frozen=True, slots=True)
class _Sums:
    """The sums of one organization, as the holder of this lease wrote them last."""

    lease: tuple[int, int]
    total: PostureSummary
    by_project: dict[ProjectId | None, Findings]

    def with_change(self, after: ProjectSummary) -> tuple[_Sums, Sequence[Operation]]:
        """The sums once a project's have become these, and what writes them."""
        before = self.by_project.get(after.project)
        newest = self.total.newest
        total = replace(
            self.total,
            findings=with_change(self.total.findings, before or {}, after.findings),
            projects=self.total.projects + (before is None and after.project is not None),
            newest=after.assessed_at if newest is None else max(newest, after.assessed_at),
        )
        told = {AT: time_text(after.assessed_at), "project": after.project or ""}
        changed = replace(self, total=total)
        writes = (
            Put(key("posture", after.project or WHOLE), {**pack(_PROJECT.dump(after)), **told}),
            changed.write_total,
        )
        self.by_project[after.project] = after.findings
        return changed, writes

    def with_history(
        self, history: Sequence[StatusChange], project: ProjectId | None
    ) -> tuple[_Sums, Sequence[Operation]]:
        """The sums once these changes have got their numbers, and what writes the changes."""
        writes = []
        last = self.total.changes
        for start in range(0, len(history), HISTORY_CHUNK):
            some = history[start : start + HISTORY_CHUNK]
            last += len(some)
            told = {NEWEST: time_text(max(one.at for one in some)), "project": project or ""}
            writes.append(Put(change_key(last), {**pack(CHANGES.dump(some)), **told}))
        return replace(self, total=replace(self.total, changes=last)), writes

    @property
    def write_total(self) -> Operation:
        """What writes the organization's sums."""
        return Put(key(TOTAL_ROW), pack(_TOTAL.dump(self.total)))


@dataclass(frozen=True, slots=True)
class _Parcel:
    """Operations that must be written together, with the changes of status that they make."""

    operations: tuple[Operation, ...]
    history: tuple[StatusChange, ...] = ()


def _together(parcels: Iterable[_Parcel]) -> Iterator[_Parcel]:
    """As many in one as a transaction takes; at least one, which may be empty."""
    operations: list[Operation] = []
    history: list[StatusChange] = []
    for one in parcels:
        entities = len(operations) + len(one.operations)
        entities += -(-(len(history) + len(one.history)) // HISTORY_CHUNK)
        if (operations or history) and entities > FENCED_MOST - _LAST:
            yield _Parcel(tuple(operations), tuple(history))
            operations, history = [], []
        operations.extend(one.operations)
        history.extend(one.history)
    yield _Parcel(tuple(operations), tuple(history))


class AssessmentsPart(InventoryPart):
    """What the rules said of each resource."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._sums: dict[OrganizationId, _Sums] = {}

    def apply_assessments(
        self, lease: Lease, project: ProjectId | None, change: AssessmentChange, assessed_at: datetime
    ) -> None:
        partition = partition_of(lease.organization)
        self.check_lease_now_and_then(lease)
        chunks = self._journal.chunks.of(change.journal)
        before = self._sums_before(lease)
        try:
            numbered, operations = before, list[Operation]()
            for parcel in _together(self._parcels(lease.organization, project, change, chunks)):
                if operations:
                    # The number of the last change goes with the changes: a run that is repeated goes on.
                    self._fence.write(lease, [*operations, numbered.write_total])
                numbered, history = numbered.with_history(parcel.history, project)
                operations = [*parcel.operations, *history]
            after, sums = numbered.with_change(ProjectSummary(project, change.findings, assessed_at))
            self._fence.write(lease, [*operations, *sums])
        except BaseException:
            self._sums.pop(lease.organization, None)
            raise
        finally:
            self._journal.deliver_soon(partition, chunks)
        self._sums[lease.organization] = after

    def _parcels(
        self,
        organization: OrganizationId,
        project: ProjectId | None,
        change: AssessmentChange,
        chunks: Iterable[Chunk],
    ) -> Iterator[_Parcel]:
        """What belongs together: a row, or its end, with its history; and what is told of it all."""
        history: dict[ResourceKey, list[StatusChange]] = {}
        for one in change.history:
            history.setdefault((one.resource.kind.value, one.resource.id), []).append(one)
        for row in change.rows:
            kind, identifier = row.resource.kind.value, row.resource.id
            values = {**pack(_ROW.dump(row)), BRIEF: brief(row)}
            put = Put(_row_key(row.resource.project, kind, identifier), values)
            yield _Parcel((put,), tuple(history.pop((kind, identifier), ())))
        for chunk in chunks:
            yield _Parcel((chunk.operation,))
        # Last: were they deleted first, a run that dies in between would have forgotten what to tell of them.
        for key_, deletes in self._drop(organization, project, change):
            yield _Parcel(deletes, tuple(history.pop(key_, ())))
        for left in history.values():
            yield _Parcel((), tuple(left))

    def _drop(
        self, organization: OrganizationId, project: ProjectId | None, change: AssessmentChange
    ) -> Iterator[tuple[ResourceKey, tuple[Operation, ...]]]:
        """Deletes of what is still kept in this project, and is not written anew."""
        if not change.dropped:
            return
        kept = {
            one.row
            for one in self._table.query(
                partition_of(organization), prefix("assessment", project or WHOLE), select=("RowKey",)
            )
        }
        kept -= {
            _row_key(row.resource.project, row.resource.kind.value, row.resource.id) for row in change.rows
        }
        for kind, identifier in dict.fromkeys(change.dropped):
            row = _row_key(project, kind, identifier)
            yield (kind, identifier), (Delete(row),) if row in kept else ()

    def _sums_before(self, lease: Lease) -> _Sums:
        """The sums as they are stored: read once for each lease, whose holder alone changes them."""
        number = (lease.revision, lease.attempt)
        known = self._sums.get(lease.organization)
        if known is not None and known.lease == number:
            return known
        summaries = {one.project: one.findings for one in self.project_summaries(lease.organization)}
        return _Sums(number, self._total(lease.organization), summaries)

    def _total(self, organization: OrganizationId) -> PostureSummary:
        stored = self._table.get(partition_of(organization), key(TOTAL_ROW))
        return PostureSummary(organization) if stored is None else _TOTAL.load(unpack(stored.values))

    def assessments(
        self, organization: OrganizationId, project: ProjectId | None = None
    ) -> Iterator[ResourceAssessments]:
        rows = prefix("assessment") if project is None else prefix("assessment", project or WHOLE)
        for entity in self._table.query(partition_of(organization), rows):
            yield _ROW.load(unpack(entity.values))

    def statuses(self, organization: OrganizationId) -> Iterator[ResourceStatuses]:
        partition = partition_of(organization)
        for entity in self._table.query(partition, prefix("assessment"), select=("RowKey", BRIEF)):
            brief = entity.values.get(BRIEF)
            if isinstance(brief, bytes):
                yield _STATUSES.load(zlib.decompress(brief))
            elif (whole := self._table.get(partition, entity.row)) is not None:
                # Written by a version that did not keep it apart.
                yield statuses_of(_ROW.load(unpack(whole.values)))

    def assessed_at(self, organization: OrganizationId) -> Mapping[str, datetime]:
        found = self._table.query(partition_of(organization), prefix("posture"), select=("project", AT))
        return {one.text("project"): time_of(one.text(AT)) for one in found}

    def project_summaries(self, organization: OrganizationId) -> tuple[ProjectSummary, ...]:
        return tuple(
            _PROJECT.load(unpack(one.values))
            for one in self._table.query(partition_of(organization), prefix("posture"))
        )

    def posture_summaries(self) -> Mapping[OrganizationId, PostureSummary]:
        found = (_TOTAL.load(unpack(one.values)) for one in self._table.query(CATALOG, prefix("posture")))
        return {one.organization: one for one in found}

    def confirm_assessments(
        self, lease: Lease, read_since: datetime | None, confirmed_at: datetime | None
    ) -> None:
        self.check_lease(lease)
        before = self._sums_before(lease)
        total = replace(before.total, read_since=read_since, confirmed_at=confirmed_at)
        if total == before.total:
            return
        after = replace(before, total=total)
        self._sums.pop(lease.organization, None)
        self._fence.write(lease, [after.write_total])
        self._sums[lease.organization] = after

    def put_facts(self, lease: Lease, project: ProjectId, content: bytes) -> None:
        self.check_lease_now_and_then(lease)
        self._put_pieces(lease, ("facts", project), content)

    def facts(self, organization: OrganizationId, project: ProjectId) -> bytes:
        return self._pieces(organization, ("facts", project))

    def status_changes(
        self,
        organization: OrganizationId,
        *,
        after: int = 0,
        since: datetime | None = None,
        resource: str = "",
    ) -> Iterator[StatusChange]:
        begin = after + 1
        if since is not None:
            # Writers' clocks differ a little, so what is just older is looked at too.
            begin = max(begin, self._first_change(organization, since - SKEW))
        for entity in self._changes_from(organization, begin):
            last = _number_of(entity)
            some = CHANGES.load(unpack(entity.values))
            for number, one in enumerate(some, start=last - len(some) + 1):
                if number <= after or (since is not None and one.at < since):
                    continue
                if not resource or one.resource.id == resource:
                    yield replace(one, sequence=number)

    def _changes_from(
        self, organization: OrganizationId, number: int, *, page: int = 1_000, select: Sequence[str] = ()
    ) -> Iterator[Entity]:
        rows = (change_key(number), prefix(_CHANGE)[1])
        return self._table.query(partition_of(organization), rows, page=page, select=select)

    def _first_change(self, organization: OrganizationId, since: datetime) -> int:
        """A number before which every change is older: numbers grow with time, so halving finds it."""
        oldest = time_text(since)
        low, high = 1, self._total(organization).changes + 1
        while low < high:
            middle = (low + high) // 2
            found = next(self._changes_from(organization, middle, page=1, select=(NEWEST,)), None)
            if found is not None and found.text(NEWEST) < oldest:
                low = _number_of(found) + 1
            else:
                high = middle
        return low

    def forget_status_changes(self, lease: Lease, before: datetime) -> None:
        oldest = time_text(before)
        self.check_lease_now_and_then(lease)
        deletes: list[Operation] = []
        for entity in self._changes_from(lease.organization, 1, page=FENCED_MOST, select=(NEWEST,)):
            if entity.text(NEWEST) >= oldest:
                break
            deletes.append(Delete(entity.row))
            if len(deletes) == FENCED_MOST:
                self._fence.write(lease, deletes)
                deletes = []
        if deletes:
            self._fence.write(lease, deletes)

    def notified(self, organization: OrganizationId) -> Notified:
        stored = self._table.get(partition_of(organization), key(NOTIFIED_ROW))
        return Notified() if stored is None else _NOTIFIED.load(unpack(stored.values))

    def put_notified(self, lease: Lease, notified: Notified) -> None:
        self.check_lease_now_and_then(lease)
        self._fence.write(lease, [Put(key(NOTIFIED_ROW), pack(_NOTIFIED.dump(notified)))])

    def finish_work(self, lease: Lease, work: Work, journal: Sequence[JournalEntry] = ()) -> Work:
        if lease.kind is WorkKind.POSTURE:
            self._sums.pop(lease.organization, None)
            self._journal.deliver(partition_of(lease.organization), ())
            # A copy beside those of all other organizations, so that a view reads one range for all.
            self.check_lease(lease)
            total = self._total(lease.organization)
            self._table.put(CATALOG, key("posture", lease.organization), pack(_TOTAL.dump(total)))
        return super().finish_work(lease, work, journal)


def brief(row: ResourceAssessments) -> bytes:
    """The statuses of a row, compressed: a name in them may be no text that a property takes."""
    cell = _STATUSES.dump(statuses_of(row))
    return zlib.compress(cell if isinstance(cell, bytes) else cell.encode())


def change_key(number: int) -> str:
    """Of the entity whose last change has this number: in order of number, so that newer ones come last."""
    return key(_CHANGE, f"{number:0{_DIGITS}}")


def _number_of(entity: Entity) -> int:
    return int(entity.row.rpartition(":")[2])


def _row_key(project: ProjectId | None, kind: str, identifier: str) -> str:
    return key("assessment", project or WHOLE, kind, identifier)
