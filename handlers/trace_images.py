"""Queue: read where images came from and where they run: finished runs, registries, Azure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.model.connector import Connector
from shared.model.failure import Denied, Failure, FailureKind, Gone, ServiceError, Throttled, Transient
from shared.model.ids import OrganizationId, ProjectId, RepositoryId
from shared.model.inventory import Project
from shared.model.mapping import (
    Confidence,
    Direction,
    Edge,
    EdgeKind,
    GraphFacts,
    Node,
    NodeId,
    Source,
    image_node,
    project_node,
    registry_node,
    repository_node,
)
from shared.model.organization import Organization
from shared.model.run import PipelineRun
from shared.model.work import Lease
from shared.ports import AzureDevOps, Dependencies, Registry, Urgency
from shared.tracing.build_log import LogFindings, read_build_log
from shared.tracing.labels import OriginClaim
from shared.tracing.origins import Saying, facts_of_place
from shared.tracing.push_steps import plan_logs
from shared.tracing.references import ImageReference
from shared.tracing.registry_facts import LOOKED, Known, agreeing, facts_of_registry_image
from shared.tracing.run_facts import UNREAD, RunPlace, could_not_read, facts_of_people, facts_of_run
from shared.tracing.running_facts import Resolved, facts_of_resource, subscription_node, superseded
from shared.tracing.seen_runs import AZURE, REGISTRIES, SeenRuns, pack_seen, unpack_seen

_LISTED = "listedAt"
"""Attribute of a registry or subscription: when all of it was read, by whichever organization's work."""

_READY = "wellFormed"
_AZURE_REPOS = "tfsgit"

_BATCH = 4
"""Runs read before what they told is kept, per request that may be under way at once."""

_EDGES_MOST = 1_000
_PAGES_MOST = 20
_LOOKED_AGAIN = timedelta(days=1)
"""An image without origin is looked at again for a day: provenance may be attached after it was pushed."""


def trace_images(
    lease: Lease, deps: Dependencies, connector: Connector, organization: Organization, deadline: datetime
) -> str:
    """Do what the connector asks for of: logs of finished runs, registries, Azure Resource Graph.

    Requests to Azure DevOps: 1 per project and 200 new finished runs; 1 for each new run, and 1 more for the
    log of one that pushed; none for runs that were seen; 2 more per repository and batch of runs that pushed
    from it, for authors and approvals. Registries and subscriptions are read once per
    interval, though several organizations' connectors name them: 1 per page of repositories and of tags, 1
    per tag, and those of `shared.ports.Registry.image` once per digest; 1 per 1,000 resources.

    What may not be read is noted where it is, with the fix, and the rest goes on. A rate limit or an outage
    raises; what was read until then is kept, and is not read again.
    """
    options = connector.options
    place = lease.checkpoint
    run = _Work(lease, deps, connector, organization, deadline)
    if options.read_build_logs and not place.startswith((REGISTRIES, AZURE)):
        stopped = run.read_runs(ProjectId(place))
        if stopped:
            return stopped
    if not place.startswith(AZURE):
        for host in options.registries:
            stopped = run.read_registry(host, place.removeprefix(REGISTRIES))
            if stopped:
                return stopped
    for subscription in options.subscriptions:
        if run.is_time_up and run.did_something:
            return f"{AZURE}{subscription}"
        run.read_subscription(subscription)
    return ""


@dataclass(frozen=True, slots=True)
class _Batch:
    """What several runs told, and which were read. Of those that were not: why, and when the first ended."""

    facts: GraphFacts
    read: Sequence[PipelineRun]
    failure: Failure | None
    unread: datetime | None


@dataclass(slots=True)
class _Work:
    """What the parts of one slice have in common."""

    lease: Lease
    deps: Dependencies
    connector: Connector
    organization: Organization
    deadline: datetime
    did_something: bool = False
    _repositories: dict[OrganizationId, dict[tuple[str, str], str]] = field(default_factory=dict)

    @property
    def is_time_up(self) -> bool:
        """Whether the slice is over."""
        return self.deps.clock.now() >= self.deadline

    @property
    def now(self) -> datetime:
        """The present."""
        return self.deps.clock.now()

    # --- finished runs ------------------------------------------------------------------------------------

    def read_runs(self, after: ProjectId) -> str:
        """Read the runs of every project behind that one; where to go on, empty behind the last."""
        state = self.deps.state
        ado = self.deps.connect(self.connector, urgency=Urgency.BACKGROUND)
        seen = unpack_seen(state.partial(self.organization.id, self.lease.kind), self.now)
        done = after
        for project in state.projects(self.organization.id):
            if (
                project.id <= after
                or project.retired_at
                or project.missing_since
                or project.state != "wellFormed"
            ):
                continue
            if self.is_time_up and self.did_something:
                return done or "-"
            seen, is_whole = self._project(ado, project, seen)
            self.did_something = True
            if not is_whole:
                return done or "-"
            done = project.id
        state.put_partial(self.lease, pack_seen(seen))
        return ""

    def _project(self, ado: AzureDevOps, project: Project, seen: SeenRuns) -> tuple[SeenRuns, bool]:
        """Read the runs of a project that were not seen; says whether all of them were."""
        place = RunPlace(self.organization.id, self.organization.name, project.name)
        known = seen.of(project.id)
        listed = ado.finished_runs(self.organization.name, project.id, known.since, deadline=self.deadline)
        unseen = known.unseen(listed.items)
        size = max(1, self.deps.concurrency) * _BATCH
        failure = listed.failure
        with ThreadPoolExecutor(self.deps.concurrency, thread_name_prefix="trace") as pool:
            for start in range(0, len(unseen), size):
                if start and self.is_time_up:
                    return seen, False
                batch = unseen[start : start + size]
                told = self._batch(pool, ado, project, place, batch)
                self.deps.graph.record_mappings(told.facts)
                if told.read:
                    known = known.with_runs(told.read, told.unread)
                    seen = seen.with_project(project.id, known)
                    self.deps.state.put_partial(self.lease, pack_seen(seen))
                if told.failure is not None:
                    failure = told.failure
                    break
        self._note(project_node(project.id), failure, project.name)
        return seen, listed.complete or failure is not None

    def _batch(
        self,
        pool: ThreadPoolExecutor,
        ado: AzureDevOps,
        project: Project,
        place: RunPlace,
        runs: Sequence[PipelineRun],
    ) -> _Batch:
        """Read several runs at once."""
        facts, read, pushed = GraphFacts(), list[PipelineRun](), list[PipelineRun]()
        # Read at once, told in their order: the last word on a pipeline is that of its last run.
        now = self.now

        def start(run: PipelineRun, at: datetime) -> Future[GraphFacts]:
            return pool.submit(copy_context().run, self._run, ado, project, place, run, at)

        submitted = [
            (one, start(one, now + timedelta(microseconds=number))) for number, one in enumerate(runs)
        ]
        failure: Failure | None = None
        unread: datetime | None = None
        for run, future in submitted:
            try:
                told = future.result()
            except ServiceError as error:
                failure, unread = failure or error.failure, unread or run.finished_at
                continue
            facts += told
            read.append(run)
            if told.edges:
                pushed.append(run)
        return _Batch(facts + self._people(ado, project, pushed), read, failure, unread)

    def _people(self, ado: AzureDevOps, project: Project, runs: Sequence[PipelineRun]) -> GraphFacts:
        """Who wrote and who approved what these runs built. Requests: 2 per repository and 100 commits."""
        facts = GraphFacts()
        of: dict[str, list[PipelineRun]] = {}
        for run in runs:
            if run.repository_type.casefold() == _AZURE_REPOS and run.repository and run.commit:
                of.setdefault(run.repository, []).append(run)
        name = self.organization.name
        for identifier, several in of.items():
            repository = RepositoryId(identifier)
            commits = list(dict.fromkeys(run.commit for run in several))
            failure: Failure | None = None
            try:
                authors = ado.commit_authors(name, project.id, repository, commits)
                requests = ado.pull_requests_of(name, project.id, repository, commits)
                for run in several:
                    author, request = authors.get(run.commit), requests.get(run.commit)
                    facts += facts_of_people(run, self.organization.id, author, request, self.now)
            except ServiceError as error:
                # Only who it was is not known; waiting for it would hold up what is.
                failure = error.failure
            self._note(repository_node(repository), failure, several[0].repository_name, passing=True)
        return facts

    def _run(
        self, ado: AzureDevOps, project: Project, place: RunPlace, run: PipelineRun, at: datetime
    ) -> GraphFacts:
        """Requests: 1, and 1 more where the run pushed. What cannot be read for good counts as read."""
        name = self.organization.name
        try:
            plan = plan_logs(ado.timeline(name, project.id, run.id), self.connector.options.push_steps)
            findings = LogFindings()
            if plan.log:
                findings = ado.run_log(name, project.id, run.id, plan.log, read_build_log)
        except (Throttled, Transient, Denied):
            raise
        except Gone:
            return GraphFacts()  # pruned: nothing is left that could tell
        except ServiceError as error:
            self.deps.log.warning("trace.runUnread", run=run.id, reason=error.failure.reason)
            return GraphFacts()
        return facts_of_run(run, place, plan, findings, at)

    # --- registries ---------------------------------------------------------------------------------------

    def read_registry(self, host: str, after: str) -> str:
        """Read a registry, behind the repository that the checkpoint names if it is of this registry."""
        node = registry_node(host)
        at, _, repository = after.partition("/")
        if at and at != host and self.connector.options.registries.index(host) < self._place_of(at):
            return ""
        if at != host and not self._is_due(node):
            return ""
        registry = self.deps.cloud.registry(self.connector, host)
        began = self.now
        listed = registry.repositories()
        if listed.failure is not None:
            self._note(node, listed.failure, host)
        problem = listed.failure
        done = repository if at == host else ""
        names = set(listed.items)
        if not listed.complete:
            # Many registries let nobody list them: what is known to be there is read all the same.
            names |= self._known_repositories(node)
        for one in sorted(names):
            if one <= done and at == host:
                continue
            if self.is_time_up and self.did_something:
                return f"{REGISTRIES}{host}/{done}"
            problem = self._repository(registry, host, one) or problem
            self.did_something = True
            done = one
        self._note(node, problem, host)
        if problem is None:
            self.deps.graph.record_mappings(
                GraphFacts((Node(node, began, host, {_LISTED: began.isoformat()}),))
            )
        return ""

    def _known_repositories(self, registry: NodeId) -> set[str]:
        """Repositories of a registry that some source named."""
        found: set[str] = set()
        after = ""
        for _ in range(_PAGES_MOST):
            page = self.deps.graph.edges(
                registry, Direction.IN, EdgeKind.STORED_IN, after=after, limit=_EDGES_MOST
            )
            found.update(edge.detail for edge in page.edges)
            after = page.next
            if not after:
                break
        return found

    def _place_of(self, host: str) -> int:
        hosts = self.connector.options.registries
        return hosts.index(host) if host in hosts else 0

    def _repository(self, registry: Registry, host: str, repository: str) -> Failure | None:
        """Read every tag of a repository; says what could not be read of it."""
        listed = registry.tags(repository)
        problem = _unless_passing(listed.failure)
        for tag in listed.items:
            place = ImageReference(host, repository, tag)
            try:
                digest = registry.digest_of(repository, tag)
                self._image(registry, place, digest)
            except Gone:
                continue  # removed since it was listed
            except (Throttled, Transient):
                raise
            except ServiceError as error:
                problem = error.failure
        return problem

    def _image(self, registry: Registry, place: ImageReference, digest: str) -> None:
        """Note what the tag names; read the image unless that was done."""
        now, node = self.now, image_node(digest)
        known = self.deps.graph.node(node)
        looked = known.attributes.get(LOOKED, "") if known else ""
        facts = facts_of_place(digest, place, Saying(Source.REGISTRY, Confidence.ATTESTED, now))
        if not looked or self._is_to_be_read_again(node, looked, known):
            image = registry.image(place.repository, digest)
            claims = Known(self._find, self.deps.graph.node)
            facts += facts_of_registry_image(image, place, claims, now, looked or now.isoformat())
        built = (*self._edges(node, EdgeKind.BUILT_BY), *self._edges(node, EdgeKind.BUILT_FROM))
        facts += GraphFacts(edges=tuple(agreeing(built, place, now)))
        self.deps.graph.record_mappings(facts)

    def _is_to_be_read_again(self, node: NodeId, looked: str, known: Node | None) -> bool:
        if known is not None and known.attributes.get(UNREAD):
            return True
        is_fresh = self.now - datetime.fromisoformat(looked) < _LOOKED_AGAIN
        return is_fresh and not any(self._edges(node, EdgeKind.BUILT_FROM))

    def _find(self, claim: OriginClaim) -> tuple[OrganizationId, str]:
        """The organization of a claim's names, and the GUID of its repository."""
        wanted = claim.organization.casefold()
        for one in self.deps.state.organizations():
            if wanted and one.merged_into is None and one.name.casefold() == wanted:
                found = self._index(one.id).get((claim.project.casefold(), claim.repository.casefold()), "")
                return one.id, found
        return OrganizationId(""), ""

    def _index(self, organization: OrganizationId) -> dict[tuple[str, str], str]:
        if organization not in self._repositories:
            state = self.deps.state
            names = {one.id: one.name.casefold() for one in state.projects(organization)}
            self._repositories[organization] = {
                (names.get(one.project_id, ""), one.name.casefold()): one.id
                for one in state.repositories(organization)
                if one.retired_at is None
            }
        return self._repositories[organization]

    # --- Azure --------------------------------------------------------------------------------------------

    def read_subscription(self, subscription: str) -> None:
        """Read what runs in a subscription."""
        node = subscription_node(subscription)
        if not self._is_due(node):
            return
        began = self.now
        listed = self.deps.cloud.resource_graph(self.connector).container_resources(subscription)
        resolved: dict[ImageReference, Resolved] = {}

        def resolve(reference: ImageReference) -> Resolved:
            if reference not in resolved:
                resolved[reference] = self._resolved(reference)
            return resolved[reference]

        for resource in listed.items:
            facts = facts_of_resource(resource, resolve, self.now)
            owner = next(one.id for one in facts.nodes if one.attributes.get("id") == resource.id)
            ended = superseded(self._edges(owner, EdgeKind.RUNS), facts, self.now)
            self.deps.graph.record_mappings(facts + GraphFacts(edges=tuple(ended)))
            self.did_something = True
        self._note(
            node, listed.failure or (None if listed.items else _shows_nothing(subscription)), subscription
        )
        if listed.complete:
            self.deps.graph.record_mappings(
                GraphFacts((Node(node, began, subscription, {_LISTED: began.isoformat()}),))
            )

    def _resolved(self, reference: ImageReference) -> Resolved:
        """What a tag leads to now, where its registry may be read."""
        if reference.registry not in self.connector.options.registries:
            return Resolved(
                unknown=f"The connector does not name the registry {reference.registry}, so what the tag "
                "leads to is unknown. Add it to registries."
            )
        registry = self.deps.cloud.registry(self.connector, reference.registry)
        try:
            return Resolved(registry.digest_of(reference.repository, reference.tag))
        except (Throttled, Transient):
            raise
        except ServiceError as error:
            return Resolved(unknown=error.failure.sentence())

    # --- what all have in common --------------------------------------------------------------------------

    def _is_due(self, node: NodeId) -> bool:
        """Whether it was not read in full, for any organization, within half the interval."""
        known = self.deps.graph.node(node)
        listed = known.attributes.get(_LISTED, "") if known else ""
        half = self.deps.intervals.work[self.lease.kind] / 2
        return not listed or self.now - datetime.fromisoformat(listed) >= half

    def _edges(self, node: NodeId, kind: EdgeKind) -> Iterator[Edge]:
        after = ""
        for _ in range(_PAGES_MOST):
            page = self.deps.graph.edges(node, Direction.OUT, kind, after=after, limit=_EDGES_MOST)
            yield from page.edges
            after = page.next
            if not after:
                return

    def _note(self, node: NodeId, failure: Failure | None, name: str, *, passing: bool = False) -> None:
        """Keep why something is unread, or that it is not any more.

        Raises what is only a matter of time, unless that may pass, too.
        """
        if not passing:
            failure = _unless_passing(failure)
        known = self.deps.graph.node(node)
        reason = failure.sentence() if failure is not None else ""
        if reason or (known is not None and known.attributes.get(UNREAD)):
            self.deps.graph.record_mappings(could_not_read(node, reason, self.now, name))
        if failure is not None:
            self.deps.log.warning("trace.unread", what=name, code=failure.code, reason=failure.reason)


def _shows_nothing(subscription: str) -> Failure:
    """An identity without rights on a subscription is answered as if it were empty."""
    return Failure(
        FailureKind.UNREADABLE,
        "NothingShown",
        f"Azure subscription {subscription}: Azure shows nothing there that runs containers.",
        "If there is something, give the identity the role Reader on the subscription.",
    )


def _unless_passing(failure: Failure | None) -> Failure | None:
    """The failure, unless waiting is all that it takes: that is raised."""
    if failure is not None:
        error = ServiceError.of(failure)
        if isinstance(error, (Throttled, Transient)):
            raise error
    return failure
