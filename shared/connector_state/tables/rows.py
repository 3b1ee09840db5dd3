"""How many parts the key of each row has, by its first word: what has another shape is no row of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.connector_state.tables.assessments import NOTIFIED_ROW, TOTAL_ROW
from shared.connector_state.tables.inventory import COUNTS, EXTENSION_ROW

_IN_CATALOG: Final[Mapping[str, int]] = {
    "claim": 3,
    "connector": 2,
    "connector-deleting": 2,
    "enrollment": 3,
    "exemption": 2,
    "organization": 2,
    "outbox": 2,
    "posture": 2,
    "prerequisites": 3,
    "unique": 4,
    "version": 1,
}
_OF_ORGANIZATION: Final[Mapping[str, int]] = {
    "assessment": 4,
    "change": 2,
    EXTENSION_ROW: 1,
    "facts": 3,
    "fence": 2,
    NOTIFIED_ROW: 1,
    "outbox": 2,
    "partial": 3,
    "posture": 2,
    TOTAL_ROW: 1,
    "project": 2,
    "repository": 2,
    COUNTS: 1,
}
_NUMBERED: Final = frozenset({"change", "facts", "partial"})
"""Their keys end in a number."""


def is_in_catalog(row: str) -> bool:
    """Whether the partition of everybody has rows with such keys."""
    return _is_one_of(_IN_CATALOG, row)


def is_of_organization(row: str) -> bool:
    """Whether an organization's partition has rows with such keys."""
    last = row.rpartition(":")[2]
    return _is_one_of(_OF_ORGANIZATION, row) and (
        row.partition(":")[0] not in _NUMBERED or (last.isascii() and last.isdigit())
    )


def is_work(row: str) -> bool:
    """Whether the partition of work has rows with such keys."""
    return row.count(":") == 1


def _is_one_of(parts: Mapping[str, int], row: str) -> bool:
    word, *rest = row.split(":")
    return parts.get(word) == len(rest) + 1
