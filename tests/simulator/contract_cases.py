"""Which answers are compared with which specification and which recording."""

from __future__ import annotations

from typing import Any, NamedTuple

PREVIEW = "7.1-preview.1"

# What recordings or the wire show and the specifications do not know.
SCHEMA_CORRECTIONS: dict[str, dict[str, Any]] = {
    "visibility": {"type": "string"},
    "flags": {"type": "string"},
    "subjectDescriptor": {"type": "string"},
    "IdentityDescriptor": {"type": "string"},
    "SubjectDescriptor": {"type": "string"},
}
KEYS_BEYOND_SPECIFICATIONS = {
    "ServicePrincipalEntitlement": {"extensions"},
    "UserEntitlement": {"extensions"},
    "Profile": {"displayName", "publicAlias", "emailAddress"},
    "PagedUserEntitlementsList": {"members"},
}

DEV = "/dev.azure.com/contoso"
EXTENSIONS = "/extmgmt.dev.azure.com/contoso/_apis/extensionmanagement"
USERS = "/vsaex.dev.azure.com/contoso/_apis"
GRAPH = "/vssps.dev.azure.com/contoso/_apis"
PROFILE = "/app.vssps.visualstudio.com/_apis"
ADVSEC = "/advsec.dev.azure.com/contoso/_apis"
AUDIT = "/auditservice.dev.azure.com/contoso/_apis/audit"

SPECIFICATIONS = {
    "profile": "profile/7.1/profile.json",
    "accounts": "account/7.1/accounts.json",
    "core": "core/7.1/core.json",
    "git": "git/7.1/git.json",
    "policy": "policy/7.1/policy.json",
    "build": "build/7.1/build.json",
    "serviceEndpoint": "serviceEndpoint/7.1/serviceEndpoint.json",
    "pipelinePermissions": "approvalsAndChecks/7.1/pipelinePermissions.json",
    "taskAgent": "distributedTask/7.1/taskAgent.json",
    "extensionManagement": "extensionManagement/7.1/extensionManagement.json",
    "identities": "ims/7.1/identities.json",
    "graph": "graph/7.1/graph.json",
    "memberEntitlementManagement": "memberEntitlementManagement/7.1/memberEntitlementManagement.json",
    "audit": "audit/7.1/audit.json",
    "serviceHooks": "hooks/7.1/serviceHooks.json",
    "security": "security/7.1/security.json",
    "advancedSecurity": "advancedSecurity/7.2/management.json",
    "reporting": "advancedSecurity/7.2/advancedSecurity.Reporting.json",
}


class Case(NamedTuple):
    """One listing or thing: where to get it, what defines it, and where its items are (`.`: itself)."""

    name: str
    path: str
    version: str
    specification: str
    definition: str
    where: str


CASES = [
    Case(
        "profile",
        f"{PROFILE}/profile/profiles/me",
        "7.1",
        "profile",
        "Profile",
        ".",
    ),
    Case(
        "accounts",
        f"{PROFILE}/accounts?memberId={{me}}",
        "7.1",
        "accounts",
        "Account",
        "value",
    ),
    Case(
        "projects",
        f"{DEV}/_apis/projects",
        "7.1",
        "core",
        "TeamProjectReference",
        "value",
    ),
    Case(
        "project",
        f"{DEV}/_apis/projects/Shop?includeCapabilities=true",
        "7.1",
        "core",
        "TeamProject",
        ".",
    ),
    Case(
        "repositories",
        f"{DEV}/_apis/git/repositories",
        "7.1",
        "git",
        "GitRepository",
        "value",
    ),
    Case(
        "repository",
        f"{DEV}/Shop/_apis/git/repositories/web",
        "7.1",
        "git",
        "GitRepository",
        ".",
    ),
    Case(
        "recycle bin",
        f"{DEV}/Shop/_apis/git/recycleBin/repositories",
        "7.1",
        "git",
        "GitDeletedRepository",
        "value",
    ),
    Case(
        "branch policies",
        f"{DEV}/Shop/_apis/policy/configurations",
        "7.1",
        "policy",
        "PolicyConfiguration",
        "value",
    ),
    Case(
        "general settings",
        f"{DEV}/Shop/_apis/build/generalsettings",
        "7.1",
        "build",
        "PipelineGeneralSettings",
        ".",
    ),
    Case(
        "build settings",
        f"{DEV}/_apis/build/settings",
        "7.1",
        "build",
        "BuildSettings",
        ".",
    ),
    Case(
        "environments",
        f"{DEV}/Shop/_apis/distributedtask/environments",
        "7.1",
        "taskAgent",
        "EnvironmentInstance",
        "value",
    ),
    Case(
        "agent pools",
        f"{DEV}/_apis/distributedtask/pools",
        "7.1",
        "taskAgent",
        "TaskAgentPool",
        "value",
    ),
    Case(
        "audit streams",
        f"{AUDIT}/streams",
        PREVIEW,
        "audit",
        "AuditStream",
        "value",
    ),
    Case(
        "service hooks",
        f"{DEV}/_apis/hooks/subscriptions",
        "7.1",
        "serviceHooks",
        "Subscription",
        "value",
    ),
    Case(
        "access lists",
        f"{DEV}/_apis/accesscontrollists/2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87",
        "7.1",
        "security",
        "AccessControlList",
        "value",
    ),
    Case(
        "alerts",
        f"{ADVSEC}/reporting/summary/alerts",
        "7.2-preview.1",
        "reporting",
        "OrgAlertSummary",
        ".",
    ),
    Case(
        "scans",
        f"{ADVSEC}/reporting/summary/enablement",
        "7.2-preview.1",
        "reporting",
        "OrgEnablementSummary",
        ".",
    ),
    Case(
        "definitions",
        f"{DEV}/Shop/_apis/build/definitions",
        "7.1",
        "build",
        "BuildDefinitionReference",
        "value",
    ),
    Case(
        "endpoints",
        f"{DEV}/Shop/_apis/serviceendpoint/endpoints?includeFailed=true",
        "7.1",
        "serviceEndpoint",
        "ServiceEndpoint",
        "value",
    ),
    Case(
        "pipeline permissions",
        f"{DEV}/Shop/_apis/pipelines/pipelinepermissions/endpoint/{{endpoint}}",
        PREVIEW,
        "pipelinePermissions",
        "ResourcePipelinePermissions",
        ".",
    ),
    Case(
        "variable groups",
        f"{DEV}/Shop/_apis/distributedtask/variablegroups",
        "7.1",
        "taskAgent",
        "VariableGroup",
        "value",
    ),
    Case(
        "installed extension",
        f"{EXTENSIONS}/installedextensionsbyname/{{extension}}",
        PREVIEW,
        "extensionManagement",
        "InstalledExtension",
        ".",
    ),
    Case(
        "installed extensions",
        f"{EXTENSIONS}/installedextensions",
        PREVIEW,
        "extensionManagement",
        "InstalledExtension",
        "value",
    ),
    Case(
        "requested extensions",
        f"{EXTENSIONS}/requestedextensions",
        PREVIEW,
        "extensionManagement",
        "RequestedExtension",
        "value",
    ),
    Case(
        "identities",
        f"{GRAPH}/identities?subjectDescriptors={{descriptor}}&queryMembership=expandedUp",
        "7.1",
        "identities",
        "Identity",
        "value",
    ),
    Case(
        "groups",
        f"{GRAPH}/graph/groups",
        PREVIEW,
        "graph",
        "GraphGroup",
        "value",
    ),
    Case(
        "memberships",
        f"{GRAPH}/graph/memberships/{{descriptor}}",
        PREVIEW,
        "graph",
        "GraphMembership",
        "value",
    ),
    Case(
        "user entitlement",
        f"{USERS}/userentitlements/{{me}}",
        "7.1",
        "memberEntitlementManagement",
        "UserEntitlement",
        ".",
    ),
    Case(
        "user entitlements",
        f"{USERS}/userentitlements",
        "7.1",
        "memberEntitlementManagement",
        "PagedUserEntitlementsList",
        ".",
    ),
    Case(
        "application entitlement",
        f"{USERS}/serviceprincipalentitlements/{{application}}",
        PREVIEW,
        "memberEntitlementManagement",
        "ServicePrincipalEntitlement",
        ".",
    ),
    Case(
        "audit log",
        f"{AUDIT}/auditlog",
        PREVIEW,
        "audit",
        "AuditLogQueryResult",
        ".",
    ),
    Case(
        "Advanced Security",
        "/advsec.dev.azure.com/contoso/_apis/management/enablement",
        "7.2-preview.3",
        "advancedSecurity",
        "BulkEnablementSettingsBase",
        ".",
    ),
]

# (name of a case, recording, where its items are, keys of it that the simulator leaves out)
RECORDED: list[tuple[str, str, str, set[str]]] = [
    ("projects", "008-projects-list-default", "value", set()),
    ("project", "004-project-get-capabilities", ".", set()),
    ("repositories", "014-repos-list-disabled", "value", set()),
    ("repositories", "020-repos-list-disabled-with-content", "value", {"defaultBranch"}),
    ("branch policies", "026-policy-configuration-get", ".", set()),
    ("definitions", "046-build-definitions-list", "value", set()),
    ("endpoints", "130-endpoint-get", ".", set()),
    ("variable groups", "150-vargroups-by-ids", "value", set()),
    ("installed extension", "124-ext-install", ".", set()),
    ("groups", "136-graph-allgroups", "value", set()),
    ("memberships", "068-graph-memberships-up", "value", set()),
    ("user entitlement", "058-userentitlement-get", ".", set()),
    ("user entitlements", "054-userentitlements-list-earlyadopter", "members", set()),
    ("application entitlement", "144-sp-entitlement-get", ".", set()),
    ("accounts", "104-accounts-bare-array", "", set()),
    ("identities", "142-identities-pcvu-by-name", "value", {"isContainer"}),
    ("audit log", "126-auditlog-query", "decoratedAuditLogEntries", set()),
]
INFRASTRUCTURE_HEADERS = {
    "access-control-expose-headers", "content-length", "date", "expires", "p3p", "pragma", "set-cookie",
    "strict-transport-security", "transfer-encoding", "vary", "x-cache", "x-content-type-options",
    "x-frame-options", "x-ms-continuationtoken", "x-powered-by", "x-tfs-fedauthredirect",
    "x-vss-s2stargetservice",
}  # fmt: skip

# Routes that the table of published operations does not have.
NOT_PUBLISHED = {
    "connectiondata", "contribution", "organizationpolicy", "enterprisecatalog", "_settings", "securefiles",
    "resourceusage", "gallery", "_git", "projectcollections", "requestedextensions", "acquisitionoptions",
}  # fmt: skip
