"""Facts for tests: healthy unless a test says otherwise, so that a test shows only what it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from shared.model.assessment import AssessmentStatus
from shared.model.facts import (
    AccessEntry,
    AccessList,
    AdvancedSecurity,
    AgentPool,
    Alerts,
    AuditStream,
    BranchPolicy,
    Check,
    Environment,
    Extension,
    Fact,
    FactKind,
    Group,
    OrganizationFacts,
    Pipeline,
    PipelineSettings,
    PolicyScope,
    ProjectFacts,
    PullRequestTrigger,
    RepositoryAlerts,
    Retention,
    SecureFile,
    ServiceConnection,
    ServiceHook,
    User,
    Variable,
    VariableGroup,
)
from shared.model.failure import Failure, FailureKind
from shared.model.identity import OrganizationPolicies, PolicyValue
from shared.model.ids import OrganizationId, ProjectId, RepositoryId
from shared.model.inventory import WELL_FORMED, Project, Repository
from shared.posture.branch_policies import MINIMUM_REVIEWERS
from shared.posture.catalogue import RULES
from shared.posture.fact_sets import BY_KIND, Level
from shared.posture.gathering import protected

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ORGANIZATION = OrganizationId("11111111-1111-1111-1111-111111111111")
PROJECT = ProjectId("aaaaaaaa-0000-0000-0000-000000000001")
REPOSITORY = RepositoryId("bbbbbbbb-0000-0000-0000-000000000001")
CONNECTION = "cccccccc-0000-0000-0000-000000000001"
FILE = "dddddddd-0000-0000-0000-000000000001"
CONNECTION_HERE = f"{PROJECT}/{CONNECTION}"
"""Id of the connection as a resource of the project."""
MAIN = "refs/heads/main"

REFUSED = Failure(
    FailureKind.DENIED,
    "PermissionMissing",
    "Azure DevOps refused to answer.",
    fix="Grant the right.",
    permission="The right",
    status=403,
    activity="7d1f",
)

SOME_RULES = tuple(
    rule
    for rule in RULES
    if rule.id in {"ADO-CONN-001", "ADO-CONN-002", "ADO-PROJ-001", "ADO-REPO-001", "ADO-REPO-002"}
)
"""For tests that count what rules said: a rule that is added later does not change them."""

EVERY_DEFAULT_BRANCH = PolicyScope(repository_id=None, ref_name=None, match_kind="DefaultBranch")

DISABLES_CLASSIC = {
    "disableClassicBuildPipelineCreation": True,
    "disableClassicReleasePipelineCreation": True,
}

STRICT_SETTINGS = {
    **DISABLES_CLASSIC,
    "enforceJobAuthScope": True,
    "enforceJobAuthScopeForReleases": True,
    "enforceReferencedRepoScopedToken": True,
    "enforceSettableVar": True,
    "statusBadgesArePrivate": True,
    "enableShellTasksArgsSanitizing": True,
    "publishPipelineMetadata": True,
    "buildsEnabledForForks": False,
    "forkProtectionEnabled": True,
    "enforceNoAccessToSecretsFromForks": True,
    "enforceJobAuthScopeForForks": True,
    "isCommentRequiredForPullRequest": True,
}
"""Pipeline settings of a project that every rule is content with."""

STRICT_ORGANIZATION_SETTINGS = {
    **STRICT_SETTINGS,
    "disableMarketplaceTasksVar": True,
    "disableInBoxTasksVar": False,
    "disableNode6TasksVar": True,
    "disableStageChooser": True,
}

STRICT_POLICIES = {
    "DisallowOAuthAuthentication": True,
    "DisallowSecureShell": True,
    "DisallowBasicAuthentication": True,
    "DisallowAadGuestUserAccess": True,
    "ValidateSshKeyExpiration": True,
    "DisablePATCreation": True,
    "LogAuditEvents": True,
    "AllowAnonymousAccess": False,
    "ArtifactsExternalPackageProtectionToken": True,
    "EnforceAADConditionalAccess": True,
    "AllowOrgAccess": False,
    "AllowTeamAdminsInvitationsAccessToken": False,
    "AllowRequestAccessToken": False,
    "AllowGitHubInvitationsAccessToken": False,
    "AllowFeedbackCollection": False,
}
"""Raw values of the organization's policies that every rule is content with."""

REVIEWERS = {
    "minimumApproverCount": 2,
    "creatorVoteCounts": False,
    "allowDownvotes": False,
    "resetOnSourcePush": True,
    "blockLastPusherVote": True,
}
POLICY_TYPES = {
    "build": "0609b952-1397-4640-95ec-e00a01b2c241",
    "comments": "c6a1889d-b943-4856-b76f-9e46bb6b0df2",
    "workItems": "40e92b44-2fe1-4dd6-b3d8-74a9c21d0c6e",
    "merge": "fa4e907d-c16b-4a4c-9dfa-4916e5d171ab",
    "requiredReviewers": "fd2167ab-b0be-447a-8ec8-39368250530e",
    "status": "cbdc66da-9728-4af8-aada-9a5a32e4a226",
    "authorEmail": "77ed4bd3-b063-4689-934a-175e4d0a78d7",
    "fileSize": "2e26e725-8201-4edd-8bf5-978563c34a80",
    "credentials": "e67ae10f-cf9a-40bc-8e66-6b3a8216956e",
}

COLLECTION_SID = "S-1-9-1551374245-1-2-3-4"
PROJECT_SID = "S-1-9-1551374245-5-6-7-8"
EVERYBODY = f"Microsoft.TeamFoundation.Identity;{PROJECT_SID}-0-0-0-0-3"
"""The project's valid users, as access lists name them."""
BUILD_SERVICE = f"Microsoft.TeamFoundation.ServiceIdentity;{ORGANIZATION}:Build:{PROJECT}"


@dataclass(frozen=True, slots=True)
class Row:
    """A case of a rule: facts with one thing to judge, and what the rule says of it."""

    says: str
    facts: ProjectFacts | OrganizationFacts
    status: AssessmentStatus
    because: str = ""


def a_project(
    project: str = PROJECT, *, name: str = "web", state: str = WELL_FORMED, visibility: str = "private"
) -> Project:
    return Project(ProjectId(project), name, state, visibility, first_seen=NOW)


def a_repository(
    repository: str = REPOSITORY,
    *,
    project: str = PROJECT,
    default_branch: str | None = MAIN,
    is_disabled: bool = False,
) -> Repository:
    return Repository(
        id=RepositoryId(repository),
        name=f"repository {repository[-1]}",
        project_id=ProjectId(project),
        default_branch=default_branch,
        is_disabled=is_disabled,
        is_fork=False,
        url="https://example.com/repository",
        first_seen=NOW,
    )


def a_policy(
    settings: Mapping[str, object] | None = None,
    *scopes: PolicyScope,
    number: int = 1,
    type_id: str = MINIMUM_REVIEWERS,
    is_enabled: bool = True,
    is_blocking: bool = True,
    is_deleted: bool = False,
) -> BranchPolicy:
    return BranchPolicy(
        id=number,
        type_id=POLICY_TYPES.get(type_id, type_id),
        is_enabled=is_enabled,
        is_blocking=is_blocking,
        is_deleted=is_deleted,
        scopes=scopes or (EVERY_DEFAULT_BRANCH,),
        settings=REVIEWERS if settings is None else settings,
    )


def every_policy() -> list[BranchPolicy]:
    """One of each type, as every rule wants them."""
    settings: dict[str, Mapping[str, object]] = {
        "build": {"buildDefinitionId": 7, "queueOnSourceUpdateOnly": True, "validDuration": 720.0},
        "merge": {"allowSquash": True, "allowNoFastForward": False},
        "requiredReviewers": {"requiredReviewerIds": ["e1"], "minimumApproverCount": 1},
        "authorEmail": {"authorEmailPatterns": ["*@example.com"]},
        "fileSize": {"maximumGitBlobSizeInBytes": 1_048_576},
    }
    others = [
        a_policy(settings.get(kind, {}), number=number, type_id=kind)
        for number, kind in enumerate(POLICY_TYPES, 2)
    ]
    return [a_policy(), *others]


def policies_without(kind: str, *others: BranchPolicy) -> list[BranchPolicy]:
    """All of them but those of one type, which the others stand in for."""
    return [one for one in every_policy() if one.type_id != POLICY_TYPES[kind]] + list(others)


def _openness(is_open: bool | Failure) -> Fact[bool]:
    return Fact.unread(is_open) if isinstance(is_open, Failure) else Fact.read(is_open)


def a_connection(
    connection: str = CONNECTION,
    *,
    kind: str = "azurerm",
    is_open: bool | Failure = False,
    is_shared: bool = False,
    **others: Any,
) -> ServiceConnection:
    usual = ServiceConnection(
        id=connection,
        name="prod azure",
        type=kind,
        scheme="WorkloadIdentityFederation",
        is_shared=is_shared,
        open_to_all_pipelines=_openness(is_open),
        description="Deploys the shop.",
        url_scheme="https",
        scope_level="Subscription",
        azure_scope="/subscriptions/1/resourcegroups/shop",
    )
    return replace(usual, **others)


def a_variable(name: str = "region", **others: Any) -> Variable:
    return replace(Variable(name, is_secret=False, settable_at_queue_time=False), **others)


def a_variable_group(*, is_open: bool | Failure = False, **others: Any) -> VariableGroup:
    usual = VariableGroup(
        "5", "prod settings", "AzureKeyVault", "What the shop needs.",
        (a_variable("apiKey", is_secret=True),), _openness(is_open),
    )  # fmt: skip
    return replace(usual, **others)


def a_secure_file(*, is_open: bool | Failure = False, **others: Any) -> SecureFile:
    return replace(SecureFile(FILE, "prod signing.pfx", _openness(is_open)), **others)


def an_environment(*, is_open: bool | Failure = False, **others: Any) -> Environment:
    return replace(Environment("3", "prod", "Where customers are.", _openness(is_open)), **others)


def a_pipeline(**others: Any) -> Pipeline:
    usual = Pipeline(
        id=7,
        name="shop",
        path="\\",
        is_yaml=True,
        repository_type="TfsGit",
        repository_id=REPOSITORY,
        repository_name="repository 1",
        authorization_scope="project",
        badge_enabled=False,
        pool_is_hosted=True,
        queue_status="enabled",
        variables=(a_variable(),),
        pull_requests=None,
        ci_branches=("+refs/heads/main",),
        is_scheduled=False,
        last_queued=NOW,
        created=NOW,
    )
    return replace(usual, **others)


def a_github_pipeline(**others: Any) -> Pipeline:
    """One that builds what somebody else may write, as safely as that can be."""
    trigger = PullRequestTrigger(
        forks_enabled=False,
        allow_secrets=False,
        allow_full_access_token=False,
        comment_required=True,
        from_yaml=False,
    )
    usual = a_pipeline(
        repository_type="GitHub",
        repository_id="contoso/shop",
        repository_name="contoso/shop",
        ci_branches=None,
        pull_requests=replace(trigger, **others.pop("trigger", {})),
    )
    return replace(usual, **others)


APPROVAL = "8c6f20a7-a545-4486-9777-f762fafe0d4d"
TASK_CHECK = "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7"
TEMPLATE = "4020e66e-b0f3-47e1-bc88-48f3cc59b5f3"
LOCK = "2ef31ad6-baa0-403a-8b45-2cbc9b4e5563"
BRANCH_CONTROL = {
    "definitionRef": {"id": "86b05a0c-73e6-4f7d-b3cf-e38f3b39a75b", "name": "evaluatebranchProtection"},
    "inputs": {"allowedBranches": "refs/heads/main", "ensureProtectionOfBranch": "true"},
}
APPROVERS = {
    "approvers": [{"id": "a1", "displayName": "Ada"}, {"id": "a2", "displayName": "Grace"}],
    "minRequiredApprovers": 1,
    "requesterCannotBeApprover": True,
}


def an_approval(settings: Mapping[str, object] | None = None, **others: Any) -> Check:
    usual = Check(1, APPROVAL, "Approval", is_disabled=False, settings=settings or APPROVERS)
    return replace(usual, **others)


def a_branch_control(inputs: Mapping[str, object] | None = None, **others: Any) -> Check:
    settings = BRANCH_CONTROL if inputs is None else {**BRANCH_CONTROL, "inputs": inputs}
    return replace(Check(2, TASK_CHECK, "Task Check", is_disabled=False, settings=settings), **others)


def a_template_check(ref: str = "refs/heads/main", **others: Any) -> Check:
    settings = {
        "extendsChecks": [{"repositoryName": "templates", "repositoryRef": ref, "templatePath": "a.yml"}]
    }
    return replace(Check(3, TEMPLATE, "ExtendsCheck", is_disabled=False, settings=settings), **others)


def a_lock(**others: Any) -> Check:
    return replace(Check(4, LOCK, "ExclusiveLock", is_disabled=False), **others)


def every_check() -> list[Check]:
    return [an_approval(), a_branch_control(), a_template_check(), a_lock()]


RESOURCES = (("endpoint", CONNECTION), ("variablegroup", "5"), ("securefile", FILE), ("environment", "3"))


def a_group(end: str, name: str, *, project: str | None = None) -> Group:
    sid = f"{PROJECT_SID if project else COLLECTION_SID}{end}"
    return Group(f"vssgp.{sid}", sid, name, project)


GROUPS = (
    a_group("-0-0-0-0-1", "Project Collection Administrators"),
    a_group("-0-0-0-0-2", "Project Collection Service Accounts"),
    a_group("-0-0-0-0-3", "Project Collection Valid Users"),
    a_group("-0-0-0-1-2", "Project Collection Build Administrators"),
    a_group("-0-0-0-0-1", "Project Administrators", project=PROJECT),
    a_group("-0-0-0-0-3", "Project Valid Users", project=PROJECT),
    a_group("-0-0-0-1-2", "Build Administrators", project=PROJECT),
    a_group("-1-1-2-3-4", "Contributors", project=PROJECT),
    a_group("-1-1-2-3-5", "Readers", project=PROJECT),
)
CONTRIBUTORS = f"Microsoft.TeamFoundation.Identity;{PROJECT_SID}-1-1-2-3-4"
ADA, GRACE = "ada@example.com", "grace@example.com"
MEMBERS = {
    f"vssgp.{COLLECTION_SID}-0-0-0-0-1": (ADA, GRACE),
    f"vssgp.{COLLECTION_SID}-0-0-0-0-2": (),
    f"vssgp.{COLLECTION_SID}-0-0-0-1-2": (),
    f"vssgp.{PROJECT_SID}-0-0-0-0-1": (ADA, GRACE),
    f"vssgp.{PROJECT_SID}-0-0-0-1-2": (ADA,),
}


def members(end: str, *names: str, project: bool = False) -> dict[str, tuple[str, ...]]:
    """The usual members, but for one group."""
    return {**MEMBERS, f"vssgp.{PROJECT_SID if project else COLLECTION_SID}{end}": names}


def a_user(principal: str = ADA, **others: Any) -> User:
    usual = User(
        principal, "aad", is_guest=False, status="active", licence="express", last_accessed=NOW, created=NOW
    )
    return replace(usual, **others)


def an_extension(**others: Any) -> Extension:
    usual = Extension("ms-securitydevops", "scanner", frozenset({"none"}), ("vso.build",), frozenset())
    return replace(usual, **others)


def a_pool(**others: Any) -> AgentPool:
    usual = AgentPool(
        9, "build", is_hosted=False, is_legacy=False, auto_provision=False, auto_update=True, size=2,
        pool_type="automation",
    )  # fmt: skip
    return replace(usual, **others)


def a_hook(**others: Any) -> ServiceHook:
    usual = ServiceHook(
        "h", "git.push", "webHooks", "https", "example.com", "enabled", has_plain_credentials=False
    )
    return replace(usual, **others)


SWITCHES = {
    "codeSecurityEnabled": True,
    "codeQLEnabled": True,
    "dependencyScanningInjectionEnabled": True,
    "secretProtectionEnabled": True,
    "blockPushes": True,
}
ON_CREATE = {
    "enableSecretProtectionOnCreate": True,
    "enableBlockPushesOnCreate": True,
    "enableCodeSecurityOnCreate": True,
    "enableDependencyScanningInjectionOnCreate": True,
}
SCANNED = dict.fromkeys(("secret", "code", "dependency"), "2025-12-31T06:00:00Z")


def some_alerts(kind: str = "", number: int = 0, scanned: Mapping[str, str] | None = None) -> Alerts:
    """Every type was scanned for and nothing found, but that many of one type."""
    counts: dict[str, dict[str, RepositoryAlerts]] = {
        one: {
            REPOSITORY: RepositoryAlerts(number if one == kind else 0, {"high": number if one == kind else 0})
        }
        for one in SCANNED
        if scanned is None or one in scanned
    }
    return Alerts(counts, {REPOSITORY: SCANNED if scanned is None else scanned})


def policies(**values: bool | None) -> OrganizationPolicies:
    """The strict policies, but for these raw values; None leaves one out."""
    found = {**STRICT_POLICIES, **values}
    return OrganizationPolicies(
        {
            f"Policy.{name}": PolicyValue(value, (not value) if name.startswith("Disallow") else value)
            for name, value in found.items()
            if value is not None
        }
    )


def grants(
    token: str, descriptor: str, allow: int, deny: int = 0, *, inherits: bool = True
) -> dict[str, AccessList]:
    """One entry on one token."""
    return {token.lower(): AccessList(inherits, (AccessEntry(descriptor, allow, deny),))}


def not_inheriting(*tokens: str) -> dict[str, AccessList]:
    return {token.lower(): AccessList(inherits=False, entries=()) for token in tokens}


OWN_ACCESS = {
    "repository_access": not_inheriting(f"repoV2/{PROJECT}/{REPOSITORY}"),
    "pipeline_access": not_inheriting(f"{PROJECT}/7"),
    "service_connection_access": not_inheriting(f"endpoints/{PROJECT}/{CONNECTION}"),
    "library_access": not_inheriting(
        f"Library/{PROJECT}/VariableGroup/5", f"Library/{PROJECT}/SecureFile/{FILE}"
    ),
    "environment_access": not_inheriting(f"Environments/{PROJECT}/3"),
    "agent_pool_access": not_inheriting("AgentPools/9"),
}
"""Nothing inherits, and no broad group is granted anything."""


def some_organization(**others: Any) -> OrganizationFacts:
    """An organization that every rule is content with; `others` are values of its facts."""
    values: dict[str, Any] = {
        "organization_policies": policies(),
        "organization_pipeline_settings": PipelineSettings(STRICT_ORGANIZATION_SETTINGS),
        "retention": Retention(365, 30),
        "extensions": (an_extension(),),
        "audit_streams": (AuditStream("siem", "AzureMonitorLogs", is_enabled=True),),
        "service_hooks": (a_hook(),),
        "agent_pools": (a_pool(),),
        "users": (a_user(), a_user(GRACE)),
        "groups": GROUPS,
        "administrators": MEMBERS,
        "advanced_security": AdvancedSecurity(ON_CREATE, {REPOSITORY: SWITCHES}),
        "alerts": some_alerts(),
        **OWN_ACCESS,
        **others,
    }
    read: dict[str, Any] = {
        name: value if isinstance(value, Fact) else Fact.read(value) for name, value in values.items()
    }
    return OrganizationFacts(ORGANIZATION, "contoso", gathered_at=NOW, **read)


def some_facts(
    *,
    project: Project | None = None,
    repositories: Sequence[Repository] | None = None,
    settings: Mapping[str, bool] | None = None,
    organization_settings: Mapping[str, bool] | None = None,
    policies: Sequence[BranchPolicy] | None = None,
    connections: Sequence[ServiceConnection] | None = None,
    pipelines: Sequence[Pipeline] | None = None,
    variable_groups: Sequence[VariableGroup] | None = None,
    secure_files: Sequence[SecureFile] | None = None,
    environments: Sequence[Environment] | None = None,
    checks: Sequence[Check] | None = None,
    organization: Mapping[str, Any] | None = None,
) -> ProjectFacts:
    """A project with one thing of each kind, in which every rule is content.

    `checks` guard each of its protected resources.
    """
    above = dict(organization or {})
    above.setdefault("organization_pipeline_settings", PipelineSettings(organization_settings or {}))
    guards = tuple(every_check() if checks is None else checks)
    return ProjectFacts(
        project=project or a_project(),
        repositories=tuple([a_repository()] if repositories is None else repositories),
        organization=some_organization(**above),
        pipeline_settings=Fact.read(PipelineSettings(STRICT_SETTINGS if settings is None else settings)),
        branch_policies=Fact.read(tuple(every_policy() if policies is None else policies)),
        pipelines=Fact.read(tuple([a_github_pipeline()] if pipelines is None else pipelines)),
        service_connections=Fact.read(tuple([a_connection()] if connections is None else connections)),
        variable_groups=Fact.read(
            tuple([a_variable_group()] if variable_groups is None else variable_groups)
        ),
        secure_files=Fact.read(tuple([a_secure_file()] if secure_files is None else secure_files)),
        environments=Fact.read(tuple([an_environment()] if environments is None else environments)),
        checks=Fact.read(dict.fromkeys(RESOURCES, guards)),
        gathered_at=NOW,
    )


F = Any


def without(facts: F, kind: FactKind, failure: Failure = REFUSED) -> F:
    """The same facts, had this kind not been readable."""
    level = BY_KIND[kind].level
    if level is Level.OBJECT:
        if isinstance(facts, OrganizationFacts):
            return facts
        listing = kind.name.lower().removesuffix("_permissions") + "s"
        if getattr(facts, listing).value is None:
            return facts
        closed = tuple(
            replace(one, open_to_all_pipelines=Fact[bool].unread(failure)) for one in protected(facts, kind)
        )
        return replace(facts, **{listing: Fact.read(closed)})
    if level is Level.ORGANIZATION and isinstance(facts, ProjectFacts):
        return replace(facts, organization=without(facts.organization, kind, failure))
    if level is Level.PROJECT and isinstance(facts, OrganizationFacts):
        return facts
    return replace(facts, **{kind.name.lower(): Fact.unread(failure)})
