"""Times as people write them on the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cli.problems import WrongOption


def parse_time(option: str, text: str | None, now: datetime) -> datetime | None:
    """A day, a time (UTC unless it says otherwise) or a span before now. Raises `WrongOption`."""
    from shared.wiring.settings import parse_duration  # noqa: PLC0415 - heavy

    if text is None:
        return None
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
    try:
        span = parse_duration(text)
        if isinstance(span, timedelta):
            return now - span
    except (ValueError, OverflowError):
        pass
    raise WrongOption(
        option,
        f'"{text}" is no time.',
        "Write 2026-01-31, 2026-01-31T08:00:00Z, or a span such as 30m or 1d.",
    )
