"""What the rate-limit headers of an answer ask of the next request. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_WAIT: Final = 24 * 3600.0
"""Seconds; a service that asks for more is asked again after a day."""

_WINDOW = 300.0
"""Seconds of the sliding window in which usage is counted: how long a missing Reset is taken to be away."""

_LONGEST_RESET = 3600.0
"""Seconds; a Reset further away is taken for a mistake, and believed no further than this."""

LONGEST_PACE: Final = 30.0
_SHORTEST_PACE = 0.02
"""Seconds; less between two starts is not worth taking turns for."""

_DATE_MARGIN = 1.0
"""A date names whole seconds, and may have been cut off to one."""


@dataclass(frozen=True, slots=True)
class Advice:
    """Seconds to wait before the next request, why, and the usage that was told (in TSTU).

    `says_when` tells a `Retry-After` of nothing from none at all.
    """

    wait: float = 0.0
    reason: str = ""
    says_when: bool = False
    remaining: float | None = None
    limit: float | None = None
    away: float = _WINDOW
    """Seconds until usage would be back to 0."""


def advice_of(headers: Mapping[str, str], now: datetime, free_share: float) -> Advice:
    """Read the headers of any answer, good or not; `headers` ignore the case of names.

    The wait is the longest of `Retry-After`, `X-RateLimit-Delay`, and the time that usage takes to sink to
    the share of the limit that is ours. Usage is taken to sink evenly and to be 0 at `X-RateLimit-Reset`.
    """
    server = _date(headers.get("Date", "")) or now
    remaining, limit = (
        _number(headers.get("X-RateLimit-Remaining")),
        _number(headers.get("X-RateLimit-Limit")),
    )
    retry_after = _retry_after(headers.get("Retry-After", ""), server)
    reset = _number(headers.get("X-RateLimit-Reset"))
    away = max(0.0, min(_WINDOW if reset is None else reset - server.timestamp(), _LONGEST_RESET))
    asked = {
        "Retry-After": retry_after or 0.0,
        "X-RateLimit-Delay": _number(headers.get("X-RateLimit-Delay")) or 0.0,
        "X-RateLimit-Remaining": until_free(remaining, limit, away, free_share),
    }
    name, wait = max(asked.items(), key=lambda one: one[1])
    wait = min(wait, LONGEST_WAIT)
    if wait <= 0:
        return Advice(says_when=retry_after is not None, remaining=remaining, limit=limit, away=away)
    return Advice(wait, f"{name} asks for {wait:.0f} s", retry_after is not None, remaining, limit, away)


def until_free(remaining: float | None, limit: float | None, away: float, free_share: float) -> float:
    """Seconds until the free share is free again; 0 when it is."""
    if remaining is None or limit is None or limit <= 0:
        return 0.0
    used, ours = limit - remaining, limit * (1 - free_share)
    return away * (1 - ours / used) if used > ours else 0.0


def pace_of(remaining: float | None, limit: float | None, away: float, free_share: float) -> float:
    """Seconds from one start to the next, so that the free share stays free until Reset.

    What is left above the share is spread over the time to Reset, taking a request for one TSTU; little of
    that while hardly anything is used, all of it at the share. 0 when there is no need.
    """
    if remaining is None or limit is None or limit <= 0 or away <= 0:
        return 0.0
    ours = limit * (1 - free_share)
    left = ours - (limit - remaining)
    if left >= ours:
        return 0.0
    if left <= 0:
        return LONGEST_PACE
    pace = away / left * (1 - left / ours)
    return min(pace, LONGEST_PACE) if pace >= _SHORTEST_PACE else 0.0


def _retry_after(value: str, server: datetime) -> float | None:
    seconds = _number(value)
    if seconds is not None:
        return seconds
    moment = _date(value)
    return (moment - server).total_seconds() + _DATE_MARGIN if moment is not None else None


def _number(value: str | None) -> float | None:
    try:
        number = float((value or "").strip())
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
