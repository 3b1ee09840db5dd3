"""Points in time as Azure DevOps writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from shared.ado.parse import ShapeError

_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?")


def moment(text: str, path: str) -> datetime | None:
    """The time in UTC; one without a zone is UTC. None for year 1, by which the service means *never*."""
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        raise ShapeError(path, "is no point in time")
    whole, fraction, zone = found.groups()
    if whole.startswith("0001-"):
        return None
    try:
        told = datetime.fromisoformat(f"{whole}.{(fraction or '0')[:6]:0<6}{zone or 'Z'}")
    except ValueError:
        raise ShapeError(path, "is no point in time") from None
    return told.astimezone(UTC)
