"""The throttle gate: which request may start now, per organization and identity, across all processes.

The rate limit belongs to the identity, which may be a person. A wait that any answer asks for holds for every
request to the organization, whatever the host, the thread and the process, from the moment the answer's
headers are read. What is shared is one record of the store:

- A wait is written at once, and the record is read anew (one read for all threads) before a request starts
  if it was read more than `_FRESH` seconds ago.
- With an hourly cap requests are reserved before they are sent, in blocks that shrink near the cap.
- While usage is high, starts take turns: each process takes the next free turns by a conditional write.
"""

from __future__ import annotations

import contextlib
import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from shared.ado.advice import LONGEST_PACE, LONGEST_WAIT, advice_of, pace_of, until_free
from shared.ado.errors import Head, HourlyCapReached, RateLimited, Where, told
from shared.ports import Clock, StateConflict, StateUnavailable, ThrottleRecord, ThrottleStore, Urgency

if TYPE_CHECKING:
    from shared.model.failure import Throttled

TOO_MANY: Final = 429

Ticks = Callable[[], float]
"""The monotonic clock: seconds that only ever grow, whatever happens to the time of day."""

_SHORTEST_BLOCK = 1.0
_FIRST_BLOCK = 60.0
_LONGEST_BLOCK = 360.0
_BLOCK_JITTER = 0.2
_FRESH = 0.03
"""Seconds for which what other processes told is taken to hold."""
_NEW = 0.002
"""Seconds after which the record is read again before it is written."""
_READ_MOST = 1.0
"""Seconds that a request waits for the store; a slow one is no reason to stand still."""
_LOOK_AGAIN = 1.0
"""Seconds until an unavailable store is asked again, and between two counts that we tell when idle."""
_FLUSH_EVERY = 20
"""Requests after which the count is told to other processes, and the largest block that is reserved."""
_BLOCK_SHARE = 8
"""A block is at most this part of what the cap leaves, so that little is stuck with others at the end."""
_MATTERS = 0.05
"""Seconds by which a wait must grow to be told to other processes; also added to each as a margin."""
_TURNS_FOR = 0.25
"""Seconds of turns that are taken with one write."""
_NEWS_OF_PACE = 1.25
"""A pace that changed by such a factor is told to other processes at once."""
_USAGE_HOLDS = 60.0
"""Seconds for which told usage slows us down: normal answers do not tell that usage has sunk again."""
_YIELD = 5.0
"""Seconds for which background requests stay back after an urgent one had to wait."""
_SKEW = 60.0
"""Seconds by which the clocks of two instances may differ before one of them is taken to be wrong."""
_CONFLICTS = 20
_HOUR = timedelta(hours=1)

_FREE_FACTOR: Final = {Urgency.URGENT: 1.0, Urgency.NORMAL: 1.0, Urgency.BACKGROUND: 2.0}
_FREE_MOST = 0.95
_CAP_KEPT: Final = {Urgency.URGENT: 0.0, Urgency.NORMAL: 0.05, Urgency.BACKGROUND: 0.2}
"""The share of the hourly cap that is kept for more urgent requests."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of Azure DevOps we take.

    `concurrency` requests at once per organization and identity; `free_share` of the limit (0 to 1) is left
    to others; `hourly_cap` requests per clock hour, 0 for no cap; waits of up to `sleep_most` seconds are
    slept through, longer ones raise `Throttled`.
    """

    concurrency: int = 4
    free_share: float = 0.2
    hourly_cap: int = 0
    sleep_most: float = 15.0


class NotNowError(Exception):
    """The request was admitted, and may not start any more: ask the gate again."""


class Gate:
    """The gate of one organization and identity.

    Waits are enforced by two clocks, the monotonic one and the shared one, and end when either says so: a
    clock that is set back must not stall us, and one that is set forward costs at most one more 429.
    """

    def __init__(
        self, key: str, limits: Limits, store: ThrottleStore, clock: Clock, ticks: Ticks = time.monotonic
    ) -> None:
        self.key = key
        self._limits = limits
        self._store = store
        self._clock = clock
        self._ticks = ticks
        self._changed = threading.Condition()
        self._store_turn = threading.Lock()
        self._in_flight = 0
        self._waiting = [0] * len(Urgency)
        self._not_before: datetime | None = None
        self._not_before_here = 0.0
        self._held_at: datetime | None = None
        self._reason = ""
        self._blocked_at = -1.0
        self._streak = 0
        self._known = ThrottleRecord()
        self._read_from = -math.inf
        self._away_until = -math.inf
        self._told_at = self._ticks()
        self._pending = 0
        self._pending_hour: datetime | None = None
        self._reserved = 0
        self._reserved_hour: datetime | None = None
        self._unasked_hour: datetime | None = None
        self._turns: deque[_Turn] = deque()
        self._urgent_at: datetime | None = None
        self._slept = 0.0
        self._usage: _Usage | None = None

    @contextlib.contextmanager
    def admitted(self, where: Where, urgency: Urgency = Urgency.NORMAL) -> Iterator[float]:
        """Hold a place for one request, from its start to the end of its answer; gives its start time.

        Sleeps through short waits; for long ones raises `RateLimited` or `HourlyCapReached`, with `retry_at`.
        """
        started = self._enter(where, urgency)
        try:
            yield started
        finally:
            with self._changed:
                self._in_flight -= 1
                idle = self._in_flight == 0
                self._changed.notify_all()
            self._tell_count(idle=idle)

    @contextlib.contextmanager
    def start(self) -> Iterator[None]:
        """Send the admitted request meanwhile. Raises `NotNowError` if it may not start any more.

        Check and start are one step under the lock: once an answer was heeded, nothing leaves.
        """
        self._look()
        with self._changed:
            now = self._clock.now()
            if self._wait(now) > 0 or not self._spend(now):
                raise NotNowError
            yield

    def heed(self, head: Head, started: float) -> None:
        """Take to heart what an answer asks for. Call it before the answer's body is read."""
        now = self._clock.now()
        advice = advice_of(head.headers, now, self._limits.free_share)
        blocked = head.status == TOO_MANY
        with self._changed:
            wait, reason = advice.wait, advice.reason
            before = self._pace(now, Urgency.NORMAL)
            if advice.remaining is not None and advice.limit is not None:
                self._usage = _Usage(
                    advice.remaining, advice.limit, now, now + timedelta(seconds=advice.away)
                )
            pace = self._pace(now, Urgency.NORMAL)
            slower = pace > before * _NEWS_OF_PACE
            if blocked:
                # Requests that were under way when the first of them was blocked belong to the same block.
                if started > self._blocked_at:
                    self._streak += 1
                    self._blocked_at = self._ticks()
                if wait <= 0:
                    wait = _SHORTEST_BLOCK if advice.says_when else self._unasked_wait()
                    reason = f"a 429 that asks for no time: {wait:.0f} s"
            elif started > self._blocked_at:
                self._streak = 0
            later = wait > 0 and self._hold(now, wait + _MATTERS, reason)
        if later or slower:
            self._tell()

    def until(self) -> datetime | None:
        """When the next request may start, if it has to wait."""
        with self._changed:
            return self._not_before if self._wait(self._clock.now()) > 0 else None

    def waiting(self) -> int:
        """How many requests wait for a place."""
        with self._changed:
            return sum(self._waiting)

    def _enter(self, where: Where, urgency: Urgency) -> float:
        slept = 0.0
        turn: _Turn | None = None
        while True:
            self._look()
            self._prepare(urgency, has_turn=turn is not None)
            with self._changed:
                self._await_place(urgency)
                now = self._clock.now()
                if turn is not None and turn.is_missed(now):
                    turn = None
                if turn is None and self._pace(now, urgency) > 0:
                    turn = self._next_turn(now)
                    if turn is None:
                        # Somebody else was quicker; take new ones.
                        continue
                held, over = self._wait(now), self._cap_is_reached(now, urgency)
                turned = turn.wait(now, self._ticks()) if turn is not None else 0.0
                wait = max(held, turned, self._yielding(now, urgency))
                if wait <= 0 and over is None:
                    if self._limits.hourly_cap and not self._has_reserved(now):
                        continue
                    self._in_flight += 1
                    return self._ticks()
                reason = self._reason if held > 0 else "the free share of the limit, and more urgent requests"
                refusal = self._refusal(where, now, wait, over, slept, reason)
                if refusal is not None and turn is not None:
                    self._turns.appendleft(turn)
                self._slept += 0 if refusal else wait
            if urgency is Urgency.URGENT and (wait > _MATTERS or over is not None):
                self._tell_urgent(now)
            if refusal is not None:
                raise refusal
            if not self._sleep(wait):
                # The process is stopping: what is left goes back to the queue.
                raise _refused(where, now + timedelta(seconds=wait), reason)
            slept += wait

    def _await_place(self, urgency: Urgency) -> None:
        """Wait for a place, after all that are more urgent. With the lock held."""
        waited = False
        self._waiting[urgency] += 1
        try:
            while self._in_flight >= self._limits.concurrency or any(self._waiting[:urgency]):
                waited = True
                if urgency is Urgency.URGENT:
                    self._urgent_at = self._clock.now()
                self._changed.wait(_LOOK_AGAIN)
        finally:
            self._waiting[urgency] -= 1
            if waited:
                self._changed.notify_all()

    def _refusal(
        self, where: Where, now: datetime, wait: float, over: datetime | None, slept: float, reason: str
    ) -> Throttled | None:
        if over is not None and (over - now).total_seconds() >= wait:
            cap = self._limits.hourly_cap
            cause = f"the cap of {cap} requests per hour is used up until {over:%H:%M} UTC"
            return told(HourlyCapReached, where, cause, retry_at=over)
        if slept + wait > self._limits.sleep_most:
            return _refused(where, now + timedelta(seconds=wait), reason)
        return None

    def _sleep(self, seconds: float) -> bool:
        """Sleep; False when the clock no longer does."""
        now, here = self._clock.now(), self._ticks()
        self._clock.sleep(seconds)
        passed = max((self._clock.now() - now).total_seconds(), self._ticks() - here)
        return passed >= seconds / 2

    # --- with the lock held ---

    def _wait(self, now: datetime) -> float:
        if self._not_before is None:
            return 0.0
        shared = (self._not_before - now).total_seconds()
        here = self._not_before_here - self._ticks()
        return max(0.0, min(shared, here))

    def _hold(self, now: datetime, seconds: float, reason: str) -> bool:
        """Let nothing start for so long; whether that is news."""
        until = now + timedelta(seconds=seconds)
        if self._wait(now) > 0 and self._not_before is not None and until <= self._not_before:
            return False
        news = self._not_before is None or (until - self._not_before).total_seconds() > _MATTERS
        self._not_before, self._not_before_here = until, self._ticks() + seconds
        self._held_at = now
        self._reason = reason
        return news

    def _unasked_wait(self) -> float:
        grown = _FIRST_BLOCK * 2 ** (self._streak - 1) if self._streak < 4 else _LONGEST_BLOCK  # noqa: PLR2004
        jitter = 1 + random.random() * _BLOCK_JITTER  # noqa: S311 - spreads retries, keeps no secret
        return min(_LONGEST_BLOCK, grown * jitter)

    def _spend(self, now: datetime) -> bool:
        """Count one request that starts now; False when none is reserved for it."""
        if self._limits.hourly_cap:
            if not self._has_reserved(now):
                return False
            self._reserved -= 1
            return True
        hour = _hour_of(now)
        if hour != self._pending_hour:
            self._pending, self._pending_hour = 0, hour
        self._pending += 1
        return True

    def _hour(self, now: datetime) -> datetime:
        """The hour that counts: another instance's, if its clock is a little ahead."""
        hour, known = _hour_of(now), self._known.hour
        return known if known is not None and hour < known <= hour + _HOUR and _ahead(known, now) else hour

    def _has_reserved(self, now: datetime) -> bool:
        return self._reserved > 0 and self._reserved_hour == self._hour(now)

    def _left(self, now: datetime, urgency: Urgency) -> int:
        """What the hour leaves to the urgency, beyond what is reserved here and elsewhere."""
        cap = self._limits.hourly_cap
        used = self._known.requests if self._known.hour == self._hour(now) else 0
        return cap - int(cap * _CAP_KEPT[urgency]) - used

    def _cap_is_reached(self, now: datetime, urgency: Urgency) -> datetime | None:
        if not self._limits.hourly_cap:
            return None
        ours = self._reserved if self._has_reserved(now) else 0
        if self._left(now, urgency) + ours > 0 and (ours or not self._is_away()):
            return None
        over = self._hour(now) + _HOUR
        return min(over, now + timedelta(seconds=_USAGE_HOLDS)) if self._is_away() else over

    def _is_away(self) -> bool:
        return self._ticks() < self._away_until

    def _free(self, urgency: Urgency) -> float:
        share = self._limits.free_share
        return max(share, min(share * _FREE_FACTOR[urgency], _FREE_MOST))

    def _pace(self, now: datetime, urgency: Urgency) -> float:
        """Seconds between two starts of all processes together; 0 when there is no need."""
        usage = self._usage
        if usage is None or not -_SKEW <= (now - usage.at).total_seconds() < _USAGE_HOLDS:
            return 0.0
        return pace_of(usage.remaining, usage.limit, usage.away(now), self._free(urgency))

    def _yielding(self, now: datetime, urgency: Urgency) -> float:
        """Seconds that a background request leaves to others."""
        if urgency is not Urgency.BACKGROUND:
            return 0.0
        wait = 0.0
        if (usage := self._usage) is not None:
            away = (usage.reset_at - usage.at).total_seconds()
            whole = until_free(usage.remaining, usage.limit, away, self._free(urgency))
            passed = (now - usage.at).total_seconds()
            wait = max(0.0, whole - passed) if passed >= -_SKEW else 0.0
        for moment in (self._urgent_at, self._known.urgent_at):
            if moment is not None and -_SKEW <= (age := (now - moment).total_seconds()) < _YIELD:
                wait = max(wait, min(_YIELD, _YIELD - age))
        return wait

    def _next_turn(self, now: datetime) -> _Turn | None:
        while self._turns:
            turn = self._turns.popleft()
            if not turn.is_missed(now):
                return turn
        return None

    def _learn(self, record: ThrottleRecord) -> None:
        news = record.not_before != self._known.not_before or self._known.revision == 0
        self._known = record
        now = self._clock.now()
        if record.usage_at is not None and (self._usage is None or record.usage_at > self._usage.at):
            self._usage = _usage_of(record)
        if record.not_before is None or not news:
            return
        ahead = _believed(record, now)
        if ahead > self._wait(now):
            self._hold(now, ahead, record.reason)

    # --- with other processes ---

    def _look(self) -> None:
        """Read what other processes told, unless that was done a moment ago; one thread does it for all."""
        asked = self._ticks()
        if self._read_from >= asked - _FRESH or asked < self._away_until:
            return
        if not self._store_turn.acquire(timeout=_READ_MOST):
            return
        try:
            if self._read_from >= asked - _FRESH or asked < self._away_until:
                return
            self._read()
        except StateUnavailable:
            self._away_until = self._ticks() + _LOOK_AGAIN
        finally:
            self._store_turn.release()

    def _read(self) -> None:
        """Read the record. With the turn at the store."""
        begun = self._ticks()
        record = self._store.throttle(self.key)
        with self._changed:
            self._learn(record)
            self._read_from = begun

    def _prepare(self, urgency: Urgency, *, has_turn: bool) -> None:
        """Reserve what the next request needs: a block of the hour's requests, turns to start."""
        if not self._limits.hourly_cap and self._usage is None:
            return
        with self._changed:
            now = self._clock.now()
            needs_turn = not has_turn and not self._turns and self._pace(now, urgency) > 0
            alone = self._is_away()
            needs_block = self._block(now, urgency) > 0 or (alone and self._may_go_alone(now))
        if not needs_turn and not needs_block:
            return
        taken: tuple[int, datetime, list[_Turn]] = (0, now, [])

        def take(record: ThrottleRecord) -> ThrottleRecord:
            nonlocal taken
            now = self._clock.now()
            block, hour = self._block(now, urgency), self._hour(now)
            turns: list[_Turn] = []
            if block:
                record = replace(record, hour=hour, requests=block + _requests_of(record, hour))
            pace = self._pace(now, urgency)
            if needs_turn and pace > 0 and not self._turns:
                first = record.next_start
                # A turn far away was taken by a wrong clock.
                if first is None or not 0 <= (first - now).total_seconds() <= 2 * LONGEST_PACE:
                    first = now
                number = min(_FLUSH_EVERY, math.ceil(_TURNS_FOR / pace))
                here = self._ticks() - now.timestamp()
                moments = [first + timedelta(seconds=pace * one) for one in range(number)]
                turns = [_Turn(moment, moment.timestamp() + here) for moment in moments]
                record = replace(record, next_start=first + timedelta(seconds=pace * number))
            taken = (block, hour, turns)
            return record

        if alone or not self._tell(take):
            if not alone and not self._is_away():
                # Others were quicker time and again; whoever asked comes back.
                return
            with self._changed:
                self._go_alone(take, urgency)
        with self._changed:
            block, hour, turns = taken
            if block:
                kept = self._reserved if self._reserved_hour == hour else 0
                self._reserved, self._reserved_hour = kept + block, hour
            self._turns.extend(turns)

    def _go_alone(self, take: Callable[[ThrottleRecord], ThrottleRecord], urgency: Urgency) -> None:
        """Take without the store: turns as if we were alone, and one small block of requests per hour.

        What is taken so is told later. With the lock held.
        """
        now = self._clock.now()
        self._away_until = max(self._away_until, self._ticks() + _LOOK_AGAIN)
        record = take(self._known)
        self._known = replace(self._known, next_start=record.next_start)
        hour = self._hour(now)
        left = self._left(now, urgency)
        if left > 0 and self._may_go_alone(now):
            self._unasked_hour = hour
            block = max(1, min(_FLUSH_EVERY, left // _BLOCK_SHARE))
            self._pending, self._pending_hour = block, hour
            self._reserved, self._reserved_hour = block, hour

    def _may_go_alone(self, now: datetime) -> bool:
        hour = self._hour(now)
        return self._limits.hourly_cap > 0 and not self._has_reserved(now) and self._unasked_hour != hour

    def _block(self, now: datetime, urgency: Urgency) -> int:
        """How many requests to reserve now. With the lock held."""
        if not self._limits.hourly_cap or self._has_reserved(now) or self._is_away():
            return 0
        left = self._left(now, urgency)
        return min(left, max(1, min(_FLUSH_EVERY, left // _BLOCK_SHARE))) if left > 0 else 0

    def _tell_urgent(self, now: datetime) -> None:
        """Let background requests of every process stay back; told about once a second."""
        with self._changed:
            told_at = self._known.urgent_at
            self._urgent_at = now
        news = told_at is None or not 0 <= (now - told_at).total_seconds() < _LOOK_AGAIN
        if news and not self._is_away():
            self._tell()

    def _tell_count(self, *, idle: bool) -> None:
        with self._changed:
            waited = self._ticks() - self._told_at >= _LOOK_AGAIN
            has_count = idle and (self._pending > 0 or self._reserved > 0)
            due = self._pending >= _FLUSH_EVERY or (waited and (has_count or self._is_untold()))
        if due and not self._is_away():
            self._tell(give_back=idle)

    def _is_untold(self) -> bool:
        """Whether a wait of ours could not be told yet."""
        ours, theirs = self._not_before, self._known.not_before
        return ours is not None and self._wait(self._clock.now()) > 0 and (theirs is None or ours > theirs)

    def _tell(
        self, take: Callable[[ThrottleRecord], ThrottleRecord] | None = None, *, give_back: bool = False
    ) -> bool:
        """Write what we know to the store, merged with what others wrote meanwhile; whether that was done.

        `take` adds what we take for ourselves; it is run anew after a conflict.
        """
        with self._store_turn:
            try:
                if self._read_from < self._ticks() - _NEW:
                    # A read is cheaper than a write in vain, where several processes write.
                    self._read()
                for attempt in range(_CONFLICTS):
                    with self._changed:
                        given = self._reserved if give_back else 0
                        given_hour = self._reserved_hour
                        # Meanwhile nobody may spend what goes back.
                        self._reserved -= given
                        pending, hour, slept = self._pending, self._pending_hour, self._slept
                        record = self._merged(self._known)
                        if given and record.hour == given_hour:
                            record = replace(record, requests=max(0, record.requests - given))
                        if take is not None:
                            record = take(record)
                    try:
                        written = self._store.put_throttle(self.key, record)
                    except (StateConflict, StateUnavailable) as error:
                        with self._changed:
                            self._reserved += given
                        if isinstance(error, StateUnavailable):
                            raise
                        if attempt:
                            time.sleep(random.uniform(0, 0.005))  # noqa: S311 - spreads retries
                        self._read()
                        continue
                    with self._changed:
                        self._learn(written)
                        if self._pending_hour == hour:
                            self._pending -= pending
                        self._slept -= slept
                        self._told_at = self._ticks()
                    return True
            except StateUnavailable:
                self._away_until = self._ticks() + _LOOK_AGAIN
        return False

    def _merged(self, known: ThrottleRecord) -> ThrottleRecord:
        now = self._clock.now()
        ours = self._not_before
        theirs = known.not_before if _is_credible(known, now) else None
        later = ours is not None and (theirs is None or ours > theirs)
        record = replace(
            known,
            not_before=ours if later else known.not_before,
            held_at=self._held_at if later else known.held_at,
            reason=self._reason if later else known.reason,
            updated_at=now,
            throttled_seconds=known.throttled_seconds + self._slept,
        )
        hour = self._pending_hour
        # An hour far ahead is a wrong clock's; one ahead by little has begun, and ours is over.
        over = hour is None or (known.hour is not None and hour < known.hour <= _hour_of(now) + _HOUR)
        if self._pending and hour is not None and not over:
            record = replace(record, hour=hour, requests=_requests_of(known, hour) + self._pending)
        if self._urgent_at is not None and (known.urgent_at is None or self._urgent_at > known.urgent_at):
            record = replace(record, urgent_at=self._urgent_at)
        if (usage := self._usage) is not None and (known.usage_at is None or usage.at >= known.usage_at):
            record = replace(
                record,
                remaining=usage.remaining,
                limit=usage.limit,
                usage_at=usage.at,
                reset_at=usage.reset_at,
            )
        return record

    def close(self) -> None:
        """Tell the last requests to other processes, and give back what was reserved."""
        if self._pending or self._slept or self._reserved:
            self._tell(give_back=True)


def _refused(where: Where, until: datetime, reason: str) -> Throttled:
    cause = f"Azure DevOps asks to wait until {until:%Y-%m-%d %H:%M:%S} UTC ({reason})"
    return told(RateLimited, where, cause, retry_at=until)


@dataclass(frozen=True, slots=True)
class _Usage:
    """Usage as the service told it, in TSTU."""

    remaining: float
    limit: float
    at: datetime
    reset_at: datetime

    def away(self, now: datetime) -> float:
        """Seconds until usage would be back to 0."""
        return (self.reset_at - now).total_seconds()


@dataclass(frozen=True, slots=True)
class _Turn:
    """A moment at which one request may start, by the shared and by the monotonic clock."""

    at: datetime
    here: float

    def wait(self, now: datetime, here: float) -> float:
        """Seconds until then, by the clock that is there first."""
        return max(0.0, min((self.at - now).total_seconds(), self.here - here))

    def is_missed(self, now: datetime) -> bool:
        """Whether it was so long ago that it is lost: missed turns must not add up to a burst."""
        return (now - self.at).total_seconds() > _LOOK_AGAIN


def _usage_of(record: ThrottleRecord) -> _Usage | None:
    remaining, limit, at, reset_at = record.remaining, record.limit, record.usage_at, record.reset_at
    if remaining is None or limit is None or at is None or reset_at is None:
        return None
    return _Usage(remaining, limit, at, reset_at)


def _hour_of(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


def _ahead(hour: datetime, now: datetime) -> bool:
    return (hour - now).total_seconds() <= _SKEW


def _requests_of(record: ThrottleRecord, hour: datetime) -> int:
    return record.requests if record.hour == hour else 0


def _is_credible(record: ThrottleRecord, now: datetime) -> bool:
    """Whether the record's wait can come from a clock that goes like ours."""
    if record.not_before is None:
        return False
    longest = timedelta(seconds=LONGEST_WAIT + _SKEW)
    skew = timedelta(seconds=_SKEW)
    return record.not_before <= now + longest and (record.held_at is None or record.held_at <= now + skew)


def _believed(record: ThrottleRecord, now: datetime) -> float:
    """Seconds to wait for the record's sake: no more than it asked for, whatever its writer's clock."""
    if record.not_before is None:
        return 0.0
    meant = LONGEST_WAIT
    if record.held_at is not None:
        meant = (record.not_before - record.held_at).total_seconds()
    elif not _is_credible(record, now):
        return 0.0
    return max(0.0, min((record.not_before - now).total_seconds(), meant, LONGEST_WAIT + _SKEW))


class Gates:
    """The gates of one process. An organization's name ignores case, as it does in Azure DevOps."""

    def __init__(
        self, limits: Limits, store: ThrottleStore, clock: Clock, ticks: Ticks = time.monotonic
    ) -> None:
        """`ticks` is the monotonic clock, in seconds."""
        self._limits = limits
        self._store = store
        self._clock = clock
        self._ticks = ticks
        self._lock = threading.Lock()
        self._gates: dict[str, Gate] = {}

    @property
    def places(self) -> int:
        """How many requests may be under way at once, of one organization and identity."""
        return self._limits.concurrency

    def of(self, organization: str, identity: str) -> Gate:
        """The gate of an organization (empty: requests outside of any) and an identity."""
        key = f"{organization.casefold()}|{identity}"
        with self._lock:
            gate = self._gates.get(key)
            if gate is None:
                gate = self._gates[key] = Gate(key, self._limits, self._store, self._clock, self._ticks)
            return gate

    def close(self) -> None:
        """Tell the last requests of every gate."""
        with self._lock:
            gates = list(self._gates.values())
        for gate in gates:
            gate.close()
