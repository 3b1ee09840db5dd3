"""Queue: bring an organization's projects and repositories in line with what Azure DevOps lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from handlers.identity_rights import read_identity_rights
from handlers.unit_of_work import bring_forward
from shared.model.connector import Connector
from shared.model.failure import Denied, Failure, FailureKind, Gone, ServiceError, Throttled, Unreadable
from shared.model.inventory import ObservedProject, ObservedRepository, Project, Repository
from shared.model.journal import JournalEntry
from shared.model.observation import Observation
from shared.model.organization import Organization
from shared.model.prerequisite import PrerequisiteName, PrerequisiteStatus
from shared.model.work import Lease, WorkKind
from shared.ports import AzureDevOps, Dependencies, InventoryChange
from shared.reconcile.inventory import (
    Comparison,
    Evidence,
    RightsCheck,
    compare_projects,
    compare_repositories,
    settle,
    unknown_projects,
)
from shared.reconcile.listing import PartialListing, resumed
from shared.reconcile.prerequisites import describe, judge

_LOOKUPS = 50
"""Most projects that are looked up one by one; more than that says that the listing itself is at fault."""

_QUESTIONS = 25
"""Most vanished things that are asked after one by one in one sync; the others wait for the next."""

_BINS = 100
"""Most recycle bins that are read in one sync."""

_ROWS = 2_000
"""Rows written at a time: a large first sync holds no lock for long, and notices soon when its slice ends."""

T = TypeVar("T")
Row = TypeVar("Row", Project, Repository)


def sync_organization(
    lease: Lease, deps: Dependencies, connector: Connector, organization: Organization, deadline: datetime
) -> str:
    """List everything, compare, write what changed, ask after what vanished.

    Requests: ceil(projects / page) + 1 when nothing vanished; 1 for each project that repositories name
    and the listing lacks. When something vanished also: 4 for the identity's rights, 1 for the deleted
    projects if a project did, 1 for each recycle bin of a project that lost a repository, and up to 2 for
    each vanished thing that those do not prove deleted (50 things at most).

    A listing that broke off is applied as far as whole answers told it and is then raised. Nothing goes
    missing or is retired in such a run, not even what the other listing lacks.

    A slice that runs out of time, or that the rate limit stops, keeps the pages of projects that it has read.
    The next goes on behind them, and reads the one answer of repositories once more for each slice of writing
    (1 request). A slice that died leaves a listing that is read again from its beginning.
    """
    ado = deps.connect(connector)
    run = _Run(deps, ado, lease, connector, organization, deadline)
    listed = run.read()
    if isinstance(listed, str):
        return listed
    return run.apply(listed)


@dataclass(frozen=True, slots=True)
class _Listed:
    """Both listings, as far as they were read."""

    began_at: datetime
    projects: Observation[ObservedProject]
    repositories: Observation[ObservedRepository]
    changed: bool


@dataclass(frozen=True, slots=True)
class _Run:
    """One slice of the sync of one organization."""

    deps: Dependencies
    ado: AzureDevOps
    lease: Lease
    connector: Connector
    organization: Organization
    deadline: datetime

    def read(self) -> _Listed | str:
        """Read both listings, or return the checkpoint where the next slice goes on."""
        deps, now = self.deps, self.deps.clock.now()
        content = deps.state.partial(self.organization.id, self.lease.kind) if self.lease.checkpoint else b""
        before = resumed(self.lease.checkpoint, content, now, self.lease.attempt)
        if before is None:
            with ThreadPoolExecutor(1, thread_name_prefix="list") as pool:
                # The pages of projects cost time on the way, the one answer of repositories costs it here.
                listing = pool.submit(copy_context().run, self._repositories)
                projects = self._pages()
                repositories = listing.result()
            began = PartialListing(now)
        else:
            began = before
            projects = self._rest_of(before)
            if projects.failure is None and not projects.complete:
                repositories = Observation.partial((), _CUT)
            else:
                repositories = self._repositories()
        read = replace(
            began, projects=projects.items, next_start=projects.next_start, complete=projects.complete
        )
        throttled = _throttled(projects) or _throttled(repositories)
        if throttled is not None or (projects.failure is None and not projects.complete):
            if throttled is not None and (read == before or not read.projects):
                raise throttled
            return self._keep(read)
        try:
            projects, repositories = _complete_projects(
                self.ado, self.organization.name, projects, repositories
            )
        except Throttled:
            if read == before or not read.complete:
                raise
            return self._keep(read)
        return _Listed(began.began_at, projects, repositories, began.changed)

    def _pages(self) -> Observation[ObservedProject]:
        return self.ado.projects(
            self.organization.name, deadline=self.deadline, expected=self.organization.projects
        )

    def _rest_of(self, before: PartialListing) -> Observation[ObservedProject]:
        """What an earlier slice read, with what this one adds."""
        if before.complete:
            return Observation.whole(before.projects)
        more = self.ado.projects(
            self.organization.name,
            start=before.next_start,
            deadline=self.deadline,
            expected=self.organization.projects,
        )
        if not more.items and more.failure is not None and _throttled(more) is None:
            # The continuation is not answered any more: only the beginning is sure to be.
            return self._pages()
        return replace(
            more,
            items=(*before.projects, *more.items),
            next_start=more.next_start or ("" if more.complete else before.next_start),
        )

    def _repositories(self) -> Observation[ObservedRepository]:
        return _repositories(self.ado, self.deps, self.connector, self.organization)

    def _keep(self, read: PartialListing) -> str:
        """Leave it to the next slice to go on from here."""
        content = read.content()
        self.deps.state.put_partial(self.lease, content)
        return read.checkpoint(content)

    def apply(self, listed: _Listed) -> str:
        """Bring the inventory in line, or return the checkpoint from which the rest is written."""
        deps, organization, lease = self.deps, self.organization, self.lease
        projects, repositories, listed_at = listed.projects, listed.repositories, listed.began_at
        deps.state.renew_lease(lease, deps.clock.now() + deps.intervals.lease)
        project_changes = compare_projects(
            organization.id, deps.state.projects(organization.id), projects, listed_at
        )
        repository_changes = compare_repositories(
            organization.id, deps.state.repositories(organization.id), repositories, listed_at
        )
        failure = projects.failure or repositories.failure
        # A run that died may have written what this one finds unchanged.
        changed = listed.changed or bool(project_changes.rows or repository_changes.rows) or lease.attempt > 1
        written = self._write(project_changes.rows, project_changes.journal) and self._write(
            repository_changes.rows, repository_changes.journal
        )
        if not written:
            if failure is not None:
                self._have_assessed(changed=changed)
                raise ServiceError.of(failure)  # the next run lists again, and finds less to write
            return self._keep(PartialListing(listed_at, projects.items, complete=True, changed=changed))
        if failure is None:
            outcome = _settle(
                self.ado, deps, self.connector, organization, project_changes, repository_changes, listed_at
            )
        else:
            # One half of the picture is missing: what the other half lacks is left as it is.
            outcome = _untouched(project_changes, repository_changes)
        self._write(outcome.projects, outcome.journal, to_the_end=True)
        self._write(outcome.repositories, outcome.journal, to_the_end=True)
        deps.state.finish_listing(
            lease,
            listed_at=listed_at if failure is None else None,
            projects=project_changes.present + outcome.alive_projects,
            repositories=repository_changes.present + outcome.alive_repositories,
            by_project=Counter(one.project_id for one in repositories.items) if failure is None else None,
        )
        self._have_assessed(changed=changed)
        if failure is not None:
            raise ServiceError.of(failure)
        return ""

    def _have_assessed(self, *, changed: bool) -> None:
        """What is new or changed is judged now, not when the next assessment happens to be due."""
        deps, organization = self.deps, self.organization
        if changed:
            bring_forward(deps, organization.id, (WorkKind.POSTURE,))
        else:
            deps.state.ensure_work(organization.id, WorkKind.POSTURE, deps.clock.now())

    def _write(
        self,
        rows: Sequence[Project] | Sequence[Repository],
        journal: Sequence[JournalEntry],
        *,
        to_the_end: bool = False,
    ) -> bool:
        """Write, in parts, until the slice ends; at least one part, so that every slice gets further.

        Each row goes with the entries that tell of it, so that none is told twice. Says whether all was
        written.
        """
        told: dict[str, list[JournalEntry]] = {}
        for entry in journal:
            told.setdefault(entry.subject, []).append(entry)
        for start in range(0, len(rows), _ROWS):
            if start and not to_the_end and self.deps.clock.now() >= self.deadline:
                return False
            part = rows[start : start + _ROWS]
            self.deps.state.apply_inventory(
                self.lease,
                InventoryChange(
                    projects=tuple(row for row in part if isinstance(row, Project)),
                    repositories=tuple(row for row in part if isinstance(row, Repository)),
                    journal=tuple(entry for row in part for entry in told.get(row.id, ())),
                ),
            )
        return True


_CUT = Failure(
    FailureKind.TRANSIENT, "SliceEnded", "The time slice ended before it was read.", "It is read by the next."
)


def _throttled(observation: Observation[T]) -> Throttled | None:
    """The wait that cut a listing short."""
    failure = observation.failure
    return Throttled(failure) if failure is not None and failure.kind is FailureKind.THROTTLED else None


def _unless_throttled(observation: Observation[T]) -> Observation[T]:
    """A listing that the rate limit cut short says nothing worth keeping: it is read again, whole."""
    if observation.failure is not None and observation.failure.kind is FailureKind.THROTTLED:
        raise Throttled(observation.failure)
    return observation


def _repositories(
    ado: AzureDevOps, deps: Dependencies, connector: Connector, organization: Organization
) -> Observation[ObservedRepository]:
    """The repository listing, unless the identity's licence makes it an empty lie."""
    for prerequisite in deps.state.prerequisites(organization.id, connector.id):
        if (
            prerequisite.name is PrerequisiteName.ACCESS_LEVEL
            and prerequisite.status is PrerequisiteStatus.NOT_MET
        ):
            failure = Failure(
                FailureKind.DENIED,
                "AccessLevelTooLow",
                f"Organization {organization.name}: repositories are hidden from the identity. "
                f"{describe(prerequisite)}",
                prerequisite.fix,
                permission="Basic access level",
            )
            return Observation.partial((), failure)
    return ado.repositories(organization.name)


def _complete_projects(
    ado: AzureDevOps,
    organization: str,
    projects: Observation[ObservedProject],
    repositories: Observation[ObservedRepository],
) -> tuple[Observation[ObservedProject], Observation[ObservedRepository]]:
    """Look up projects that repositories name and the listing lacks (they appeared while it was read).

    Repositories whose project stays unknown are left out, and make their listing partial.
    """
    missing = unknown_projects(repositories.items, projects.items)
    if not missing:
        return projects, repositories
    found: list[ObservedProject] = []
    failure: Failure | None = projects.failure
    if failure is None and len(missing) <= _LOOKUPS:
        for identifier in missing:
            try:
                found.append(ado.project(organization, identifier))
            except Throttled:
                raise
            except ServiceError as error:
                failure = error.failure
    elif failure is None:
        failure = Failure(
            FailureKind.UNREADABLE,
            "ProjectsMissing",
            f"Organization {organization}: repositories name {len(missing)} projects that the project "
            "listing lacks.",
            "It is read again on the next sync; if it stays so, check the identity's rights on the projects.",
        )
    known = {project.id for project in (*projects.items, *found)}
    complete = replace(projects, items=(*projects.items, *found))
    if failure is None:
        return complete, repositories
    kept = tuple(one for one in repositories.items if one.project_id in known)
    return complete, Observation.partial(kept, repositories.failure or failure)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of the vanished."""

    projects: tuple[Project, ...] = ()
    repositories: tuple[Repository, ...] = ()
    journal: tuple[JournalEntry, ...] = ()
    alive_projects: int = 0
    alive_repositories: int = 0


def _untouched(projects: Comparison[Project], repositories: Comparison[Repository]) -> _Outcome:
    return _Outcome(
        alive_projects=sum(row.missing_since is None for row in projects.vanished),
        alive_repositories=sum(row.missing_since is None for row in repositories.vanished),
    )


def _settle(
    ado: AzureDevOps,
    deps: Dependencies,
    connector: Connector,
    organization: Organization,
    projects: Comparison[Project],
    repositories: Comparison[Repository],
    now: datetime,
) -> _Outcome:
    if not projects.vanished and not repositories.vanished:
        return _Outcome()
    rights = _rights(ado, deps, connector, organization, now)
    sees_all = any(
        one.name is PrerequisiteName.PROJECT_COLLECTION_ADMINISTRATOR and one.status is PrerequisiteStatus.MET
        for one in rights.now
    )
    settled_projects = settle(
        organization.id,
        projects.vanished,
        _project_evidence(ado, organization.name, projects.vanished, sees_all=sees_all),
        rights,
        now,
    )
    gone = {row.id for row in projects.vanished}
    settled_repositories = settle(
        organization.id,
        repositories.vanished,
        _repository_evidence(
            ado,
            organization.name,
            [row for row in repositories.vanished if row.project_id not in gone],
            sees_all=sees_all,
        ),
        rights,
        now,
        retired_projects=settled_projects.retired | _retired(deps, organization),
        missing_projects=gone - settled_projects.retired,
    )
    return _Outcome(
        settled_projects.rows,
        settled_repositories.rows,
        (*settled_projects.journal, *settled_repositories.journal),
        settled_projects.alive,
        settled_repositories.alive,
    )


def _retired(deps: Dependencies, organization: Organization) -> frozenset[str]:
    """Projects that were retired by an earlier run, which may have died before it came to repositories."""
    return frozenset(row.id for row in deps.state.projects(organization.id) if row.retired_at is not None)


def _rights(
    ado: AzureDevOps, deps: Dependencies, connector: Connector, organization: Organization, now: datetime
) -> RightsCheck:
    stored = deps.state.prerequisites(organization.id, connector.id)
    rights = read_identity_rights(ado, organization.name, everything=False)
    return RightsCheck(
        stored=stored,
        now=judge(rights, stored, connector.identity.kind, now, tenant=connector.tenant),
        previous_listing=organization.last_complete_listing,
    )


def _project_evidence(
    ado: AzureDevOps, organization: str, vanished: Sequence[Project], *, sees_all: bool
) -> Evidence:
    if not vanished:
        return Evidence()
    deleted = {project.id for project in _unless_throttled(ado.deleted_projects(organization)).items}
    return _ask(
        [row for row in vanished if row.id not in deleted],
        exists=lambda row: ado.project(organization, row.id).id == row.id,
        may_read=lambda row: ado.project_read_permission(organization, row.id),
        lacks=lambda row: (
            f'the identity has no "View project-level information" on project {row.name}. '
            "Grant it: Project settings > Permissions."
        ),
        deleted=deleted,
        sees_all=sees_all,
    )


def _repository_evidence(
    ado: AzureDevOps, organization: str, vanished: Sequence[Repository], *, sees_all: bool
) -> Evidence:
    deleted: set[str] = set()
    for project in list(dict.fromkeys(row.project_id for row in vanished))[:_BINS]:
        deleted.update(
            one.id for one in _unless_throttled(ado.deleted_repositories(organization, project)).items
        )
    return _ask(
        [row for row in vanished if row.id not in deleted],
        exists=lambda row: ado.repository(organization, row.project_id, row.id).id == row.id,
        may_read=lambda row: ado.repository_read_permission(organization, row.project_id, row.id),
        lacks=lambda row: (
            f'the identity has no "Read" on repository {row.name}. '
            "Grant it: Project settings > Repositories > Security."
        ),
        deleted=deleted,
        sees_all=sees_all,
    )


def _ask(
    vanished: Sequence[Row],
    *,
    exists: Callable[[Row], bool],
    may_read: Callable[[Row], bool],
    lacks: Callable[[Row], str],
    deleted: AbstractSet[str],
    sees_all: bool,
) -> Evidence:
    """Ask after each of the vanished: whether it answers, and if not, whether the identity may read it.

    Where Azure DevOps does not tell the permission on the thing itself, an administrator of the whole
    collection is taken to see it.
    """
    hidden: dict[str, str] = {}
    readable: set[str] = set()
    alive: set[str] = set()
    for row in vanished[:_QUESTIONS]:
        try:
            if exists(row):
                alive.add(row.id)
                continue
        except Gone:
            pass
        except Denied as error:
            hidden[row.id] = error.failure.sentence()
            continue
        except Throttled:
            raise
        except ServiceError:
            continue
        try:
            if may_read(row):
                readable.add(row.id)
            else:
                hidden[row.id] = lacks(row)
        except (Gone, Unreadable):
            if sees_all:
                readable.add(row.id)
        except Throttled:
            raise
        except ServiceError:
            continue
    return Evidence(deleted, hidden, readable, alive)
