"""When a timer fires: NCRONTAB expressions of six fields, or a span of time, always in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from croniter import CroniterBadCronError, CroniterBadDateError, croniter

_FIELDS = 6
_PART = re.compile(r"(?:\*|[0-9]+|[A-Z]{3})(?:-(?:[0-9]+|[A-Z]{3}))?(?:/[0-9]+)?", re.IGNORECASE)
_RANGE = re.compile(r"([0-9]+)-([0-9]+)")
_NUMBERS = re.compile(r"[0-9]+")
_SPAN = re.compile(r"(?:(?P<days>\d{1,7})\.)?(?P<hours>\d{1,2}):(?P<minutes>\d{1,2}):(?P<seconds>\d{1,2})")
_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)
_EXAMPLE = "Write six fields: second minute hour day month weekday, such as 0 */15 * * * *, or hh:mm:ss."


class ScheduleError(ValueError):
    """A schedule that cannot be read, or that never comes."""


class Schedule:
    """A timer's schedule. Day of month and day of week must both match, as NCRONTAB has it."""

    def __init__(self, text: str) -> None:
        self.text = " ".join(text.split())
        self._span = _span(self.text)
        if self._span is None:
            self._check()

    def __repr__(self) -> str:
        return f"Schedule({self.text!r})"

    @property
    def is_span(self) -> bool:
        """Whether it is a span of time: it counts from the last run, not from the clock."""
        return self._span is not None

    def next_after(self, moment: datetime) -> datetime:
        """The first occurrence later than the moment."""
        if self._span is not None:
            return moment + self._span
        expression = croniter(
            self.text, moment.astimezone(UTC), ret_type=datetime, second_at_beginning=True, day_or=False
        )
        found: datetime = expression.get_next()
        return found

    def _check(self) -> None:
        fields = self.text.split()
        if (
            len(fields) != _FIELDS
            or not all(map(_is_ncrontab, fields))
            or "7" in _NUMBERS.findall(fields[-1])
        ):
            raise ScheduleError(f'"{self.text}" is no NCRONTAB expression. {_EXAMPLE}')
        try:
            self.next_after(_SOME_DAY)
        except CroniterBadDateError:
            raise ScheduleError(f'"{self.text}" never comes. {_EXAMPLE}') from None
        except (CroniterBadCronError, ValueError, KeyError):
            raise ScheduleError(f'"{self.text}" is no NCRONTAB expression. {_EXAMPLE}') from None


def _is_ncrontab(field: str) -> bool:
    """Whether the field is written as NCRONTAB allows: croniter takes more, which Azure would refuse."""
    return all(_PART.fullmatch(part) for part in field.split(",")) and all(
        int(first) <= int(last) for first, last in _RANGE.findall(field)
    )


def _span(text: str) -> timedelta | None:
    """A .NET TimeSpan, as far as schedules need it."""
    match = _SPAN.fullmatch(text)
    if match is None:
        return None
    parts = {key: int(value or 0) for key, value in match.groupdict().items()}
    if parts["hours"] > 23 or parts["minutes"] > 59 or parts["seconds"] > 59:  # noqa: PLR2004 - a day's
        raise ScheduleError(f'"{text}" is no span of time: hours go to 23, then write days: 1.00:00:00.')
    span = timedelta(**parts)
    if not span:
        raise ScheduleError(f'"{text}" is no time at all. {_EXAMPLE}')
    return span


def parse_span(text: str) -> timedelta:
    """A span of time as host.json has them, such as 00:05:00. Raises `ScheduleError`."""
    span = _span(text)
    if span is None:
        raise ScheduleError(f'"{text}" is no span of time. Write hh:mm:ss, such as 00:05:00.')
    return span
