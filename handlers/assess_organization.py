"""Queue: judge an organization's projects, repositories and service connections by the posture rules."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from shared.model.connector import Connector
from shared.model.facts import Fact, FactKind, PipelineSettings, ProjectFacts
from shared.model.failure import Failure, FailureKind, ServiceError, Throttled, Transient
from shared.model.ids import OrganizationId, ProjectId
from shared.model.inventory import Project, Repository
from shared.model.organization import Organization
from shared.model.work import Lease
from shared.ports import AzureDevOps, Clock, Dependencies, Urgency
from shared.posture.catalogue import RULES
from shared.posture.gathering import next_fact, nothing_gathered
from shared.posture.judge import drop_all, judge

T = TypeVar("T")

_AHEAD = 2
"""Projects under way or read and waiting for their turn, per thread: facts in memory stay few."""


def assess_organization(
    lease: Lease, deps: Dependencies, connector: Connector, organization: Organization, deadline: datetime
) -> str:
    """Gather facts of each project, judge them, and store what changed, project by project in order of id.

    Requests: 1 for the organization's pipeline settings. Then, for each project that is ready for use:

    - 1 for its pipeline settings, unless the organization's settle the matter;
    - 1 per page of branch policies, unless no repository has a default branch to protect;
    - 1 for its service connections, and 1 more per service connection;
    - 1 when all of these failed, to learn whether it is the project's fault or the organization's.

    A fact that could not be read makes the rules that need it answer *unknown*, with the reason. What the
    whole organization refuses is no verdict on anything: it raises. A rate limit or an outage in the middle
    keeps what was done: the slice ends there, and the next one starts with the project that was not read.

    A project is stored in one write, so a run that dies leaves none half-judged. What is missing from the
    inventory keeps its last verdicts; those of a project that is deleted are dropped.
    """
    ado = deps.connect(connector, urgency=Urgency.BACKGROUND)
    settings = _read_of_organization(lambda: ado.organization_pipeline_settings(organization.name))
    run = _Run(deps, ado, organization, settings, _repositories(deps, organization.id, lease.checkpoint))
    projects = _projects(deps, organization.id, lease.checkpoint)
    done = lease.checkpoint
    pool = ThreadPoolExecutor(deps.concurrency, thread_name_prefix="assess")
    try:
        timely = _until(deadline, deps.clock, projects)
        for project, facts in _in_order(pool, deps.concurrency * _AHEAD, timely, run.gather):
            run.store(lease, project, facts.result())
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
        return done
    finally:
        pool.shutdown(cancel_futures=True)
    if projects and done != projects[-1].id:
        return done
    deps.state.forget_status_changes(lease, deps.clock.now() - deps.intervals.history)
    return ""


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
    settings: Fact[PipelineSettings]
    repositories: dict[ProjectId, list[Repository]]

    def gather(self, project: Project) -> ProjectFacts | None:
        """Read what the rules need of a project; nothing of a deleted one. Runs on a thread of the pool."""
        repositories = tuple(self.repositories.pop(project.id, ()))
        if project.retired_at is not None:
            return None
        facts = nothing_gathered(project, repositories, self.settings, self.deps.clock.now())
        answers: list[Failure | None] = []
        while (kind := next_fact(facts, RULES)) is not None:
            facts, failure = self._ask(kind, facts)
            answers.append(failure)
        if answers and all(answers):
            self.ado.connection(self.organization.name)
        return facts

    def _ask(self, kind: FactKind, facts: ProjectFacts) -> tuple[ProjectFacts, Failure | None]:
        ado, name, project = self.ado, self.organization.name, facts.project.id
        if kind is FactKind.PIPELINE_SETTINGS:
            settings = _read(lambda: ado.pipeline_settings(name, project))
            return replace(facts, pipeline_settings=settings), settings.failure
        if kind is FactKind.BRANCH_POLICIES:
            policies = _read(lambda: ado.branch_policies(name, project))
            return replace(facts, branch_policies=policies), policies.failure
        connections = _read(lambda: ado.service_connections(name, project))
        for connection in connections.value or ():
            failure = connection.open_to_all_pipelines.failure
            if failure is not None and failure.kind is FailureKind.THROTTLED:
                raise ServiceError.of(failure)
        return replace(facts, service_connections=connections), connections.failure

    def store(self, lease: Lease, project: Project, facts: ProjectFacts | None) -> None:
        """Judge what was gathered and write what changed."""
        state, now = self.deps.state, self.deps.clock.now()
        known = tuple(state.assessments(self.organization.id, project.id))
        if facts is not None:
            change = judge(self.organization.id, facts, known, RULES, now)
            state.apply_assessments(lease, project.id, change, facts.gathered_at)
        elif known:
            state.apply_assessments(lease, project.id, drop_all(self.organization.id, known, now), now)


def _read_of_organization(call: Callable[[], T]) -> Fact[T]:
    """One answer for all projects: what may pass by itself must not turn every one of them unknown."""
    try:
        return Fact.read(call())
    except (Throttled, Transient):
        raise
    except ServiceError as error:
        return Fact.unread(error.failure)


def _read(call: Callable[[], T]) -> Fact[T]:
    try:
        return Fact.read(call())
    except Throttled:
        raise
    except ServiceError as error:
        return Fact.unread(error.failure)


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
