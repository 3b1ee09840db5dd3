"""HTTP: whether the app is healthy. Everybody may know that much, and whoever may look is told what is wrong.

Healthy: the state and the queues answer, and the timers ran when they should. Azure DevOps is not asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from handlers.report_status import Reporting
from shared.model.viewer import ViewerRefused
from shared.model.web import WebReply, WebRequest
from shared.ports import Dependencies, StateUnavailable, Viewers
from shared.views.status import Status

KEPT_FOR = timedelta(seconds=30)
"""How old an answer may be: however often somebody asks, the state is read twice a minute by an instance."""

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Means:
    """What there is to look at, once the app has started."""

    deps: Dependencies
    reporting: Reporting
    viewers: Viewers


@dataclass(slots=True)
class Kept:
    """What was found last, and when it was looked; one of a process."""

    at: datetime | None = None
    problems: tuple[str, ...] = ("Nobody has looked yet.",)


def read_health(request: WebRequest, means: Callable[[], Means | None], kept: Kept) -> WebReply:
    """200 and `healthy`, or 503 and `degraded`; `means` answers None while the app cannot start."""
    own = means()
    if own is None:
        return _reply(("The app cannot start: its settings, state, queues or secrets do not let it.",), None)
    now = own.deps.clock.now()
    if kept.at is None or not timedelta(0) <= now - kept.at < KEPT_FOR:
        # Noted first: whoever asks while one looks is told what was found before.
        kept.at = now
        kept.problems = tuple(_problems(own, now))
    at, problems = kept.at, kept.problems
    try:
        own.viewers.identify(request.headers)
    except ViewerRefused:
        return _reply(problems, None)
    return _reply(problems, at)


def _problems(own: Means, now: datetime) -> list[str]:
    found: list[str] = []
    queues = own.reporting.count_queues()
    if queues is None:
        found.append("queues: they do not answer.")
    try:
        status = Status(own.deps.state, queues, now, own.deps.intervals)
    except StateUnavailable as error:
        return [*found, f"state: {error}"]
    found += [
        f"timers: the organizations of connector {one.name} were looked for {_ago(status.lag(one))} ago."
        for one in status.late(own.reporting.late_after)
    ]
    found += [
        f"timers: work of kind {kind} is due since {_ago(one.seconds)}, and nobody took it."
        for kind, one in sorted(status.overdue().items())
    ]
    return found


def _ago(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - an hour


def _reply(problems: tuple[str, ...], at: datetime | None) -> WebReply:
    """With details where `at` says when it was looked."""
    document: dict[str, object] = {"status": "degraded" if problems else "healthy"}
    if at is not None:
        document |= {"checkedAt": at.isoformat(timespec="seconds"), "problems": list(problems)}
    body = json.dumps(document).encode()
    return WebReply(503 if problems else 200, body, _HEADERS)
