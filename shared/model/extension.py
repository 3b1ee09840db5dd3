"""State of the Container Mapping extension in one organization, and what was done about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ExtensionStatus(StrEnum):
    """What Azure DevOps says of the extension. An answer of 200 is not "installed"."""

    INSTALLED = "installed"
    NOT_SHARED = "notShared"
    """Private, and its publisher has not shared it with the organization: nobody there can install it."""
    NOT_INSTALLED = "notInstalled"
    """Shared, so that an administrator can install it."""
    INSTALL_REQUESTED = "installRequested"
    """Shared, and somebody asked for it: an administrator has to answer."""
    REMOVED = "removed"
    """It was there when it was last looked at, and is not any more."""
    DISABLED = "disabled"
    """By a user or by a policy."""
    NEEDS_REAUTHORIZATION = "needsReauthorization"
    IN_ERROR = "error"
    OUT_OF_DATE = "outOfDate"
    UNKNOWN = "unknown"


ABSENT = frozenset(
    {
        ExtensionStatus.NOT_SHARED,
        ExtensionStatus.NOT_INSTALLED,
        ExtensionStatus.INSTALL_REQUESTED,
        ExtensionStatus.REMOVED,
    }
)
"""Statuses in which the organization does not have it."""

PRESENT = frozenset(ExtensionStatus) - ABSENT - {ExtensionStatus.UNKNOWN}
"""Statuses in which the organization has it, working or not."""


class InstallOutcome(StrEnum):
    """What became of an installation that was decided on."""

    PENDING = "pending"
    """It was decided on, and its answer is not known: the next look tells, before anything is tried again."""
    INSTALLED = "installed"
    REFUSED = "refused"
    NOT_SHARED = "notShared"
    """Refused because the extension is not there for the organization."""


@dataclass(frozen=True, slots=True)
class InstallAttempt:
    """One decision to install, kept before the write is made. `message` says why it was not done."""

    at: datetime
    requested_by: str
    outcome: InstallOutcome = InstallOutcome.PENDING
    message: str = ""


@dataclass(frozen=True, slots=True)
class ExtensionState:
    """Last known state, with the raw flags it was read from, what it rests on and what to do.

    `seen_at` is when the organization was last seen to have it. `removals` counts how often it went away
    since a person last installed it or asked for it, `removed_at` is when that was last noticed, and
    `is_gone` whether it did not come back since. `attempt` is the last installation decided on here.
    """

    publisher: str
    name: str
    status: ExtensionStatus
    evidence: str
    fix: str
    checked_at: datetime
    since: datetime
    flags: tuple[str, ...] = ()
    version: str = ""
    seen_at: datetime | None = None
    removed_at: datetime | None = None
    removals: int = 0
    is_gone: bool = False
    attempt: InstallAttempt | None = None
