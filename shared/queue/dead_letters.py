"""The dead letters of the embedded queue."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from datetime import datetime

from shared.queue.box import Box, time_text
from shared.queue.receiver import DeadLetter


class DeadLettersPart(Box):
    """Looking at dead letters, sending them again, deleting them."""

    def dead_letters(self, queue: str, *, limit: int = 100) -> tuple[DeadLetter, ...]:
        self._check_name(queue)
        self._settle_all()
        with self._store.read() as connection:
            rows = connection.execute(
                "SELECT sequence, message_id, CAST(body AS BLOB), delivery_count, enqueued_at, dead_reason,"
                " dead_description, dead_at, correlation_id, properties FROM queue_messages"
                " WHERE state = 'dead' AND queue = ? ORDER BY sequence LIMIT ?",
                (queue, max(limit, 0)),
            ).fetchall()
        return tuple(
            DeadLetter(
                queue=queue,
                sequence_number=sequence,
                message_id=message_id,
                body=body,
                delivery_count=delivery_count,
                enqueued_time=datetime.fromisoformat(enqueued_at),
                reason=reason,
                description=description,
                dead_lettered_at=datetime.fromisoformat(dead_at),
                correlation_id=correlation_id,
                properties=json.loads(properties),
            )
            for (
                sequence,
                message_id,
                body,
                delivery_count,
                enqueued_at,
                reason,
                description,
                dead_at,
                correlation_id,
                properties,
            ) in rows
        )

    def replay(self, queue: str, sequence_numbers: Iterable[int] | None = None) -> int:
        self._check_name(queue)
        now = self._clock.now()
        with self._store.write(durable=True) as connection:
            self._settle(connection, now, (queue,))
            chosen = _dead(connection, queue, sequence_numbers)
            connection.executemany(
                "INSERT INTO queue_messages"
                " (queue, state, message_id, correlation_id, properties, body, enqueued_at)"
                " SELECT queue, 'ready', message_id, correlation_id, properties, body, ?"
                " FROM queue_messages WHERE sequence = ?",
                [(time_text(now), sequence) for sequence in chosen],
            )
            _delete(connection, chosen)
        return len(chosen)

    def discard(self, queue: str, sequence_numbers: Iterable[int] | None = None) -> int:
        self._check_name(queue)
        with self._store.write(durable=True) as connection:
            self._settle(connection, self._clock.now(), (queue,))
            chosen = _dead(connection, queue, sequence_numbers)
            _delete(connection, chosen)
        return len(chosen)


def _dead(connection: sqlite3.Connection, queue: str, wanted: Iterable[int] | None) -> list[int]:
    """The dead letters of the queue by sequence number, all of them or those that are wanted."""
    rows = connection.execute(
        "SELECT sequence FROM queue_messages WHERE state = 'dead' AND queue = ? ORDER BY sequence", (queue,)
    )
    every = [sequence for (sequence,) in rows]
    if wanted is None:
        return every
    chosen = set(wanted)
    return [sequence for sequence in every if sequence in chosen]


def _delete(connection: sqlite3.Connection, sequences: Iterable[int]) -> None:
    connection.executemany(
        "DELETE FROM queue_messages WHERE sequence = ?", [(sequence,) for sequence in sequences]
    )
