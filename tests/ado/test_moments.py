"""Points in time as the service writes them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.ado.moments import moment
from shared.ado.parse import ShapeError


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2025-05-01T09:00:00.1234567Z", datetime(2025, 5, 1, 9, 0, 0, 123456, UTC)),
        ("2019-01-30T11:56:36.6140509", datetime(2019, 1, 30, 11, 56, 36, 614050, UTC)),
        ("2025-05-01T09:00:00Z", datetime(2025, 5, 1, 9, tzinfo=UTC)),
        ("2025-05-01T09:00:00.5+02:00", datetime(2025, 5, 1, 7, 0, 0, 500000, UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00", None),
    ],
)
def test_a_point_in_time(text: str, told: datetime | None) -> None:
    assert moment(text, "at") == told


@pytest.mark.parametrize("text", ["", "yesterday", "2025-13-01T00:00:00Z", "2025-05-01", "/Date(1)/"])
def test_none(text: str) -> None:
    with pytest.raises(ShapeError, match="at is no point in time"):
        moment(text, "at")
