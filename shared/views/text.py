"""Texts from outside, and times, as they are shown wherever they are shown."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime


def printable(text: str) -> str:
    """Text from outside without what a terminal would obey: control characters are shown, not sent."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        one.encode("unicode_escape").decode("ascii")
        if unicodedata.category(one) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        else one
        for one in text
    )


def instant(value: datetime | None) -> str | None:
    """A time as it is written in JSON: ISO 8601, UTC, to the millisecond."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
