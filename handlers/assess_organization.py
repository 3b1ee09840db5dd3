"""Queue: judge an organization and everything in its projects by the posture rules."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import datetime

from handlers.gather_facts import gather_organization, gather_project
from handlers.look_for_changes import basis_of, in_projects, look
from shared.model.assessment import AssessmentChange, AssessmentStatus
from shared.model.connector import Connector
from shared.model.facts import FactKind, OrganizationFacts, ProjectFacts
from shared.model.failure import ServiceError
from shared.model.ids import OrganizationId, ProjectId
from shared.model.inventory import Project, Repository
from shared.model.organization import Organization
from shared.model.work import Lease
from shared.ports import AzureDevOps, Clock, Dependencies, Urgency
from shared.posture.catalogue import RULES
from shared.posture.gathering import (
    Plan,
    forget_of_organization,
    forget_of_project,
    known_permissions,
    nothing_gathered,
    nothing_of_organization,
)
from shared.posture.judge import drop_all, judge
from shared.posture.kept_facts import (
    CHANGED_ONLY,
    OF_ORGANIZATION_FIRST,
    Kept,
    KeptProject,
    facts_of,
    kept_of,
    mark_of,
    pack,
    unpack,
)

_OF_ORGANIZATION = ProjectId("")
"""Scope of the rows that belong to no project."""

_AHEAD = 2
"""Projects under way or read and waiting for their turn, per thread: facts in memory stay few."""


def assess_organization(
    lease: Lease, deps: Dependencies, connector: Connector, organization: Organization, deadline: datetime
) -> str:
    """Gather facts of the organization, then of each project, judge them, and store what changed.

    Requests of a full refresh: those of `shared.posture.fact_sets`, as far as rules need them. Sets of the
    organization are read once, and kept from slice to slice; those of a project once for each project that is
    ready for use, and only while some rule still answers *unknown* without them; pipeline permissions once
    for each object that a rule cannot judge without. And 1 where all sets of a project failed, to learn
    whether it is the project's fault or the organization's. With P projects and O protected objects
    (repositories, service connections, variable groups, secure files, environments) that is at most
    `6 * P + 2 * O + 20`, where listings fit on one page.

    Between full refreshes the audit log is asked what has changed (see `handlers.look_for_changes`), and only
    that is read again: 3 requests, and those of the sets that changed or could not be read before. Everything
    else is judged from what was kept of it, if at all: a project is judged again when something of it
    changed, in Azure DevOps or in the inventory, when some of it is unknown, and when facts of the
    organization changed that matter to it.

    A fact that could not be read makes the rules that need it answer *unknown*, with the reason. What the
    whole organization refuses is no verdict on anything: it raises. A rate limit or an outage in the middle
    keeps what was done: the slice ends there, and the next one starts with the project that was not read.

    The organization itself is judged in the first slice, projects follow in order of id. Each is stored in
    one write, so a run that dies leaves none half-judged. What is missing from the inventory keeps its last
    verdicts; those of a project that is deleted are dropped.
    """
    ado = deps.connect(connector, urgency=Urgency.BACKGROUND)
    plan = Plan(RULES, deps.thresholds)
    before = unpack(Kept, deps.state.partial(organization.id, lease.kind))
    changed_only = lease.checkpoint.startswith(CHANGED_ONLY)
    if not lease.checkpoint:
        marked = look(deps, ado, connector, organization, before)
        changed_only = marked is not None
        before = marked
        if marked is not None:
            # Before anything is read: what the log told is not told again.
            deps.state.put_partial(lease, pack(marked))
    after = lease.checkpoint.removeprefix(CHANGED_ONLY)
    if before is None:
        # From the start, also where an earlier version of the app was interrupted.
        changed_only, after = False, ""
        before = Kept(
            nothing_of_organization(organization.id, organization.name, deps.clock.now()),
            basis=basis_of(deps, connector),
        )
    kept = _with_organization(ado, before, plan, lambda: deps.clock.now() >= deadline)
    found = _repositories(deps, organization.id, after)
    assessed = deps.state.assessed_at(organization.id).keys()
    run = _Run(deps, ado, organization, plan, kept, found, dict(kept.inventory), changed_only, assessed)
    if plan.left_of_organization(run.facts):
        return run.go_on(lease, OF_ORGANIZATION_FIRST)
    projects = run.due(_projects(deps, organization.id, after))
    if after in {"", OF_ORGANIZATION_FIRST}:
        run.store_organization(lease)
    done = after
    pool = ThreadPoolExecutor(deps.concurrency, thread_name_prefix="assess")
    try:
        timely = _until(deadline, deps.clock, projects)
        for project, gathered in _in_order(pool, deps.concurrency * _AHEAD, timely, run.gather):
            run.store(lease, project, gathered.result())
            done = project.id
    except ServiceError as error:
        if done == after:
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
    if projects and done != projects[-1].id:
        return run.go_on(lease, done)
    return run.finish(lease)


def _with_organization(ado: AzureDevOps, kept: Kept, plan: Plan, is_time_up: Callable[[], bool]) -> Kept:
    """With what is to be read again of the organization, as far as there is time."""
    forgotten = {FactKind(kind) for kind in kept.forgotten}
    facts = gather_organization(ado, forget_of_organization(kept.facts, forgotten), plan, is_time_up)
    left = {kind for kind in plan.left_of_organization(facts) if kind in forgotten}
    # What is still to be read is kept as it was: whether it changed is seen when it is read.
    shown = replace(facts, **{kind.name.lower(): getattr(kept.facts, kind.name.lower()) for kind in left})
    anew = kept.anew or (kept.full_at is not None and in_projects(kept.facts, shown))
    return replace(kept, facts=shown, forgotten=tuple(sorted(left)), anew=anew)


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
    kept: Kept
    repositories: Mapping[ProjectId, Sequence[Repository]]
    inventory: dict[str, str]
    changed_only: bool
    assessed: AbstractSet[str]
    """What was ever assessed: projects, and the organization itself as the empty string."""

    @property
    def facts(self) -> OrganizationFacts:
        """Facts of the organization that hold."""
        forgotten = (FactKind(kind) for kind in self.kept.forgotten)
        return forget_of_organization(self.kept.facts, forgotten)

    def due(self, projects: tuple[Project, ...]) -> tuple[Project, ...]:
        """Those that are to be judged: all, or those that something changed for or that are not known."""
        if not self.changed_only or self.kept.anew:
            return projects
        unknown = {
            one.project
            for one in self.deps.state.project_summaries(self.organization.id)
            if any(counts.get(AssessmentStatus.UNKNOWN) for counts in one.findings.values())
        }
        return tuple(
            one
            for one in projects
            if one.retired_at is not None
            or one.id in unknown
            or one.id in self.kept.changed
            or self.inventory.get(one.id) != mark_of(one, self.repositories.get(one.id, ()))
        )

    def gather(self, project: Project) -> ProjectFacts | None:
        """Read what the rules need of a project; nothing of a deleted one. Runs on a thread of the pool."""
        repositories = tuple(self.repositories.get(project.id, ()))
        if project.retired_at is not None:
            return None
        kept = None
        if self.changed_only:
            kept = unpack(KeptProject, self.deps.state.facts(self.organization.id, project.id))
        if kept is None:
            now = self.deps.clock.now()
            return gather_project(
                self.ado, self.plan, nothing_gathered(project, repositories, self.facts, now)
            )
        facts = facts_of(kept, project, repositories, self.facts)
        marks = self.kept.marks(project.id)
        known = known_permissions(facts, marks)
        return gather_project(self.ado, self.plan, forget_of_project(facts, marks), known)

    def go_on(self, lease: Lease, checkpoint: str) -> str:
        """Keep what the slice that goes on there needs."""
        self.deps.state.put_partial(lease, pack(replace(self.kept, inventory=self.inventory)))
        return f"{CHANGED_ONLY}{checkpoint}" if self.changed_only else checkpoint

    def finish(self, lease: Lease) -> str:
        """Keep what the next refresh goes on from, and note up to when everything was seen to hold."""
        state, kept = self.deps.state, self.kept
        if self.changed_only:
            kept = replace(kept, changed={}, anew=False)
            state.confirm_assessments(lease, kept.full_at, kept.looked_at)
        else:
            began = kept.facts.gathered_at
            kept = replace(kept, full_at=began, looked_at=began)
            state.confirm_assessments(lease, None, None)
        there = {one.id for one in state.projects(self.organization.id) if one.retired_at is None}
        inventory = {key: mark for key, mark in self.inventory.items() if key in there}
        state.put_partial(lease, pack(replace(kept, inventory=inventory)))
        state.forget_status_changes(lease, self.deps.clock.now() - self.deps.intervals.history)
        return ""

    def store_organization(self, lease: Lease) -> None:
        """Judge the organization itself and write what changed."""
        state, facts = self.deps.state, self.facts
        known = tuple(state.assessments(self.organization.id, _OF_ORGANIZATION))
        change = judge(self.organization.id, facts, known, RULES, self.deps.clock.now(), self.deps.thresholds)
        self._apply(lease, None, change, facts.gathered_at)

    def store(self, lease: Lease, project: Project, facts: ProjectFacts | None) -> None:
        """Judge what was gathered and write what changed."""
        state, now = self.deps.state, self.deps.clock.now()
        known = tuple(state.assessments(self.organization.id, project.id))
        if facts is not None:
            change = judge(self.organization.id, facts, known, RULES, now, self.deps.thresholds)
            state.put_facts(lease, project.id, pack(kept_of(facts)))
            self._apply(lease, project.id, change, facts.gathered_at)
            self.inventory[project.id] = mark_of(project, facts.repositories)
        elif known:
            # Should it be restored, it is another one than that which was judged.
            self.inventory.pop(project.id, None)
            state.put_facts(lease, project.id, b"")
            self._apply(lease, project.id, drop_all(self.organization.id, known, now), now)

    def _apply(self, lease: Lease, project: ProjectId | None, change: AssessmentChange, at: datetime) -> None:
        """Write what changed; where nothing did, that it was looked at, the first time or in full."""
        is_unchanged = not (change.rows or change.dropped or change.history)
        if self.changed_only and is_unchanged and (project or _OF_ORGANIZATION) in self.assessed:
            return
        self.deps.state.apply_assessments(lease, project, change, at)


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
        under_way.append((project, pool.submit(copy_context().run, work, project)))
        if len(under_way) >= ahead:
            yield under_way.popleft()
    yield from under_way
