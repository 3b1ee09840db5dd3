"""Schedules are read as NCRONTAB reads them, and refused where Azure would refuse them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from local.host.schedule import Schedule, ScheduleError, parse_span

SUNDAY = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "following"),
    [
        ("0 */15 * * * *", datetime(2026, 3, 1, 12, 15, tzinfo=UTC)),
        ("* * * * * *", datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC)),
        ("20 */5 * * * *", datetime(2026, 3, 1, 12, 0, 20, tzinfo=UTC)),
        ("0/5 * * * * *", datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)),
        ("7/30 * * * * *", datetime(2026, 3, 1, 12, 0, 7, tzinfo=UTC)),
        ("0 0 9-17 * * MON-FRI", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("0 0 9-17 * * mon,wed", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("0 0 0 * JAN *", datetime(2027, 1, 1, tzinfo=UTC)),
        ("0 0 0 * * 0", datetime(2026, 3, 8, tzinfo=UTC)),
        # Day of month AND day of week: the next Friday the 13th, not the next Friday.
        ("0 0 0 13 * 5", datetime(2026, 3, 13, tzinfo=UTC)),
        ("0 0 0 14 * 5", datetime(2026, 8, 14, tzinfo=UTC)),
        ("00:05:00", SUNDAY + timedelta(minutes=5)),
        ("1.00:00:00", SUNDAY + timedelta(days=1)),
    ],
)
def test_the_next_occurrence(text: str, following: datetime) -> None:
    assert Schedule(text).next_after(SUNDAY) == following


def test_an_occurrence_follows_itself_strictly() -> None:
    assert Schedule("0 0 12 * * *").next_after(SUNDAY) == SUNDAY + timedelta(days=1)


def test_fractions_of_a_second_are_no_obstacle() -> None:
    just_before = SUNDAY - timedelta(microseconds=1)
    assert Schedule("0 0 12 * * *").next_after(just_before) == SUNDAY


def test_schedules_are_in_utc_whatever_the_zone_of_the_question() -> None:
    elsewhere = SUNDAY.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert Schedule("0 0 13 * * *").next_after(elsewhere) == SUNDAY + timedelta(hours=1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0 * * * *",
        "0 0 * * * * *",
        "61 * * * * *",
        "0 0 24 * * *",
        "0 0 0 L * *",
        "0 0 0 R * *",
        "0 0 0 ? * *",
        "0 0 0 * * 7",
        "0 0 0 * * 5#2",
        "0 0 17-9 * * *",
        "0 0 0 * * MONDAY",
        "@hourly",
        "24:00:00",
        "00:60:00",
        "00:00:00",
    ],
)
def test_what_azure_would_refuse_is_refused(text: str) -> None:
    with pytest.raises(ScheduleError):
        Schedule(text)


def test_a_schedule_that_never_comes_is_refused() -> None:
    with pytest.raises(ScheduleError, match="never comes"):
        Schedule("0 0 0 31 2 *")


def test_a_span_is_told_from_an_expression() -> None:
    assert Schedule("00:00:30").is_span
    assert not Schedule("30 * * * * *").is_span
    assert parse_span("1.02:03:04") == timedelta(days=1, hours=2, minutes=3, seconds=4)
    with pytest.raises(ScheduleError, match="hh:mm:ss"):
        parse_span("30 * * * * *")
