"""Work: when it is due, who does it, how it went. Every transition is one conditional write.

All work is in one partition, a row for each kind and organization, so that what is due is found by reading
one range. What is written under a lease is in the organization's own partition, and is fenced there: see
`shared.connector_state.tables.fence`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.connector_state.codec import Document
from shared.connector_state.tables.fence import Fence, partition_of
from shared.connector_state.tables.journal import Part
from shared.connector_state.tables.keys import Value, key, pack, prefix, unpack
from shared.connector_state.tables.table import Entity, Table
from shared.connector_state.work import brought_forward
from shared.model.ids import OrganizationId
from shared.model.journal import JournalEntry
from shared.model.record import KeptWork
from shared.model.work import Lease, Work, WorkKind, is_held, without_lease
from shared.ports import LeaseLost

WORK: Final = "work"

_CHECK_AGAIN: Final = 1.0
"""Seconds."""


class WorkPart(Part):
    """Due times, messages under way, leases and outcomes of recurring work."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._fence = Fence(table)
        self._checked: dict[tuple[OrganizationId, WorkKind], tuple[tuple[int, int], float]] = {}

    def ensure_work(self, organization: OrganizationId, kind: WorkKind, due_at: datetime) -> Work:
        def ensure(row: KeptWork | None) -> KeptWork:
            return row if row is not None and not row.dropped else _created(organization, kind, due_at, row)

        return self._change(organization, kind, ensure).work

    def bring_forward(self, organization: OrganizationId, kind: WorkKind, due_at: datetime) -> Work:
        def bring(row: KeptWork | None) -> KeptWork:
            if row is None or row.dropped:
                return _created(organization, kind, due_at, row)
            asked_for = None
            if row.work.leased_until is not None or row.work.checkpoint:
                # The run under way may have looked already: what was asked for outlasts its end.
                asked_for = min(due_at, row.asked_for or due_at)
            return KeptWork(brought_forward(row.work, due_at), asked_for)

        return self._change(organization, kind, bring).work

    def drop_work(self, organization: OrganizationId, kind: WorkKind) -> None:
        def drop(stored: Entity | None) -> Mapping[str, Value] | None:
            row = _read(stored)
            if row is None:
                return None
            return _values(KeptWork(without_lease(row.work), None, dropped=True))

        self._checked.pop((organization, kind), None)
        self._table.change(WORK, key(kind.value, organization), drop)

    def work(
        self, *, organization: OrganizationId | None = None, kind: WorkKind | None = None
    ) -> tuple[Work, ...]:
        kinds = tuple(WorkKind) if kind is None else (kind,)
        found: list[Entity] = []
        if organization is not None:
            single = (self._table.get(WORK, key(one.value, organization)) for one in kinds)
            found = [one for one in single if one is not None]
        else:
            for one in kinds:
                found.extend(self._table.query(WORK, prefix(one.value)))
        rows = [row for one in found if (row := _read(one)) is not None and not row.dropped]
        return tuple(sorted((row.work for row in rows), key=lambda one: (one.organization, one.kind)))

    def mark_queued(self, work: Work, queued_at: datetime) -> Work | None:
        marked: list[Work] = []

        def mark(stored: Entity | None) -> Mapping[str, Value] | None:
            marked.clear()
            row = _read(stored)
            # The whole record is compared: of two that saw it due, one sends the message.
            if row is None or row.dropped or row.work != work:
                return None
            marked.append(replace(work, queued_at=queued_at))
            return _values(replace(row, work=marked[0]))

        done = self._table.change(WORK, key(work.kind.value, work.organization), mark)
        return marked[0] if done else None

    def lease_work(
        self,
        organization: OrganizationId,
        kind: WorkKind,
        revision: int,
        *,
        owner: str,
        now: datetime,
        until: datetime,
    ) -> Lease | None:
        leased: list[Work] = []

        def take(stored: Entity | None) -> Mapping[str, Value] | None:
            leased.clear()
            row = _read(stored)
            if row is None or row.dropped or row.work.revision != revision:
                return None
            if is_held(row.work, now, until - now):
                return None
            leased.append(
                replace(row.work, leased_until=until, leased_by=owner, attempt=row.work.attempt + 1)
            )
            # A slice that goes on does what was asked before it began no more than the ones before it.
            return _values(KeptWork(leased[0], row.asked_for if row.work.checkpoint else None))

        if not self._table.change(WORK, key(kind.value, organization), take):
            return None
        work = leased[0]
        lease = Lease(organization, kind, revision, work.attempt, owner, until, work.checkpoint)
        # From here on, whoever held it before can write nothing any more.
        if not self._fence.raise_for(lease):
            return None
        self._journal.deliver_left(partition_of(organization))
        return lease

    def check_lease(self, lease: Lease) -> None:
        """Raise `LeaseLost` unless the worker still holds the work; see the SQLite state's namesake."""
        _checked(lease, _read(self._table.get(WORK, key(lease.kind.value, lease.organization))))

    def check_lease_now_and_then(self, lease: Lease) -> None:
        """As `check_lease`, for many small writes in a row: asked about once a second.

        Who lost the lease to another is refused by the fence all the same. That the work was dropped, or its
        lease freed, is noticed that much later.
        """
        number, at = self._checked.get((lease.organization, lease.kind), ((0, 0), 0.0))
        if number == (lease.revision, lease.attempt) and time.monotonic() - at < _CHECK_AGAIN:
            return
        self.check_lease(lease)
        self._checked[lease.organization, lease.kind] = (lease.revision, lease.attempt), time.monotonic()

    def renew_lease(self, lease: Lease, until: datetime) -> Lease:
        def renew(stored: Entity | None) -> Mapping[str, Value]:
            row = _checked(lease, _read(stored))
            return _values(replace(row, work=replace(row.work, leased_until=until)))

        self._table.change(WORK, key(lease.kind.value, lease.organization), renew)
        return replace(lease, until=until)

    def finish_work(self, lease: Lease, work: Work, journal: Sequence[JournalEntry] = ()) -> Work:
        if (work.organization, work.kind) != (lease.organization, lease.kind):
            raise ValueError("the lease is for other work")
        ended = replace(
            work, revision=lease.revision + 1, queued_at=None, leased_until=None, leased_by="", attempt=0
        )
        chunks = self._journal.chunks.of(journal)
        finished: list[Work] = []

        def finish(stored: Entity | None) -> Mapping[str, Value]:
            row = _checked(lease, _read(stored))
            asked_for = row.asked_for
            finished[:] = [ended]
            if asked_for is not None and not ended.checkpoint:
                finished[:], asked_for = [brought_forward(ended, asked_for)], None
            return _values(KeptWork(finished[0], asked_for))

        row = key(lease.kind.value, lease.organization)
        self._table.change(WORK, row, finish, [one.operation for one in chunks])
        self._fence.forget(lease)
        self._checked.pop((lease.organization, lease.kind), None)
        self._journal.deliver(WORK, chunks)
        return finished[0]

    def release_leases_of(self, owners_gone: Iterable[str]) -> int:
        gone = set(owners_gone)
        self._checked.clear()
        freed = 0
        for work in self.work() if gone else ():
            if work.leased_by not in gone or work.leased_until is None:
                continue

            def release(stored: Entity | None, held: Work = work) -> Mapping[str, Value] | None:
                row = _read(stored)
                if row is None or (row.work.leased_by, row.work.attempt) != (held.leased_by, held.attempt):
                    return None
                return _values(replace(row, work=without_lease(row.work)))

            freed += self._table.change(WORK, key(work.kind.value, work.organization), release)
        return freed

    def _change(
        self, organization: OrganizationId, kind: WorkKind, decide: Callable[[KeptWork | None], KeptWork]
    ) -> KeptWork:
        decided: list[KeptWork] = []

        def change(stored: Entity | None) -> Mapping[str, Value] | None:
            before = _read(stored)
            decided[:] = [decide(before)]
            return None if decided[0] == before else _values(decided[0])

        self._table.change(WORK, key(kind.value, organization), change)
        return decided[0]


def _created(
    organization: OrganizationId, kind: WorkKind, due_at: datetime, old: KeptWork | None
) -> KeptWork:
    """New work. Work that was dropped goes on with the next revision: leases and messages of old stay old."""
    return KeptWork(Work(organization, kind, due_at, revision=1 if old is None else old.work.revision + 1))


def _checked(lease: Lease, row: KeptWork | None) -> KeptWork:
    """A lease that ran out but was taken by nobody still holds: its worker was slow, not wrong."""
    if row is not None and not row.dropped and row.work.leased_until is not None:
        work = row.work
        if (work.revision, work.attempt, work.leased_by) == (lease.revision, lease.attempt, lease.owner):
            return row
    raise LeaseLost(
        f"{lease.owner} no longer holds the {lease.kind.value} work of organization {lease.organization}."
    )


_ROW = Document(KeptWork)


def _values(row: KeptWork) -> dict[str, Value]:
    return pack(_ROW.dump(row))


def _read(stored: Entity | None) -> KeptWork | None:
    return None if stored is None else _ROW.load(unpack(stored.values))
