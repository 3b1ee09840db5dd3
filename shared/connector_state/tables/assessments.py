"""Assessments: one row per resource, and small sums of them for whoever must not read them all.

Rows are kept by project, so that one project is read without the others. Each project's row of sums and the
organization's total are written in the same transaction as the rows that they count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared.connector_state.codec import Document, time_of, time_text
from shared.connector_state.tables.catalog import CATALOG
from shared.connector_state.tables.fence import FENCED_MOST, partition_of
from shared.connector_state.tables.inventory import InventoryPart
from shared.connector_state.tables.keys import key, pack, prefix, unpack
from shared.connector_state.tables.table import Delete, Operation, Put, Table
from shared.model.assessment import AssessmentChange, Findings, ResourceAssessments
from shared.model.ids import OrganizationId, ProjectId
from shared.model.journal import JournalEntry
from shared.model.summary import PostureSummary, ProjectSummary, with_change
from shared.model.work import Lease, Work, WorkKind

_ROW = Document(ResourceAssessments)
_PROJECT = Document(ProjectSummary)
_TOTAL = Document(PostureSummary)

_AT: Final = "assessedAt"
_TOTAL_ROW: Final = "posture-total"
_WHOLE: Final = "-"
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
        total = PostureSummary(
            self.total.organization,
            with_change(self.total.findings, before or {}, after.findings),
            self.total.projects + (before is None and after.project is not None),
            after.assessed_at if newest is None else max(newest, after.assessed_at),
        )
        told = {_AT: time_text(after.assessed_at), "project": after.project or ""}
        writes = (
            Put(key("posture", after.project or _WHOLE), {**pack(_PROJECT.dump(after)), **told}),
            Put(key(_TOTAL_ROW), pack(_TOTAL.dump(total))),
        )
        self.by_project[after.project] = after.findings
        return replace(self, total=total), writes


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
        operations: list[Operation] = [
            Put(
                _row_key(row.resource.project, row.resource.kind.value, row.resource.id), pack(_ROW.dump(row))
            )
            for row in change.rows
        ]
        chunks = self._journal.chunks.of(change.journal)
        operations += (one.operation for one in chunks)
        # Last: were they deleted first, a run that dies in between would have forgotten what to tell of them.
        operations += self._drop(lease.organization, project, change)
        before = self._sums_before(lease)
        try:
            while len(operations) > FENCED_MOST - _LAST:
                self._fence.write(lease, operations[:FENCED_MOST])
                operations = operations[FENCED_MOST:]
            after, sums = before.with_change(ProjectSummary(project, change.findings, assessed_at))
            self._fence.write(lease, [*operations, *sums])
        except BaseException:
            self._sums.pop(lease.organization, None)
            raise
        finally:
            self._journal.deliver_soon(partition, chunks)
        self._sums[lease.organization] = after

    def _drop(
        self, organization: OrganizationId, project: ProjectId | None, change: AssessmentChange
    ) -> Sequence[Operation]:
        """Deletes of what is still kept in this project, and is not written anew."""
        if not change.dropped:
            return ()
        kept = {
            one.row
            for one in self._table.query(
                partition_of(organization), prefix("assessment", project or _WHOLE), select=("RowKey",)
            )
        }
        kept -= {
            _row_key(row.resource.project, row.resource.kind.value, row.resource.id) for row in change.rows
        }
        gone = dict.fromkeys(_row_key(project, kind, identifier) for kind, identifier in change.dropped)
        return [Delete(row) for row in gone if row in kept]

    def _sums_before(self, lease: Lease) -> _Sums:
        """The sums as they are stored: read once for each lease, whose holder alone changes them."""
        number = (lease.revision, lease.attempt)
        known = self._sums.get(lease.organization)
        if known is not None and known.lease == number:
            return known
        summaries = {one.project: one.findings for one in self.project_summaries(lease.organization)}
        return _Sums(number, self._total(lease.organization), summaries)

    def _total(self, organization: OrganizationId) -> PostureSummary:
        stored = self._table.get(partition_of(organization), key(_TOTAL_ROW))
        return PostureSummary(organization) if stored is None else _TOTAL.load(unpack(stored.values))

    def assessments(
        self, organization: OrganizationId, project: ProjectId | None = None
    ) -> Iterator[ResourceAssessments]:
        rows = prefix("assessment") if project is None else prefix("assessment", project or _WHOLE)
        for entity in self._table.query(partition_of(organization), rows):
            yield _ROW.load(unpack(entity.values))

    def assessed_at(self, organization: OrganizationId) -> Mapping[str, datetime]:
        found = self._table.query(partition_of(organization), prefix("posture"), select=("project", _AT))
        return {one.text("project"): time_of(one.text(_AT)) for one in found}

    def project_summaries(self, organization: OrganizationId) -> tuple[ProjectSummary, ...]:
        return tuple(
            _PROJECT.load(unpack(one.values))
            for one in self._table.query(partition_of(organization), prefix("posture"))
        )

    def posture_summaries(self) -> Mapping[OrganizationId, PostureSummary]:
        found = (_TOTAL.load(unpack(one.values)) for one in self._table.query(CATALOG, prefix("posture")))
        return {one.organization: one for one in found}

    def finish_work(self, lease: Lease, work: Work, journal: Sequence[JournalEntry] = ()) -> Work:
        if lease.kind is WorkKind.POSTURE:
            self._sums.pop(lease.organization, None)
            self._journal.deliver(partition_of(lease.organization), ())
            # A copy beside those of all other organizations, so that a view reads one range for all.
            self.check_lease(lease)
            total = self._total(lease.organization)
            self._table.put(CATALOG, key("posture", lease.organization), pack(_TOTAL.dump(total)))
        return super().finish_work(lease, work, journal)


def _row_key(project: ProjectId | None, kind: str, identifier: str) -> str:
    return key("assessment", project or _WHOLE, kind, identifier)
