"""Time as the service writes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


class TickingClock:
    """A clock that moves one step per reading: the same readings in every run."""

    def __init__(self, start: datetime, step: timedelta = timedelta(milliseconds=997)) -> None:
        """Begin at `start`."""
        self._now = start
        self._step = step

    def __call__(self) -> datetime:
        """Move one step and tell the time."""
        self._now += self._step
        return self._now


def wire_time(moment: datetime, key: str | None = None) -> str:
    """A date as the wire shows it.

    Without a key: seven fractional digits and `Z`. With one, the form depends on the key as it depends on the
    resource in the service: mostly milliseconds, sometimes a shortened fraction, seven digits, or no zone.
    """
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    form = int(key[:2], 16) % 8 if key else 7
    if form == 0:
        return text + "3"
    if form == 1:
        return text[:-4].rstrip("0").rstrip(".") + "Z"
    if form == 7:  # noqa: PLR2004 - one form in eight
        return text + "7Z"
    return text[:-3] + "Z"
