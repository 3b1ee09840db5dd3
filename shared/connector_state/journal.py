"""The journal, and writing its entries along with what they tell of."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.connector_state.codec import (
    Cell,
    from_cell,
    slices_of_rows,
    time_of,
    time_text,
)
from shared.connector_state.database import Part
from shared.model.ids import ConnectorId, OrganizationId
from shared.model.journal import JournalEntry, JournalEvent

COLUMNS = "at, event, connector, organization, subject, subject_name, before, after, reason, requested_by"
_INSERT = f"INSERT INTO journal ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constant


def write_journal(connection: sqlite3.Connection, entries: Sequence[JournalEntry]) -> None:
    """Append entries in the caller's transaction. Writers take turns, so ids grow in order of commit."""
    rows: list[tuple[Cell, ...]] = [
        (
            time_text(entry.at),
            entry.event.value,
            entry.connector,
            entry.organization,
            entry.subject,
            entry.subject_name,
            entry.before,
            entry.after,
            entry.reason,
            entry.requested_by,
        )
        for entry in entries
    ]
    for part in slices_of_rows(rows):
        connection.executemany(_INSERT, part)


class JournalPart(Part):
    """Appending to the journal and reading its end."""

    def append_journal(self, entries: Sequence[JournalEntry]) -> None:
        with self._database.write(durable=True) as connection:
            write_journal(connection, entries)

    def journal(
        self,
        *,
        organization: OrganizationId | None = None,
        event: JournalEvent | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> tuple[JournalEntry, ...]:
        conditions = ["1"]
        values: list[Cell] = []
        if organization is not None:
            conditions.append("organization = ?")
            values.append(organization)
        if event is not None:
            conditions.append("event = ?")
            values.append(event.value)
        if since is not None:
            conditions.append("at >= ?")
            values.append(time_text(since))
        query = (
            f"SELECT id, {COLUMNS} FROM journal WHERE {' AND '.join(conditions)} "  # noqa: S608 - constants
            "ORDER BY id DESC LIMIT ?"
        )
        with self._database.read() as connection:
            rows = connection.execute(query, (*values, max(limit, 0))).fetchall()
        return tuple(entry_of(row) for row in reversed(rows))

    def forget_journal(self, before: datetime, limit: int) -> int:
        # Of the oldest some: one that a wrong clock wrote as of years ahead keeps no other from going.
        old = "SELECT id FROM (SELECT id, at FROM journal ORDER BY id LIMIT ?) WHERE at < ?"
        values = (limit, time_text(before))
        with self._database.read() as connection:
            if connection.execute(f"{old} LIMIT 1", values).fetchone() is None:
                return 0
        with self._database.write() as connection:
            return connection.execute(f"DELETE FROM journal WHERE id IN ({old})", values).rowcount  # noqa: S608


def entry_of(row: tuple[Any, ...]) -> JournalEntry:
    """The entry in a row of its id and `COLUMNS`."""
    identifier, at, event, connector, of, subject, subject_name, before, after, reason, requested_by = row
    return JournalEntry(
        at=time_of(at),
        event=JournalEvent(event),
        connector=None if connector is None else ConnectorId(connector),
        organization=None if of is None else OrganizationId(of),
        subject=from_cell(subject),
        subject_name=from_cell(subject_name),
        before=from_cell(before),
        after=from_cell(after),
        reason=from_cell(reason),
        requested_by=from_cell(requested_by),
        id=identifier,
    )
