"""Projects and repositories: the ones there are, and the deleted ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlsplit

from shared.ado.area import Area
from shared.ado.calls import (
    LIST_DELETED_PROJECTS,
    LIST_PROJECTS,
    LIST_RECYCLE_BIN,
    LIST_REPOSITORIES,
    READ_PROJECT,
    READ_REPOSITORY,
    Call,
)
from shared.ado.pages import TOKEN_HEADER, TOKEN_PARAMETER, Ahead, Page, one_answer, read_pages
from shared.ado.parse import Fields, ShapeError, guid, listed, name, parse_document
from shared.ado.stream import stream_items
from shared.ado.transport import Answer
from shared.model.identity import DeletedRepository
from shared.model.ids import ProjectId, RepositoryId
from shared.model.inventory import ObservedProject, ObservedRepository
from shared.model.observation import Observation

PROJECTS_ASKED: Final = 500
"""Projects asked for per page; the service may give fewer."""

REPOSITORIES_MOST: Final = 1_000_000
"""Ten times the supported size: a listing that goes on past this is refused."""

_WEB_ADDRESS_MOST = 4_096


class InventoryArea(Area):
    """Projects and repositories."""

    def projects(
        self, organization: str, *, start: str = "", deadline: datetime | None = None, expected: int = 0
    ) -> Observation[ObservedProject]:
        """Every project in whatever state but deleted. Requests: one per page.

        Tokens of this listing are offsets, so that pages are read ahead as far as projects are `expected`.
        """
        client = self._client

        def is_time_up() -> bool:
            return deadline is not None and client.now() >= deadline

        return self._projects(
            LIST_PROJECTS, organization, "all", start, is_time_up, Ahead(expected, client.places)
        )

    def deleted_projects(self, organization: str) -> Observation[ObservedProject]:
        """Deleted projects. Requests: one per page."""
        return self._projects(LIST_DELETED_PROJECTS, organization, "deleted")

    def project(self, organization: str, project: ProjectId) -> ObservedProject:
        """One project. Requests: 1. Raises `NotFound` when it is deleted or hidden."""
        return self._client.document(
            READ_PROJECT,
            {"organization": organization, "project": project},
            lambda document: _project(Fields(document)),
        )

    def repositories(self, organization: str) -> Observation[ObservedRepository]:
        """Every repository of every project, read as a stream. Requests: 1."""
        return one_answer(
            lambda: self._client.request(
                LIST_REPOSITORIES,
                {"organization": organization},
                lambda answer: read_repositories(answer.chunks(), organization),
            )
        )

    def deleted_repositories(self, organization: str, project: ProjectId) -> Observation[DeletedRepository]:
        """The recycle bin of one project. Requests: 1."""
        return one_answer(
            lambda: self._client.document(
                LIST_RECYCLE_BIN,
                {"organization": organization, "project": project},
                lambda document: [
                    DeletedRepository(fields.guid("id"), fields.name("name")) for fields in listed(document)
                ],
            )
        )

    def repository(
        self, organization: str, project: ProjectId, repository: RepositoryId
    ) -> ObservedRepository:
        """One repository. Requests: 1. Raises `NotFound` when it is deleted or hidden."""
        return self._client.document(
            READ_REPOSITORY,
            {"organization": organization, "project": project, "repository": repository},
            lambda document: _Repositories(organization).read(document, ""),
        )

    def _projects(
        self,
        call: Call,
        organization: str,
        state: str,
        start: str = "",
        is_time_up: Callable[[], bool] = lambda: False,
        ahead: Ahead | None = None,
    ) -> Observation[ObservedProject]:
        def fetch(token: str | None) -> Page[ObservedProject]:
            query = [("stateFilter", state), ("$top", str(PROJECTS_ASKED))]
            if token is not None:
                query.append((TOKEN_PARAMETER, token))
            return self._client.request(call, {"organization": organization}, _project_page, query=query)

        listing = read_pages(fetch, call.where(organization), start=start, is_time_up=is_time_up, ahead=ahead)
        # Pages are cut by offset: what moves while they are read may stand on two of them.
        unique = tuple({project.id: project for project in listing.items}.values())
        return replace(listing, items=unique)


def _project_page(answer: Answer) -> Page[ObservedProject]:
    items: Sequence[ObservedProject] = [_project(fields) for fields in listed(parse_document(answer.read()))]
    if len({project.id for project in items}) < len(set(items)):
        raise ShapeError("value[].id", "comes twice on one page, for two different projects")
    return Page(items, answer.header(TOKEN_HEADER))


def _project(fields: Fields) -> ObservedProject:
    return ObservedProject(
        id=ProjectId(fields.guid("id")),
        name=fields.name("name"),
        state=fields.name("state"),
        # Any word: the service says "organization" where its specification knows private and public.
        visibility=fields.text("visibility", ""),
    )


def read_repositories(chunks: Iterable[bytes], organization: str) -> list[ObservedRepository]:
    """The repositories of an organization-wide listing, each once.

    Memory is what the result takes. Raises `BrokenJsonError` or `ShapeError` when any part of the answer is
    not sound: then nothing of it counts.
    """
    reader = _Repositories(organization)
    found: dict[str, ObservedRepository] = {}
    for number, item in enumerate(stream_items(chunks)):
        if number >= REPOSITORIES_MOST:
            raise ShapeError("value", f"has more than {REPOSITORIES_MOST} items")
        try:
            repository = reader.read(item, "")
        except ShapeError as error:
            # The path is put together only where it is needed: this loop runs 100,000 times.
            raise ShapeError(f"value[{number}].{error.path}", error.problem) from None
        if found.setdefault(repository.id, repository) != repository:
            raise ShapeError(f"value[{number}].id", "comes twice, for two different repositories")
    return list(found.values())


class _Repositories:
    """Reads repositories; what many of them have in common is kept in memory once."""

    def __init__(self, organization: str) -> None:
        self._organization = organization
        self._projects: dict[tuple[object, object], tuple[ProjectId, str]] = {}
        self._branches: dict[str, str] = {}

    def read(self, item: object, path: str) -> ObservedRepository:
        if not isinstance(item, dict):
            raise ShapeError(path or "(the item)", "is no object")
        project = item.get("project")
        if not isinstance(project, dict):
            raise ShapeError("project", "is missing" if project is None else "is no object")
        own_name = name(item.get("name"), "name")
        project_id, project_name = self._project(project)
        return ObservedRepository(
            id=RepositoryId(guid(item.get("id"), "id")),
            name=own_name,
            project_id=project_id,
            project_name=project_name,
            default_branch=self._branch(item.get("defaultBranch")),
            is_disabled=_flag(item.get("isDisabled"), "isDisabled"),
            is_fork=_flag(item.get("isFork"), "isFork"),
            url=self._url(item.get("webUrl"), project_name, own_name),
        )

    def _project(self, project: dict[str, object]) -> tuple[ProjectId, str]:
        told_id, told_name = project.get("id"), project.get("name")
        if not isinstance(told_id, str) or not isinstance(told_name, str):
            guid(told_id, "project.id")
            name(told_name, "project.name")
        known = self._projects.get((told_id, told_name))
        if known is None:
            known = ProjectId(guid(told_id, "project.id")), name(told_name, "project.name")
            self._projects[told_id, told_name] = known
        return known

    def _branch(self, branch: object) -> str | None:
        """None for an empty repository, which has none."""
        if branch is None or branch == "":
            return None
        if isinstance(branch, str) and (known := self._branches.get(branch)) is not None:
            return known
        read = name(branch, "defaultBranch")
        return self._branches.setdefault(read, read)

    def _url(self, told: object, project: str, repository: str) -> str:
        """The page in the portal. `remoteUrl` holds `organization@`, so it is never shown."""
        if told is not None and not isinstance(told, str):
            raise ShapeError("webUrl", "is no text")
        if told and len(told) <= _WEB_ADDRESS_MOST and _is_page(told):
            return told
        parts = (self._organization, project, "_git", repository)
        return "https://dev.azure.com/" + "/".join(quote(part, safe="") for part in parts)


def _is_page(url: str) -> bool:
    """Whether the address leads to Azure DevOps: pages show it as a link."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    if url.startswith("https://dev.azure.com/"):
        return True
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and "@" not in parts.netloc and parts.netloc.endswith(".visualstudio.com")


def _flag(value: object, path: str) -> bool:
    """A flag that is left out when it is false."""
    if value is None:
        return False
    if not isinstance(value, bool):
        raise ShapeError(path, "is neither true nor false")
    return value
