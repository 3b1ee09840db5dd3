"""Projects and repositories: streamed out, written in one go."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from shared.connector_state.codec import (
    Cell,
    Document,
    from_cell,
    slices_of_rows,
    time_of,
    time_or_none,
    time_text,
    time_text_or_none,
    to_cell,
)
from shared.connector_state.database import Part
from shared.connector_state.journal import write_journal
from shared.connector_state.leases import check_lease
from shared.model.ids import OrganizationId, ProjectId, RepositoryId
from shared.model.inventory import Project, Repository
from shared.model.organization import Organization
from shared.model.work import Lease
from shared.ports import InventoryChange, RepositoryPage

_ORGANIZATION = Document(Organization)

PUT_PROJECT = (
    "INSERT OR REPLACE INTO projects (organization, id, name, state, visibility, first_seen, missing_since,"
    " missing_reason, retired_at, last_seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
PROJECT_COLUMNS = (
    "id, name, state, visibility, first_seen, missing_since, missing_reason, retired_at, last_seen"
)
_PROJECTS = f"SELECT {PROJECT_COLUMNS} FROM projects WHERE organization = ?"  # noqa: S608 - constants
PUT_REPOSITORY = (
    "INSERT OR REPLACE INTO repositories (organization, id, name, project, default_branch, is_disabled,"
    " is_fork, url, first_seen, missing_since, missing_reason, retired_at, last_seen)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
REPOSITORY_COLUMNS = (
    "id, name, project, default_branch, is_disabled, is_fork, url, first_seen, missing_since, missing_reason,"
    " retired_at, last_seen"
)
_REPOSITORIES = f"SELECT {REPOSITORY_COLUMNS} FROM repositories WHERE organization = ?"  # noqa: S608 - constants
_GET_REPOSITORIES = f"{_REPOSITORIES} ORDER BY id"
_GET_PROJECT_REPOSITORIES = f"{_REPOSITORIES} AND project = ? AND id > ? ORDER BY id LIMIT ?"


class InventoryPart(Part):
    """The inventory of an organization."""

    def projects(self, organization: OrganizationId) -> Iterator[Project]:
        with self._database.read() as connection:
            listed = _last_complete_listing(connection, organization)
            for row in connection.execute(f"{_PROJECTS} ORDER BY id", (organization,)):
                yield project_of(row, listed)

    def repositories(self, organization: OrganizationId) -> Iterator[Repository]:
        with self._database.read() as connection:
            listed = _last_complete_listing(connection, organization)
            for row in connection.execute(_GET_REPOSITORIES, (organization,)):
                yield repository_of(row, listed)

    def project_repositories(
        self, organization: OrganizationId, project: ProjectId, *, after: str = "", limit: int = 1000
    ) -> RepositoryPage:
        with self._database.read() as connection:
            listed = _last_complete_listing(connection, organization)
            found = connection.execute(
                _GET_PROJECT_REPOSITORIES, (organization, project, to_cell(after), limit + 1)
            ).fetchall()
        rows = tuple(repository_of(row, listed) for row in found[:limit])
        return RepositoryPage(rows, rows[-1].id if len(found) > limit else "")

    def apply_inventory(self, lease: Lease, change: InventoryChange) -> None:
        with self._database.write() as connection:
            check_lease(connection, lease)
            for part in slices_of_rows(project_rows(lease.organization, change.projects)):
                connection.executemany(PUT_PROJECT, part)
            for part in slices_of_rows(repository_rows(lease.organization, change.repositories)):
                connection.executemany(PUT_REPOSITORY, part)
            write_journal(connection, change.journal)


def project_of(row: tuple[Any, ...], listed: datetime | None) -> Project:
    """The project in a row; what is alive was last seen when everything was last listed."""
    identifier, name, state, visibility, first_seen, missing_since, missing_reason, retired_at, last_seen = (
        row
    )
    return Project(
        ProjectId(identifier),
        from_cell(name),
        from_cell(state),
        from_cell(visibility),
        time_of(first_seen),
        time_or_none(missing_since),
        from_cell(missing_reason),
        time_or_none(retired_at),
        listed if missing_since is None and retired_at is None else time_or_none(last_seen),
    )


def repository_of(row: tuple[Any, ...], listed: datetime | None) -> Repository:
    """The repository in a row; what is alive was last seen when everything was last listed."""
    (
        identifier,
        name,
        project,
        default_branch,
        is_disabled,
        is_fork,
        url,
        first_seen,
        missing_since,
        missing_reason,
        retired_at,
        last_seen,
    ) = row
    return Repository(
        RepositoryId(identifier),
        from_cell(name),
        ProjectId(project),
        None if default_branch is None else from_cell(default_branch),
        bool(is_disabled),
        bool(is_fork),
        from_cell(url),
        time_of(first_seen),
        time_or_none(missing_since),
        from_cell(missing_reason),
        time_or_none(retired_at),
        listed if missing_since is None and retired_at is None else time_or_none(last_seen),
    )


def project_rows(organization: OrganizationId, projects: Iterable[Project]) -> Iterator[tuple[Cell, ...]]:
    """In order of id, the order of the table: neighbours land on the same page."""
    for row in sorted(projects, key=lambda one: one.id):
        missing_since, retired_at = row.missing_since, row.retired_at
        yield (
            organization,
            row.id,
            row.name,
            row.state,
            row.visibility,
            time_text(row.first_seen),
            time_text_or_none(missing_since),
            row.missing_reason,
            time_text_or_none(retired_at),
            None if missing_since is None and retired_at is None else time_text_or_none(row.last_seen),
        )


def repository_rows(
    organization: OrganizationId, repositories: Iterable[Repository]
) -> Iterator[tuple[Cell, ...]]:
    """As `project_rows`."""
    for row in sorted(repositories, key=lambda one: one.id):
        missing_since, retired_at = row.missing_since, row.retired_at
        yield (
            organization,
            row.id,
            row.name,
            row.project_id,
            row.default_branch,
            row.is_disabled,
            row.is_fork,
            row.url,
            time_text(row.first_seen),
            time_text_or_none(missing_since),
            row.missing_reason,
            time_text_or_none(retired_at),
            None if missing_since is None and retired_at is None else time_text_or_none(row.last_seen),
        )


def _last_complete_listing(connection: sqlite3.Connection, organization: OrganizationId) -> datetime | None:
    """When everything that is neither missing nor retired was last seen; read in the rows' own snapshot."""
    row = connection.execute("SELECT document FROM organizations WHERE id = ?", (organization,)).fetchone()
    return None if row is None else _ORGANIZATION.load(row[0]).last_complete_listing
