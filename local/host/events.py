"""What the host tells while it works, for whoever shows progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EventKind(StrEnum):
    """What happened to a run of a function."""

    STARTED = "started"
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Event:
    """One step of one run.

    `seconds` and `error` are told when it is over. `organization` is the name or the id in the message, where
    it can be read; `delivery_count` is 0 for a timer.
    """

    kind: EventKind
    function: str
    at: datetime
    delivery_count: int = 0
    organization: str = ""
    past_due: bool = False
    seconds: float = 0.0
    error: str = ""


OnEvent = Callable[[Event], None]
"""Called from the thread that runs the function, so it must be quick and safe across threads."""
