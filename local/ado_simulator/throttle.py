"""A budget of requests per identity, told in the headers of the service before and after it is used up."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from dataclasses import dataclass, field

from local.ado_simulator.answers import blocked
from local.ado_simulator.wire import Answer

_WARNING_SHARE = 0.8


@dataclass(slots=True)
class RateLimit:
    """So many requests per identity and organization in a sliding window.

    From four fifths of the budget on, answers tell how much is left. Beyond it they come late by `delay`
    seconds and ask to wait; beyond `blocked_at` times the budget requests are refused with 429.
    """

    requests: int = 200
    window: float = 300.0
    blocked_at: float = 1.5
    delay: float = 0.0
    organization: str | None = None


@dataclass(slots=True)
class Verdict:
    """What the budget says of one request: headers to add, seconds to be late, an answer to give instead."""

    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    answer: Answer | None = None


class Throttle:
    """Counts requests against a budget. `ignored` counts those that came before a wait was over."""

    def __init__(self) -> None:
        """Begin without a budget."""
        self.limit: RateLimit | None = None
        self.ignored = 0
        self._lock = threading.Lock()
        self._used: dict[tuple[str, str | None], deque[float]] = {}
        self._until: dict[tuple[str, str | None], float] = {}

    def set(self, limit: RateLimit | None) -> None:
        """Set the budget, or none; what was used before is forgotten."""
        with self._lock:
            self.limit = limit
            self.ignored = 0
            self._used.clear()
            self._until.clear()

    def judge(self, organization: str, token: str | None) -> Verdict:
        """Count one request and say what becomes of it."""
        limit = self.limit
        wanted = limit.organization.lower() if limit is not None and limit.organization else organization
        if limit is None or wanted != organization:
            return Verdict()
        now, key = time.monotonic(), (organization, token)
        with self._lock:
            used = self._used.setdefault(key, deque())
            while used and used[0] <= now - limit.window:
                used.popleft()
            used.append(now)
            count, oldest = len(used), used[0]
            if now < self._until.get(key, 0.0):
                self.ignored += 1
            wait = max(1, math.ceil(oldest + limit.window - now))
            if count > limit.requests:
                self._until[key] = now + wait
        return _verdict(limit, count, wait)


def _verdict(limit: RateLimit, count: int, wait: int) -> Verdict:
    if count <= limit.requests * _WARNING_SHARE:
        return Verdict()
    headers = {
        "X-RateLimit-Resource": "Core/TSTU",
        "X-RateLimit-Limit": str(limit.requests),
        "X-RateLimit-Remaining": str(max(0, limit.requests - count)),
        "X-RateLimit-Reset": str(int(time.time()) + math.ceil(limit.window)),
    }
    if count <= limit.requests:
        return Verdict(headers)
    headers |= {"Retry-After": str(wait), "X-RateLimit-Delay": f"{limit.delay:.3f}"}
    if count > limit.requests * limit.blocked_at:
        return Verdict(headers, 0.0, blocked("Count"))
    return Verdict(headers, limit.delay)
