"""Facts about a project that posture rules judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final, TypeVar
from urllib.parse import urlsplit

from shared.ado.area import Area
from shared.ado.calls import (
    LIST_DEFINITIONS,
    LIST_ENDPOINTS,
    LIST_ENVIRONMENTS,
    LIST_POLICIES,
    LIST_SECURE_FILES,
    LIST_VARIABLE_GROUPS,
    QUERY_CHECKS,
    READ_ENDPOINT_PERMISSIONS,
    READ_PIPELINE_SETTINGS,
    READ_RESOURCE_PERMISSIONS,
    Call,
)
from shared.ado.moments import moment
from shared.ado.pages import TOKEN_HEADER, TOKEN_PARAMETER, Page, read_pages
from shared.ado.parse import Fields, listed, parse_document
from shared.ado.plain_secrets import is_url, looks_like_secret
from shared.ado.portal import read_settings
from shared.ado.transport import Answer
from shared.model.facts import (
    BranchPolicy,
    Check,
    Checks,
    Environment,
    Fact,
    Pipeline,
    PipelineSettings,
    PolicyScope,
    PullRequestTrigger,
    SecureFile,
    ServiceConnection,
    Variable,
    VariableGroup,
)
from shared.model.failure import ServiceError
from shared.model.ids import ProjectId

T = TypeVar("T")

_RESOURCES_AT_ONCE: Final = 100
"""Resources whose checks are asked for in one request."""

_YAML: Final = 2
_FROM_YAML: Final = 2
"""`process.type` of a YAML pipeline, and `settingsSourceType` of a trigger that the file describes."""


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

    def pipelines(self, organization: str, project: ProjectId) -> tuple[Pipeline, ...]:
        """Every pipeline with its triggers, variables and last run. Requests: one per page."""
        query = [
            ("queryOrder", "definitionNameAscending"),
            ("includeAllProperties", "true"),
            ("includeLatestBuilds", "true"),
        ]
        found = self._all(LIST_DEFINITIONS, organization, project, _pipeline, query)
        return tuple({one.id: one for one in found}.values())

    def service_connections(
        self, organization: str, project: ProjectId, unasked: Fact[bool]
    ) -> tuple[ServiceConnection, ...]:
        """Service connections, failed ones too. Requests: 1."""
        found = self._all(
            LIST_ENDPOINTS,
            organization,
            project,
            lambda fields: _endpoint(fields, unasked),
            [("includeFailed", "true")],
        )
        return tuple({one.id: one for one in found}.values())

    def variable_groups(
        self, organization: str, project: ProjectId, unasked: Fact[bool]
    ) -> tuple[VariableGroup, ...]:
        """Variable groups. Requests: one per page."""
        found = self._all(
            LIST_VARIABLE_GROUPS, organization, project, lambda fields: _variable_group(fields, unasked)
        )
        return tuple({one.id: one for one in found}.values())

    def secure_files(
        self, organization: str, project: ProjectId, unasked: Fact[bool]
    ) -> tuple[SecureFile, ...]:
        """Secure files. Requests: 1."""
        found = self._all(
            LIST_SECURE_FILES,
            organization,
            project,
            lambda fields: SecureFile(fields.guid("id"), fields.name("name"), unasked),
        )
        return tuple({one.id: one for one in found}.values())

    def environments(
        self, organization: str, project: ProjectId, unasked: Fact[bool]
    ) -> tuple[Environment, ...]:
        """Environments. Requests: one per page."""
        found = self._all(
            LIST_ENVIRONMENTS,
            organization,
            project,
            lambda fields: Environment(
                str(fields.number("id")), fields.name("name"), fields.text("description", ""), unasked
            ),
        )
        return tuple({one.id: one for one in found}.values())

    def checks(self, organization: str, project: ProjectId, resources: Sequence[tuple[str, str]]) -> Checks:
        """Approvals and checks of these resources, by type and id. Requests: one per 100 resources."""
        found: dict[tuple[str, str], list[Check]] = {
            (kind.lower(), identifier.lower()): [] for kind, identifier in resources
        }
        for start in range(0, len(resources), _RESOURCES_AT_ONCE):
            batch = resources[start : start + _RESOURCES_AT_ONCE]
            answered = self._client.document(
                QUERY_CHECKS,
                {"organization": organization, "project": project},
                lambda document: [_check(fields) for fields in listed(document)],
                query=[("$expand", "settings")],
                json=[{"type": kind, "id": identifier} for kind, identifier in batch],
            )
            for resource, check in answered:
                found.setdefault(resource, []).append(check)
        return {resource: tuple(checks) for resource, checks in found.items()}

    def is_open_to_all(self, organization: str, project: ProjectId, kind: str, identifier: str) -> bool:
        """Whether every pipeline of the project may use the protected resource. Requests: 1."""
        where = {"organization": organization, "project": project}
        if kind == "endpoint":
            segments = {**where, "endpoint": identifier}
            return self._client.document(READ_ENDPOINT_PERMISSIONS, segments, _is_open_to_all)
        segments = {**where, "type": kind, "id": identifier}
        return self._client.document(READ_RESOURCE_PERMISSIONS, segments, _is_open_to_all)

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


def _flag(fields: Fields, key: str) -> bool | None:
    """True, false, or None for what is not told."""
    return fields.flag(key) if fields.has(key) else None


def _endpoint(fields: Fields, unasked: Fact[bool]) -> ServiceConnection:
    authorization = fields.nested("authorization") if fields.has("authorization") else None
    parameters = (
        authorization.nested("parameters") if authorization and authorization.has("parameters") else None
    )
    data = fields.nested("data") if fields.has("data") else None
    references = (
        fields.sequence("serviceEndpointProjectReferences")
        if fields.has("serviceEndpointProjectReferences")
        else ()
    )
    return ServiceConnection(
        id=fields.guid("id"),
        name=fields.name("name"),
        type=fields.text("type", ""),
        scheme=authorization.text("scheme", "") if authorization else "",
        is_shared=fields.flag("isShared", default=False),
        open_to_all_pipelines=unasked,
        description=fields.text("description", ""),
        is_ready=_flag(fields, "isReady"),
        url_scheme=_scheme(fields.text("url", "")),
        scope_level=_loose(data, "scopeLevel"),
        azure_scope=_loose(parameters, "scope"),
        projects=max(1, len(references)),
    )


def _loose(fields: Fields | None, key: str) -> str:
    """A text of the loosely typed data of a connection; empty where it is none."""
    value = fields.values().get(key) if fields is not None else None
    return value if isinstance(value, str) else ""


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme.lower()
    except ValueError:
        return ""


def _variable_group(fields: Fields, unasked: Fact[bool]) -> VariableGroup:
    return VariableGroup(
        id=str(fields.number("id")),
        name=fields.name("name"),
        type=fields.text("type", ""),
        description=fields.text("description", ""),
        variables=tuple(_variables(fields)),
        open_to_all_pipelines=unasked,
    )


def _variables(fields: Fields) -> Iterator[Variable]:
    if not fields.has("variables"):
        return
    variables = fields.nested("variables")
    for name in variables.values():
        if not variables.has(name):
            yield Variable(name, is_secret=False, settable_at_queue_time=False)
            continue
        one = variables.nested(name)
        is_secret = one.flag("isSecret", default=False)
        value = one.values().get("value")
        text = value if isinstance(value, str) and not is_secret else ""
        yield Variable(
            name,
            is_secret=is_secret,
            settable_at_queue_time=one.flag("allowOverride", default=False),
            looks_like=looks_like_secret(name, text),
            is_url=is_url(text),
        )


def _pipeline(fields: Fields) -> Pipeline:
    repository = fields.nested("repository") if fields.has("repository") else None
    process = fields.nested("process") if fields.has("process") else None
    pool = None
    if fields.has("queue") and fields.nested("queue").has("pool"):
        pool = fields.nested("queue").nested("pool")
    triggers = list(fields.objects("triggers")) if fields.has("triggers") else []
    by_type = {trigger.text("triggerType", "").casefold(): trigger for trigger in triggers}
    pull_request = by_type.get("pullrequest")
    continuous = by_type.get("continuousintegration")
    return Pipeline(
        id=fields.number("id"),
        name=fields.name("name"),
        path=fields.text("path", ""),
        is_yaml=process.number("type") == _YAML if process and process.has("type") else None,
        repository_type=repository.text("type", "") if repository else "",
        repository_id=repository.text("id", "") if repository else "",
        repository_name=repository.text("name", "") if repository else "",
        authorization_scope=_word(fields, "jobAuthorizationScope"),
        # Whole definitions leave it out where it is off; one without a process is no whole definition.
        badge_enabled=fields.flag("badgeEnabled", default=False)
        if process
        else _flag(fields, "badgeEnabled"),
        pool_is_hosted=_flag(pool, "isHosted") if pool else None,
        queue_status=_word(fields, "queueStatus"),
        variables=tuple(_variables(fields)),
        pull_requests=_pull_request_trigger(pull_request) if pull_request else None,
        ci_branches=_branches(continuous) if continuous else None,
        is_scheduled="schedule" in by_type,
        last_queued=_last_run(fields),
        created=_moment(fields, "createdDate"),
    )


def _word(fields: Fields, key: str) -> str:
    value = fields.values().get(key)
    return value if isinstance(value, str) else ""


def _pull_request_trigger(trigger: Fields) -> PullRequestTrigger:
    forks = trigger.nested("forks") if trigger.has("forks") else None
    return PullRequestTrigger(
        forks_enabled=_flag(forks, "enabled") if forks else None,
        allow_secrets=_flag(forks, "allowSecrets") if forks else None,
        allow_full_access_token=_flag(forks, "allowFullAccessToken") if forks else None,
        comment_required=_flag(trigger, "isCommentRequiredForPullRequest"),
        from_yaml=trigger.values().get("settingsSourceType") == _FROM_YAML,
        enforced=read_settings(trigger.nested("pipelineTriggerSettings")).settings
        if trigger.has("pipelineTriggerSettings")
        else {},
    )


def _branches(trigger: Fields) -> tuple[str, ...] | None:
    if trigger.values().get("settingsSourceType") == _FROM_YAML or not trigger.has("branchFilters"):
        return None
    return tuple(str(one) for one in trigger.sequence("branchFilters"))


def _last_run(fields: Fields) -> datetime | None:
    times = [
        told
        for key in ("latestBuild", "latestCompletedBuild")
        if fields.has(key)
        for told in (_moment(fields.nested(key), "queueTime"), _moment(fields.nested(key), "finishTime"))
        if told is not None
    ]
    return max(times, default=None)


def _moment(fields: Fields, key: str) -> datetime | None:
    return moment(fields.text(key), fields.path(key)) if fields.has(key) else None


def _check(fields: Fields) -> tuple[tuple[str, str], Check]:
    resource, kind = fields.nested("resource"), fields.nested("type")
    settings = fields.nested("settings").values() if fields.has("settings") else {}
    return (resource.text("type").lower(), resource.text("id").lower()), Check(
        id=fields.number("id"),
        type_id=kind.guid("id"),
        type_name=kind.text("name", ""),
        is_disabled=fields.flag("isDisabled", default=False),
        settings=dict(settings),
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
