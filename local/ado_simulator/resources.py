"""Smaller things that organizations and projects hold: plain records, changed through their owners."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

REVIEWERS_POLICY = "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd"
MERGE_POLICY = "fa4e907d-c16b-4a4c-9dfa-4916e5d171ab"
BUILD_POLICY = "0609b952-1397-4640-95ec-e00a01b2c241"
REQUIRED_REVIEWERS_POLICY = "fd2167ab-b0be-447a-8ec8-39368250530e"
COMMENTS_POLICY = "c6a1889d-b943-4856-b76f-9e46bb6b0df2"
WORK_ITEM_POLICY = "40e92b44-2fe1-4dd6-b3d8-74a9c21d0c6e"

POLICY_TYPES: dict[str, str] = {
    REVIEWERS_POLICY: "Minimum number of reviewers",
    MERGE_POLICY: "Require a merge strategy",
    BUILD_POLICY: "Build",
    REQUIRED_REVIEWERS_POLICY: "Required reviewers",
    COMMENTS_POLICY: "Comment requirements",
    WORK_ITEM_POLICY: "Work item linking",
    "77ed4bd3-b063-4689-934a-175e4d0a78d7": "Commit author email validation",
    "2e26e725-8201-4edd-8bf5-978563c34a80": "File size restriction",
    "cbdc66da-9728-4af8-aada-9a5a32e4a226": "Status",
    "e67ae10f-cf9a-40bc-8e66-6b3a8216956e": "Credentials check",
}

CHECK_TYPES: dict[str, str] = {
    "8c6f20a7-a545-4486-9777-f762fafe0d4d": "Approval",
    "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7": "Task Check",
    "4020e66e-b0f3-47e1-bc88-48f3cc59b5f3": "ExtendsCheck",
    "2ef31ad6-baa0-403a-8b45-2cbc9b4e5563": "ExclusiveLock",
}

PROJECT_SETTINGS: tuple[str, ...] = (
    "enforceReferencedRepoScopedToken",
    "enforceJobAuthScope",
    "enforceJobAuthScopeForReleases",
    "enforceJobAuthScopeForForks",
    "enforceNoAccessToSecretsFromForks",
    "enforceSettableVar",
    "auditEnforceSettableVar",
    "publishPipelineMetadata",
    "statusBadgesArePrivate",
    "disableClassicPipelineCreation",
    "disableClassicBuildPipelineCreation",
    "disableClassicReleasePipelineCreation",
    "buildsEnabledForForks",
    "forkProtectionEnabled",
    "isCommentRequiredForPullRequest",
    "requireCommentsForNonTeamMembersOnly",
    "requireCommentsForNonTeamMemberAndNonContributors",
    "enableShellTasksArgsSanitizing",
    "enableShellTasksArgsSanitizingAudit",
)

ORGANIZATION_ONLY_SETTINGS: tuple[str, ...] = (
    "disableInBoxTasksVar",
    "disableMarketplaceTasksVar",
    "disableNode6TasksVar",
    "isTaskLockdownFeatureEnabled",
    "hasManagePipelinePoliciesPermission",
    "disableStageChooser",
)

RESTRICTIVE_SETTINGS: frozenset[str] = frozenset(
    name
    for name in PROJECT_SETTINGS
    if name.startswith(("enforce", "disable", "enable")) or name == "statusBadgesArePrivate"
)
"""Settings that, when on for the organization, are on for each of its projects."""


@dataclass(frozen=True, slots=True)
class PolicyDefinition:
    """What the portal knows of an organization policy."""

    name: str
    group: str
    description: str
    link: str
    default: bool


ORGANIZATION_POLICIES: dict[str, PolicyDefinition] = {
    f"Policy.{name}": PolicyDefinition(
        f"Policy.{name}", group, description, f"https://aka.ms/{link}", default
    )
    for name, group, description, link, default in (
        ("DisallowOAuthAuthentication", "applicationConnection",
         "Third-party application access via OAuth", "vstspolicyoauth", True),
        ("DisallowSecureShell", "applicationConnection", "SSH authentication", "vstspolicyssh", False),
        ("DisallowBasicAuthentication", "applicationConnection",
         "Alternate authentication credentials", "vstspolicyaltauth", True),
        ("ValidateSshKeyExpiration", "applicationConnection",
         "Validate SSH key expiration", "azdosshkeyexpiration", True),
        ("DisablePATCreation", "applicationConnection",
         "Restrict personal access token creation", "azdopatpolicy", False),
        ("LogAuditEvents", "security", "Log audit events", "vstspolicyaudit", False),
        ("AllowAnonymousAccess", "security", "Allow public projects", "vsts-anon-access", False),
        ("ArtifactsExternalPackageProtectionToken", "security",
         "Additional protections when using public package registries", "upstreamBehavior", True),
        ("EnforceAADConditionalAccess", "security",
         "IP conditional access policy validation", "vstspolicycap", False),
        ("AllowOrgAccess", "security", "Enterprise access to projects", "vstspolicyorg", True),
        ("DisallowAadGuestUserAccess", "user", "External guest access", "vstspolicyguest", False),
        ("AllowTeamAdminsInvitationsAccessToken", "user",
         "Allow team and project administrators to invite new users", "azdoinvitations", True),
        ("AllowRequestAccessToken", "user", "Request access", "vstspolicyrequestaccess", True),
        ("AllowGitHubInvitationsAccessToken", "user", "Invite GitHub users", "azdogithubinvite", True),
        ("AllowFeedbackCollection", "privacy", "Allow feedback collection", "vstsfeedback", True),
    )
}  # fmt: skip


@dataclass(slots=True)
class PolicyValue:
    """The value of an organization policy. `effective` contradicts the polarity rule when set."""

    value: bool
    explicit: bool = True
    effective: bool | None = None


@dataclass(slots=True)
class BranchPolicy:
    """One policy configuration of a project."""

    id: int
    type_id: str
    settings: dict[str, Any]
    scopes: list[dict[str, Any]]
    is_enabled: bool = True
    is_blocking: bool = True
    is_deleted: bool = False
    revision: int = 1
    created: str = "2024-10-17T08:30:06.9052203Z"


@dataclass(slots=True)
class PipelinePermission:
    """Who may use a resource in pipelines. `all_pipelines` None: the key is absent on the wire."""

    all_pipelines: bool | None = None
    pipelines: list[int] = field(default_factory=list)


@dataclass(slots=True)
class ServiceEndpoint:
    """A service connection; the same object may be shared with several projects."""

    id: str
    name: str
    type: str | None
    scheme: str
    url: str
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    is_ready: bool = True
    is_shared: bool = False
    project_ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class VariableGroup:
    """A variable group of the library; secret values are never told."""

    id: int
    name: str
    variables: dict[str, dict[str, Any]]
    type: str = "Vsts"
    description: str = ""
    created: str = "2024-03-12T06:35:51.6933333Z"


@dataclass(slots=True)
class Environment:
    """An environment that pipelines deploy to."""

    id: int
    name: str
    description: str = ""
    created: str = "2024-06-03T08:15:00.12Z"


@dataclass(slots=True)
class Check:
    """An approval or check on a protected resource; `type_id` as in `CHECK_TYPES`."""

    id: int
    resource_type: str
    resource_id: str
    type_id: str
    settings: dict[str, Any]
    is_disabled: bool = False


@dataclass(slots=True)
class AgentPool:
    """An agent pool of the organization."""

    id: int
    name: str
    is_hosted: bool = False
    is_legacy: bool = False
    auto_provision: bool = False
    auto_update: bool = True
    size: int = 2


@dataclass(slots=True)
class AuditStream:
    """Where audit entries are sent; `status` is enabled, disabledByUser, disabledBySystem, ...."""

    id: int
    name: str
    consumer: str = "AzureMonitorLogs"
    status: str = "enabled"


@dataclass(slots=True)
class ServiceHook:
    """A service hook subscription."""

    id: str
    event: str
    consumer: str
    inputs: dict[str, Any]
    status: str = "enabled"


@dataclass(slots=True)
class SecureFile:
    """A secure file of the library."""

    id: str
    name: str
    created: str = "2024-04-01T06:35:51.69Z"


@dataclass(slots=True)
class Definition:
    """A pipeline; `process` 1 is classic, 2 is YAML."""

    id: int
    name: str
    process: int = 2
    path: str = "\\"
    repository_id: str | None = None
    revision: int = 1
    created: str = "2024-05-07T04:50:03.12Z"
    properties: dict[str, Any] = field(default_factory=dict)
    """Further fields of the definition as the wire has them: `triggers`, `variables`, `repository`, ..."""


@dataclass(slots=True)
class RunStep:
    """One step of a run: what it printed, and what its task is. `log` None: it left none."""

    name: str
    log: list[str] | None = None
    task: str | None = "CmdLine"
    result: str = "succeeded"
    job: str = "Job"
    record: str = "Task"
    errors: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Run:
    """A run of a pipeline; `timeline` False: it was pruned, or never started."""

    id: int
    number: str
    definition: Definition
    commit: str
    branch: str
    finished: datetime
    result: str = "succeeded"
    status: str = "completed"
    repository_id: str | None = None
    pull_request: int | None = None
    requested_for: str = "Ada Example"
    steps: list[RunStep] = field(default_factory=list)
    timeline: bool = True
    artifacts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class InstalledExtension:
    """An extension in an organization. `hidden_reads` answers "not installed" that many more times."""

    publisher: str
    name: str
    display_name: str
    version: str = "1.0.12"
    flags: str = "none"
    last_updated: str = "2025-01-02T03:04:05.6Z"
    registration_id: str = "00000000-0000-0000-0000-000000000000"
    hidden_reads: int = 0
    scopes: list[str] = field(default_factory=lambda: ["vso.build"])
    contributions: list[str] = field(default_factory=list)
    """Types of what it contributes, such as `ms.azure-pipelines.pipeline-decorator`."""
    last_published: str = "2024-11-02T03:04:05.67Z"
    issues: list[str] = field(default_factory=list)
    """Messages of `installState.installationIssues`."""

    @property
    def flag_set(self) -> set[str]:
        """The flags, separately."""
        return {flag.strip() for flag in self.flags.split(",")}


@dataclass(slots=True)
class ExtensionRequest:
    """What a member asked the administrators to install; `state` is open, accepted or rejected."""

    publisher: str
    name: str
    asked: str
    by: str
    state: str = "open"
    message: str = ""


@dataclass(slots=True)
class AuditEntry:
    """One line of the audit log."""

    id: str
    correlation_id: str
    activity_id: str
    timestamp: str
    action_id: str
    area: str
    category: str
    details: str
    project_id: str | None
    project_name: str | None
    data: dict[str, Any]
    actor_id: str
    actor_upn: str
    actor_name: str
