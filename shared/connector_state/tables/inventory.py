"""Projects and repositories: a row each, written in fenced transactions of what fits into one.

A large change takes several transactions. Each holds whole rows together with the journal entries that tell
of them, projects before repositories, so that a process that dies in between leaves a smaller change, which
the next run completes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeVar

from shared.connector_state.codec import Document
from shared.connector_state.tables.catalog import CatalogPart
from shared.connector_state.tables.fence import FENCED_MOST, partition_of
from shared.connector_state.tables.journal import Chunk
from shared.connector_state.tables.keys import key, pack, pack_bytes, prefix, unpack, unpack_bytes
from shared.connector_state.tables.table import BYTES_MOST, Delete, Operation, Put
from shared.connector_state.tables.work import WorkPart
from shared.model.extension import ExtensionState
from shared.model.ids import OrganizationId, ProjectId
from shared.model.inventory import Project, Repository
from shared.model.journal import JournalEntry
from shared.model.organization import Organization
from shared.model.record import RepositoryCounts
from shared.model.work import Lease, WorkKind
from shared.ports import InventoryChange, RepositoryPage

_PROJECT = Document(Project)
_REPOSITORY = Document(Repository)
_EXTENSION = Document(ExtensionState)

_ROWS: Final = FENCED_MOST - 5
"""Rows of one transaction. Their journal takes a chunk or two more, seldom three."""
_LOOKED_MOST: Final = 5_000
"""Rows that one page of a project's repositories looks at: five answers of Table Storage."""
PIECE: Final = 500_000
"""Bytes of a partial listing in one row."""

EXTENSION_ROW: Final = "extension"
COUNTS: Final = "repositories-by-project"


_COUNTS_DOCUMENT = Document(RepositoryCounts)

Row = TypeVar("Row", Project, Repository)


class InventoryPart(CatalogPart, WorkPart):
    """The inventory of an organization."""

    def projects(self, organization: OrganizationId) -> Iterator[Project]:
        listed = self._last_complete_listing(organization)
        for entity in self._table.query(partition_of(organization), prefix("project")):
            row = _PROJECT.load(unpack(entity.values))
            alive = row.missing_since is None and row.retired_at is None
            yield replace(row, last_seen=listed) if alive else row

    def repositories(self, organization: OrganizationId) -> Iterator[Repository]:
        listed = self._last_complete_listing(organization)
        for entity in self._table.query(partition_of(organization), prefix("repository")):
            row = _REPOSITORY.load(unpack(entity.values))
            alive = row.missing_since is None and row.retired_at is None
            yield replace(row, last_seen=listed) if alive else row

    def project_repositories(
        self, organization: OrganizationId, project: ProjectId, *, after: str = "", limit: int = 1000
    ) -> RepositoryPage:
        """Table Storage has no index beside the key: of the organization's rows, so many are looked at."""
        listed = self._last_complete_listing(organization)
        first, end = prefix("repository")
        begin = key("repository", after) if after else first
        found: list[Repository] = []
        looked = 0
        for entity in self._table.query(partition_of(organization), (begin, end)):
            row = _REPOSITORY.load(unpack(entity.values))
            if after and entity.row == begin:
                continue
            looked += 1
            if row.project_id == project:
                alive = row.missing_since is None and row.retired_at is None
                found.append(replace(row, last_seen=listed) if alive else row)
            if len(found) >= limit or looked >= _LOOKED_MOST:
                return RepositoryPage(tuple(found), row.id)
        return RepositoryPage(tuple(found))

    def _last_complete_listing(self, organization: OrganizationId) -> datetime | None:
        """When everything that is neither missing nor retired was last seen."""
        found = self.get_organization(organization)
        return None if found is None else found.last_complete_listing

    def apply_inventory(self, lease: Lease, change: InventoryChange) -> None:
        told: dict[str, list[JournalEntry]] = {}
        for entry in change.journal:
            told.setdefault(entry.subject, []).append(entry)
        written: list[Chunk] = []
        partition = partition_of(lease.organization)
        self.check_lease(lease)
        try:
            for rows in _batches(_rows(change)):
                entries = [entry for subject, _ in rows for entry in told.pop(subject, ())]
                written += self._write_batch(lease, [operation for _, operation in rows], entries)
            rest = [entry for entries in told.values() for entry in entries]
            if rest:
                written += self._write_batch(lease, [], rest)
        finally:
            self._journal.deliver(partition, written)

    def _write_batch(
        self, lease: Lease, operations: list[Operation], entries: list[JournalEntry]
    ) -> list[Chunk]:
        chunks = self._journal.chunks.of(entries)
        room = FENCED_MOST - len(operations)
        together = chunks[:room]
        self._fence.write(lease, [*operations, *(one.operation for one in together)])
        for start in range(room, len(chunks), FENCED_MOST):
            self._fence.write(lease, [one.operation for one in chunks[start : start + FENCED_MOST]])
        return chunks

    def finish_listing(
        self,
        lease: Lease,
        *,
        listed_at: datetime | None,
        projects: int,
        repositories: int,
        by_project: Mapping[ProjectId, int] | None = None,
    ) -> None:
        self.check_lease(lease)

        def finish(organization: Organization) -> Organization:
            return replace(
                organization,
                last_complete_listing=listed_at or organization.last_complete_listing,
                projects=projects,
                repositories=repositories,
            )

        if by_project is not None and by_project != self.repository_counts(lease.organization):
            document = _COUNTS_DOCUMENT.dump(RepositoryCounts(dict(sorted(by_project.items()))))
            self._fence.write(lease, [Put(key(COUNTS), pack(document))])
        self._change_organization(lease.organization, finish)

    def repository_counts(self, organization: OrganizationId) -> Mapping[ProjectId, int]:
        stored = self._table.get(partition_of(organization), key(COUNTS))
        return {} if stored is None else _COUNTS_DOCUMENT.load(unpack(stored.values)).by_project

    # --- extension ----------------------------------------------------------------------------------------

    def put_extension(
        self, lease: Lease, extension: ExtensionState, journal: Sequence[JournalEntry] = ()
    ) -> None:
        chunks = self._journal.chunks.of(journal)
        row = Put(key(EXTENSION_ROW), pack(_EXTENSION.dump(extension)))
        self.check_lease(lease)
        self._fence.write(lease, [row, *(one.operation for one in chunks)])
        self._journal.deliver(partition_of(lease.organization), chunks)

    def extension(self, organization: OrganizationId) -> ExtensionState | None:
        stored = self._table.get(partition_of(organization), key(EXTENSION_ROW))
        return None if stored is None else _EXTENSION.load(unpack(stored.values))

    # --- listings that were cut ---------------------------------------------------------------------------

    def put_partial(self, lease: Lease, content: bytes) -> None:
        self.check_lease(lease)
        self._put_pieces(lease, ("partial", lease.kind.value), content)

    def partial(self, organization: OrganizationId, kind: WorkKind) -> bytes:
        return self._pieces(organization, ("partial", kind.value))

    def _put_pieces(self, lease: Lease, name: tuple[str, str], content: bytes) -> None:
        """Write bytes as rows of pieces, in place of what was kept under the name."""
        pieces = [content[start : start + PIECE] for start in range(0, len(content), PIECE)]
        kept = self._table.query(partition_of(lease.organization), prefix(*name), select=("RowKey",))
        stale = [one.row for one in kept][len(pieces) :]
        for number, piece in enumerate(pieces):
            self._fence.write(lease, [Put(key(*name, f"{number:06}"), pack_bytes(piece))])
        for start in range(0, len(stale), FENCED_MOST):
            self._fence.write(lease, [Delete(row) for row in stale[start : start + FENCED_MOST]])

    def _pieces(self, organization: OrganizationId, name: tuple[str, str]) -> bytes:
        found = self._table.query(partition_of(organization), prefix(*name), page=4)
        return b"".join(unpack_bytes(one.values) for one in found)


def _rows(change: InventoryChange) -> Iterator[tuple[str, Operation, int]]:
    for project in sorted(change.projects, key=lambda one: one.id):
        yield _row("project", project.id, _PROJECT.dump(unseen(project)))
    for repository in sorted(change.repositories, key=lambda one: one.id):
        yield _row("repository", repository.id, _REPOSITORY.dump(unseen(repository)))


def _row(kind: str, identifier: str, document: str | bytes) -> tuple[str, Operation, int]:
    return identifier, Put(key(kind, identifier), pack(document)), len(document)


def unseen(row: Row) -> Row:
    """What is alive was last seen by the organization's last complete listing: its row does not say."""
    alive = row.missing_since is None and row.retired_at is None
    return replace(row, last_seen=None) if alive else row


def _batches(
    rows: Iterable[tuple[str, Operation, int]],
) -> Iterator[list[tuple[str, Operation]]]:
    batch: list[tuple[str, Operation]] = []
    size = 0
    for subject, operation, weight in rows:
        if batch and (len(batch) >= _ROWS or size + weight > BYTES_MOST):
            yield batch
            batch, size = [], 0
        batch.append((subject, operation))
        size += weight
    if batch:
        yield batch
