"""Work: when it is due, who does it, how it went. Every transition is one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from shared.connector_state.codec import (
    Cell,
    Document,
    from_cell,
    time_of,
    time_or_none,
    time_text,
    time_text_or_none,
    to_cell,
)
from shared.connector_state.database import Part
from shared.connector_state.journal import write_journal
from shared.connector_state.leases import check_lease
from shared.model.failure import Failure, FailureKind
from shared.model.ids import OrganizationId
from shared.model.journal import JournalEntry
from shared.model.work import Lease, Work, WorkKind, is_held

_FAILURE = Document(Failure)

COLUMNS = (
    "organization, kind, due_at, revision, queued_at, leased_until, leased_by, attempt, failures_in_a_row,"
    " checkpoint, not_before, last_success, last_failure, last_failure_at,"
    " failing_since"
)
_PUT = (
    f"INSERT OR REPLACE INTO work ({COLUMNS}, asked_for, dropped)"  # noqa: S608 - constants
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"
)


class WorkPart(Part):
    """Due times, messages under way, leases and outcomes of recurring work."""

    def ensure_work(self, organization: OrganizationId, kind: WorkKind, due_at: datetime) -> Work:
        with self._database.write() as connection:
            return _find(connection, organization, kind) or _create(connection, organization, kind, due_at)

    def bring_forward(self, organization: OrganizationId, kind: WorkKind, due_at: datetime) -> Work:
        with self._database.write() as connection:
            work = _find(connection, organization, kind)
            if work is None:
                return _create(connection, organization, kind, due_at)
            asked_for = None
            if work.leased_until is not None or work.checkpoint:
                # The run under way may have looked already: what was asked for outlasts its end.
                asked_for = min(due_at, _asked_for(connection, organization, kind) or due_at)
            brought = brought_forward(work, due_at)
            put_work(connection, brought, asked_for)
            return brought

    def drop_work(self, organization: OrganizationId, kind: WorkKind) -> None:
        with self._database.write() as connection:
            connection.execute(
                "UPDATE work SET dropped = 1, leased_until = NULL, leased_by = '', asked_for = NULL"
                " WHERE organization = ? AND kind = ?",
                (organization, kind.value),
            )

    def work(
        self, *, organization: OrganizationId | None = None, kind: WorkKind | None = None
    ) -> tuple[Work, ...]:
        conditions = ["dropped = 0"]
        values: list[Cell] = []
        if organization is not None:
            conditions.append("organization = ?")
            values.append(organization)
        if kind is not None:
            conditions.append("kind = ?")
            values.append(kind.value)
        query = (
            f"SELECT {COLUMNS} FROM work WHERE {' AND '.join(conditions)}"  # noqa: S608 - constants
            " ORDER BY organization, kind"
        )
        with self._database.read() as connection:
            rows = connection.execute(query, values).fetchall()
        return tuple(read_work(row) for row in rows)

    def mark_queued(self, work: Work, queued_at: datetime) -> Work | None:
        with self._database.write() as connection:
            # The whole record is compared: of two that saw it due, one sends the message.
            if _find(connection, work.organization, work.kind) != work:
                return None
            marked = replace(work, queued_at=queued_at)
            put_work(connection, marked, _asked_for(connection, work.organization, work.kind))
            return marked

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
        with self._database.write() as connection:
            work = _find(connection, organization, kind)
            if work is None or work.revision != revision:
                return None
            if is_held(work, now, until - now):
                return None
            leased = replace(work, leased_until=until, leased_by=owner, attempt=work.attempt + 1)
            # A slice that goes on does what was asked before it began no more than the ones before it.
            asked_for = _asked_for(connection, organization, kind) if work.checkpoint else None
            put_work(connection, leased, asked_for)
        return Lease(organization, kind, revision, leased.attempt, owner, until, work.checkpoint)

    def renew_lease(self, lease: Lease, until: datetime) -> Lease:
        with self._database.write() as connection:
            check_lease(connection, lease)
            connection.execute(
                "UPDATE work SET leased_until = ? WHERE organization = ? AND kind = ?",
                (time_text(until), lease.organization, lease.kind.value),
            )
        return replace(lease, until=until)

    def finish_work(self, lease: Lease, work: Work, journal: Sequence[JournalEntry] = ()) -> Work:
        if (work.organization, work.kind) != (lease.organization, lease.kind):
            raise ValueError("the lease is for other work")
        with self._database.write() as connection:
            check_lease(connection, lease)
            finished = replace(
                work,
                revision=lease.revision + 1,
                queued_at=None,
                leased_until=None,
                leased_by="",
                attempt=0,
            )
            asked_for = _asked_for(connection, lease.organization, lease.kind)
            if asked_for is not None and not finished.checkpoint:
                finished, asked_for = brought_forward(finished, asked_for), None
            put_work(connection, finished, asked_for)
            write_journal(connection, journal)
        return finished

    def release_leases_of(self, owners_gone: Iterable[str]) -> int:
        freed = 0
        with self._database.write() as connection:
            for owner in set(owners_gone):
                done = connection.execute(
                    "UPDATE work SET leased_until = NULL, leased_by = ''"
                    " WHERE leased_by = ? AND leased_until IS NOT NULL",
                    (owner,),
                )
                freed += done.rowcount
        return freed


def brought_forward(work: Work, due_at: datetime) -> Work:
    """Due no later than asked, without its own backoff; a wait that the rate limit asked for stays.

    A message that was timed for later than the work may now start would come too late to count as queued.
    """
    throttled = work.last_failure is not None and work.last_failure.kind is FailureKind.THROTTLED
    not_before = work.not_before if throttled else None
    due_at = min(work.due_at, due_at)
    start = due_at if not_before is None else max(due_at, not_before)
    queued_at = work.queued_at
    if queued_at is not None and queued_at > start:
        queued_at = None
    return replace(work, due_at=due_at, not_before=not_before, queued_at=queued_at)


def _create(
    connection: sqlite3.Connection, organization: OrganizationId, kind: WorkKind, due_at: datetime
) -> Work:
    """New work. Work that was dropped goes on with the next revision: leases and messages of old stay old."""
    row = connection.execute(
        "SELECT revision FROM work WHERE organization = ? AND kind = ?", (organization, kind.value)
    ).fetchone()
    created = Work(organization, kind, due_at, revision=1 if row is None else row[0] + 1)
    put_work(connection, created, None)
    return created


def _find(connection: sqlite3.Connection, organization: OrganizationId, kind: WorkKind) -> Work | None:
    row = connection.execute(
        f"SELECT {COLUMNS} FROM work WHERE organization = ? AND kind = ? AND dropped = 0",  # noqa: S608
        (organization, kind.value),
    ).fetchone()
    return None if row is None else read_work(row)


def _asked_for(
    connection: sqlite3.Connection, organization: OrganizationId, kind: WorkKind
) -> datetime | None:
    row = connection.execute(
        "SELECT asked_for FROM work WHERE organization = ? AND kind = ?", (organization, kind.value)
    ).fetchone()
    return None if row is None else time_or_none(row[0])


def put_work(connection: sqlite3.Connection, work: Work, asked_for: datetime | None) -> None:
    """Write work, in place of what was kept of it."""
    connection.execute(
        _PUT,
        (
            work.organization,
            work.kind.value,
            time_text(work.due_at),
            work.revision,
            time_text_or_none(work.queued_at),
            time_text_or_none(work.leased_until),
            work.leased_by,
            work.attempt,
            work.failures_in_a_row,
            to_cell(work.checkpoint),
            time_text_or_none(work.not_before),
            time_text_or_none(work.last_success),
            None if work.last_failure is None else _FAILURE.dump(work.last_failure),
            time_text_or_none(work.last_failure_at),
            time_text_or_none(work.failing_since),
            time_text_or_none(asked_for),
        ),
    )


_Row = tuple[
    str,
    str,
    str,
    int,
    str | None,
    str | None,
    str,
    int,
    int,
    str,
    str | None,
    str | None,
    str | None,
    str | None,
    str | None,
]


def read_work(row: _Row) -> Work:
    """The work in a row of `COLUMNS`."""
    return Work(
        organization=OrganizationId(row[0]),
        kind=WorkKind(row[1]),
        due_at=time_of(row[2]),
        revision=row[3],
        queued_at=time_or_none(row[4]),
        leased_until=time_or_none(row[5]),
        leased_by=row[6],
        attempt=row[7],
        failures_in_a_row=row[8],
        checkpoint=from_cell(row[9]),
        not_before=time_or_none(row[10]),
        last_success=time_or_none(row[11]),
        last_failure=None if row[12] is None else _FAILURE.load(row[12]),
        last_failure_at=time_or_none(row[13]),
        failing_since=time_or_none(row[14]),
    )
