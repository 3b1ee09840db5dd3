"""One queue of the broker: what is active, locked, scheduled, deferred and dead, by the broker's clock.

Times are milliseconds since 1970, as AMQP tells them; the clock has microseconds.
"""

from __future__ import annotations

import heapq
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from proton import Message, int32, symbol, timestamp

from tests.amqp_broker import sections

ACTIVE, DEFERRED, SCHEDULED = 0, 1, 2
DEAD = "/$DeadLetterQueue"
_NEVER = 1 << 60


@dataclass
class Entry:
    number: int
    raw: bytes
    """All sections but header, delivery annotations and annotations."""
    annotations: dict[str, object]
    enqueued: int
    state: int = ACTIVE
    count: int = 0
    """Deliveries that ended without being completed."""
    token: uuid.UUID | None = None
    until: int = 0

    def encoded(self, *, peeked: bool = False) -> bytes:
        annotations: dict[object, object] = {
            symbol(name): value for name, value in self.annotations.items() if value is not None
        }
        annotations[symbol("x-opt-enqueued-time")] = timestamp(self.enqueued)
        annotations[symbol("x-opt-sequence-number")] = self.number
        annotations[symbol("x-opt-message-state")] = int32(self.state)
        if self.token is not None and not peeked:
            annotations[symbol("x-opt-locked-until")] = timestamp(self.until)
            annotations[symbol("x-opt-lock-token")] = self.token
        told = sections.section(Message(annotations=annotations).encode(), sections.ANNOTATIONS)
        return sections.header(self.count) + told + self.raw


@dataclass
class Entity:
    name: str
    now: Callable[[], float]
    """Milliseconds."""
    lock_ms: int
    max_delivery_count: int
    dead: Entity | None = None
    entries: dict[int, Entry] = field(default_factory=dict)
    locked: dict[uuid.UUID, Entry] = field(default_factory=dict)
    free: list[int] = field(default_factory=list)
    """A heap of numbers that may be delivered; those that were not since are passed over."""
    due: list[tuple[int, int]] = field(default_factory=list)
    """A heap of when scheduled messages become active, with their numbers."""
    last: int = 0

    @classmethod
    def with_dead_letters(
        cls, name: str, now: Callable[[], float], lock_ms: int, max_delivery_count: int
    ) -> Entity:
        dead = cls(name + DEAD, now, lock_ms, _NEVER)
        return cls(name, now, lock_ms, max_delivery_count, dead)

    def clear(self) -> None:
        for held in (self.entries, self.locked, self.free, self.due):
            held.clear()

    def put(self, raw: bytes) -> Entry:
        told = sections.read(sections.section(raw, sections.ANNOTATIONS)).annotations or {}
        annotations: dict[str, object] = {str(name): value for name, value in told.items()}
        kept = b"".join(part for code, part in sections.sections(raw) if code >= sections.PROPERTIES)
        wanted = annotations.get("x-opt-scheduled-enqueue-time")
        due = int(wanted) if isinstance(wanted, int) else 0
        now = self.now()
        entry = Entry(self.next_number(), kept, annotations, int(now))
        if due > now:
            entry.enqueued, entry.state = due, SCHEDULED
            self.entries[entry.number] = entry
            heapq.heappush(self.due, (due, entry.number))
        else:
            self._offer(entry)
        return entry

    def _offer(self, entry: Entry) -> None:
        self.entries[entry.number] = entry
        heapq.heappush(self.free, entry.number)

    def next_number(self) -> int:
        self.last += 1
        return self.last

    def tick(self) -> None:
        """Let what is due happen: scheduled messages become active, locks run out."""
        now = self.now()
        while self.due and self.due[0][0] <= now:
            _, number = heapq.heappop(self.due)
            entry = self.entries.get(number)
            if entry is not None and entry.state == SCHEDULED:
                # As the service does: it is enqueued now, behind what is there, under a new number.
                del self.entries[number]
                entry.number, entry.state = self.next_number(), ACTIVE
                self._offer(entry)
        for token in [token for token, entry in self.locked.items() if entry.until <= now]:
            self.abandon(token)

    def take(self, *, lock: bool) -> Entry | None:
        while self.free:
            entry = self.entries.get(heapq.heappop(self.free))
            if entry is None or entry.state != ACTIVE or entry.token is not None:
                continue
            if lock:
                self.lock(entry)
            else:
                del self.entries[entry.number]
            return entry
        return None

    def lock(self, entry: Entry) -> None:
        entry.token = uuid.uuid4()
        entry.until = int(self.now()) + self.lock_ms
        self.locked[entry.token] = entry

    def renew(self, token: uuid.UUID) -> int | None:
        entry = self.locked.get(token)
        if entry is None:
            return None
        entry.until = int(self.now()) + self.lock_ms
        return entry.until

    def _unlock(self, token: uuid.UUID) -> Entry | None:
        entry = self.locked.pop(token, None)
        if entry is not None:
            entry.token = None
        return entry

    def complete(self, token: uuid.UUID) -> bool:
        entry = self._unlock(token)
        if entry is not None:
            del self.entries[entry.number]
        return entry is not None

    def abandon(self, token: uuid.UUID, *, failed: bool = True) -> bool:
        entry = self._unlock(token)
        if entry is None:
            return False
        entry.count += failed
        if entry.count >= self.max_delivery_count:
            self._bury(
                entry,
                "MaxDeliveryCountExceeded",
                f"Message could not be consumed after {self.max_delivery_count} delivery attempts.",
            )
        elif entry.state == ACTIVE:
            heapq.heappush(self.free, entry.number)
        return True

    def defer(self, token: uuid.UUID) -> bool:
        entry = self._unlock(token)
        if entry is not None:
            entry.count += 1
            entry.state = DEFERRED
        return entry is not None

    def dead_letter(self, token: uuid.UUID, reason: object, description: object) -> bool:
        entry = self._unlock(token)
        if entry is not None:
            entry.count += 1
            self._bury(entry, reason, description)
        return entry is not None

    def _bury(self, entry: Entry, reason: object, description: object) -> None:
        if self.dead is None:
            return
        del self.entries[entry.number]
        application = sections.section(entry.raw, sections.APPLICATION)
        properties = dict(sections.read(application).properties or {})
        if reason:
            properties["DeadLetterReason"] = str(reason)
        if description:
            properties["DeadLetterErrorDescription"] = str(description)
        told = sections.section(Message(properties=properties).encode(), sections.APPLICATION)
        before = sections.section(entry.raw, sections.PROPERTIES)
        body = b"".join(part for code, part in sections.sections(entry.raw) if code > sections.APPLICATION)
        number = self.dead.next_number()
        annotations = {**entry.annotations, "x-opt-deadletter-source": self.name}
        self.dead._offer(
            Entry(number, before + told + body, annotations, entry.enqueued, ACTIVE, entry.count)
        )

    def peek(self, first: int, most: int, most_bytes: int) -> list[bytes]:
        """Encoded messages from that number on, whatever their state, as many as one answer holds."""
        found: list[bytes] = []
        size = 0
        for number in sorted(number for number in self.entries if number >= first)[:most]:
            raw = self.entries[number].encoded(peeked=True)
            size += len(raw)
            if found and size > most_bytes:
                break
            found.append(raw)
        return found

    def cancel(self, numbers: Sequence[int]) -> bool:
        scheduled = [n for n in numbers if n in self.entries and self.entries[n].state == SCHEDULED]
        for number in scheduled:
            del self.entries[number]
        return len(scheduled) == len(numbers)
