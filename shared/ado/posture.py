"""Facts about a project that posture rules judge: pipeline settings, branch policies, service connections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from shared.ado.area import Area
from shared.ado.calls import (
    LIST_ENDPOINTS,
    LIST_POLICIES,
    READ_ENDPOINT_PERMISSIONS,
    READ_PIPELINE_SETTINGS,
    Call,
)
from shared.ado.pages import TOKEN_HEADER, TOKEN_PARAMETER, Page, read_pages
from shared.ado.parse import Fields, listed, parse_document
from shared.ado.portal import read_settings
from shared.ado.transport import Answer
from shared.model.facts import BranchPolicy, Fact, PipelineSettings, PolicyScope, ServiceConnection
from shared.model.failure import Failure, FailureKind, ServiceError
from shared.model.ids import ProjectId

T = TypeVar("T")


class PostureArea(Area):
    """Facts of one project."""

    def pipeline_settings(self, organization: str, project: ProjectId) -> PipelineSettings:
        """General pipeline settings. Requests: 1."""
        return self._client.document(
            READ_PIPELINE_SETTINGS,
            {"organization": organization, "project": project},
            lambda document: read_settings(Fields(document)),
        )

    def branch_policies(self, organization: str, project: ProjectId) -> tuple[BranchPolicy, ...]:
        """Every policy configuration. Requests: one per page. Raises `ServiceError` unless all were read."""
        found = self._all(LIST_POLICIES, organization, project, _policy)
        return tuple({policy.id: policy for policy in found}.values())

    def service_connections(self, organization: str, project: ProjectId) -> tuple[ServiceConnection, ...]:
        """Service connections, each with who may use it. Requests: 1, and 1 per service connection.

        A connection whose permission could not be read says why; the others are read all the same, unless
        the rate limit asks to wait, which then holds for all that are left.
        """
        found = self._all(LIST_ENDPOINTS, organization, project, _endpoint, [("includeFailed", "true")])
        connections: dict[str, ServiceConnection] = {}
        wait: Fact[bool] | None = None
        for endpoint in found:
            if endpoint.id in connections:
                continue
            openness = wait or self._openness(organization, project, endpoint.id)
            if openness.failure is not None and openness.failure.kind is FailureKind.THROTTLED:
                wait = openness
            connections[endpoint.id] = replace(endpoint, open_to_all_pipelines=openness)
        return tuple(connections.values())

    def _openness(self, organization: str, project: ProjectId, endpoint: str) -> Fact[bool]:
        segments = {"organization": organization, "project": project, "endpoint": endpoint}
        try:
            return Fact.read(self._client.document(READ_ENDPOINT_PERMISSIONS, segments, _is_open_to_all))
        except ServiceError as error:
            return Fact.unread(error.failure)

    def _all(
        self,
        call: Call,
        organization: str,
        project: ProjectId,
        read: Callable[[Fields], T],
        query: Sequence[tuple[str, str]] = (),
    ) -> tuple[T, ...]:
        """Every item of a listing, to its last page; what one page lacks would look like a missing policy."""

        def page(answer: Answer) -> Page[T]:
            items = [read(fields) for fields in listed(parse_document(answer.read()))]
            return Page(items, answer.header(TOKEN_HEADER))

        def fetch(token: str | None) -> Page[T]:
            parameters = [*query, *([] if token is None else [(TOKEN_PARAMETER, token)])]
            segments = {"organization": organization, "project": project}
            return self._client.request(call, segments, page, query=parameters)

        listing = read_pages(fetch, call.where(organization))
        if listing.failure is not None:
            raise ServiceError.of(listing.failure)
        return listing.items


_NOT_ASKED: Fact[bool] = Fact.unread(Failure(FailureKind.TRANSIENT, "NotAsked", "It was not asked yet."))


def _endpoint(fields: Fields) -> ServiceConnection:
    authorization = fields.nested("authorization") if fields.has("authorization") else None
    return ServiceConnection(
        id=fields.guid("id"),
        name=fields.name("name"),
        type=fields.text("type", ""),
        scheme=authorization.text("scheme", "") if authorization else "",
        is_shared=fields.flag("isShared", default=False),
        open_to_all_pipelines=_NOT_ASKED,
    )


def _is_open_to_all(document: object) -> bool:
    """Open only if the service says so: without `allPipelines`, pipelines are named one by one."""
    fields = Fields(document)
    if fields.has("allPipelines"):
        return fields.nested("allPipelines").flag("authorized", default=False)
    # What names neither is no answer to the question.
    fields.sequence("pipelines")
    return False


def _policy(fields: Fields) -> BranchPolicy:
    settings = dict(fields.nested("settings").values()) if fields.has("settings") else {}
    scopes: list[PolicyScope] = []
    if settings.get("scope") is not None:
        scopes += [_scope(scope) for scope in fields.nested("settings").objects("scope")]
    settings.pop("scope", None)
    return BranchPolicy(
        id=fields.number("id"),
        type_id=fields.nested("type").guid("id"),
        is_enabled=fields.flag("isEnabled"),
        is_blocking=fields.flag("isBlocking"),
        is_deleted=fields.flag("isDeleted", default=False),
        scopes=tuple(scopes),
        settings=settings,
    )


def _scope(fields: Fields) -> PolicyScope:
    return PolicyScope(
        repository_id=fields.guid("repositoryId") if fields.has("repositoryId") else None,
        ref_name=fields.text("refName", "") or None,
        match_kind=fields.text("matchKind", ""),
    )
