"""Queues on a SQLite file, with the delivery contract of Azure Service Bus."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from shared.model.command import Command
from shared.ports import Clock
from shared.queue.box import UNLOCK, time_text
from shared.queue.checks import check_message, storable
from shared.queue.dead_letters import DeadLettersPart
from shared.queue.receiver import (
    Delivery,
    MessageLockLost,
    Property,
    QueueCounts,
)
from shared.queue.store import BUSY_SECONDS, Store

LOCK_DURATION = timedelta(minutes=5)
"""The longest that Service Bus gives; the host renews while a handler runs."""

MAX_DELIVERY_COUNT = 10
"""What Service Bus has by default."""

_REASON_CHARACTERS = 4096

_TAKE = (
    "SELECT sequence, message_id, CAST(body AS BLOB), delivery_count, enqueued_at, correlation_id, properties"
    " FROM queue_messages WHERE state = 'ready' AND queue = ? ORDER BY sequence LIMIT ?"
)
_MINE = " WHERE sequence = ? AND state = 'locked' AND lock_token = ? AND available_at > ?"


class EmbeddedQueue(DeadLettersPart):
    """Sends (`shared.ports.CommandSender`), receives and keeps dead letters (`shared.queue.receiver`).

    Threads and processes of one machine may share the file. `owner` names this process in its locks. With
    `is_alive`, which says of such a name whether its process still runs, the messages of a process that died
    are delivered again at once rather than when their locks run out.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        owner: str = "",
        is_alive: Callable[[str], bool] | None = None,
        lock_duration: timedelta = LOCK_DURATION,
        max_delivery_count: int = MAX_DELIVERY_COUNT,
        setting: str = "QUEUE_URL",
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        store = Store(path, setting=setting, busy_seconds=busy_seconds)
        super().__init__(store, clock, max_delivery_count=max_delivery_count)
        self._owner = owner or uuid.uuid4().hex
        self._is_alive = is_alive
        self._lock_duration = lock_duration
        self._free_locks_of_the_dead()

    @property
    def path(self) -> Path:
        """The file."""
        return self._store.path

    def close(self) -> None:
        """Let go of the file. Locks stay until they run out, or somebody sees that this process is gone."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- sending ------------------------------------------------------------------------------------------

    def send(self, command: Command, *, not_before: datetime | None = None) -> None:
        from shared.queue.messages import encode  # noqa: PLC0415 - loads pydantic

        self.send_raw(command.queue, encode(command), not_before=not_before)

    def send_raw(
        self,
        queue: str,
        body: bytes,
        *,
        not_before: datetime | None = None,
        message_id: str = "",
        correlation_id: str = "",
        properties: Mapping[str, Property] | None = None,
    ) -> int:
        self._check_name(queue)
        message_id = message_id or uuid.uuid4().hex
        text = check_message(queue, body, message_id, correlation_id, properties or {})
        now = self._clock.now()
        later = not_before is not None and not_before > now
        with self._store.write(durable=True) as connection:
            done = connection.execute(
                "INSERT INTO queue_messages (queue, state, available_at, message_id, correlation_id,"
                " properties, body, enqueued_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    queue,
                    "scheduled" if later else "ready",
                    time_text(not_before) if later and not_before is not None else None,
                    message_id,
                    correlation_id,
                    text,
                    body,
                    time_text(not_before if later and not_before is not None else now),
                ),
            )
        return int(done.lastrowid or 0)

    # --- receiving ----------------------------------------------------------------------------------------

    def receive(self, queue: str, *, max_messages: int = 1) -> tuple[Delivery, ...]:
        self._check_name(queue)
        if max_messages < 1 or not self._anything_for(queue):
            return ()
        now = self._clock.now()
        until = now + self._lock_duration
        with self._store.write() as connection:
            self._settle(connection, now, (queue,))
            taken = connection.execute(_TAKE, (queue, max_messages)).fetchall()
            deliveries = tuple(
                Delivery(
                    queue=queue,
                    sequence_number=sequence,
                    message_id=message_id,
                    body=body,
                    delivery_count=delivery_count + 1,
                    enqueued_time=datetime.fromisoformat(enqueued_at),
                    lock_token=str(uuid.uuid4()),
                    locked_until=until,
                    correlation_id=correlation_id,
                    properties=json.loads(properties),
                )
                for (
                    sequence,
                    message_id,
                    body,
                    delivery_count,
                    enqueued_at,
                    correlation_id,
                    properties,
                ) in taken
            )
            connection.executemany(
                "UPDATE queue_messages SET state = 'locked', delivery_count = ?, lock_token = ?,"
                " locked_by = ?, available_at = ? WHERE sequence = ?",
                [
                    (one.delivery_count, one.lock_token, self._owner, time_text(until), one.sequence_number)
                    for one in deliveries
                ],
            )
        return deliveries

    def renew(self, delivery: Delivery) -> Delivery:
        until = self._clock.now() + self._lock_duration
        self._if_mine("UPDATE queue_messages SET available_at = ?", delivery, time_text(until))
        return replace(delivery, locked_until=until)

    def complete(self, delivery: Delivery) -> None:
        self._if_mine("DELETE FROM queue_messages", delivery)

    def abandon(self, delivery: Delivery) -> None:
        now = self._clock.now()
        with self._store.write() as connection:
            done = connection.execute(
                f"{UNLOCK} WHERE sequence = :sequence AND state = 'locked' AND lock_token = :token"
                " AND available_at > :now",
                {
                    **self._unlocking(now),
                    "sequence": delivery.sequence_number,
                    "token": delivery.lock_token,
                },
            )
            if done.rowcount != 1:
                raise _lock_lost(delivery)

    def dead_letter(self, delivery: Delivery, *, reason: str, description: str = "") -> None:
        self._if_mine(
            "UPDATE queue_messages SET state = 'dead', lock_token = NULL, locked_by = NULL,"
            " available_at = NULL, dead_reason = ?, dead_description = ?, dead_at = ?",
            delivery,
            storable(reason)[:_REASON_CHARACTERS],
            storable(description)[:_REASON_CHARACTERS],
            time_text(self._clock.now()),
        )

    def release_locks_of(self, owners: Iterable[str]) -> int:
        """Free the messages that these owners, known to be dead, had locked; returns how many."""
        freed = 0
        with self._store.write() as connection:
            for owner in set(owners):
                connection.execute(
                    "UPDATE queue_messages SET deaths = deaths + 1 WHERE state = 'locked' AND locked_by = ?",
                    (owner,),
                )
                done = connection.execute(
                    f"{UNLOCK} WHERE state = 'locked' AND locked_by = :owner",
                    {**self._unlocking(self._clock.now()), "owner": owner},
                )
                freed += done.rowcount
        return freed

    def lock_owners(self) -> frozenset[str]:
        """Who holds locks now."""
        with self._store.read() as connection:
            rows = connection.execute("SELECT DISTINCT locked_by FROM queue_messages WHERE state = 'locked'")
            return frozenset(owner for (owner,) in rows)

    def next_available_at(self, queue: str) -> datetime | None:
        """When a message can be received from this queue at the earliest, if nobody does anything.

        Not later than now when one can be received already; None when there is none to come.
        """
        self._check_name(queue)
        with self._store.read() as connection:
            (ready,) = connection.execute(
                "SELECT min(enqueued_at) FROM"
                " (SELECT enqueued_at FROM queue_messages WHERE state = 'ready' AND queue = ? LIMIT 1)",
                (queue,),
            ).fetchone()
            (scheduled,) = connection.execute(
                "SELECT min(available_at) FROM queue_messages WHERE state = 'scheduled' AND queue = ?",
                (queue,),
            ).fetchone()
            (locked,) = connection.execute(
                "SELECT min(available_at) FROM queue_messages WHERE state = 'locked' AND queue = ?"
                " AND delivery_count < ?",
                (queue, self._max_delivery_count),
            ).fetchone()
        times = [datetime.fromisoformat(one) for one in (ready, scheduled, locked) if one is not None]
        if ready is not None:
            times.append(self._clock.now())  # it may have been sent by a clock that was ahead
        return min(times, default=None)

    def counts(self) -> Mapping[str, QueueCounts]:
        """How many messages each queue holds, by what can be done with them."""
        self._settle_all()
        with self._store.read() as connection:
            rows = connection.execute(
                "SELECT queue, state, count(*) FROM queue_messages GROUP BY queue, state"
            ).fetchall()
        found = {(queue, state): count for queue, state, count in rows}
        return {
            queue: QueueCounts(
                active=found.get((queue, "ready"), 0),
                scheduled=found.get((queue, "scheduled"), 0),
                locked=found.get((queue, "locked"), 0),
                dead_lettered=found.get((queue, "dead"), 0),
            )
            for queue in self.queues
        }

    # --- parts of the above -------------------------------------------------------------------------------

    def _anything_for(self, queue: str) -> bool:
        """Whether it is worth taking the write lock: an idle queue is asked often."""
        due = self.next_available_at(queue)
        if due is not None and due <= self._clock.now():
            return True
        return self._free_locks_of_the_dead() > 0

    def _free_locks_of_the_dead(self) -> int:
        if self._is_alive is None:
            return 0
        gone = [one for one in self.lock_owners() if one != self._owner and not self._is_alive(one)]
        return self.release_locks_of(gone) if gone else 0

    def _if_mine(self, statement: str, delivery: Delivery, *values: str) -> None:
        now = time_text(self._clock.now())
        with self._store.write() as connection:
            done = connection.execute(
                statement + _MINE, (*values, delivery.sequence_number, delivery.lock_token, now)
            )
            if done.rowcount != 1:
                raise _lock_lost(delivery)


def _lock_lost(delivery: Delivery) -> MessageLockLost:
    return MessageLockLost(
        f"Message {delivery.sequence_number} of queue {delivery.queue} is no longer locked for this receiver."
    )
