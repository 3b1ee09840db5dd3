"""The throttle gate: which request may start now, per organization and identity, across all processes.

The rate limit belongs to the identity, which may be a person. A wait that any answer asks for holds for every
request to the organization, whatever the host and the thread, from the moment the answer's headers are read.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from shared.ado.advice import advice_of
from shared.ado.errors import Head, HourlyCapReached, RateLimited, Where, told
from shared.ports import Clock, StateConflict, StateUnavailable, ThrottleRecord, ThrottleStore

if TYPE_CHECKING:
    from shared.model.failure import Throttled

TOO_MANY: Final = 429

_SHORTEST_BLOCK = 1.0
_FIRST_BLOCK = 60.0
_LONGEST_BLOCK = 360.0
_BLOCK_JITTER = 0.2
_LOOK_AGAIN = 1.0
"""Seconds for which what other processes told is taken to hold, and between two counts that we tell."""
_FLUSH_EVERY = 20
"""Requests after which the count is told to other processes without waiting for the second to pass."""
_MATTERS = 0.05
"""Seconds by which a wait must grow to be told to other processes; also added to each as a margin."""
_CONFLICTS = 5
_HOUR = timedelta(hours=1)


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

    def __init__(self, key: str, limits: Limits, store: ThrottleStore, clock: Clock) -> None:
        self.key = key
        self._limits = limits
        self._store = store
        self._clock = clock
        self._changed = threading.Condition()
        self._store_turn = threading.Lock()
        self._in_flight = 0
        self._not_before: datetime | None = None
        self._not_before_here = 0.0
        self._reason = ""
        self._blocked_at = -1.0
        self._streak = 0
        self._known = ThrottleRecord()
        self._read_at: float | None = None
        self._told_at = time.monotonic()
        self._pending = 0
        self._pending_hour: datetime | None = None
        self._slept = 0.0
        self._usage: tuple[float | None, float | None] = (None, None)

    @contextlib.contextmanager
    def admitted(self, where: Where) -> Iterator[float]:
        """Hold a place for one request, from its start to the end of its answer; gives its start time.

        Sleeps through short waits; for long ones raises `RateLimited` or `HourlyCapReached`, with `retry_at`.
        """
        started = self._enter(where)
        try:
            yield started
        finally:
            with self._changed:
                self._in_flight -= 1
                idle = self._in_flight == 0
                self._changed.notify()
            self._tell_count(idle=idle)

    @contextlib.contextmanager
    def start(self) -> Iterator[None]:
        """Send the admitted request meanwhile. Raises `NotNowError` if it may not start any more.

        Check and start are one step under the lock: once an answer was heeded, nothing leaves.
        """
        with self._changed:
            now = self._clock.now()
            if self._wait(now) > 0 or self._cap_is_reached(now) is not None:
                raise NotNowError
            self._count(now)
            yield

    def heed(self, head: Head, started: float) -> None:
        """Take to heart what an answer asks for. Call it before the answer's body is read."""
        now = self._clock.now()
        advice = advice_of(head.headers, now, self._limits.free_share)
        blocked = head.status == TOO_MANY
        with self._changed:
            wait, reason = advice.wait, advice.reason
            if advice.remaining is not None:
                self._usage = (advice.remaining, advice.limit)
            if blocked:
                # Requests that were under way when the first of them was blocked belong to the same block.
                if started > self._blocked_at:
                    self._streak += 1
                    self._blocked_at = time.monotonic()
                if wait <= 0:
                    wait = _SHORTEST_BLOCK if advice.says_when else self._unasked_wait()
                    reason = f"a 429 that asks for no time: {wait:.0f} s"
            elif started > self._blocked_at:
                self._streak = 0
            later = wait > 0 and self._hold(now, wait + _MATTERS, reason)
        if later:
            self._tell()

    def until(self) -> datetime | None:
        """When the next request may start, if it has to wait."""
        with self._changed:
            return self._not_before if self._wait(self._clock.now()) > 0 else None

    def _enter(self, where: Where) -> float:
        slept = 0.0
        while True:
            self._look()
            with self._changed:
                while self._in_flight >= self._limits.concurrency:
                    self._changed.wait(_LOOK_AGAIN)
                now = self._clock.now()
                wait = self._wait(now)
                over = self._cap_is_reached(now)
                if wait <= 0 and over is None:
                    self._in_flight += 1
                    return time.monotonic()
                refusal = self._refusal(where, now, wait, over, slept)
                self._slept += 0 if refusal else wait
            if refusal is not None:
                raise refusal
            if not self._sleep(wait):
                # The process is stopping: what is left goes back to the queue.
                raise self._refused(where, now + timedelta(seconds=wait))
            slept += wait

    def _refusal(
        self, where: Where, now: datetime, wait: float, over: datetime | None, slept: float
    ) -> Throttled | None:
        if over is not None and (over - now).total_seconds() >= wait:
            cause = (
                f"the cap of {self._limits.hourly_cap} requests per hour is used up until {over:%H:%M} UTC"
            )
            return told(HourlyCapReached, where, cause, retry_at=over)
        if slept + wait > self._limits.sleep_most:
            return self._refused(where, now + timedelta(seconds=wait))
        return None

    def _refused(self, where: Where, until: datetime) -> Throttled:
        cause = f"Azure DevOps asks to wait until {until:%Y-%m-%d %H:%M:%S} UTC ({self._reason})"
        return told(RateLimited, where, cause, retry_at=until)

    def _sleep(self, seconds: float) -> bool:
        """Sleep; False when the clock no longer does."""
        now, here = self._clock.now(), time.monotonic()
        self._clock.sleep(seconds)
        passed = max((self._clock.now() - now).total_seconds(), time.monotonic() - here)
        return passed >= seconds / 2

    # --- with the lock held ---

    def _wait(self, now: datetime) -> float:
        if self._not_before is None:
            return 0.0
        shared = (self._not_before - now).total_seconds()
        here = self._not_before_here - time.monotonic()
        return max(0.0, min(shared, here))

    def _hold(self, now: datetime, seconds: float, reason: str) -> bool:
        """Let nothing start for so long; whether that is news."""
        until = now + timedelta(seconds=seconds)
        if self._wait(now) > 0 and self._not_before is not None and until <= self._not_before:
            return False
        news = self._not_before is None or (until - self._not_before).total_seconds() > _MATTERS
        self._not_before, self._not_before_here = until, time.monotonic() + seconds
        self._reason = reason
        return news

    def _unasked_wait(self) -> float:
        grown = _FIRST_BLOCK * 2 ** (self._streak - 1) if self._streak < 4 else _LONGEST_BLOCK  # noqa: PLR2004
        jitter = 1 + random.random() * _BLOCK_JITTER  # noqa: S311 - spreads retries, keeps no secret
        return min(_LONGEST_BLOCK, grown * jitter)

    def _count(self, now: datetime) -> None:
        hour = now.replace(minute=0, second=0, microsecond=0)
        if hour != self._pending_hour:
            self._pending, self._pending_hour = 0, hour
        self._pending += 1

    def _cap_is_reached(self, now: datetime) -> datetime | None:
        if not self._limits.hourly_cap:
            return None
        hour = now.replace(minute=0, second=0, microsecond=0)
        count = self._known.requests if self._known.hour == hour else 0
        count += self._pending if self._pending_hour == hour else 0
        return hour + _HOUR if count >= self._limits.hourly_cap else None

    def _learn(self, record: ThrottleRecord) -> None:
        self._known = record
        self._read_at = time.monotonic()
        if record.not_before is None:
            return
        now = self._clock.now()
        ahead = (record.not_before - now).total_seconds()
        if ahead > 0 and (self._not_before is None or record.not_before > self._not_before):
            self._hold(now, ahead, record.reason)

    # --- with other processes ---

    def _look(self) -> None:
        """Read what other processes told, about once a second; one thread does it for all."""
        with self._changed:
            fresh = self._read_at is not None and time.monotonic() - self._read_at < _LOOK_AGAIN
            first = self._read_at is None
        if fresh or not self._store_turn.acquire(blocking=first):
            return
        try:
            if first and self._read_at is not None:
                return
            with contextlib.suppress(StateUnavailable):
                record = self._store.throttle(self.key)
                with self._changed:
                    self._learn(record)
            with self._changed:
                # An unavailable store is asked again in a second, not by every request.
                self._read_at = time.monotonic()
        finally:
            self._store_turn.release()

    def _tell_count(self, *, idle: bool) -> None:
        with self._changed:
            waited = time.monotonic() - self._told_at >= _LOOK_AGAIN
            cap = self._limits.hourly_cap
            often = min(_FLUSH_EVERY, max(1, cap // 20)) if cap else _FLUSH_EVERY
            due = self._pending >= often or (self._pending > 0 and idle and waited)
        if due:
            self._tell()

    def _tell(self) -> None:
        """Write what we know to the store, merged with what others wrote meanwhile."""
        with self._store_turn, contextlib.suppress(StateUnavailable):
            for _ in range(_CONFLICTS):
                with self._changed:
                    pending, hour, slept = self._pending, self._pending_hour, self._slept
                    record = self._merged(self._known)
                try:
                    written = self._store.put_throttle(self.key, record)
                except StateConflict:
                    fresh = self._store.throttle(self.key)
                    with self._changed:
                        self._learn(fresh)
                    continue
                with self._changed:
                    self._learn(written)
                    if self._pending_hour == hour:
                        self._pending -= pending
                    self._slept -= slept
                    self._told_at = time.monotonic()
                return

    def _merged(self, known: ThrottleRecord) -> ThrottleRecord:
        now = self._clock.now()
        ours, theirs = self._not_before, known.not_before
        later = ours is not None and (theirs is None or ours > theirs)
        record = replace(
            known,
            not_before=ours if later else theirs,
            reason=self._reason if later else known.reason,
            updated_at=now,
            throttled_seconds=known.throttled_seconds + self._slept,
        )
        if self._pending_hour is not None and (known.hour is None or self._pending_hour >= known.hour):
            before = known.requests if known.hour == self._pending_hour else 0
            record = replace(record, hour=self._pending_hour, requests=before + self._pending)
        remaining, limit = self._usage
        return record if remaining is None else replace(record, remaining=remaining, limit=limit)

    def close(self) -> None:
        """Tell the last requests to other processes."""
        if self._pending or self._slept:
            self._tell()


class Gates:
    """The gates of one process. An organization's name ignores case, as it does in Azure DevOps."""

    def __init__(self, limits: Limits, store: ThrottleStore, clock: Clock) -> None:
        self._limits = limits
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._gates: dict[str, Gate] = {}

    def of(self, organization: str, identity: str) -> Gate:
        """The gate of an organization (empty: requests outside of any) and an identity."""
        key = f"{organization.casefold()}|{identity}"
        with self._lock:
            gate = self._gates.get(key)
            if gate is None:
                gate = self._gates[key] = Gate(key, self._limits, self._store, self._clock)
            return gate

    def close(self) -> None:
        """Tell the last requests of every gate."""
        with self._lock:
            gates = list(self._gates.values())
        for gate in gates:
            gate.close()
