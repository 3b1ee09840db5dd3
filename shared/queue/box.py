"""What sending, receiving and dead letters have in common: the store, and how a message leaves its lock."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime

from shared.ports import Clock
from shared.queue.checks import check_name
from shared.queue.receiver import MAX_DELIVERY_COUNT_EXCEEDED, QUEUES
from shared.queue.store import Store

DEATHS_MOST = 100
"""Deaths of its receivers after which a message is given up: it is to blame for them after all."""

_IS_SPENT = "(delivery_count - deaths >= :most OR deaths >= :deaths)"
"""A delivery that ended with its process does not count: whoever restarts us ten times loses no message."""

UNLOCK = f"""
UPDATE queue_messages SET lock_token = NULL, locked_by = NULL, available_at = NULL,
    state = iif({_IS_SPENT}, 'dead', 'ready'),
    dead_at = iif({_IS_SPENT}, :now, NULL),
    dead_reason = iif({_IS_SPENT}, :reason, ''),
    dead_description = iif({_IS_SPENT}, :description, '')
"""  # noqa: S608 - constants
"""Gives a message back, or up when it was delivered as often as the queue allows. See `Box.unlocking`."""


class Box:
    """The messages of all queues, and what time does to them."""

    queues = QUEUES

    def __init__(self, store: Store, clock: Clock, *, max_delivery_count: int) -> None:
        self._clock = clock
        self._max_delivery_count = max_delivery_count
        self._store = store

    @property
    def max_delivery_count(self) -> int:
        """How often a message is delivered before it is given up."""
        return self._max_delivery_count

    @staticmethod
    def _check_name(queue: str) -> None:
        check_name(queue)

    def _settle(self, connection: sqlite3.Connection, now: datetime, queues: Iterable[str]) -> None:
        """Do what time has brought: scheduled messages come due, locks run out."""
        for queue in queues:
            connection.execute(
                "UPDATE queue_messages SET state = 'ready', available_at = NULL"
                " WHERE state = 'scheduled' AND queue = ? AND available_at <= ?",
                (queue, time_text(now)),
            )
            connection.execute(
                f"{UNLOCK} WHERE state = 'locked' AND queue = :queue AND available_at <= :now",
                {**self._unlocking(now), "queue": queue},
            )

    def _settle_all(self) -> None:
        """As `_settle`, for those who look at the queues; writes only where there is something to do."""
        now = self._clock.now()
        with self._store.read() as connection:
            (due,) = connection.execute(
                "SELECT EXISTS (SELECT 1 FROM queue_messages"
                " WHERE state IN ('scheduled', 'locked') AND available_at <= ?)",
                (time_text(now),),
            ).fetchone()
        if due:
            with self._store.write() as connection:
                self._settle(connection, now, self.queues)

    def _unlocking(self, now: datetime) -> dict[str, str | int]:
        """Values of `UNLOCK`."""
        return {
            "most": self._max_delivery_count,
            "deaths": DEATHS_MOST,
            "now": time_text(now),
            "reason": MAX_DELIVERY_COUNT_EXCEEDED,
            "description": f"Delivered {self._max_delivery_count} times without being completed.",
        }


def time_text(at: datetime) -> str:
    """UTC with microseconds: sorts as text the way it sorts in time."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
