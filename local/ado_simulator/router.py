"""The route table: which function answers which path of which host."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus

from local.ado_simulator.answers import Refusal, access_denied, failure, project_not_found
from local.ado_simulator.wire import Answer, Json, Request

if TYPE_CHECKING:
    from local.ado_simulator.identity import Identity, Member
    from local.ado_simulator.organization import Organization
    from local.ado_simulator.project import Project
    from local.ado_simulator.repository import Repository
    from local.ado_simulator.world import World

PROFILE = "app.vssps.visualstudio.com"
DEV = "dev.azure.com"
GRAPH = "vssps.dev.azure.com"
ENTITLEMENTS = "vsaex.dev.azure.com"
EXTENSIONS = "extmgmt.dev.azure.com"
AUDIT = "auditservice.dev.azure.com"
SECURITY = "advsec.dev.azure.com"
MARKETPLACE = "marketplace.visualstudio.com"
PIPELINE_TOKENS = "vstoken.dev.azure.com"
HOSTS = (PROFILE, DEV, GRAPH, ENTITLEMENTS, EXTENSIONS, AUDIT, SECURITY, MARKETPLACE)
FULL_ACCESS = "full"
"""Stands for the scope of routes that document none: a token without it is one with narrower scopes."""
HOSTS_WITHOUT_ORGANIZATION = frozenset({PROFILE, MARKETPLACE, PIPELINE_TOKENS})


@dataclass(slots=True)
class Options:
    """What can be set on the whole simulator."""

    page_size: int = 100
    entitlement_page_size: int = 100
    latency: float = 0.0
    clock_ahead: float = 0.0
    """Seconds by which the service's clock differs from this machine's."""
    chunk_above: int | None = 1_000_000


@dataclass(slots=True)
class Call:
    """One authenticated request, with what a route needs to answer it."""

    world: World
    options: Options
    request: Request
    host: str
    path: str
    query: dict[str, str]
    identity: Identity
    version: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    organization_or_none: Organization | None = None
    member_or_none: Member | None = None

    @property
    def organization(self) -> Organization:
        """The organization of the path."""
        if self.organization_or_none is None:
            raise LookupError("this route has no organization")
        return self.organization_or_none

    @property
    def member(self) -> Member:
        """The caller inside the organization."""
        if self.member_or_none is None:
            raise LookupError("this route has no organization")
        return self.member_or_none

    @property
    def is_administrator(self) -> bool:
        """Whether "Edit instance-level information" is effective for the caller."""
        return self.member.pca.is_effective

    def flag(self, name: str) -> bool:
        """A boolean of the query string."""
        return self.query.get(name.lower(), "false").lower() == "true"

    def number(self, name: str) -> int | None:
        """A number of the query string; 400 when it is none."""
        text = self.query.get(name.lower())
        if text is None or text == "":
            return None
        try:
            return int(text)
        except ValueError:
            raise Refusal(bad_request(f"The value '{text}' of {name} is not a number.")) from None

    def document(self) -> Json:
        """The body as JSON; 400 when it is none."""
        try:
            return json.loads(self.request.body or b"null")
        except ValueError:
            raise Refusal(bad_request("The body is not valid JSON.")) from None

    def can_see(self, project: Project) -> bool:
        """Whether listings show the project to the caller."""
        return project.id not in self.member.denied_projects

    def can_read(self, repository: Repository) -> bool:
        """Whether listings show the repository to the caller."""
        member = self.member
        return repository.id not in member.denied_repositories and member.licence.reads_code()

    def project(self) -> Project:
        """The project of the path, by id or name; refused when it is gone or hidden."""
        key = self.parameters["project"]
        try:
            project = self.organization.project(key)
        except KeyError:
            raise Refusal(project_not_found(key)) from None
        if project.id not in self.organization.projects:
            raise Refusal(project_not_found(key))
        if not self.can_see(project):
            raise Refusal(self.hidden(project_not_found(key), "View project-level information"))
        return project

    def hidden(self, not_found: Answer, permission: str) -> Answer:
        """What a direct read of something hidden answers: 404, or 403 where the organization says so."""
        if self.organization.direct_denial == 403:  # noqa: PLR2004 - the status it is
            return access_denied(self.identity.account_name, permission)
        return not_found

    def need_administrator(self) -> None:
        """Refuse callers that may not edit instance-level information."""
        if not self.is_administrator:
            raise Refusal(
                access_denied(
                    self.identity.account_name,
                    "Edit instance-level information",
                    Descriptor=self.identity.legacy_descriptor,
                    IdentityDisplayName=self.identity.display_name,
                    Token="NAMESPACE:",  # noqa: S106 - a security token, no secret
                    RequestedPermissions=2,
                    NamespaceId="3e65f728-f8bc-4ecd-8764-7e378b19bfa7",
                )
            )


def bad_request(message: str) -> Answer:
    """400 with the service's JSON shape."""
    return failure(400, "VssPropertyValidationException", message)


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """One path pattern with its handler and what calling it needs."""

    method: str
    host: str
    template: str
    handler: Handler
    scope: str | None
    capability: str | None
    preview: bool
    versioned: bool
    segments: tuple[str, ...]

    def match(self, segments: list[str], lowered: list[str]) -> dict[str, str] | None:
        """The parameters of the path, or None when it is another path."""
        parameters: dict[str, str] = {}
        for index, pattern in enumerate(self.segments):
            if pattern[0] == "{":
                if lowered[index] == "_apis":
                    return None
                parameters[pattern[1:-1]] = segments[index]
            elif pattern != lowered[index]:
                return None
        return parameters


_ROUTES: dict[tuple[str, int], list[Route]] = {}


def route(
    method: str,
    host: str,
    *templates: str,
    scope: str | None = None,
    capability: str | None = None,
    preview: bool = False,
    versioned: bool = True,
) -> Callable[[Handler], Handler]:
    """Register a handler for one or more path templates of a host."""

    def register(handler: Handler) -> Handler:
        for template in templates:
            parts = tuple(
                part if part.startswith("{") else part.lower() for part in template.strip("/").split("/")
            )
            entry = Route(method, host, template, handler, scope, capability, preview, versioned, parts)
            _ROUTES.setdefault((host, len(parts)), []).append(entry)
        return handler

    return register


def find(method: str, host: str, path: str) -> tuple[Route | None, dict[str, str], bool]:
    """The route of a request and its parameters; the last value says that other methods would be answered."""
    segments = [unquote(part) for part in path.strip("/").split("/")]
    lowered = [part.lower() for part in segments]
    others = False
    for entry in _ROUTES.get((host, len(segments)), ()):
        parameters = entry.match(segments, lowered)
        if parameters is None:
            continue
        if entry.method == method:
            return entry, parameters, False
        others = True
    return None, {}, others


def parse_query(text: str) -> dict[str, str]:
    """A query string with lower-case names; an unencoded plus is a space, as the service reads it."""
    query: dict[str, str] = {}
    for pair in text.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            query[unquote_plus(name).lower()] = unquote_plus(value)
    return query
