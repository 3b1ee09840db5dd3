"""State of the Container Mapping extension in one organization."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ExtensionStatus(StrEnum):
    """What the installed-extension answer means for us. A 200 is not "installed"."""

    INSTALLED = "installed"
    NOT_INSTALLED = "notInstalled"
    DISABLED = "disabled"
    NEEDS_REAUTHORIZATION = "needsReauthorization"
    IN_ERROR = "error"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ExtensionState:
    """Last known state, with the raw flags it was read from and what to do."""

    publisher: str
    name: str
    status: ExtensionStatus
    evidence: str
    fix: str
    checked_at: datetime
    since: datetime
    flags: tuple[str, ...] = ()
    version: str = ""
