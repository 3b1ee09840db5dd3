"""Every fact set: at which level it is read, what that costs, where from, and the right that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.model.facts import FactKind


class Level(StrEnum):
    """How often a fact set is read."""

    ORGANIZATION = "organization"
    """Once for the whole organization."""
    PROJECT = "project"
    """Once for each project that is ready for use."""
    OBJECT = "object"
    """Once for each protected object that some rule cannot judge without it."""


@dataclass(frozen=True, slots=True)
class FactSet:
    """One fact set.

    `requests` says what reading it once costs, `source` which address of Azure DevOps it is read from,
    `permission` the right that it takes, as a person would look for it. `is_logged`: the audit log tells of
    every change of it (see `shared.posture.audit`), so that it holds until the log tells of one.
    """

    kind: FactKind
    level: Level
    title: str
    requests: str
    source: str
    permission: str
    is_logged: bool = False


_INSTANCE = "View instance-level information"
_ADMINISTRATOR = "Project Collection Administrator"
_ACCESS = f"{_ADMINISTRATOR} (token scope: Security, manage: vso.security_manage)"
_ADVSEC = "Advanced Security: view alerts (token scope: Advanced Security, read: vso.advsec)"
_LISTS = "GET /_apis/accesscontrollists"
_PERMISSIONS = "GET /{project}/_apis/pipelines/pipelinepermissions"

_USE = "Reader on the variable group, secure file or environment (token scope: Build, read: vso.build)"


def _access(kind: FactKind, title: str, namespace: str) -> FactSet:
    return FactSet(kind, Level.ORGANIZATION, title, "1", f"{_LISTS}/{namespace}", _ACCESS, is_logged=True)


FACT_SETS: tuple[FactSet, ...] = (
    FactSet(
        FactKind.ORGANIZATION_POLICIES,
        Level.ORGANIZATION,
        "policies of the organization",
        "1, and 1 more where the settings page does not tell",
        "GET /_settings/organizationPolicy",
        f"{_INSTANCE} (token scope: full access)",
        is_logged=True,
    ),
    FactSet(
        FactKind.ORGANIZATION_PIPELINE_SETTINGS,
        Level.ORGANIZATION,
        "pipeline settings of the organization",
        "1",
        "POST /_apis/Contribution/HierarchyQuery",
        f"{_INSTANCE} (token scope: full access)",
        is_logged=True,
    ),
    FactSet(
        FactKind.RETENTION,
        Level.ORGANIZATION,
        "retention of builds",
        "1",
        "GET /_apis/build/settings",
        f"{_INSTANCE} (token scope: Build, read: vso.build)",
    ),
    FactSet(
        FactKind.EXTENSIONS,
        Level.ORGANIZATION,
        "installed extensions",
        "1",
        "GET extmgmt.dev.azure.com/_apis/extensionmanagement/installedextensions",
        f"{_INSTANCE} (token scope: Extensions, read: vso.extension)",
        is_logged=True,
    ),
    FactSet(
        FactKind.AUDIT_STREAMS,
        Level.ORGANIZATION,
        "audit streams",
        "1",
        "GET auditservice.dev.azure.com/_apis/audit/streams",
        "View audit log (token scope: Auditing, read audit log: vso.auditlog)",
        is_logged=True,
    ),
    FactSet(
        FactKind.SERVICE_HOOKS,
        Level.ORGANIZATION,
        "service hook subscriptions",
        "1",
        "GET /_apis/hooks/subscriptions",
        "View subscriptions of service hooks (token scope: Build, read: vso.build)",
    ),
    FactSet(
        FactKind.AGENT_POOLS,
        Level.ORGANIZATION,
        "agent pools",
        "1",
        "GET /_apis/distributedtask/pools",
        "Reader on the agent pools (token scope: Agent pools, read: vso.agentpools)",
    ),
    FactSet(
        FactKind.USERS,
        Level.ORGANIZATION,
        "users and their access levels",
        "1 per page",
        "GET vsaex.dev.azure.com/_apis/userentitlements",
        f"{_ADMINISTRATOR}"
        " (token scope: Member entitlement management, read: vso.memberentitlementmanagement)",
    ),
    FactSet(
        FactKind.GROUPS,
        Level.ORGANIZATION,
        "security groups",
        "1 per page",
        "GET vssps.dev.azure.com/_apis/graph/groups",
        f"{_INSTANCE} (token scope: Graph, read: vso.graph)",
        is_logged=True,
    ),
    FactSet(
        FactKind.ADMINISTRATORS,
        Level.ORGANIZATION,
        "members of the administrators' groups",
        "1 per 40 groups",
        "GET vssps.dev.azure.com/_apis/identities?queryMembership=expandedDown",
        f"{_INSTANCE} (token scope: Identity, read: vso.identity)",
    ),
    FactSet(
        FactKind.ADVANCED_SECURITY,
        Level.ORGANIZATION,
        "what Advanced Security is switched on for",
        "1",
        "GET advsec.dev.azure.com/_apis/management/enablement",
        _ADVSEC,
    ),
    FactSet(
        FactKind.ALERTS,
        Level.ORGANIZATION,
        "summaries of Advanced Security's alerts",
        "4, unless it looks at no repository",
        "GET advsec.dev.azure.com/_apis/reporting/summary",
        _ADVSEC,
    ),
    _access(
        FactKind.REPOSITORY_ACCESS, "permissions on repositories", "2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87"
    ),
    _access(FactKind.PIPELINE_ACCESS, "permissions on pipelines", "33344d9c-fc72-4d6f-aba5-fa317101a7e9"),
    _access(
        FactKind.SERVICE_CONNECTION_ACCESS,
        "permissions on service connections",
        "49b48001-ca20-4adc-8111-5b60c903a50c",
    ),
    _access(
        FactKind.LIBRARY_ACCESS,
        "permissions on variable groups and secure files",
        "b7e84409-6553-448a-bbb2-af228e07cbeb",
    ),
    _access(
        FactKind.ENVIRONMENT_ACCESS, "permissions on environments", "83d4c2e6-e57d-4d6e-892b-b87222b7ad20"
    ),
    _access(FactKind.AGENT_POOL_ACCESS, "permissions on agent pools", "101eae8c-1709-47f9-b228-0e476c35b3ba"),
    FactSet(
        FactKind.BRANCH_POLICIES,
        Level.PROJECT,
        "branch policies",
        "1 per page, unless no repository has a default branch",
        "GET /{project}/_apis/policy/configurations",
        "Read on the project's repositories (token scope: Code, read: vso.code)",
        is_logged=True,
    ),
    FactSet(
        FactKind.PIPELINES,
        Level.PROJECT,
        "pipelines",
        "1 per page",
        "GET /{project}/_apis/build/definitions",
        "View build pipeline in the project (token scope: Build, read: vso.build)",
        is_logged=True,
    ),
    FactSet(
        FactKind.PIPELINE_SETTINGS,
        Level.PROJECT,
        "pipeline settings of the project",
        "1",
        "GET /{project}/_apis/build/generalsettings",
        "View project-level information (token scope: Project and team, read: vso.project)",
        is_logged=True,
    ),
    FactSet(
        FactKind.SERVICE_CONNECTIONS,
        Level.PROJECT,
        "service connections",
        "1",
        "GET /{project}/_apis/serviceendpoint/endpoints",
        "Reader on the project's service connections"
        " (token scope: Service connections, read: vso.serviceendpoint)",
        is_logged=True,
    ),
    FactSet(
        FactKind.VARIABLE_GROUPS,
        Level.PROJECT,
        "variable groups",
        "1 per page",
        "GET /{project}/_apis/distributedtask/variablegroups",
        "Reader in the project's library (token scope: Variable groups, read: vso.variablegroups_read)",
        is_logged=True,
    ),
    FactSet(
        FactKind.SECURE_FILES,
        Level.PROJECT,
        "secure files",
        "1",
        "GET /{project}/_apis/distributedtask/securefiles",
        "Reader in the project's library (token scope: Secure files, read: vso.securefiles_read)",
    ),
    FactSet(
        FactKind.ENVIRONMENTS,
        Level.PROJECT,
        "environments",
        "1 per page",
        "GET /{project}/_apis/distributedtask/environments",
        "Reader on the project's environments"
        " (token scope: Environment, read and manage: vso.environment_manage)",
    ),
    FactSet(
        FactKind.CHECKS,
        Level.PROJECT,
        "approvals and checks",
        "1 per 100 service connections, variable groups, secure files and environments",
        "POST /{project}/_apis/pipelines/checks/queryconfigurations",
        "Reader on the project's protected resources (token scope: Build, read: vso.build)",
        is_logged=True,
    ),
    FactSet(
        FactKind.SERVICE_CONNECTION_PERMISSIONS,
        Level.OBJECT,
        "pipeline permission of a service connection",
        "1",
        f"{_PERMISSIONS}/endpoint",
        "Reader on the service connection (token scope: Build, read: vso.build)",
        is_logged=True,
    ),
    FactSet(
        FactKind.VARIABLE_GROUP_PERMISSIONS,
        Level.OBJECT,
        "pipeline permission of a variable group",
        "1, for one that holds secrets",
        f"{_PERMISSIONS}/variablegroup",
        _USE,
        is_logged=True,
    ),
    FactSet(
        FactKind.SECURE_FILE_PERMISSIONS,
        Level.OBJECT,
        "pipeline permission of a secure file",
        "1",
        f"{_PERMISSIONS}/securefile",
        _USE,
        is_logged=True,
    ),
    FactSet(
        FactKind.ENVIRONMENT_PERMISSIONS,
        Level.OBJECT,
        "pipeline permission of an environment",
        "1",
        f"{_PERMISSIONS}/environment",
        _USE,
        is_logged=True,
    ),
)
"""In the order in which they are gathered: what may make another one needless comes before it."""

BY_KIND: Mapping[FactKind, FactSet] = {one.kind: one for one in FACT_SETS}


def at_level(level: Level) -> tuple[FactSet, ...]:
    """The fact sets that are read at this level, in their order."""
    return tuple(one for one in FACT_SETS if one.level is level)
