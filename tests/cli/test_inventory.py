"""`inventory list`: every row once, in a stable order, with what is known of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from cli import keys
from shared.model.ids import OrganizationId, ProjectId, RepositoryId, TenantId
from shared.model.inventory import Project, Repository
from shared.model.organization import Organization
from shared.model.work import WorkKind
from shared.ports import InventoryChange, State
from tests.cli.conftest import CommandLine

T0 = datetime(2026, 1, 1, 8, tzinfo=UTC)
T1 = T0 + timedelta(hours=1)

Row = TypeVar("Row", Project, Repository)


def project(number: int, name: str, **more: object) -> Project:
    plain = Project(ProjectId(f"p{number}"), name, "wellFormed", "private", T0)
    return _with(plain, more)


def repository(number: int, name: str, of: int, **more: object) -> Repository:
    plain = Repository(
        id=RepositoryId(f"r{number}"),
        name=name,
        project_id=ProjectId(f"p{of}"),
        default_branch="refs/heads/main",
        is_disabled=False,
        is_fork=False,
        url="",
        first_seen=T0,
    )
    return _with(plain, more)


def _with(row: Row, more: dict[str, object]) -> Row:
    for name, value in more.items():
        object.__setattr__(row, name, value)
    return row


def fill(
    state: State,
    name: str,
    projects: tuple[Project, ...],
    repositories: tuple[Repository, ...],
) -> Organization:
    identifier = OrganizationId(f"id-of-{name}")
    state.put_organization(Organization(identifier, TenantId("default"), name, T0))
    state.ensure_work(identifier, WorkKind.INVENTORY, T0)
    lease = state.lease_work(
        identifier, WorkKind.INVENTORY, 1, owner="test", now=T0, until=T0 + timedelta(days=1)
    )
    assert lease is not None
    state.apply_inventory(lease, InventoryChange(projects, repositories))
    state.finish_listing(lease, listed_at=T1, projects=len(projects), repositories=len(repositories))
    kept = state.get_organization(identifier)
    assert kept is not None
    return kept


@pytest.fixture
def filled(state: State) -> State:
    fill(
        state,
        "beta",
        (project(3, "Only"),),
        (repository(9, "only", 3, default_branch=None, is_disabled=True, is_fork=True),),
    )
    fill(
        state,
        "Alpha",
        (
            project(1, "zebra", visibility="public"),
            project(2, "Ant & bee"),
            project(4, "Gone", retired_at=T1, last_seen=T0),
        ),
        (
            repository(1, "web", 1),
            repository(2, "Api", 1),
            repository(3, "zoo", 2, missing_since=T1, missing_reason="hidden", last_seen=T0),
            repository(4, "old", 2, retired_at=T1, last_seen=T0),
        ),
    )
    return state


@pytest.mark.usefixtures("filled")
def test_rows_come_by_organization_projects_first(ado: CommandLine) -> None:
    rows = ado.json("inventory", "list")
    assert [(one["organization"], one["kind"], one["project"], one["name"]) for one in rows] == [
        ("Alpha", "project", "Ant & bee", "Ant & bee"),
        ("Alpha", "project", "zebra", "zebra"),
        ("Alpha", "repository", "Ant & bee", "zoo"),
        ("Alpha", "repository", "zebra", "Api"),
        ("Alpha", "repository", "zebra", "web"),
        ("beta", "project", "Only", "Only"),
        ("beta", "repository", "Only", "only"),
    ]
    assert all(list(one) == list(keys.INVENTORY) for one in rows)


@pytest.mark.usefixtures("filled")
def test_a_project_row(ado: CommandLine) -> None:
    row = ado.json("inventory", "list", "--organization", "alpha", "--kind", "project")[0]
    assert row == {
        "kind": "project",
        "id": "p2",
        "name": "Ant & bee",
        "organization": "Alpha",
        "organizationId": "id-of-Alpha",
        "project": "Ant & bee",
        "projectId": "p2",
        "url": "https://dev.azure.com/Alpha/Ant%20%26%20bee",
        "state": "wellFormed",
        "visibility": "private",
        "defaultBranch": None,
        "isDisabled": None,
        "isFork": None,
        "firstSeen": "2026-01-01T08:00:00.000Z",
        "lastSeen": "2026-01-01T09:00:00.000Z",
        "missingSince": None,
        "missingReason": None,
        "retiredAt": None,
    }


@pytest.mark.usefixtures("filled")
def test_a_repository_row(ado: CommandLine) -> None:
    (row,) = ado.json("inventory", "list", "--organization", "id-of-beta", "--kind", "repository")
    assert row["project"] == "Only"
    assert row["projectId"] == "p3"
    assert row["state"] is None
    assert row["visibility"] == "private"
    assert row["defaultBranch"] is None
    assert row["isDisabled"] is True
    assert row["isFork"] is True
    assert row["url"] == "https://dev.azure.com/beta/Only/_git/only"


@pytest.mark.usefixtures("filled")
def test_missing_rows_stay_and_are_marked(ado: CommandLine) -> None:
    rows = {one["id"]: one for one in ado.json("inventory", "list")}
    assert rows["r3"]["missingSince"] == "2026-01-01T09:00:00.000Z"
    assert rows["r3"]["missingReason"] == "hidden"
    assert rows["r3"]["lastSeen"] == "2026-01-01T08:00:00.000Z"
    assert "missing" in ado("inventory", "list").out


@pytest.mark.usefixtures("filled")
def test_retired_rows_are_shown_on_request(ado: CommandLine) -> None:
    plain = {one["id"] for one in ado.json("inventory", "list")}
    rows = {one["id"]: one for one in ado.json("inventory", "list", "--include-retired")}
    assert rows.keys() - plain == {"p4", "r4"}
    assert rows["p4"]["state"] == "deleted"
    assert rows["p4"]["retiredAt"] == "2026-01-01T09:00:00.000Z"
    assert rows["r4"]["state"] is None


@pytest.mark.usefixtures("filled")
def test_the_table_names_every_row(ado: CommandLine) -> None:
    lines = ado("inventory", "list").out.splitlines()
    assert len(lines) == 1 + 7
    assert lines[0].split()[:4] == ["ORGANIZATION", "KIND", "PROJECT", "NAME"]


def test_an_empty_inventory_is_an_empty_array(ado: CommandLine) -> None:
    assert ado("inventory", "list", "--output", "json").out == "[]\n"
    assert ado("inventory", "list").out == ""


def test_many_rows_are_written_as_they_come(ado: CommandLine, state: State) -> None:
    projects = tuple(project(number, f"project-{number}") for number in range(100))
    repositories = tuple(repository(number, f"repo-{number}", number % 100) for number in range(5000))
    fill(state, "big", projects, repositories)
    rows = ado.json("inventory", "list")
    assert len({(one["kind"], one["id"]) for one in rows}) == 5100
    assert len(ado("inventory", "list").out.splitlines()) == 5101
