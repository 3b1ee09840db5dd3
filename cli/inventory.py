"""`inventory list`: projects and repositories, however many."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from cli import keys
from cli.command import Answer, Group, invocation
from cli.output import Column, Row, instant, write_rows
from cli.session import find_organizations, opened
from shared.model.inventory import Project, Repository
from shared.model.organization import Organization

if TYPE_CHECKING:
    from shared.ports import ConnectorState

PROJECT = "project"
REPOSITORY = "repository"
_DELETED = "deleted"


def _state(row: Row) -> object:
    if row["retiredAt"] is not None:
        return _DELETED
    if row["missingSince"] is not None:
        return "missing"
    if row["kind"] == PROJECT:
        return row["state"]
    return "disabled" if row["isDisabled"] else "active"


def _day(value: object) -> str:
    return str(value)[:16].replace("T", " ") if value else "-"


_COLUMNS = (
    Column("ORGANIZATION", "organization"),
    Column("KIND", "kind"),
    Column("PROJECT", "project"),
    Column("NAME", "name"),
    Column("STATE", _state),
    Column("VISIBILITY", "visibility"),
    Column("DEFAULT BRANCH", "defaultBranch"),
    Column("FIRST SEEN", lambda row: _day(row["firstSeen"])),
    Column("LAST SEEN", lambda row: _day(row["lastSeen"])),
)


@click.group(
    cls=Group,
    examples=(
        "ado-connector inventory list",
        "ado-connector inventory list --organization contoso --kind repository --output json",
    ),
)
def inventory() -> None:
    """The inventory: projects and repositories of every organization."""


@inventory.command(
    "list",
    answer=Answer(keys.INVENTORY, rows=True),
    examples=(
        "ado-connector inventory list",
        "ado-connector inventory list --organization contoso --kind repository",
        "ado-connector inventory list --include-retired --output json",
    ),
)
@click.option("--organization", metavar="NAME", default=None, help="Only this organization: its name or id.")
@click.option(
    "--kind", type=click.Choice([PROJECT, REPOSITORY]), default=None, help="Only projects, or repositories."
)
@click.option("--include-retired", is_flag=True, help="Also what was deleted, with when.")
def list_(organization: str | None, kind: str | None, include_retired: bool) -> None:
    """List projects and repositories, by organization, projects first.

    What the last listing lacked stays in the list, marked as missing, until its deletion is proven.
    """
    with opened() as runtime:
        organizations = find_organizations(runtime.state, organization)
        rows = (
            row
            for one in organizations
            for row in inventory_rows(runtime.state, one, kind, include_retired=include_retired)
        )
        write_rows(
            rows,
            _COLUMNS,
            invocation().output,
            empty='The inventory is empty. "ado-connector run --once" fills it.',
        )


def inventory_rows(
    state: ConnectorState, organization: Organization, kind: str | None, *, include_retired: bool
) -> Iterator[Row]:
    """Rows of one organization in their order: projects, then repositories by project; then name and id."""
    projects = {one.id: one for one in state.projects(organization.id)}
    if kind != REPOSITORY:
        for project in sorted(projects.values(), key=lambda one: (one.name.casefold(), one.name, one.id)):
            if include_retired or project.retired_at is None:
                yield _project_row(organization, project)
    if kind == PROJECT:
        return
    names = {one.id: (one.name.casefold(), one.name, one.id) for one in projects.values()}
    repositories = [
        one for one in state.repositories(organization.id) if include_retired or one.retired_at is None
    ]
    repositories.sort(
        key=lambda one: (
            names.get(one.project_id, ("", "", one.project_id)),
            one.name.casefold(),
            one.name,
            one.id,
        )
    )
    for repository in repositories:
        yield _repository_row(organization, projects.get(repository.project_id), repository)


def organization_url(name: str) -> str:
    """Where the organization is in a browser."""
    return f"https://dev.azure.com/{quote(name, safe='')}"


def _project_row(organization: Organization, project: Project) -> Row:
    return {
        "kind": PROJECT,
        "id": project.id,
        "name": project.name,
        "organization": organization.name,
        "organizationId": organization.id,
        "project": project.name,
        "projectId": project.id,
        "url": f"{organization_url(organization.name)}/{quote(project.name, safe='')}",
        "state": project.state if project.retired_at is None else _DELETED,
        "visibility": project.visibility or None,
        "defaultBranch": None,
        "isDisabled": None,
        "isFork": None,
        **_times(organization, project),
    }


def _repository_row(organization: Organization, project: Project | None, repository: Repository) -> Row:
    name = project.name if project else None
    where = quote(name if name is not None else repository.project_id, safe="")
    return {
        "kind": REPOSITORY,
        "id": repository.id,
        "name": repository.name,
        "organization": organization.name,
        "organizationId": organization.id,
        "project": name,
        "projectId": repository.project_id,
        "url": repository.url
        or f"{organization_url(organization.name)}/{where}/_git/{quote(repository.name, safe='')}",
        "state": None,
        "visibility": (project.visibility or None) if project else None,
        "defaultBranch": repository.default_branch,
        "isDisabled": repository.is_disabled,
        "isFork": repository.is_fork,
        **_times(organization, repository),
    }


def _times(organization: Organization, row: Project | Repository) -> dict[str, object]:
    return {
        "firstSeen": instant(row.first_seen),
        "lastSeen": instant(_last_seen(organization, row)),
        "missingSince": instant(row.missing_since),
        "missingReason": row.missing_reason or None,
        "retiredAt": instant(row.retired_at),
    }


def _last_seen(organization: Organization, row: Project | Repository) -> datetime:
    """The last complete listing, unless the row was absent from it."""
    if row.missing_since is not None or row.retired_at is not None:
        return row.last_seen or row.first_seen
    return max(row.first_seen, organization.last_complete_listing or row.first_seen)
