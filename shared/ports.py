"""What handlers need from outside, as protocols. Adapters live in `shared.ado`, `.connector_state`, `.queue`.

`Dependencies` is what every handler is given; `shared.wiring` builds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, IntEnum
from types import TracebackType
from typing import Protocol, Self, TypeVar

from shared.model.assessment import (
    AssessmentChange as AssessmentChange,  # noqa: PLC0414 - handlers and adapters know it from here
)
from shared.model.assessment import ResourceAssessments, Severity, StatusChange
from shared.model.audit import AuditEntry
from shared.model.command import Command
from shared.model.connector import Connector, ConnectorOptions
from shared.model.container import CloudResource, RegistryImage
from shared.model.exemption import Exemption
from shared.model.extension import ExtensionState
from shared.model.facts import (
    Access,
    AdvancedSecurity,
    AgentPool,
    Alerts,
    AuditStream,
    BranchPolicy,
    Checks,
    Environment,
    Extension,
    Fact,
    FactKind,
    Group,
    Members,
    Pipeline,
    PipelineSettings,
    Retention,
    SecureFile,
    ServiceConnection,
    ServiceHook,
    User,
    VariableGroup,
)
from shared.model.identity import (
    Account,
    Connection,
    DeletedRepository,
    Entitlement,
    ExtensionOffer,
    ExtensionRequests,
    InstalledExtension,
    OrganizationPolicies,
    Profile,
)
from shared.model.ids import ConnectorId, OrganizationId, ProjectId, RepositoryId, TenantId
from shared.model.inventory import ObservedProject, ObservedRepository, Project, Repository
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.mapping import (
    Direction,
    EdgeKind,
    EdgePage,
    GraphFacts,
    Node,
    NodeId,
    NodeKind,
    NodePage,
    Surroundings,
)
from shared.model.notification import Notified
from shared.model.observation import Observation
from shared.model.organization import Enrollment, Organization
from shared.model.pipeline_token import PipelineToken
from shared.model.prerequisite import Prerequisite
from shared.model.record import OF_ORGANIZATIONS, Record, RecordKind
from shared.model.run import CommitAuthor, MergedPullRequest, PipelineRun, TimelineRecord
from shared.model.sign_in import SignInRecord
from shared.model.storage import StorageProblem
from shared.model.summary import PostureSummary, ProjectSummary, ResourceStatuses
from shared.model.thresholds import DEFAULTS, Thresholds
from shared.model.viewer import Viewer
from shared.model.work import Lease, Work, WorkKind

T = TypeVar("T")


class Clock(Protocol):
    """Time, so that tests pass their own."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; returns early when the process is asked to stop."""
        ...


# --- Azure DevOps -----------------------------------------------------------------------------------------


class AzureDevOps(Protocol):
    """Azure DevOps as one identity sees it. `organization` is always the organization's name.

    Every method may raise `shared.model.failure.ServiceError`. Listings that come in several answers
    return an `Observation` instead of raising, with what whole answers told before one failed.
    """

    def sign_in(self) -> datetime | None:
        """Get a credential to sign in with, asking nothing of Azure DevOps itself.

        Returns when it ends for good, where that is known: a certificate's end, not that of an hourly token.
        """
        ...

    @property
    def clock_ahead(self) -> timedelta:
        """How far our clock is ahead of the service's, as its last answer tells, to the second."""
        ...

    @property
    def requests_sent(self) -> int:
        """How many requests this thread has sent so far, tries that failed included."""
        ...

    def profile(self) -> Profile:
        """Who we are (Profiles - Get)."""
        ...

    def accounts(self, member_id: str) -> Observation[Account]:
        """Organizations that the member belongs to (Accounts - List); empty for service principals."""
        ...

    def tenant_organizations(self, tenant: TenantId) -> Observation[Account]:
        """Organizations connected to the tenant (EnterpriseCatalog, undocumented): a hint, often denied."""
        ...

    def connection(self, organization: str) -> Connection:
        """Who we are in this organization, and its instance id (connectionData)."""
        ...

    def collection_permission(self, organization: str) -> bool:
        """Whether "Edit instance-level information" is effective for us (Permissions - Has, bit 2)."""
        ...

    def repository_read_permission(
        self, organization: str, project: ProjectId, repository: RepositoryId
    ) -> bool:
        """Whether Git "Read" is effective for us on the repository's token (Permissions - Has)."""
        ...

    def project_read_permission(self, organization: str, project: ProjectId) -> bool:
        """Whether "View project-level information" is effective for us (Permissions - Has)."""
        ...

    def group_sids(self, organization: str, subject_descriptor: str) -> frozenset[str]:
        """SIDs of every group we are in, directly or through others (Identities - Read, expandedUp)."""
        ...

    def entitlement(self, organization: str, connection: Connection) -> Entitlement:
        """Our access level (User or Service Principal Entitlements - Get)."""
        ...

    def policies(self, organization: str) -> OrganizationPolicies:
        """Organization policies (the organization settings page's data)."""
        ...

    def audit_log_has_entries(self, organization: str) -> bool:
        """Whether the audit log, which takes "View audit log", holds any entry (Audit - Query, one entry)."""
        ...

    def audit_entries(self, organization: str, since: datetime) -> Observation[AuditEntry]:
        """What was logged at that time or later (Audit - Query), in any order."""
        ...

    def advanced_security(self, organization: str) -> bool:
        """True where Advanced Security answers (Management - Org Enablement); it raises where it does not."""
        ...

    def installed_extension(self, organization: str, publisher: str, name: str) -> InstalledExtension | None:
        """The installed extension, or None when the service says it is not installed."""
        ...

    def extension_offer(self, organization: str, publisher: str, name: str) -> ExtensionOffer:
        """Whether the extension is shared with the organization, and whether we may install it."""
        ...

    def extension_requests(self, organization: str, publisher: str, name: str) -> ExtensionRequests:
        """Who asked the organization's administrators for the extension."""
        ...

    def install_extension(self, organization: str, publisher: str, name: str) -> InstalledExtension:
        """Install a shared extension (writes!), once. One that is there counts as success; unshared is Gone.

        Transient where the answer was lost and the extension is not there.
        """
        ...

    def projects(
        self, organization: str, *, start: str = "", deadline: datetime | None = None, expected: int = 0
    ) -> Observation[ObservedProject]:
        """Every project that exists, in whatever state (`stateFilter=all`).

        A listing whose `deadline` passes is cut behind the page that is then read, at least one; `start` goes
        on where it was cut (`Observation.next_start`). `expected` is how many projects there were last time:
        so many may be read ahead.
        """
        ...

    def deleted_projects(self, organization: str) -> Observation[ObservedProject]:
        """Projects that were deleted (`stateFilter=deleted`): proof for a tombstone."""
        ...

    def project(self, organization: str, project: ProjectId) -> ObservedProject:
        """One project by its id; Gone when deleted or hidden."""
        ...

    def repositories(self, organization: str) -> Observation[ObservedRepository]:
        """Every Git repository of every project, from one organization-wide answer."""
        ...

    def deleted_repositories(self, organization: str, project: ProjectId) -> Observation[DeletedRepository]:
        """The project's recycle bin: proof for a tombstone."""
        ...

    def repository(
        self, organization: str, project: ProjectId, repository: RepositoryId
    ) -> ObservedRepository:
        """One repository by its id; Gone when deleted or hidden, Denied when the service says so."""
        ...

    def organization_pipeline_settings(self, organization: str) -> PipelineSettings:
        """Pipeline settings that the organization enforces on every project."""
        ...

    def pipeline_settings(self, organization: str, project: ProjectId) -> PipelineSettings:
        """General pipeline settings of a project (Build - General Settings)."""
        ...

    def branch_policies(self, organization: str, project: ProjectId) -> tuple[BranchPolicy, ...]:
        """Every policy configuration of a project (Policy - Configurations), to the last page."""
        ...

    def pipelines(self, organization: str, project: ProjectId) -> tuple[Pipeline, ...]:
        """Pipelines with their triggers, variables and last run (Build - Definitions), to the last page."""
        ...

    def service_connections(
        self, organization: str, project: ProjectId, unasked: Fact[bool]
    ) -> tuple[ServiceConnection, ...]:
        """Service connections; `unasked` stands for the pipeline permission, which is a call of its own."""
        ...

    def variable_groups(
        self, organization: str, project: ProjectId, unasked: Fact[bool]
    ) -> tuple[VariableGroup, ...]:
        """Variable groups, without any value; `unasked` as for service connections."""
        ...

    def secure_files(
        self, organization: str, project: ProjectId, unasked: Fact[bool]
    ) -> tuple[SecureFile, ...]:
        """Secure files; `unasked` as for service connections."""
        ...

    def environments(
        self, organization: str, project: ProjectId, unasked: Fact[bool]
    ) -> tuple[Environment, ...]:
        """Environments; `unasked` as for service connections."""
        ...

    def checks(self, organization: str, project: ProjectId, resources: Sequence[tuple[str, str]]) -> Checks:
        """Approvals and checks of resources, each given by type and id, in batches."""
        ...

    def is_open_to_all(self, organization: str, project: ProjectId, kind: str, identifier: str) -> bool:
        """Whether every pipeline may use the resource (Pipeline Permissions - Get)."""
        ...

    def retention(self, organization: str) -> Retention:
        """How long builds are kept (Build - Settings)."""
        ...

    def extensions(self, organization: str) -> tuple[Extension, ...]:
        """Every installed extension."""
        ...

    def audit_streams(self, organization: str) -> tuple[AuditStream, ...]:
        """Where audit entries are sent (Audit - Streams)."""
        ...

    def service_hooks(self, organization: str) -> tuple[ServiceHook, ...]:
        """Service hook subscriptions of all projects."""
        ...

    def agent_pools(self, organization: str) -> tuple[AgentPool, ...]:
        """Agent pools of the organization."""
        ...

    def users(self, organization: str) -> tuple[User, ...]:
        """Everybody with an access level (User Entitlements - List), to the last page."""
        ...

    def groups(self, organization: str) -> tuple[Group, ...]:
        """Security groups of the organization and its projects (Graph - Groups), to the last page."""
        ...

    def administrators(self, organization: str, groups: Sequence[str]) -> Members:
        """Who is in these groups, at any depth (Identities - Read, expandedDown)."""
        ...

    def enablement(self, organization: str) -> AdvancedSecurity:
        """What Advanced Security is switched on for (Management - Org Enablement)."""
        ...

    def alerts(self, organization: str) -> Alerts:
        """Open alerts by type and repository, and what was ever scanned (Reporting - Summary)."""
        ...

    def access(self, organization: str, kind: FactKind) -> Access:
        """Access lists of the security namespace of this kind of fact (Access Control Lists - Query)."""
        ...

    def finished_runs(
        self, organization: str, project: ProjectId, since: datetime, *, deadline: datetime | None = None
    ) -> Observation[PipelineRun]:
        """Runs that ended at `since` or later, in the order in which they ended (Builds - List).

        A listing whose `deadline` passes is cut behind the page that is then read, at least one.
        """
        ...

    def timeline(self, organization: str, project: ProjectId, run: int) -> tuple[TimelineRecord, ...]:
        """Stages, jobs and steps of a run (Timeline - Get); Gone where it was pruned."""
        ...

    def commit_authors(
        self, organization: str, project: ProjectId, repository: RepositoryId, commits: Sequence[str]
    ) -> Mapping[str, CommitAuthor]:
        """Authors of those of the commits that are there, by commit (Commits - Get Commits Batch)."""
        ...

    def pull_requests_of(
        self, organization: str, project: ProjectId, repository: RepositoryId, commits: Sequence[str]
    ) -> Mapping[str, MergedPullRequest]:
        """The pull request that made each commit by its merge (Pull Request Query - Get)."""
        ...

    def run_log(
        self,
        organization: str,
        project: ProjectId,
        run: int,
        log: int,
        read: Callable[[Iterable[str]], T],
    ) -> T:
        """What `read` makes of the lines of one log of a run (Builds - Get Build Log), as they arrive."""
        ...


# --- registries and Azure ----------------------------------------------------------------------------------


class Registry(Protocol):
    """One container registry. Methods raise `ServiceError`; listings return an `Observation` instead."""

    def repositories(self) -> Observation[str]:
        """Every repository that the identity may list."""
        ...

    def tags(self, repository: str) -> Observation[str]:
        """Every tag of the repository."""
        ...

    def digest_of(self, repository: str, tag: str) -> str:
        """The digest that the tag leads to at this moment; Gone where there is no such tag."""
        ...

    def image(self, repository: str, digest: str) -> RegistryImage:
        """What the registry holds under the digest, with its platforms and what is attached to it."""
        ...


class AzureResources(Protocol):
    """Azure as the connector's application sees it, through Azure Resource Graph."""

    def container_resources(self, subscription: str) -> Observation[CloudResource]:
        """Every resource of the subscription that runs containers."""
        ...


class Cloud(Protocol):
    """Registries and Azure, as a connector may read them."""

    def registry(self, connector: Connector, host: str) -> Registry:
        """A registry that the connector names; `ValueError` for any other host."""
        ...

    def resource_graph(self, connector: Connector) -> AzureResources:
        """Azure Resource Graph."""
        ...


# --- Connector state --------------------------------------------------------------------------------------


class StateConflict(Exception):
    """Somebody else changed the record since it was read: read again and decide again."""


class LeaseLost(Exception):
    """The worker no longer holds its lease; nothing of the refused write took effect."""


class StateUnavailable(Exception):
    """The store cannot be reached or is overloaded. Our own outage: nobody's work is to blame."""


class SecretUnavailable(StateUnavailable):
    """A secret cannot be had from where it is kept. Our own outage as well."""


@dataclass(frozen=True, slots=True)
class InventoryChange:
    """Rows to write for one organization, with the journal entries that tell of them."""

    projects: tuple[Project, ...] = ()
    repositories: tuple[Repository, ...] = ()
    journal: tuple[JournalEntry, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.projects or self.repositories or self.journal)


@dataclass(frozen=True, slots=True)
class RepositoryPage:
    """Repositories of one project, in order of id. `next` is the `after` of the next page; empty at the end.

    A page may hold fewer than were asked for, even none, and not be the last.
    """

    rows: tuple[Repository, ...] = ()
    next: str = ""


class ConnectorState(Protocol):
    """The one shared state of all connectors. Every method is safe across threads and processes.

    Writes of records with a `revision` are conditional: the record must still have the revision that it was
    read with (0 for a new one), else `StateConflict`. The returned record carries the new revision. Journal
    entries passed along are written in the same transaction. Any method may raise `StateUnavailable`.
    """

    # connectors
    def put_connector(self, connector: Connector, journal: Sequence[JournalEntry] = ()) -> Connector: ...
    def get_connector(self, connector: ConnectorId) -> Connector | None: ...
    def connectors(self) -> tuple[Connector, ...]: ...
    def delete_connector(self, connector: Connector, journal: Sequence[JournalEntry] = ()) -> None:
        """Delete the connector with its enrollments and claims; organizations and inventory stay."""
        ...

    # claims
    def claim(self, tenant: TenantId, organization: OrganizationId, connector: ConnectorId) -> ConnectorId:
        """Claim the organization if nobody holds it; returns the holder after the attempt. Atomic."""
        ...

    def release(self, tenant: TenantId, organization: OrganizationId, connector: ConnectorId) -> bool:
        """Give the claim up if this connector holds it."""
        ...

    def move_claim(
        self, tenant: TenantId, organization: OrganizationId, before: ConnectorId, after: ConnectorId
    ) -> ConnectorId | None:
        """Hand the claim from one connector to another in one conditional write, if the first holds it.

        Returns the holder after the attempt. There is never a moment with none or with two.
        """
        ...

    def holder(self, tenant: TenantId, organization: OrganizationId) -> ConnectorId | None: ...
    def claims(self) -> Mapping[OrganizationId, ConnectorId]: ...

    # organizations and enrollments
    def put_organization(
        self, organization: Organization, journal: Sequence[JournalEntry] = ()
    ) -> Organization:
        """Conditional write, and unique.

        At most one unmerged record per tenant has a given instance id, a given account id or, where it has
        neither, a given name ignoring case: a second one is a `StateConflict`.
        """
        ...

    def get_organization(self, organization: OrganizationId) -> Organization | None: ...
    def organizations(self, tenant: TenantId | None = None) -> tuple[Organization, ...]:
        """All records, merged ones left out."""
        ...

    def put_enrollment(self, enrollment: Enrollment, journal: Sequence[JournalEntry] = ()) -> Enrollment: ...
    def enrollments(
        self, *, connector: ConnectorId | None = None, organization: OrganizationId | None = None
    ) -> tuple[Enrollment, ...]: ...

    # inventory
    def projects(self, organization: OrganizationId) -> Iterator[Project]:
        """Every project row, tombstones too, in order of id."""
        ...

    def repositories(self, organization: OrganizationId) -> Iterator[Repository]:
        """Every repository row, tombstones too, in order of id."""
        ...

    def project_repositories(
        self, organization: OrganizationId, project: ProjectId, *, after: str = "", limit: int = 1000
    ) -> RepositoryPage:
        """Repository rows of one project behind the id `after`, tombstones too; at most `limit` of them.

        Takes a bounded time, however many repositories the organization has.
        """
        ...

    def apply_inventory(self, lease: Lease, change: InventoryChange) -> None:
        """Write rows and journal in one go, if the lease still holds; else `LeaseLost` and nothing."""
        ...

    def finish_listing(
        self,
        lease: Lease,
        *,
        listed_at: datetime | None,
        projects: int,
        repositories: int,
        by_project: Mapping[ProjectId, int] | None = None,
    ) -> None:
        """Record the counts and, when the listing was complete, its time, on the organization.

        `by_project` counts the repositories of each project that has any; None leaves what is recorded.
        """
        ...

    def repository_counts(self, organization: OrganizationId) -> Mapping[ProjectId, int]:
        """The repositories of each project that has any, as the last `finish_listing` counted them."""
        ...

    # listings that take more than one slice
    def put_partial(self, lease: Lease, content: bytes) -> None:
        """Keep what a listing has read so far, for the slice that goes on with it; replaces the last."""
        ...

    def partial(self, organization: OrganizationId, kind: WorkKind) -> bytes:
        """What was kept last; empty when nothing was."""
        ...

    # prerequisites and extension
    def put_prerequisites(
        self,
        organization: OrganizationId,
        connector: ConnectorId,
        prerequisites: Sequence[Prerequisite],
        journal: Sequence[JournalEntry] = (),
    ) -> None: ...
    def prerequisites(
        self, organization: OrganizationId, connector: ConnectorId
    ) -> tuple[Prerequisite, ...]: ...
    def put_extension(
        self, lease: Lease, extension: ExtensionState, journal: Sequence[JournalEntry] = ()
    ) -> None: ...
    def extension(self, organization: OrganizationId) -> ExtensionState | None: ...

    # work
    def ensure_work(self, organization: OrganizationId, kind: WorkKind, due_at: datetime) -> Work:
        """Create the work if there is none. An existing one is left alone."""
        ...

    def bring_forward(self, organization: OrganizationId, kind: WorkKind, due_at: datetime) -> Work:
        """Create the work or make it due no later than `due_at`, dropping its backoff (not a throttle's)."""
        ...

    def drop_work(self, organization: OrganizationId, kind: WorkKind) -> None: ...
    def work(
        self, *, organization: OrganizationId | None = None, kind: WorkKind | None = None
    ) -> tuple[Work, ...]: ...
    def mark_queued(self, work: Work, queued_at: datetime) -> Work | None:
        """Note that a message for this revision goes out; None when the work changed meanwhile."""
        ...

    def lease_work(
        self,
        organization: OrganizationId,
        kind: WorkKind,
        revision: int,
        *,
        owner: str,
        now: datetime,
        until: datetime,
    ) -> Lease | None:
        """Take the lease on exactly this revision, if nobody holds a live one; None otherwise."""
        ...

    def renew_lease(self, lease: Lease, until: datetime) -> Lease:
        """Hold on longer. Raises `LeaseLost`."""
        ...

    def finish_work(self, lease: Lease, work: Work, journal: Sequence[JournalEntry] = ()) -> Work:
        """Store `work` as the next revision, unleased and unqueued. Raises `LeaseLost`."""
        ...

    def release_leases_of(self, owners_gone: Iterable[str]) -> int:
        """Free the leases of workers that are known to be dead (an embedded host after a crash)."""
        ...

    # assessments
    def apply_assessments(
        self, lease: Lease, project: ProjectId | None, change: AssessmentChange, assessed_at: datetime
    ) -> None:
        """Write what changed in one project (or in the organization itself) and when it was assessed.

        The changes of status in it get the next numbers of the organization.
        """
        ...

    def assessments(
        self, organization: OrganizationId, project: ProjectId | None = None
    ) -> Iterator[ResourceAssessments]: ...
    def statuses(self, organization: OrganizationId) -> Iterator[ResourceStatuses]:
        """What the rules said of each resource of the organization, kept beside the assessments.

        In no order. Takes about a tenth of what reading the assessments does.
        """
        ...

    def project_summaries(self, organization: OrganizationId) -> tuple[ProjectSummary, ...]:
        """What was assessed in each project, counted with its last write; no row is read for it."""
        ...

    def posture_summaries(self) -> Mapping[OrganizationId, PostureSummary]:
        """What was assessed in each organization, counted as of the end of its last posture slice."""
        ...

    def assessed_at(self, organization: OrganizationId) -> Mapping[str, datetime]:
        """When each project (by id; the empty string is the organization itself) was last assessed."""
        ...

    def confirm_assessments(
        self, lease: Lease, read_since: datetime | None, confirmed_at: datetime | None
    ) -> None:
        """Note that what was read since then still held at the other time, on the organization's summary."""
        ...

    def put_facts(self, lease: Lease, project: ProjectId, content: bytes) -> None:
        """Keep what was read of a project, for the refresh that goes on from it; nothing forgets it."""
        ...

    def facts(self, organization: OrganizationId, project: ProjectId) -> bytes:
        """What was kept last of the project; empty when nothing was."""
        ...

    # history of assessments
    def status_changes(
        self,
        organization: OrganizationId,
        *,
        after: int = 0,
        since: datetime | None = None,
        resource: str = "",
    ) -> Iterator[StatusChange]:
        """Changes of status in their order: with larger numbers, no older, of the resource with this id."""
        ...

    def forget_status_changes(self, lease: Lease, before: datetime) -> None:
        """Forget the older ones, if the lease still holds; writes nothing where there are none."""
        ...

    def notified(self, organization: OrganizationId) -> Notified:
        """How far its changes were told; nothing, as long as none was."""
        ...

    def put_notified(self, lease: Lease, notified: Notified) -> None:
        """Note how far they were told, if the lease still holds; else `LeaseLost`."""
        ...

    # exemptions
    def exemptions(self) -> tuple[Exemption, ...]:
        """Every exemption that is kept, expired ones too, in order of id."""
        ...

    def change_exemptions(
        self,
        exemptions: Sequence[Exemption],
        removed: Iterable[str] = (),
        journal: Sequence[JournalEntry] = (),
    ) -> None:
        """Keep these, each in place of the one with its id, and remove those with the other ids.

        A large change may be written in parts; what is left of it is completed by the same change again.
        """
        ...

    # journal
    def append_journal(self, entries: Sequence[JournalEntry]) -> None: ...
    def journal(
        self,
        *,
        organization: OrganizationId | None = None,
        event: JournalEvent | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> tuple[JournalEntry, ...]:
        """The newest entries that match, oldest of them first."""
        ...

    def forget_journal(self, before: datetime, limit: int) -> int:
        """Forget some of the entries that are older, the store's smallest rows, `limit` of them at most.

        Returns how many rows; fewer than `limit` when there are no more.
        """
        ...


@dataclass(frozen=True, slots=True)
class ThrottleRecord:
    """Shared rate-limit knowledge of one organization and identity.

    - `not_before`: no request starts before; `held_at` is when that wait was noted, on the same clock, so
      that a reader whose clock differs still knows how long the wait was meant to be.
    - `requests`: of the clock hour that starts at `hour`. Without an hourly cap they are counted after they
      were sent, up to 20 per process late; with one they are reserved before, so up to one block per
      running process was not sent yet.
    - `remaining` and `limit`: the last `X-RateLimit-*` values, in TSTU, told at `usage_at`; `reset_at` is
      when usage would be back to 0.
    - `next_start`: the first start that nobody has taken yet, while usage makes the processes take turns.
    - `urgent_at`: when an urgent request last had to wait.
    """

    not_before: datetime | None = None
    reason: str = ""
    hour: datetime | None = None
    requests: int = 0
    remaining: float | None = None
    limit: float | None = None
    updated_at: datetime | None = None
    throttled_seconds: float = 0.0
    revision: int = 0
    held_at: datetime | None = None
    reset_at: datetime | None = None
    usage_at: datetime | None = None
    next_start: datetime | None = None
    urgent_at: datetime | None = None


class ThrottleStore(Protocol):
    """Where throttle records are shared between instances."""

    def throttle(self, key: str) -> ThrottleRecord: ...
    def put_throttle(self, key: str, record: ThrottleRecord) -> ThrottleRecord:
        """Conditional on the revision; raises `StateConflict`."""
        ...

    def throttles(self) -> Mapping[str, ThrottleRecord]: ...


class SignInStore(Protocol):
    """Where sign-ins are shared between instances, by the name that `IdentityReference.sign_in` tells."""

    def sign_in(self, name: str) -> SignInRecord:
        """The record; an empty one of revision 0 where there is none."""
        ...

    def put_sign_in(self, name: str, record: SignInRecord) -> SignInRecord:
        """Conditional on the revision; raises `StateConflict`."""
        ...

    def drop_sign_in(self, name: str) -> None:
        """Forget it, whatever its revision."""
        ...


class TokenKeys(Protocol):
    """The keys that seal sign-ins: 32 bytes each, kept apart from the state."""

    def newest(self) -> tuple[str, bytes]:
        """Name and value of the key to seal with. Raises `SecretUnavailable`."""
        ...

    def named(self, name: str) -> bytes:
        """The key of this name, to unseal with. Raises `SecretUnavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class ReportReceipt:
    """Which token came with which report: hashes of both, until the token has expired for everybody."""

    token: str
    body: str
    received_at: datetime
    forget_at: datetime


class ReportOutcome(Enum):
    """What became of a report."""

    NEW = "new"
    REPEATED = "repeated"
    """The same report came with the same token before."""
    CONTRADICTED = "contradicted"
    """Another report came with the token before; nothing of this one was kept."""


class MappingGraph(Protocol):
    """Where images came from and where they run, as a graph (see `shared.model.mapping`)."""

    def record_mappings(self, facts: GraphFacts) -> int:
        """Add what was found out to what is known; returns how many nodes and edges changed by it.

        The same facts again write nothing, and facts may come in any order. When it returns, all of them are
        kept, also if the process is killed then. Facts that are being written when it is killed may be kept
        in part; the same facts again complete them.
        """
        ...

    def record_report(self, receipt: ReportReceipt, facts: GraphFacts) -> ReportOutcome:
        """Keep the receipt with what the report tells, unless its token came with another report before.

        What comes again is completed, and writes nothing more. When it returns, all of it is on the disk.
        """
        ...

    def node(self, node: NodeId) -> Node | None: ...
    def surroundings(self, node: NodeId) -> Surroundings | None:
        """The node with the first pages of its edges: what a path is followed by, in one read of one row."""
        ...

    def nodes(self, kind: NodeKind, *, after: str = "", limit: int = 100) -> NodePage:
        """Nodes of one kind, in the order of the store; `after` is a page's `next`."""
        ...

    def edges(
        self,
        node: NodeId,
        direction: Direction,
        kind: EdgeKind | None = None,
        *,
        after: str = "",
        limit: int = 100,
    ) -> EdgePage:
        """The edges that leave the node, or lead to it; ended ones too. `after` is a page's `next`.

        The first page of those that leave it holds the newest; a node that few lead to has all there.
        """
        ...


class Records(Protocol):
    """All that is kept, one record after the other."""

    def records(self) -> Iterator[Record]:
        """Every record, in the same order from every store; throttle records left out.

        A SQLite state tells one moment; of Table Storage each row is as it is when it is read. What cannot be
        read is told as such.
        """
        ...

    def records_of_everybody(self) -> Iterator[Record]:
        """Those of `OF_EVERYBODY`: connectors, organizations, who holds them, exemptions, sign-ins, work."""
        ...

    def records_of_graph_and_journal(self) -> Iterator[Record]:
        """Nodes, then edges, then receipts of reports, then the journal."""
        ...

    def organizations_with_records(self) -> Iterator[OrganizationId]:
        """Organizations of which anything is kept that is written under leases, whether or not known."""
        ...

    def records_of(
        self, organization: OrganizationId, kinds: Sequence[RecordKind] = OF_ORGANIZATIONS
    ) -> Iterator[Record]:
        """Those of these kinds of one organization, with whether their copies agree."""
        ...

    def drop_records_of(self, organization: OrganizationId) -> None:
        """Remove all that `records_of` tells of an organization that is not known, with its copies."""
        ...

    def compact(self) -> tuple[int, int] | None:
        """Give back the space of what was forgotten: bytes before and after. None where that needs nobody.

        Whoever writes meanwhile waits. Raises `StateUnavailable` where others write all the time, or the disk
        is full.
        """
        ...

    def replace_record(self, record: Record, after: object | None) -> bool:
        """Write this value in a record's place, with what follows from it; None removes it.

        Says False, and does nothing, when the record is no longer as it was read. One with neither a value
        nor a problem must be absent. Not for the graph, the journal and changes of status; bytes can only be
        removed. Who calls it for what is written under leases holds them.
        """
        ...

    def number_status_changes(self, organization: OrganizationId, last: int) -> None:
        """Number the changes that are kept one after the other, so that the newest has this number.

        Whoever calls it holds all work of the organization, and no change has a higher number.
        """
        ...

    def date_journal(self, now: datetime) -> None:
        """Date entries of the journal that are still to come as of now."""
        ...

    def storage_problems(self) -> Iterator[StorageProblem]:
        """What is wrong with the place: a damaged file, a table that is not there, a row of nothing."""
        ...

    def mend_storage(self, name: str) -> bool:
        """Mend the problem of this name, and say whether that could be done.

        `shared.model.storage.GRAPH` is that nodes and edges are not found by what they are.
        """
        ...

    def import_records(self, records: Iterable[Record], digest: str) -> None:
        """Write all of them into an empty state. Raises `StateConflict` where it is not empty.

        Readers see all or nothing: a store that needs several writes refuses to be opened in between, and
        goes on where the same digest comes again.
        """
        ...


class State(ConnectorState, ThrottleStore, SignInStore, MappingGraph, Records, Protocol):
    """A store of all of it, as `shared.connector_state.open_state` gives one."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def close(self) -> None:
        """Let go of the place; what was written stays."""
        ...


# --- queue and the bundle ---------------------------------------------------------------------------------


class CommandSender(Protocol):
    """Sends commands; each goes to the queue that `command.queue` names."""

    def send(self, command: Command, *, not_before: datetime | None = None) -> None:
        """Send now or, with `not_before`, so that it is delivered no earlier."""
        ...


class PipelineTokens(Protocol):
    """Verifies the tokens of pipelines' jobs."""

    def verify(self, token: str, now: datetime) -> PipelineToken:
        """What the token says. Raises `TokenRefused`; `ServiceError` while its keys cannot be had."""
        ...


class ConnectedOrganizations(Protocol):
    """Which organizations are onboarded here."""

    def find(self, identifier: str, now: datetime) -> tuple[Organization | None, bool]:
        """The organization that Azure DevOps knows by this id, and whether a connector has it onboarded.

        What changed a short while ago may not be seen yet.
        """
        ...


class Rate(Protocol):
    """How many reports each organization may send."""

    def wait(self, organization: OrganizationId) -> float:
        """Seconds until the organization may send one; 0 takes one of those that it may send now."""
        ...


class Viewers(Protocol):
    """Knows who looks."""

    def identify(self, headers: Mapping[str, str]) -> Viewer:
        """Who sent a request with these headers, their names in lower case. Raises `ViewerRefused`."""
        ...

    def enter(self, headers: Mapping[str, str], token: str) -> str:
        """The cookie for whoever comes with this token of an address that was printed for them.

        Raises `ViewerRefused` for a token that is none, or was used.
        """
        ...


class Notifier(Protocol):
    """Tells somebody outside what happened."""

    def send(self, identifier: str, body: bytes, at: datetime) -> None:
        """Send a CloudEvent of that time; the same id again is the same message. Raises `ServiceError`."""
        ...


@dataclass(frozen=True, slots=True)
class Intake:
    """What the intake of reports may touch beside `Dependencies`."""

    tokens: PipelineTokens
    connected: ConnectedOrganizations
    rate: Rate
    graph: MappingGraph
    is_on: bool = True


@dataclass(frozen=True, slots=True)
class Notifications:
    """Who is told of changes of the posture, and from which severity on."""

    notifier: Notifier
    severity: Severity

    @property
    def severities(self) -> frozenset[Severity]:
        """Those that are told of."""
        known = tuple(Severity)
        return frozenset(known[: known.index(self.severity) + 1])


class Urgency(IntEnum):
    """Whose requests go first where the rate limit or the places of a process are scarce."""

    URGENT = 0
    """Somebody waits for it: discovery, prerequisites, a forced onboarding."""
    NORMAL = 1
    """Inventory and extension."""
    BACKGROUND = 2
    """Posture, and what is read of finished runs."""


class Connect(Protocol):
    """Gives Azure DevOps as a connector's identity sees it."""

    def __call__(
        self, connector: Connector, *, discovering: bool = False, urgency: Urgency = Urgency.NORMAL
    ) -> AzureDevOps:
        """As the connector's *run as* or, when discovering, its *discover as* identity."""
        ...


class Log(Protocol):
    """The part of a structlog logger that handlers use; `event` is a stable dotted name."""

    def debug(self, event: str, **values: object) -> object: ...
    def info(self, event: str, **values: object) -> object: ...
    def warning(self, event: str, **values: object) -> object: ...
    def error(self, event: str, **values: object) -> object: ...
    def bind(self, **values: object) -> Log:
        """A logger whose events all carry these."""
        ...


@dataclass(frozen=True, slots=True)
class PostureIntervals:
    """How often posture is refreshed: `look` after what has changed, `full` whatever has."""

    look: timedelta
    full: timedelta


@dataclass(frozen=True, slots=True)
class Intervals:
    """How often each kind of work is due, and how long things may take."""

    work: Mapping[WorkKind, timedelta]
    not_onboarded_recheck: timedelta
    lease: timedelta
    slice: timedelta
    requeue_after: timedelta
    retry_first: timedelta = timedelta(minutes=1)
    retry_most: timedelta = timedelta(hours=1)
    history: timedelta = timedelta(days=400)
    """How long changes of status are kept."""
    journal: timedelta = timedelta(days=400)
    """How long entries of the journal are kept."""
    posture_full: timedelta = timedelta(0)
    """How often everything that posture rests on is read, whatever the audit log says; 0: each time."""
    posture_in_full: bool = False
    """Whether all that is refreshed is read in full, whatever these intervals are."""

    def posture_of(self, options: ConnectorOptions) -> PostureIntervals:
        """The connector's own intervals of posture, or else these."""
        return PostureIntervals(
            options.posture_interval or self.work[WorkKind.POSTURE],
            options.posture_full_interval or self.posture_full,
        )


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Everything a handler may touch."""

    state: ConnectorState
    sender: CommandSender
    connect: Connect
    graph: MappingGraph
    cloud: Cloud
    clock: Clock
    log: Log
    intervals: Intervals
    owner: str
    """This process, as lease owner."""
    concurrency: int = 4
    """How many requests one unit of work may have under way at once."""
    thresholds: Thresholds = DEFAULTS
    """Numbers that posture rules measure by."""
    notifications: Notifications | None = None
    """None where nobody is told."""
