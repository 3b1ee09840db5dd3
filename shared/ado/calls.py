"""Every call that is made: host, path, api-version, what it takes, what uses it, and what is lost without it.

`CALLS` is the one table of rights: failures name them from it, `docs/permissions.md` is written from it, and
`ado-connector doctor` goes through it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from shared.ado.errors import JSON, OrganizationNotFound, Where, told
from shared.model.right import FULL_ACCESS, Capability, Right, Scope

PROFILE: Final = "app.vssps.visualstudio.com"
DEV: Final = "dev.azure.com"
GRAPH: Final = "vssps.dev.azure.com"
ENTITLEMENTS: Final = "vsaex.dev.azure.com"
EXTENSIONS: Final = "extmgmt.dev.azure.com"
AUDIT: Final = "auditservice.dev.azure.com"
SECURITY: Final = "advsec.dev.azure.com"

HOSTS: Final = frozenset({PROFILE, DEV, GRAPH, ENTITLEMENTS, EXTENSIONS, AUDIT, SECURITY})
"""The only hosts that ever receive a token (under their own name, or behind the gateway)."""

Query = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Call:
    """One kind of request.

    `action` completes "... failed"; `path` has its variable segments in braces; `version` is empty where the
    route must not be sent one; `right` is what it takes, `capability` what of ours uses it first, and `lost`
    what is not told where it is refused; `repeatable` says that a second, identical request does no harm.
    """

    action: str
    host: str
    path: str
    version: str
    right: Right
    capability: Capability
    lost: str
    method: str = "GET"
    accepts: tuple[str, ...] = (JSON,)
    repeatable: bool = True

    @property
    def permission(self) -> str:
        """Permission and token scope, as failures name them."""
        return self.right.text

    @property
    def is_of_organization(self) -> bool:
        """Whether the path names an organization."""
        return "{organization}" in self.path

    def where(self, organization: str) -> Where:
        """The call in the words of failures."""
        return Where(organization, self.action, self.permission, self.right.grant)

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

_MEMBER = "membership of the organization"
_ADD_MEMBER = "Organization settings > Users > Add users"
_PROJECT_PERMISSIONS = "Project settings > Permissions, or a place in the project's group Readers"
_REPOSITORY_PERMISSIONS = "Project settings > Repositories > Security > Read"
_ORGANIZATION_PERMISSIONS = "Organization settings > Permissions > Project Collection Valid Users"
_CONNECTION_PERMISSIONS = "Project settings > Service connections > ... > Security: Reader"

_CODE = Scope("vso.code", "Code, read")
_PROFILE_SCOPE = Scope("vso.profile", "User profile, read")

SIGN_IN = Right("signIn", "", _PROFILE_SCOPE)
EVERY_ORGANIZATION = Right(
    "everyOrganization",
    "",
    Scope(_PROFILE_SCOPE.name, _PROFILE_SCOPE.title, "for all accessible organizations"),
)
TENANT_ADMINISTRATOR = Right(
    "tenantAdministrator",
    "Azure DevOps Administrator in Microsoft Entra",
    None,
    "Microsoft Entra admin center > Roles & admins > Azure DevOps Administrator",
)
MEMBERSHIP = Right("membership", _MEMBER, None, _ADD_MEMBER)
OWN_PERMISSIONS = Right("ownPermissions", _MEMBER, FULL_ACCESS, _ADD_MEMBER)
OWN_GROUPS = Right("ownGroups", _MEMBER, Scope("vso.identity", "Identity, read"), _ADD_MEMBER)
OWN_ACCESS_LEVEL = Right(
    "ownAccessLevel",
    "",
    Scope("vso.memberentitlementmanagement", "Member entitlement management, read"),
)
VIEW_SETTINGS = Right(
    "viewSettings", "View instance-level information", FULL_ACCESS, _ORGANIZATION_PERMISSIONS
)
VIEW_EXTENSIONS = Right(
    "viewExtensions",
    "View instance-level information",
    Scope("vso.extension", "Extensions, read"),
    _ORGANIZATION_PERMISSIONS,
)
INSTALL_EXTENSIONS = Right(
    "installExtensions",
    "Edit instance-level information",
    Scope("vso.extension_manage", "Extensions, read and manage"),
    "Organization settings > Permissions > Project Collection Administrators > Members > Add",
)
VIEW_PROJECTS = Right(
    "viewProjects",
    "View project-level information",
    Scope("vso.project", "Project and team, read"),
    _PROJECT_PERMISSIONS,
)
VIEW_AUDIT_LOG = Right(
    "viewAuditLog",
    "View audit log",
    Scope("vso.auditlog", "Auditing, read audit log"),
    "Organization settings > Permissions > the identity or a group of it > View audit log: Allow",
)
VIEW_ADVANCED_SECURITY = Right(
    "viewAdvancedSecurity",
    "Advanced Security: view alerts",
    Scope("vso.advsec", "Advanced Security, read"),
    "Project settings > Repositories > Security > Advanced Security: view alerts: Allow",
)
READ_CODE = Right(
    "readCode",
    "Read on the repositories, and Basic access",
    _CODE,
    f"{_REPOSITORY_PERMISSIONS}; Organization settings > Users > Change access level > Basic",
)
READ_BRANCH_POLICIES = Right(
    "readBranchPolicies", "Read on the project's repositories", _CODE, _REPOSITORY_PERMISSIONS
)
READ_CONNECTIONS = Right(
    "readServiceConnections",
    "Reader on the project's service connections",
    Scope("vso.serviceendpoint", "Service connections, read"),
    _CONNECTION_PERMISSIONS,
)
READ_CONNECTION_USE = Right(
    "readServiceConnectionUse",
    "Reader on the service connection",
    Scope("vso.build", "Build, read"),
    _CONNECTION_PERMISSIONS,
)

_BUILD = Scope("vso.build", "Build, read")
_ADMINISTRATOR = "Project Collection Administrator"
_ADD_ADMINISTRATOR = "Organization settings > Permissions > Project Collection Administrators > Members > Add"
_LIBRARY_PERMISSIONS = "Project settings > Permissions; Pipelines > Library > Security: Reader"
READ_PIPELINES = Right(
    "readPipelines",
    "View build pipeline in the project",
    _BUILD,
    "Pipelines > More actions > Manage security",
)
READ_VARIABLE_GROUPS = Right(
    "readVariableGroups",
    "Reader in the project's library",
    Scope("vso.variablegroups_read", "Variable groups, read"),
    _LIBRARY_PERMISSIONS,
)
READ_SECURE_FILES = Right(
    "readSecureFiles",
    "Reader in the project's library",
    Scope("vso.securefiles_read", "Secure files, read"),
    _LIBRARY_PERMISSIONS,
)
READ_ENVIRONMENTS = Right(
    "readEnvironments",
    "Reader on the project's environments",
    Scope("vso.environment_manage", "Environment, read and manage"),
    "Pipelines > Environments > Security: Reader",
)
READ_CHECKS = Right(
    "readChecks",
    "Reader on the project's protected resources",
    _BUILD,
    "Security of the service connection, variable group, secure file or environment: Reader",
)
READ_RESOURCE_USE = Right(
    "readResourceUse",
    "Reader on the variable group, secure file or environment",
    _BUILD,
    "Security of the variable group, secure file or environment: Reader",
)
VIEW_RETENTION = Right("viewRetention", "View instance-level information", _BUILD, _ORGANIZATION_PERMISSIONS)
VIEW_SERVICE_HOOKS = Right(
    "viewServiceHooks",
    "View subscriptions of service hooks",
    _BUILD,
    "Project settings > Service hooks, for administrators of the project",
)
READ_AGENT_POOLS = Right(
    "readAgentPools",
    "Reader on the agent pools",
    Scope("vso.agentpools", "Agent pools, read"),
    "Organization settings > Agent pools > Security: Reader",
)
VIEW_USERS = Right("viewUsers", _ADMINISTRATOR, OWN_ACCESS_LEVEL.scope, _ADD_ADMINISTRATOR)
VIEW_GROUPS = Right(
    "viewGroups",
    "View instance-level information",
    Scope("vso.graph", "Graph, read"),
    _ORGANIZATION_PERMISSIONS,
)
VIEW_MEMBERS = Right(
    "viewMembers", "View instance-level information", OWN_GROUPS.scope, _ORGANIZATION_PERMISSIONS
)
VIEW_PERMISSIONS = Right(
    "viewPermissions", _ADMINISTRATOR, Scope("vso.security_manage", "Security, manage"), _ADD_ADMINISTRATOR
)
READ_RUNS = Right(
    "readRuns",
    "View builds on the project's pipelines",
    Scope("vso.build", "Build, read"),
    "Pipelines > ... > Manage security > View builds, or a place in the project's group Readers",
)

READ_PROFILE = Call(
    "reading the profile of the identity",
    PROFILE,
    "/_apis/profile/profiles/me",
    "7.1",
    SIGN_IN,
    Capability.DISCOVERY,
    "organizations are not found; those that the connector names are still read",
)
LIST_ACCOUNTS = Call(
    "listing the organizations of the identity",
    PROFILE,
    "/_apis/accounts",
    "7.1",
    EVERY_ORGANIZATION,
    Capability.DISCOVERY,
    "organizations are not found; those that the connector names are still read",
)
LIST_TENANT = Call(
    "listing the organizations of the tenant",
    ENTITLEMENTS,
    "/_apis/EnterpriseCatalog/Organizations",
    "",
    TENANT_ADMINISTRATOR,
    Capability.TENANT_LISTING,
    "nothing that the other listing does not tell, but for organizations the identity is no member of",
    accepts=(),
)
READ_CONNECTION = Call(
    "reading who we are",
    DEV,
    f"{_ORG}/_apis/connectionData",
    "7.1-preview",
    MEMBERSHIP,
    Capability.PREREQUISITES,
    "the organization is not onboarded: who we are there, and which organization it is, stay unknown",
)
HAS_PERMISSION = Call(
    "reading an effective permission",
    DEV,
    f"{_ORG}/_apis/permissions/{{namespace}}/{{bits}}",
    "7.1",
    OWN_PERMISSIONS,
    Capability.PREREQUISITES,
    "whether the identity is Project Collection Administrator is unknown, and what vanishes from listings is "
    "retired on proof of its deletion alone",
)
READ_IDENTITY = Call(
    "reading the groups of the identity",
    GRAPH,
    f"{_ORG}/_apis/identities",
    "7.1",
    OWN_GROUPS,
    Capability.PREREQUISITES,
    "membership of Project Collection Administrators is not told from a custom grant",
)
READ_USER = Call(
    "reading the access level of the identity",
    ENTITLEMENTS,
    f"{_ORG}/_apis/userentitlements/{{id}}",
    "7.1",
    OWN_ACCESS_LEVEL,
    Capability.PREREQUISITES,
    "whether the access level shows repositories is unknown, and what vanishes from listings is retired on "
    "proof of its deletion alone",
)
READ_SERVICE_PRINCIPAL = Call(
    READ_USER.action,
    ENTITLEMENTS,
    f"{_ORG}/_apis/serviceprincipalentitlements/{{id}}",
    _PREVIEW,
    READ_USER.right,
    READ_USER.capability,
    READ_USER.lost,
)
READ_POLICY_PAGE = Call(
    "reading the organization policies",
    DEV,
    f"{_ORG}/_settings/organizationPolicy",
    "",
    VIEW_SETTINGS,
    Capability.PREREQUISITES,
    "third-party application access via OAuth is unknown",
)
QUERY_POLICIES = Call(
    READ_POLICY_PAGE.action,
    DEV,
    f"{_ORG}/_apis/Contribution/HierarchyQuery",
    "5.0-preview.1",
    VIEW_SETTINGS,
    READ_POLICY_PAGE.capability,
    READ_POLICY_PAGE.lost,
    method="POST",
)
READ_AUDIT_LOG = Call(
    "reading the audit log",
    AUDIT,
    f"{_ORG}/_apis/audit/auditlog",
    _PREVIEW,
    VIEW_AUDIT_LOG,
    Capability.AUDITING,
    "whether auditing is available is unknown, and every refresh of posture reads everything",
)
READ_ADVANCED_SECURITY = Call(
    "reading what Advanced Security is turned on for",
    SECURITY,
    f"{_ORG}/_apis/management/enablement",
    "7.2-preview.3",
    VIEW_ADVANCED_SECURITY,
    Capability.ADVANCED_SECURITY,
    "whether Advanced Security is available is unknown",
)
QUERY_PIPELINE_SETTINGS = Call(
    "reading the organization's pipeline settings",
    DEV,
    f"{_ORG}/_apis/Contribution/HierarchyQuery",
    "5.0-preview.1",
    VIEW_SETTINGS,
    Capability.POSTURE_PIPELINE_SETTINGS,
    "what the organization enforces on every project is unknown, and with it what a project leaves open",
    method="POST",
)
READ_EXTENSION = Call(
    "reading the installed extension",
    EXTENSIONS,
    f"{_ORG}/_apis/extensionmanagement/installedextensionsbyname/{{publisher}}/{{name}}",
    _PREVIEW,
    VIEW_EXTENSIONS,
    Capability.EXTENSION,
    "whether the Container Mapping extension is installed is unknown",
)
READ_EXTENSION_OFFER = Call(
    "reading whether the extension may be installed",
    EXTENSIONS,
    f"{_ORG}/_apis/extensionmanagement/acquisitionoptions",
    _PREVIEW,
    VIEW_EXTENSIONS,
    Capability.EXTENSION,
    "whether the Container Mapping extension is shared with the organization is unknown",
)
LIST_EXTENSION_REQUESTS = Call(
    "listing the extensions that members asked for",
    EXTENSIONS,
    f"{_ORG}/_apis/extensionmanagement/requestedextensions",
    _PREVIEW,
    VIEW_EXTENSIONS,
    Capability.EXTENSION,
    "whether somebody asked for the Container Mapping extension is unknown",
)
# A write whose answer was lost is looked at before it is tried again.
INSTALL_EXTENSION = Call(
    "installing the extension",
    EXTENSIONS,
    READ_EXTENSION.path,
    _PREVIEW,
    INSTALL_EXTENSIONS,
    Capability.EXTENSION_INSTALLATION,
    "the Container Mapping extension is not installed by the connector; an administrator can install it",
    method="POST",
    repeatable=False,
)
LIST_PROJECTS = Call(
    "listing the projects",
    DEV,
    f"{_ORG}/_apis/projects",
    "7.1",
    VIEW_PROJECTS,
    Capability.INVENTORY,
    "projects are not listed; one that the identity may not see is left out without a word",
)
LIST_DELETED_PROJECTS = Call(
    "listing the deleted projects",
    DEV,
    f"{_ORG}/_apis/projects",
    "7.1",
    VIEW_PROJECTS,
    Capability.DELETIONS,
    "a deleted project stays missing until a second complete listing lacks it too",
)
READ_PROJECT = Call(
    "reading a project",
    DEV,
    f"{_ORG}/_apis/projects/{{project}}",
    "7.1",
    VIEW_PROJECTS,
    Capability.DELETIONS,
    "a project that vanished from the listing is not told from one that is hidden",
)
LIST_REPOSITORIES = Call(
    "listing the repositories",
    DEV,
    f"{_ORG}/_apis/git/repositories",
    "7.1",
    READ_CODE,
    Capability.INVENTORY,
    "repositories are not listed; one that the identity may not read is left out without a word",
)
READ_REPOSITORY = Call(
    "reading a repository",
    DEV,
    f"{_PROJECT}/_apis/git/repositories/{{repository}}",
    "7.1",
    READ_CODE,
    Capability.DELETIONS,
    "a repository that vanished from the listing is not told from one that is hidden",
)
LIST_RECYCLE_BIN = Call(
    "listing the deleted repositories of a project",
    DEV,
    f"{_PROJECT}/_apis/git/recycleBin/repositories",
    "7.1",
    READ_CODE,
    Capability.DELETIONS,
    "a deleted repository stays missing until a second complete listing lacks it too",
)
READ_PIPELINE_SETTINGS = Call(
    "reading the pipeline settings of a project",
    DEV,
    f"{_PROJECT}/_apis/build/generalsettings",
    "7.1",
    VIEW_PROJECTS,
    Capability.POSTURE_PIPELINE_SETTINGS,
    "recommendations on pipeline settings are unknown",
)
LIST_POLICIES = Call(
    "listing the branch policies of a project",
    DEV,
    f"{_PROJECT}/_apis/policy/configurations",
    "7.1",
    READ_BRANCH_POLICIES,
    Capability.POSTURE_BRANCH_POLICIES,
    "recommendations on branches are unknown",
)
LIST_ENDPOINTS = Call(
    "listing the service connections of a project",
    DEV,
    f"{_PROJECT}/_apis/serviceendpoint/endpoints",
    "7.1",
    READ_CONNECTIONS,
    Capability.POSTURE_SERVICE_CONNECTIONS,
    "recommendations on service connections are unknown",
)
READ_ENDPOINT_PERMISSIONS = Call(
    "reading which pipelines may use a service connection",
    DEV,
    f"{_PROJECT}/_apis/pipelines/pipelinepermissions/endpoint/{{endpoint}}",
    _PREVIEW,
    READ_CONNECTION_USE,
    Capability.POSTURE_SERVICE_CONNECTIONS,
    "whether a service connection is open to all pipelines is unknown",
)

LIST_VARIABLE_GROUPS = Call(
    "listing the variable groups of a project",
    DEV,
    f"{_PROJECT}/_apis/distributedtask/variablegroups",
    "7.1",
    READ_VARIABLE_GROUPS,
    Capability.POSTURE_LIBRARY,
    "recommendations on variable groups are unknown",
)
LIST_SECURE_FILES = Call(
    "listing the secure files of a project",
    DEV,
    f"{_PROJECT}/_apis/distributedtask/securefiles",
    _PREVIEW,
    READ_SECURE_FILES,
    Capability.POSTURE_LIBRARY,
    "recommendations on secure files are unknown",
)
LIST_ENVIRONMENTS = Call(
    "listing the environments of a project",
    DEV,
    f"{_PROJECT}/_apis/distributedtask/environments",
    "7.1",
    READ_ENVIRONMENTS,
    Capability.POSTURE_PIPELINES,
    "recommendations on environments are unknown",
)
LIST_DEFINITIONS = Call(
    "listing the pipelines of a project",
    DEV,
    f"{_PROJECT}/_apis/build/definitions",
    "7.1",
    READ_PIPELINES,
    Capability.POSTURE_PIPELINES,
    "recommendations on pipelines are unknown",
)
# It asks and changes nothing, whatever its method.
QUERY_CHECKS = Call(
    "reading approvals and checks of a project",
    DEV,
    f"{_PROJECT}/_apis/pipelines/checks/queryconfigurations",
    _PREVIEW,
    READ_CHECKS,
    Capability.POSTURE_PIPELINES,
    "recommendations on approvals and checks are unknown",
    method="POST",
)
READ_RESOURCE_PERMISSIONS = Call(
    "reading which pipelines may use a protected resource",
    DEV,
    f"{_PROJECT}/_apis/pipelines/pipelinepermissions/{{type}}/{{id}}",
    _PREVIEW,
    READ_RESOURCE_USE,
    Capability.POSTURE_LIBRARY,
    "whether a variable group, secure file or environment is open to all pipelines is unknown",
)
READ_BUILD_SETTINGS = Call(
    "reading how long builds are kept",
    DEV,
    f"{_ORG}/_apis/build/settings",
    "7.1",
    VIEW_RETENTION,
    Capability.POSTURE_ORGANIZATION,
    "whether builds are kept long enough is unknown",
)
LIST_EXTENSIONS = Call(
    "listing the installed extensions",
    EXTENSIONS,
    f"{_ORG}/_apis/extensionmanagement/installedextensions",
    _PREVIEW,
    VIEW_EXTENSIONS,
    Capability.POSTURE_ORGANIZATION,
    "recommendations on extensions are unknown",
)
LIST_AUDIT_STREAMS = Call(
    "listing the audit streams",
    AUDIT,
    f"{_ORG}/_apis/audit/streams",
    _PREVIEW,
    VIEW_AUDIT_LOG,
    Capability.POSTURE_ORGANIZATION,
    "whether the audit log is streamed is unknown",
)
LIST_SERVICE_HOOKS = Call(
    "listing the service hook subscriptions",
    DEV,
    f"{_ORG}/_apis/hooks/subscriptions",
    "7.1",
    VIEW_SERVICE_HOOKS,
    Capability.POSTURE_ORGANIZATION,
    "whether service hooks are safe to call is unknown",
)
LIST_AGENT_POOLS = Call(
    "listing the agent pools",
    DEV,
    f"{_ORG}/_apis/distributedtask/pools",
    "7.1",
    READ_AGENT_POOLS,
    Capability.POSTURE_ORGANIZATION,
    "recommendations on agent pools are unknown",
)
LIST_USERS = Call(
    "listing the users and their access levels",
    ENTITLEMENTS,
    f"{_ORG}/_apis/userentitlements",
    "7.1",
    VIEW_USERS,
    Capability.POSTURE_PEOPLE,
    "recommendations on guests and inactive people are unknown",
)
LIST_GROUPS = Call(
    "listing the security groups",
    GRAPH,
    f"{_ORG}/_apis/graph/groups",
    _PREVIEW,
    VIEW_GROUPS,
    Capability.POSTURE_PEOPLE,
    "recommendations on administrators and on what broad groups may do are unknown",
)
READ_MEMBERS = Call(
    "reading the members of the administrators' groups",
    GRAPH,
    f"{_ORG}/_apis/identities",
    "7.1",
    VIEW_MEMBERS,
    Capability.POSTURE_PEOPLE,
    "recommendations on administrators are unknown",
)
LIST_ACCESS = Call(
    "listing the permissions of a kind of resource",
    DEV,
    f"{_ORG}/_apis/accesscontrollists/{{namespace}}",
    "7.1",
    VIEW_PERMISSIONS,
    Capability.POSTURE_PEOPLE,
    "what broad groups and build accounts may do is unknown",
)
SUMMARIZE_ALERTS = Call(
    "reading the summary of Advanced Security's alerts",
    SECURITY,
    f"{_ORG}/_apis/reporting/summary/alerts",
    "7.2-preview.1",
    VIEW_ADVANCED_SECURITY,
    Capability.POSTURE_FINDINGS,
    "findings of Advanced Security are unknown",
)
SUMMARIZE_SCANS = Call(
    "reading what Advanced Security has scanned",
    SECURITY,
    f"{_ORG}/_apis/reporting/summary/enablement",
    "7.2-preview.1",
    VIEW_ADVANCED_SECURITY,
    Capability.POSTURE_FINDINGS,
    "findings of Advanced Security are unknown",
)
LIST_RUNS = Call(
    "listing the finished runs of a project",
    DEV,
    f"{_PROJECT}/_apis/build/builds",
    "7.1",
    READ_RUNS,
    Capability.IMAGE_TRACING,
    "images are not traced through the logs of the runs that pushed them",
)
READ_TIMELINE = Call(
    "reading the steps of a run",
    DEV,
    f"{_PROJECT}/_apis/build/builds/{{run}}/timeline",
    "7.1",
    READ_RUNS,
    Capability.IMAGE_TRACING,
    LIST_RUNS.lost,
)
# These two ask and change nothing, whatever their method.
READ_AUTHORS = Call(
    "reading the authors of commits",
    DEV,
    f"{_PROJECT}/_apis/git/repositories/{{repository}}/commitsbatch",
    "7.1",
    READ_CODE,
    Capability.IMAGE_TRACING,
    "the author of the commit that an image was built from is unknown",
    method="POST",
)
READ_PULL_REQUESTS = Call(
    "reading the pull requests behind commits",
    DEV,
    f"{_PROJECT}/_apis/git/repositories/{{repository}}/pullrequestquery",
    "7.1",
    READ_CODE,
    Capability.IMAGE_TRACING,
    "the pull request behind an image, and who approved it, are unknown",
    method="POST",
)
READ_LOG = Call(
    "reading the log of a step",
    DEV,
    f"{_PROJECT}/_apis/build/builds/{{run}}/logs/{{log}}",
    "7.1",
    READ_RUNS,
    Capability.IMAGE_TRACING,
    LIST_RUNS.lost,
    accepts=("text/plain",),
)

CALLS: Final = (
    READ_PROFILE,
    LIST_ACCOUNTS,
    LIST_TENANT,
    READ_CONNECTION,
    HAS_PERMISSION,
    READ_IDENTITY,
    READ_USER,
    READ_SERVICE_PRINCIPAL,
    READ_POLICY_PAGE,
    QUERY_POLICIES,
    READ_AUDIT_LOG,
    READ_ADVANCED_SECURITY,
    LIST_PROJECTS,
    LIST_REPOSITORIES,
    LIST_DELETED_PROJECTS,
    READ_PROJECT,
    READ_REPOSITORY,
    LIST_RECYCLE_BIN,
    READ_EXTENSION,
    READ_EXTENSION_OFFER,
    LIST_EXTENSION_REQUESTS,
    INSTALL_EXTENSION,
    QUERY_PIPELINE_SETTINGS,
    READ_PIPELINE_SETTINGS,
    LIST_POLICIES,
    LIST_ENDPOINTS,
    READ_ENDPOINT_PERMISSIONS,
    LIST_DEFINITIONS,
    LIST_VARIABLE_GROUPS,
    LIST_SECURE_FILES,
    LIST_ENVIRONMENTS,
    QUERY_CHECKS,
    READ_RESOURCE_PERMISSIONS,
    READ_BUILD_SETTINGS,
    LIST_EXTENSIONS,
    LIST_AUDIT_STREAMS,
    LIST_SERVICE_HOOKS,
    LIST_AGENT_POOLS,
    LIST_USERS,
    LIST_GROUPS,
    READ_MEMBERS,
    LIST_ACCESS,
    SUMMARIZE_ALERTS,
    SUMMARIZE_SCANS,
    LIST_RUNS,
    READ_TIMELINE,
    READ_LOG,
    READ_AUTHORS,
    READ_PULL_REQUESTS,
)
"""Every call, in the order in which they are made."""
