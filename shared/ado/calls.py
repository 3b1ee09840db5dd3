"""Every call that is made: host, path, api-version, what it is for, and the permission and scope it takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from shared.ado.errors import JSON, OrganizationNotFound, Where, told

PROFILE: Final = "app.vssps.visualstudio.com"
DEV: Final = "dev.azure.com"
GRAPH: Final = "vssps.dev.azure.com"
ENTITLEMENTS: Final = "vsaex.dev.azure.com"
EXTENSIONS: Final = "extmgmt.dev.azure.com"

HOSTS: Final = frozenset({PROFILE, DEV, GRAPH, ENTITLEMENTS, EXTENSIONS})
"""The only hosts that ever receive a token (under their own name, or behind the gateway)."""

Query = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Call:
    """One kind of request.

    `action` completes "... failed"; `path` has its variable segments in braces; `version` is empty where the
    route must not be sent one; `repeatable` says that a second, identical request does no harm.
    """

    action: str
    host: str
    path: str
    version: str
    permission: str
    method: str = "GET"
    accepts: tuple[str, ...] = (JSON,)
    repeatable: bool = True

    @property
    def is_of_organization(self) -> bool:
        """Whether the path names an organization."""
        return "{organization}" in self.path

    def where(self, organization: str) -> Where:
        """The call in the words of failures."""
        return Where(organization, self.action, self.permission)

    def url(self, segments: Mapping[str, str], query: Query = ()) -> str:
        """The address. Every segment and every query value is percent-encoded, so none can mean more.

        Raises `OrganizationNotFound` for a segment that no encoding can keep from being a path of its own.
        """
        path = self.path
        for name, value in segments.items():
            if value.strip() in {"", ".", ".."} or not value.isprintable():
                where = self.where(segments.get("organization", ""))
                raise told(OrganizationNotFound, where, f"{name} is not a name that can be asked for")
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        pairs = [*query, *([("api-version", self.version)] if self.version else [])]
        told_query = "&".join(f"{quote(name, safe='$_')}={quote(value, safe='')}" for name, value in pairs)
        return f"https://{self.host}{path}" + (f"?{told_query}" if told_query else "")

    @property
    def accept(self) -> str:
        """The Accept header."""
        if not self.accepts:
            return "*/*"
        return f"{self.accepts[0]};api-version={self.version}" if self.version else self.accepts[0]


_PREVIEW = "7.1-preview.1"
_ORG = "/{organization}"
_PROJECT = "/{organization}/{project}"
_ON_REPOSITORIES = "Read on the repositories, and Basic access (token scope: Code, read: vso.code)"
_ON_PROJECTS = "View project-level information (token scope: Project and team, read: vso.project)"
_ON_EXTENSIONS = "View instance-level information (token scope: Extensions, read: vso.extension)"
_ON_SETTINGS = "View instance-level information (token scope: full access)"
_MEMBER = "membership of the organization"

READ_PROFILE = Call(
    "reading the profile of the identity",
    PROFILE,
    "/_apis/profile/profiles/me",
    "7.1",
    "token scope: User profile, read: vso.profile",
)
LIST_ACCOUNTS = Call(
    "listing the organizations of the identity",
    PROFILE,
    "/_apis/accounts",
    "7.1",
    "token scope: User profile, read: vso.profile, for all accessible organizations",
)
LIST_TENANT = Call(
    "listing the organizations of the tenant",
    ENTITLEMENTS,
    "/_apis/EnterpriseCatalog/Organizations",
    "",
    "Azure DevOps Administrator in Microsoft Entra",
    accepts=(),
)
READ_CONNECTION = Call("reading who we are", DEV, f"{_ORG}/_apis/connectionData", "7.1-preview", _MEMBER)
HAS_PERMISSION = Call(
    "reading an effective permission",
    DEV,
    f"{_ORG}/_apis/permissions/{{namespace}}/{{bits}}",
    "7.1",
    f"{_MEMBER} (token scope: full access)",
)
READ_IDENTITY = Call(
    "reading the groups of the identity",
    GRAPH,
    f"{_ORG}/_apis/identities",
    "7.1",
    f"{_MEMBER} (token scope: Identity, read: vso.identity)",
)
READ_USER = Call(
    "reading the access level of the identity",
    ENTITLEMENTS,
    f"{_ORG}/_apis/userentitlements/{{id}}",
    "7.1",
    "token scope: Member entitlement management, read: vso.memberentitlementmanagement",
)
READ_SERVICE_PRINCIPAL = Call(
    READ_USER.action,
    ENTITLEMENTS,
    f"{_ORG}/_apis/serviceprincipalentitlements/{{id}}",
    _PREVIEW,
    READ_USER.permission,
)
READ_POLICY_PAGE = Call(
    "reading the organization policies", DEV, f"{_ORG}/_settings/organizationPolicy", "", _ON_SETTINGS
)
QUERY_POLICIES = Call(
    READ_POLICY_PAGE.action,
    DEV,
    f"{_ORG}/_apis/Contribution/HierarchyQuery",
    "5.0-preview.1",
    _ON_SETTINGS,
    method="POST",
)
QUERY_PIPELINE_SETTINGS = Call(
    "reading the organization's pipeline settings",
    DEV,
    f"{_ORG}/_apis/Contribution/HierarchyQuery",
    "5.0-preview.1",
    _ON_SETTINGS,
    method="POST",
)
READ_EXTENSION = Call(
    "reading the installed extension",
    EXTENSIONS,
    f"{_ORG}/_apis/extensionmanagement/installedextensionsbyname/{{publisher}}/{{name}}",
    _PREVIEW,
    _ON_EXTENSIONS,
)
# A repeated installation is answered with 409, which counts as success: repeating does no harm.
INSTALL_EXTENSION = Call(
    "installing the extension",
    EXTENSIONS,
    READ_EXTENSION.path,
    _PREVIEW,
    "Edit instance-level information (token scope: Extensions, read and manage: vso.extension_manage)",
    method="POST",
)
LIST_PROJECTS = Call("listing the projects", DEV, f"{_ORG}/_apis/projects", "7.1", _ON_PROJECTS)
LIST_DELETED_PROJECTS = Call(
    "listing the deleted projects", DEV, f"{_ORG}/_apis/projects", "7.1", _ON_PROJECTS
)
READ_PROJECT = Call("reading a project", DEV, f"{_ORG}/_apis/projects/{{project}}", "7.1", _ON_PROJECTS)
LIST_REPOSITORIES = Call(
    "listing the repositories", DEV, f"{_ORG}/_apis/git/repositories", "7.1", _ON_REPOSITORIES
)
READ_REPOSITORY = Call(
    "reading a repository",
    DEV,
    f"{_PROJECT}/_apis/git/repositories/{{repository}}",
    "7.1",
    _ON_REPOSITORIES,
)
LIST_RECYCLE_BIN = Call(
    "listing the deleted repositories of a project",
    DEV,
    f"{_PROJECT}/_apis/git/recycleBin/repositories",
    "7.1",
    _ON_REPOSITORIES,
)
READ_PIPELINE_SETTINGS = Call(
    "reading the pipeline settings of a project",
    DEV,
    f"{_PROJECT}/_apis/build/generalsettings",
    "7.1",
    _ON_PROJECTS,
)
LIST_POLICIES = Call(
    "listing the branch policies of a project",
    DEV,
    f"{_PROJECT}/_apis/policy/configurations",
    "7.1",
    "Read on the project's repositories (token scope: Code, read: vso.code)",
)
LIST_ENDPOINTS = Call(
    "listing the service connections of a project",
    DEV,
    f"{_PROJECT}/_apis/serviceendpoint/endpoints",
    "7.1",
    "Reader on the project's service connections "
    "(token scope: Service connections, read: vso.serviceendpoint)",
)
READ_ENDPOINT_PERMISSIONS = Call(
    "reading which pipelines may use a service connection",
    DEV,
    f"{_PROJECT}/_apis/pipelines/pipelinepermissions/endpoint/{{endpoint}}",
    _PREVIEW,
    "Reader on the service connection (token scope: Build, read: vso.build)",
)
