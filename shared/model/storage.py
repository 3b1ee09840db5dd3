"""What can be wrong with the place that a state is kept in, apart from what is kept there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

GRAPH: Final = "graph"
"""Name of the problem that nodes or edges are not found by what they are."""


class StorageTrouble(StrEnum):
    """Which kind of wrong it is."""

    DAMAGED = "damaged"
    """The file itself: it was cut off or written over."""
    LACKING = "lacking"
    """A table, an index or a mark that every state has."""
    STRAY = "stray"
    """A row that belongs to nothing."""


@dataclass(frozen=True, slots=True)
class StorageProblem:
    """One thing that is wrong with the place.

    `name` is how the store finds it again when it is to be mended; empty where only a person can do that, and
    then `fix` says how. `stops` says that nothing else can be read while it is so.
    """

    trouble: StorageTrouble
    what: str
    name: str = ""
    stops: bool = False
    fix: str = ""
