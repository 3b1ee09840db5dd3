"""Queue: judge an organization and everything in its projects by the posture rules."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from handlers.gather_facts import gather_organization, gather_project
from shared.model.connector import Connector
from shared.model.facts import OrganizationFacts, ProjectFacts
from shared.model.failure import ServiceError
from shared.model.ids import OrganizationId, ProjectId
from shared.model.inventory import Project, Repository
from shared.model.organization import Organization
from shared.model.work import Lease
from shared.ports import AzureDevOps, Clock, Dependencies, Urgency
from shared.posture.catalogue import RULES
from shared.posture.gathering import Plan, nothing_gathered, nothing_of_organization
from shared.posture.judge import drop_all, judge
from shared.posture.kept_facts import pack, unpack

_OF_ORGANIZATION = ProjectId("")
"""Scope of the rows that belong to no project."""

_OF_ORGANIZATION_FIRST = "-"
"""Checkpoint while facts of the organization are being read; it stands before every id of a project."""

_AHEAD = 2
"""Projects under way or read and waiting for their turn, per thread: facts in memory stay few."""


def assess_organization(
    lease: Lease, deps: Dependencies, connector: Connector, organization: Organization, deadline: datetime
) -> str:
    """Gather facts of the organization, then of each project, judge them, and store what changed.

    Requests: those of `shared.posture.fact_sets`, as far as rules need them. Sets of the organization are
    read once, and kept from slice to slice; those of a project once for each project that is ready for use,
    and only while some rule still answers *unknown* without them; pipeline permissions once for each object
    that a rule cannot judge without. And 1 where all sets of a project failed, to learn whether it is the
    project's fault or the organization's. With P projects and O protected objects (repositories, service
    connections, variable groups, secure files, environments) that is at most `6 * P + 2 * O + 20`, where
    listings fit on one page.

    A fact that could not be read makes the rules that need it answer *unknown*, with the reason. What the
    whole organization refuses is no verdict on anything: it raises. A rate limit or an outage in the middle
    keeps what was done: the slice ends there, and the next one starts with the project that was not read.

    The organization itself is judged in the first slice, projects follow in order of id. Each is stored in
    one write, so a run that dies leaves none half-judged. What is missing from the inventory keeps its last
    verdicts; those of a project that is deleted are dropped.
    """
    ado = deps.connect(connector, urgency=Urgency.BACKGROUND)
    plan = Plan(RULES, deps.thresholds)
    facts = _organization_facts(lease, deps, ado, organization, plan, deadline)
    found = _repositories(deps, organization.id, lease.checkpoint)
    run = _Run(deps, ado, organization, plan, facts, found)
    if plan.left_of_organization(facts):
        return run.go_on(lease, _OF_ORGANIZATION_FIRST)
    projects = _projects(deps, organization.id, lease.checkpoint)
    if lease.checkpoint in {"", _OF_ORGANIZATION_FIRST}:
        run.store_organization(lease)
    done = lease.checkpoint
    pool = ThreadPoolExecutor(deps.concurrency, thread_name_prefix="assess")
    try:
        timely = _until(deadline, deps.clock, projects)
        for project, gathered in _in_order(pool, deps.concurrency * _AHEAD, timely, run.gather):
            run.store(lease, project, gathered.result())
            done = project.id
    except ServiceError as error:
        if done == lease.checkpoint:
            raise
        deps.log.warning(
            "posture.interrupted",
            organization=organization.name,
            after_project=done,
            code=error.failure.code,
            reason=error.failure.reason,
        )
        return run.go_on(lease, done)
    finally:
        pool.shutdown(cancel_futures=True)
    finished = not projects or done == projects[-1].id
    if finished:
        deps.state.forget_status_changes(lease, deps.clock.now() - deps.intervals.history)
    return run.go_on(lease, "" if finished else done)


def _organization_facts(
    lease: Lease,
    deps: Dependencies,
    ado: AzureDevOps,
    organization: Organization,
    plan: Plan,
    deadline: datetime,
) -> OrganizationFacts:
    """What the slices before have read, and the rest as far as there is time."""
    kept = unpack(deps.state.partial(organization.id, lease.kind)) if lease.checkpoint else None
    facts = kept or nothing_of_organization(organization.id, organization.name, deps.clock.now())
    return gather_organization(ado, facts, plan, lambda: deps.clock.now() >= deadline)


def _projects(deps: Dependencies, organization: OrganizationId, after: str) -> tuple[Project, ...]:
    """Projects to judge, and deleted ones that were judged once, in order of id."""
    assessed = deps.state.assessed_at(organization)
    return tuple(
        project
        for project in deps.state.projects(organization)
        if project.id > after
        and (project.id in assessed if project.retired_at is not None else project.missing_since is None)
    )


def _repositories(
    deps: Dependencies, organization: OrganizationId, after: str
) -> dict[ProjectId, list[Repository]]:
    """Repositories that are not deleted, by project: the state keeps them in order of their own ids."""
    found: dict[ProjectId, list[Repository]] = {}
    for repository in deps.state.repositories(organization):
        if repository.retired_at is None and repository.project_id > after:
            found.setdefault(repository.project_id, []).append(repository)
    return found


@dataclass(frozen=True, slots=True)
class _Run:
    """What every project of one run has in common."""

    deps: Dependencies
    ado: AzureDevOps
    organization: Organization
    plan: Plan
    facts: OrganizationFacts
    repositories: dict[ProjectId, list[Repository]]

    def gather(self, project: Project) -> ProjectFacts | None:
        """Read what the rules need of a project; nothing of a deleted one. Runs on a thread of the pool."""
        repositories = tuple(self.repositories.pop(project.id, ()))
        if project.retired_at is not None:
            return None
        now = self.deps.clock.now()
        return gather_project(self.ado, self.plan, nothing_gathered(project, repositories, self.facts, now))

    def go_on(self, lease: Lease, checkpoint: str) -> str:
        """Keep the organization's facts for the slice that goes on there; forget them when it is done."""
        if checkpoint:
            self.deps.state.put_partial(lease, pack(self.facts))
        elif lease.checkpoint:
            self.deps.state.put_partial(lease, b"")
        return checkpoint

    def store_organization(self, lease: Lease) -> None:
        """Judge the organization itself and write what changed."""
        state, facts = self.deps.state, self.facts
        known = tuple(state.assessments(self.organization.id, _OF_ORGANIZATION))
        change = judge(self.organization.id, facts, known, RULES, self.deps.clock.now(), self.deps.thresholds)
        state.apply_assessments(lease, None, change, facts.gathered_at)

    def store(self, lease: Lease, project: Project, facts: ProjectFacts | None) -> None:
        """Judge what was gathered and write what changed."""
        state, now = self.deps.state, self.deps.clock.now()
        known = tuple(state.assessments(self.organization.id, project.id))
        if facts is not None:
            change = judge(self.organization.id, facts, known, RULES, now, self.deps.thresholds)
            state.apply_assessments(lease, project.id, change, facts.gathered_at)
        elif known:
            state.apply_assessments(lease, project.id, drop_all(self.organization.id, known, now), now)


def _until(deadline: datetime, clock: Clock, projects: Iterable[Project]) -> Iterator[Project]:
    """At least one project, so that every slice gets further; then as many as there is time for."""
    for number, project in enumerate(projects):
        if number and clock.now() >= deadline:
            return
        yield project


def _in_order(
    pool: ThreadPoolExecutor,
    ahead: int,
    projects: Iterable[Project],
    work: Callable[[Project], ProjectFacts | None],
) -> Iterator[tuple[Project, Future[ProjectFacts | None]]]:
    """Work on several projects at once, and hand them on in their order."""
    under_way: deque[tuple[Project, Future[ProjectFacts | None]]] = deque()
    for project in projects:
        under_way.append((project, pool.submit(work, project)))
        if len(under_way) >= ahead:
            yield under_way.popleft()
    yield from under_way
