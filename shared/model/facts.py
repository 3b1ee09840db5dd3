"""What posture rules judge: typed snapshots of what the API said, or why it could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.model.fact import Fact as Fact  # noqa: PLC0414 - known from here
from shared.model.identity import OrganizationPolicies
from shared.model.ids import OrganizationId
from shared.model.inventory import Project, Repository


class FactKind(StrEnum):
    """Fact sets that a rule may need; the gatherer reads the union of what the rules name.

    A set of the organization or of a project is the field of that name, in lower case, of
    `OrganizationFacts` or `ProjectFacts`. `shared.posture.fact_sets` says what each one costs and takes.
    """

    ORGANIZATION_POLICIES = "organizationPolicies"
    ORGANIZATION_PIPELINE_SETTINGS = "organizationPipelineSettings"
    RETENTION = "retention"
    EXTENSIONS = "extensions"
    AUDIT_STREAMS = "auditStreams"
    SERVICE_HOOKS = "serviceHooks"
    AGENT_POOLS = "agentPools"
    USERS = "users"
    GROUPS = "groups"
    ADMINISTRATORS = "administrators"
    ADVANCED_SECURITY = "advancedSecurity"
    ALERTS = "alerts"
    REPOSITORY_ACCESS = "repositoryAccess"
    PIPELINE_ACCESS = "pipelineAccess"
    SERVICE_CONNECTION_ACCESS = "serviceConnectionAccess"
    LIBRARY_ACCESS = "libraryAccess"
    ENVIRONMENT_ACCESS = "environmentAccess"
    AGENT_POOL_ACCESS = "agentPoolAccess"
    PIPELINE_SETTINGS = "pipelineSettings"
    BRANCH_POLICIES = "branchPolicies"
    PIPELINES = "pipelines"
    SERVICE_CONNECTIONS = "serviceConnections"
    VARIABLE_GROUPS = "variableGroups"
    SECURE_FILES = "secureFiles"
    ENVIRONMENTS = "environments"
    CHECKS = "checks"
    SERVICE_CONNECTION_PERMISSIONS = "serviceConnectionPermissions"
    VARIABLE_GROUP_PERMISSIONS = "variableGroupPermissions"
    SECURE_FILE_PERMISSIONS = "secureFilePermissions"
    ENVIRONMENT_PERMISSIONS = "environmentPermissions"


# --- of the organization ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """General settings of a project's (or the organization's) pipelines. A missing key is unknown."""

    settings: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long the organization keeps builds, in days; None where it does not say."""

    days_to_keep: int | None
    days_until_destroyed: int | None
    """How long a deleted build can still be restored."""


@dataclass(frozen=True, slots=True)
class Extension:
    """An installed extension, with the scopes it was granted and the kinds of things it contributes."""

    publisher: str
    name: str
    state: frozenset[str]
    """`installState.flags`, separately, in lower case."""
    scopes: tuple[str, ...] = ()
    contributions: frozenset[str] = frozenset()
    is_built_in: bool = False


@dataclass(frozen=True, slots=True)
class AuditStream:
    """Where audit entries are sent as they arise."""

    name: str
    kind: str
    is_enabled: bool | None


@dataclass(frozen=True, slots=True)
class ServiceHook:
    """A service hook subscription. `url` is where a web hook goes, without its query; else empty."""

    id: str
    event: str
    consumer: str
    scheme: str
    host: str
    status: str
    has_plain_credentials: bool
    """Whether the address itself holds a user name or a password."""


@dataclass(frozen=True, slots=True)
class AgentPool:
    """An agent pool of the organization. None where the service does not say."""

    id: int
    name: str
    is_hosted: bool | None
    is_legacy: bool | None
    auto_provision: bool | None
    auto_update: bool | None
    size: int | None
    pool_type: str


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with an access level in the organization. `last_accessed` None: never."""

    principal: str
    origin: str
    is_guest: bool | None
    status: str
    licence: str
    last_accessed: datetime | None
    created: datetime | None


@dataclass(frozen=True, slots=True)
class Group:
    """A security group of the organization (no project) or of a project."""

    descriptor: str
    sid: str
    name: str
    project: str | None


Members = Mapping[str, tuple[str, ...]]
"""By the descriptor of a group: the account names of all people and applications in it, at any depth."""


@dataclass(frozen=True, slots=True)
class AdvancedSecurity:
    """What Advanced Security scans: switches of the organization, and of each repository by its id."""

    on_create: Mapping[str, bool] = field(default_factory=dict)
    repositories: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RepositoryAlerts:
    """Open alerts of one repository and one type, by severity."""

    open: int
    by_severity: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alerts:
    """Alerts by type and repository id; and which types were ever scanned for in a repository."""

    counts: Mapping[str, Mapping[str, RepositoryAlerts]] = field(default_factory=dict)
    scanned: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By repository id and type: the time of the last scan, as the service writes it."""


@dataclass(frozen=True, slots=True)
class AccessEntry:
    """What one group or build account is allowed and denied, as bits of the namespace."""

    descriptor: str
    allow: int
    deny: int


@dataclass(frozen=True, slots=True)
class AccessList:
    """The entries that stand on one token itself. `inherits`: those of the tokens above hold as well."""

    inherits: bool
    entries: tuple[AccessEntry, ...]


Access = Mapping[str, AccessList]
"""Access lists of one security namespace by token, in lower case. Only groups and build accounts."""


@dataclass(frozen=True, slots=True)
class OrganizationFacts:
    """Everything that was gathered of the organization itself, at one time."""

    organization: OrganizationId
    name: str
    organization_policies: Fact[OrganizationPolicies]
    organization_pipeline_settings: Fact[PipelineSettings]
    retention: Fact[Retention]
    extensions: Fact[tuple[Extension, ...]]
    audit_streams: Fact[tuple[AuditStream, ...]]
    service_hooks: Fact[tuple[ServiceHook, ...]]
    agent_pools: Fact[tuple[AgentPool, ...]]
    users: Fact[tuple[User, ...]]
    groups: Fact[tuple[Group, ...]]
    administrators: Fact[Members]
    advanced_security: Fact[AdvancedSecurity]
    alerts: Fact[Alerts]
    repository_access: Fact[Access]
    pipeline_access: Fact[Access]
    service_connection_access: Fact[Access]
    library_access: Fact[Access]
    environment_access: Fact[Access]
    agent_pool_access: Fact[Access]
    gathered_at: datetime
    requests: Mapping[str, int] = field(default_factory=dict, compare=False)
    """What reading each set took, by its kind; those of objects are left out."""
    derived: dict[str, object] = field(init=False, default_factory=dict, compare=False, repr=False)
    """What rules worked out from these facts once, for all rules; never a fact of its own."""


# --- of a project -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PolicyScope:
    """Where a branch policy applies. No repository id: every repository of the project."""

    repository_id: str | None
    ref_name: str | None
    match_kind: str


@dataclass(frozen=True, slots=True)
class BranchPolicy:
    """One branch policy configuration; `settings` are the raw settings without the scope."""

    id: int
    type_id: str
    is_enabled: bool
    is_blocking: bool
    is_deleted: bool
    scopes: tuple[PolicyScope, ...]
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a pipeline or variable group. Its value is looked at while it is read, and not kept."""

    name: str
    is_secret: bool
    settable_at_queue_time: bool
    looks_like: str = ""
    """What kind of secret the plain value looks like; empty when it does not."""
    is_url: bool = False


@dataclass(frozen=True, slots=True)
class PullRequestTrigger:
    """Which pull requests start the pipeline. None where the service does not say."""

    forks_enabled: bool | None
    allow_secrets: bool | None
    allow_full_access_token: bool | None
    comment_required: bool | None
    from_yaml: bool
    """Whether the branches are named by the YAML file rather than by the pipeline's own settings."""
    enforced: Mapping[str, bool] = field(default_factory=dict)
    """What project and organization enforce on this trigger, as far as the definition tells."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline's definition. None where the service does not say."""

    id: int
    name: str
    path: str
    is_yaml: bool | None
    repository_type: str
    repository_id: str
    repository_name: str
    authorization_scope: str
    badge_enabled: bool | None
    pool_is_hosted: bool | None
    queue_status: str
    variables: tuple[Variable, ...]
    pull_requests: PullRequestTrigger | None
    ci_branches: tuple[str, ...] | None
    """Branch filters of continuous integration; None where it has no such trigger of its own."""
    is_scheduled: bool
    last_queued: datetime | None
    created: datetime | None


@dataclass(frozen=True, slots=True)
class ServiceConnection:
    """A service connection. `type` and `scheme` are as the wire has them; both may be empty."""

    id: str
    name: str
    type: str
    scheme: str
    is_shared: bool
    open_to_all_pipelines: Fact[bool]
    description: str = ""
    is_ready: bool | None = True
    url_scheme: str = ""
    scope_level: str = ""
    """How far an Azure connection reaches: `Subscription`, `ManagementGroup`, ...; empty: not said."""
    azure_scope: str = ""
    """The Azure resource id that it is narrowed to; empty: none is said."""
    projects: int = 1


@dataclass(frozen=True, slots=True)
class VariableGroup:
    """A variable group of the library."""

    id: str
    name: str
    type: str
    description: str
    variables: tuple[Variable, ...]
    open_to_all_pipelines: Fact[bool]

    @property
    def holds_secrets(self) -> bool:
        """Whether a variable is marked secret, or they come from a key vault."""
        return self.is_key_vault or any(one.is_secret for one in self.variables)

    @property
    def is_key_vault(self) -> bool:
        """Whether its values stay in an Azure key vault."""
        return self.type.casefold() == "azurekeyvault"


@dataclass(frozen=True, slots=True)
class SecureFile:
    """A secure file of the library."""

    id: str
    name: str
    open_to_all_pipelines: Fact[bool]


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment that pipelines deploy to."""

    id: str
    name: str
    description: str
    open_to_all_pipelines: Fact[bool]


@dataclass(frozen=True, slots=True)
class Check:
    """An approval or check that guards a protected resource; `settings` are the raw ones."""

    id: int
    type_id: str
    type_name: str
    is_disabled: bool
    settings: Mapping[str, object] = field(default_factory=dict)


Checks = Mapping[tuple[str, str], tuple[Check, ...]]
"""By type (`endpoint`, `variablegroup`, ...) and id of the resource, both in lower case."""


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """Everything that was gathered of one project, at one time."""

    project: Project
    repositories: tuple[Repository, ...]
    organization: OrganizationFacts
    pipeline_settings: Fact[PipelineSettings]
    branch_policies: Fact[tuple[BranchPolicy, ...]]
    pipelines: Fact[tuple[Pipeline, ...]]
    service_connections: Fact[tuple[ServiceConnection, ...]]
    variable_groups: Fact[tuple[VariableGroup, ...]]
    secure_files: Fact[tuple[SecureFile, ...]]
    environments: Fact[tuple[Environment, ...]]
    checks: Fact[Checks]
    gathered_at: datetime
    requests: Mapping[str, int] = field(default_factory=dict, compare=False)
    """What reading each set took, by its kind; those of objects are left out."""
    derived: dict[str, object] = field(init=False, default_factory=dict, compare=False, repr=False)
    """What rules worked out from these facts once, for all rules; never a fact of its own."""

    def repository(self, identifier: str) -> Repository | None:
        """The repository of this project with the id."""
        wanted = identifier.casefold()
        return next((one for one in self.repositories if one.id.casefold() == wanted), None)
