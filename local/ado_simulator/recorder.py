"""What was asked of the simulator: a log of requests and counts that survive its limit."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request. `start` is `time.monotonic()`; `template` is the route's path, or the raw path.

    `status` is 0 where no answer was given; `in_flight` counts requests of the organization at that moment.
    """

    start: float
    duration: float
    method: str
    host: str
    organization: str | None
    template: str
    path: str
    query: str
    status: int
    authorized: bool
    user_agent: str | None
    session: str | None
    accept: str | None
    suppressed_redirect: bool
    fault: str | None
    in_flight: int


class RequestLog:
    """Requests in the order of their answers. Iterable, with a length; counting methods are cheap."""

    def __init__(self, limit: int = 100_000) -> None:
        """Keep the last `limit` requests; counts are kept of all."""
        self._lock = threading.Lock()
        self._entries: deque[RecordedRequest] = deque(maxlen=limit)
        self._counts: Counter[tuple[str, str, str, int]] = Counter()
        self._in_flight: Counter[str] = Counter()
        self._peak: Counter[str] = Counter()
        self._total = 0

    def begin(self, organization: str) -> int:
        """Note that a request of an organization is being answered; says how many are."""
        with self._lock:
            self._in_flight[organization] += 1
            running = self._in_flight[organization]
            self._peak[organization] = max(self._peak[organization], running)
            return running

    def end(self, organization: str, entry: RecordedRequest) -> None:
        """Note the end of a request."""
        with self._lock:
            self._in_flight[organization] -= 1
            self._entries.append(entry)
            self._counts[(organization, entry.method, entry.template, entry.status)] += 1
            self._total += 1

    def __len__(self) -> int:
        """How many requests there were since the last reset."""
        return self._total

    def __iter__(self) -> Iterator[RecordedRequest]:
        """The requests, oldest first."""
        with self._lock:
            return iter(list(self._entries))

    def __getitem__(self, index: int) -> RecordedRequest:
        """One request by position."""
        with self._lock:
            return self._entries[index]

    def count(
        self,
        *,
        organization: str | None = None,
        method: str | None = None,
        path: str | None = None,
        status: int | None = None,
    ) -> int:
        """How many requests there were: by organization, method, part of the route's template, and status."""
        with self._lock:
            return sum(
                number
                for (each, verb, template, code), number in self._counts.items()
                if (organization is None or each == organization.lower())
                and (method is None or verb == method)
                and (path is None or path.lower() in template.lower())
                and (status is None or code == status)
            )

    def peak(self, organization: str) -> int:
        """The most requests of an organization that were being answered at the same time."""
        with self._lock:
            return self._peak[organization.lower()]

    def reset(self) -> None:
        """Forget everything but what is being answered now."""
        with self._lock:
            self._entries.clear()
            self._counts.clear()
            self._peak.clear()
            self._total = 0

    def summary(self) -> dict[str, Any]:
        """Counts by organization and endpoint, and by status."""
        with self._lock:
            counts = dict(self._counts)
            organizations: dict[str, dict[str, int]] = {}
            statuses: Counter[str] = Counter()
            for (organization, method, template, status), number in counts.items():
                endpoints = organizations.setdefault(organization or "-", {})
                name = f"{method} {template}"
                endpoints[name] = endpoints.get(name, 0) + number
                statuses[str(status)] += number
            return {
                "total": self._total,
                "byOrganization": organizations,
                "byStatus": dict(statuses),
                "peak": {name or "-": number for name, number in self._peak.items()},
            }
