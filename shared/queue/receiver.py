"""The receiving side of a queue, as any broker with peek-lock can satisfy it, and what can go wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from shared.model.work import ONBOARDING_QUEUE, WorkKind
from shared.ports import CommandSender, StateUnavailable

Property = str | int | float | bool

QUEUES: tuple[str, ...] = (ONBOARDING_QUEUE, *(kind.value for kind in WorkKind))
"""Every queue of the app."""

MAX_DELIVERY_COUNT_EXCEEDED = "MaxDeliveryCountExceeded"
"""Reason of dead letters that were delivered too often without being completed."""

MESSAGE_BYTES = 256 * 1024
"""Largest message, with its properties: what Azure Service Bus takes in its Standard tier."""


class QueueUrlError(ValueError):
    """The place that the URL names cannot hold the queues. The message names the setting and what to do."""


class QueueUnavailable(StateUnavailable):
    """The queues cannot be reached or are overloaded. Our own outage: nobody's message is to blame."""


class UnknownQueue(ValueError):
    """There is no queue of that name."""


class MessageTooLarge(ValueError):
    """The message is larger than a queue takes. Nothing was sent."""


class MessageLockLost(Exception):
    """The message is no longer this receiver's: it was, or will be, delivered again. Nothing took effect."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that is locked for its receiver until `locked_until`.

    `delivery_count` is 1 the first time. `enqueued_time` is when it became available: for a scheduled message
    the time it was scheduled for.
    """

    queue: str
    sequence_number: int
    message_id: str
    body: bytes
    delivery_count: int
    enqueued_time: datetime
    lock_token: str
    locked_until: datetime
    correlation_id: str = ""
    properties: Mapping[str, Property] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was given up, with why. `dead_lettered_at` is None where the broker does not tell."""

    queue: str
    sequence_number: int
    message_id: str
    body: bytes
    delivery_count: int
    enqueued_time: datetime
    reason: str
    description: str
    dead_lettered_at: datetime | None = None
    correlation_id: str = ""
    properties: Mapping[str, Property] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """How many messages of one queue can be delivered now, later, are locked, and were given up."""

    active: int = 0
    scheduled: int = 0
    locked: int = 0
    dead_lettered: int = 0


class Receiver(Protocol):
    """Receiving with peek-lock: at least once, oldest sequence number first among what is available.

    A message that is neither completed nor renewed before its lock runs out is delivered again; one that was
    delivered as often as the queue allows is dead-lettered instead. All but `receive` raise `MessageLockLost`
    when the lock is gone. Safe across threads and processes: one lock, one receiver.
    """

    def receive(self, queue: str, *, max_messages: int = 1) -> Sequence[Delivery]:
        """Lock up to so many messages that are available now; none when there are none. Does not wait."""
        ...

    def renew(self, delivery: Delivery) -> Delivery:
        """Hold the lock for another lock duration from now; the returned delivery has the new end."""
        ...

    def complete(self, delivery: Delivery) -> None:
        """Done: the message is gone."""
        ...

    def abandon(self, delivery: Delivery) -> None:
        """Give the message back, to be delivered again at once."""
        ...

    def dead_letter(self, delivery: Delivery, *, reason: str, description: str = "") -> None:
        """Give the message up, for a person to look at."""
        ...


class RawSender(Protocol):
    """Sends bodies as they are: for tests, the command line, and whoever is not this program."""

    def send_raw(
        self,
        queue: str,
        body: bytes,
        *,
        not_before: datetime | None = None,
        message_id: str = "",
        correlation_id: str = "",
        properties: Mapping[str, Property] | None = None,
    ) -> int | None:
        """Send and return the sequence number, None where the broker does not tell it.

        Raises before anything is sent: `MessageTooLarge`, `UnknownQueue`, and `TypeError` or `ValueError` for
        a property that is no text of Unicode characters, boolean, finite number or 64-bit integer.
        """
        ...


class DeadLetters(Protocol):
    """The dead letters of each queue."""

    def dead_letters(self, queue: str, *, limit: int = 100) -> tuple[DeadLetter, ...]:
        """The first so many, by sequence number. Looking changes nothing."""
        ...

    def replay(self, queue: str, sequence_numbers: Iterable[int] | None = None) -> int:
        """Send these (or all) again as new messages, delivery count reset; returns how many there were."""
        ...

    def discard(self, queue: str, sequence_numbers: Iterable[int] | None = None) -> int:
        """Delete these (or all); returns how many there were."""
        ...


class Queues(CommandSender, RawSender, Receiver, DeadLetters, Protocol):
    """All queues of the app in one place, as `shared.queue.open_queue` gives them."""

    @property
    def max_delivery_count(self) -> int:
        """How often a message is delivered before it is given up."""
        ...

    def counts(self) -> Mapping[str, QueueCounts]:
        """How full each queue is, as far as the place tells."""
        ...

    def next_available_at(self, queue: str) -> datetime | None:
        """When a message can be received from this queue at the earliest, if nobody does anything.

        Not later than now when one can be received already; None when there is none to come.
        """
        ...

    def close(self) -> None:
        """Let go of the place. Locks stay until they run out."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
