"""Projects and repositories, as observed and as kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.model.ids import ProjectId, RepositoryId

WELL_FORMED = "wellFormed"
"""State of a project that is ready for use (Projects - List, `stateFilter`)."""


@dataclass(frozen=True, slots=True)
class ObservedProject:
    """A project as a listing told it. `state` and `visibility` are the words of the wire."""

    id: ProjectId
    name: str
    state: str
    visibility: str


@dataclass(frozen=True, slots=True)
class ObservedRepository:
    """A Git repository as a listing told it. An empty one has no default branch."""

    id: RepositoryId
    name: str
    project_id: ProjectId
    project_name: str
    default_branch: str | None
    is_disabled: bool
    is_fork: bool
    url: str


@dataclass(frozen=True, slots=True)
class Project:
    """A project in the inventory.

    Last seen is not a field: it is the organization's last complete listing unless `missing_since` is set,
    so that an unchanged sync writes no row. `missing_since` is when a complete listing first lacked it,
    `retired_at` when its deletion was proven; a retired row is a tombstone and never comes alive again,
    unless the very same id is listed again (restored from the recycle bin).
    """

    id: ProjectId
    name: str
    state: str
    visibility: str
    first_seen: datetime
    missing_since: datetime | None = None
    missing_reason: str = ""
    retired_at: datetime | None = None
    last_seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Repository:
    """A Git repository in the inventory; the times mean what they mean for a project."""

    id: RepositoryId
    name: str
    project_id: ProjectId
    default_branch: str | None
    is_disabled: bool
    is_fork: bool
    url: str
    first_seen: datetime
    missing_since: datetime | None = None
    missing_reason: str = ""
    retired_at: datetime | None = None
    last_seen: datetime | None = None
