"""Bad weather: every kind of trouble that the simulator knows, on any request, all at once."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime

from benchmarks.load_clock import FastClock
from local.ado_simulator.faults import Fault, FaultBook, Target

BETWEEN_PAGES = "projects renamed between two pages"
BETWEEN = 0.1
DEEP = '{"count":1,"value":' + "[" * 50_000 + "]" * 50_000 + "}"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of trouble: how often beside the others, and how many times at most (0: no limit)."""

    name: str
    make: Callable[[], Fault]
    weight: float = 1.0
    most: int = 0
    wait: float = 0.0
    """Real seconds for which no request of the organization may follow."""


@dataclass(frozen=True, slots=True)
class Strike:
    """One request that was hit. `at` is `time.monotonic()`."""

    at: float
    kind: str
    organization: str
    session: str
    wait: float


def kinds(clock: FastClock, speed: float, organizations: int) -> tuple[Kind, ...]:
    """Every kind. `speed` is the clock's: waits are told in its seconds."""
    window = 5.0
    told = round(window * speed)
    few = max(2, organizations // 25)

    def plain(kind: str, **options: object) -> Callable[[], Fault]:
        return lambda: Fault(kind, **options)  # type: ignore[arg-type]

    def with_date() -> Fault:
        until = clock.now() + timedelta(seconds=told)
        return Fault("blocked", retry_after=format_datetime(until, usegmt=True))

    return (
        Kind("429 with Retry-After in seconds", plain("blocked", retry_after=told), 2, few * 10, window),
        Kind("429 with Retry-After as a date", with_date, 1, few * 5, window - 1 / speed),
        Kind("429 without Retry-After", plain("blocked"), 1, few),
        Kind("200 that asks to slow down", plain("slow-down", retry_after=told), 1, few, window),
        Kind("500 as a web page", plain("trouble", status=500)),
        Kind("502 as a web page", plain("trouble", status=502)),
        Kind("503 as JSON", plain("trouble", status=503, content_type="application/json")),
        Kind("504 as a web page", plain("trouble", status=504)),
        Kind("503 with Retry-After", plain("trouble", status=503, retry_after=told), 1, few * 5, window),
        Kind("503 organization stopped", plain("stopped")),
        Kind("sign-in page with 203", plain("sign-in")),
        Kind("sign-in page with 200", plain("web-page")),
        Kind("redirect to the sign-in page", plain("sign-in-redirect")),
        Kind("redirect to a strange host", plain("redirect")),
        Kind("401, token not taken", plain("unauthorized")),
        Kind("401, user not known", plain("unauthorized-user")),
        Kind("403", plain("access-denied")),
        Kind("404 as JSON", plain("not-found")),
        Kind("404 as text", plain("not-found-plain")),
        Kind("404 as a web page", plain("not-found-html")),
        Kind("409", plain("conflict")),
        Kind("empty body with 200", plain("empty")),
        Kind("connection reset", plain("reset")),
        Kind("connection closed without an answer", plain("hang")),
        Kind("slow answer", plain("delay", seconds=0.5), 1, few * 10),
        Kind("answer later than the time-out", plain("delay", seconds=3.0), 1, few * 3),
        Kind("body cut in half", plain("truncated"), 2),
        Kind("broken JSON", plain("malformed")),
        Kind("wrong types", plain("wrong-types")),
        Kind("items without ids", plain("missing-ids")),
        Kind("JSON nested 50,000 deep", plain("status", status=200, body=DEEP)),
        Kind("names of 100,000 characters", plain("huge-names"), 0.5),
        Kind("every second item missing", plain("drop-items")),
        Kind("every item twice", plain("duplicate-items")),
        Kind("continuation token that repeats itself", plain("repeat-token"), 0.5),
        Kind("continuation token that leads back", plain("loop-token"), 0.5),
    )


class Weather(FaultBook):
    """Hits a share of all requests, each with a kind taken by chance. Stands in the simulator's own place."""

    def __init__(
        self,
        seed: int,
        share: float,
        choices: tuple[Kind, ...],
        between_pages: Callable[[str], object],
    ) -> None:
        """`between_pages` is called with an organization's name, now and then before a later page of it."""
        super().__init__()
        self._between_pages = between_pages
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        self._share = share
        self._choices = list(choices)
        self._guard = threading.Lock()
        self.is_calm = True
        self.counts: Counter[str] = Counter()
        self.strikes: list[Strike] = []

    def strike(self, target: Target, page: int | None = None, *, paged: bool = False) -> list[Fault]:
        """The fault that hits this request, if any."""
        del page
        if paged or self.is_calm:
            return []
        if "continuationtoken" in target.query and target.path.lower().endswith("/_apis/projects"):
            with self._guard:
                if self._chance.random() < BETWEEN:
                    self._note(target, BETWEEN_PAGES, 0.0)
                    name = target.organization
                    return [Fault("run", action=lambda: self._between_pages(name))]
        with self._guard:
            if self._chance.random() >= self._share:
                return []
            weights = [one.weight for one in self._choices]
            (kind,) = self._chance.choices(self._choices, weights)
            self._note(target, kind.name, kind.wait)
            if kind.most and self.counts[kind.name] >= kind.most:
                self._choices.remove(kind)
        return [kind.make()]

    def _note(self, target: Target, kind: str, wait: float) -> None:
        self.counts[kind] += 1
        session = target.request.headers.get("x-tfs-session", "")
        self.strikes.append(Strike(time.monotonic(), kind, target.organization, session, wait))
