"""What rules are about: from judging one thing to judging a whole project or organization."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar, cast

from shared.model.assessment import Resource, ResourceKind, Verdict
from shared.model.facts import (
    AgentPool,
    BranchPolicy,
    Environment,
    Fact,
    FactKind,
    OrganizationFacts,
    Pipeline,
    ProjectFacts,
    SecureFile,
    ServiceConnection,
    VariableGroup,
)
from shared.model.inventory import Project, Repository
from shared.model.thresholds import Thresholds
from shared.posture.branch_policies import PolicyIndex
from shared.posture.rule import OfOrganization, OfProject, Said
from shared.posture.verdicts import not_applicable, unread

T = TypeVar("T")
Thing = TypeVar("Thing", Pipeline, ServiceConnection, VariableGroup, SecureFile, Environment)

JudgeOrganization = Callable[[OrganizationFacts, Thresholds], Verdict]
JudgeProject = Callable[[ProjectFacts, Thresholds], Verdict]
JudgeRepository = Callable[[ProjectFacts, Repository, Thresholds], Verdict]
JudgeDefaultBranch = Callable[[Repository, str, tuple[BranchPolicy, ...], Thresholds], Verdict]
"""Gets the repository, its default branch, and the policies with a scope for it or for all repositories."""


def once(facts: ProjectFacts | OrganizationFacts, name: str, make: Callable[[], T]) -> T:
    """What was worked out from these facts before, or is now, for every rule that asks."""
    if name not in facts.derived:
        facts.derived[name] = make()
    return cast("T", facts.derived[name])


def organization_resource(facts: OrganizationFacts) -> Resource:
    """The organization as a judged resource."""
    return Resource(ResourceKind.ORGANIZATION, facts.organization, facts.name)


def project_resource(project: Project) -> Resource:
    """The project as a judged resource."""
    return Resource(ResourceKind.PROJECT, project.id, project.name, project.id)


def repository_resource(repository: Repository) -> Resource:
    """The repository as a judged resource."""
    return Resource(ResourceKind.REPOSITORY, repository.id, repository.name, repository.project_id)


def thing_resource(kind: ResourceKind, project: Project, identifier: object, name: str) -> Resource:
    """Something of a project as that project uses it: `PROJECT/ID`.

    What projects share, such as a service connection, is a resource in each of them, since which pipelines
    may use it is decided in every project for itself. Its id names the project whether or not it is shared,
    so that sharing it later makes nothing new of it.
    """
    return Resource(kind, f"{project.id}/{identifier}", name, project.id)


def is_judged(repository: Repository) -> bool:
    """Whether the repository is there: of what is missing or deleted, nothing can be said."""
    return repository.missing_since is None and repository.retired_at is None


def judged_repositories(facts: ProjectFacts) -> Iterable[Repository]:
    """The repositories of the project that are there."""
    return (one for one in facts.repositories if is_judged(one))


def the_organization(judge: JudgeOrganization) -> OfOrganization:
    """A rule about the organization itself."""

    def said(facts: OrganizationFacts, thresholds: Thresholds) -> Said:
        return ((organization_resource(facts), judge(facts, thresholds)),)

    return OfOrganization(said)


def each_agent_pool(judge: Callable[[OrganizationFacts, AgentPool, Thresholds], Verdict]) -> OfOrganization:
    """A rule about each agent pool of the organization, those of Microsoft included."""

    def said(facts: OrganizationFacts, thresholds: Thresholds) -> Said:
        listed = facts.agent_pools
        if listed.failure is not None:
            yield organization_resource(facts), unread(FactKind.AGENT_POOLS, listed.failure)
        for pool in listed.value or ():
            yield Resource(ResourceKind.AGENT_POOL, str(pool.id), pool.name), judge(facts, pool, thresholds)

    return OfOrganization(said)


def the_project(judge: JudgeProject) -> OfProject:
    """A rule about the project itself."""

    def said(facts: ProjectFacts, thresholds: Thresholds) -> Said:
        return ((project_resource(facts.project), judge(facts, thresholds)),)

    return OfProject(said)


def _repositories(facts: ProjectFacts) -> Sequence[tuple[Resource, Repository]]:
    return once(
        facts,
        "repositories",
        lambda: [(repository_resource(one), one) for one in judged_repositories(facts)],
    )


def each_repository(judge: JudgeRepository) -> OfProject:
    """A rule about each repository. A disabled one is not applicable: nobody can read or change it."""

    def said(facts: ProjectFacts, thresholds: Thresholds) -> Said:
        for resource, repository in _repositories(facts):
            if repository.is_disabled:
                yield resource, not_applicable("The repository is disabled.", {"isDisabled": True})
            else:
                yield resource, judge(facts, repository, thresholds)

    return OfProject(said)


def each_default_branch(judge: JudgeDefaultBranch) -> OfProject:
    """A rule about the policies on the default branch of each repository.

    Repositories without a branch to protect are not applicable, whether or not policies could be read.
    """

    def verdict(facts: ProjectFacts, repository: Repository, thresholds: Thresholds) -> Verdict:
        branch = repository.default_branch
        if not branch:
            return not_applicable(
                "The repository is empty: it has no default branch.", {"defaultBranch": None}
            )
        if facts.branch_policies.failure is not None:
            return unread(FactKind.BRANCH_POLICIES, facts.branch_policies.failure)
        index = once(facts, "policies", lambda: PolicyIndex(facts.branch_policies.value or ()))
        return judge(repository, branch, index.of(repository.id), thresholds)

    return each_repository(verdict)


def _each(
    kind: FactKind,
    resource: ResourceKind,
    listing: Callable[[ProjectFacts], Fact[tuple[Thing, ...]]],
    judge: Callable[[ProjectFacts, Thing, Thresholds], Verdict],
) -> OfProject:
    """A rule about each thing of a kind.

    When they could not be listed, the verdict stands on the project: what is there is not known.
    """

    def things(facts: ProjectFacts) -> list[tuple[Resource, Thing]]:
        return [
            (thing_resource(resource, facts.project, one.id, one.name), one)
            for one in listing(facts).value or ()
        ]

    def said(facts: ProjectFacts, thresholds: Thresholds) -> Said:
        failure = listing(facts).failure
        if failure is not None:
            yield project_resource(facts.project), unread(kind, failure)
        for key, one in once(facts, kind.value, lambda: things(facts)):
            yield key, judge(facts, one, thresholds)

    return OfProject(said)


def each_pipeline(judge: Callable[[ProjectFacts, Pipeline, Thresholds], Verdict]) -> OfProject:
    """A rule about each pipeline of the project."""
    return _each(FactKind.PIPELINES, ResourceKind.PIPELINE, lambda facts: facts.pipelines, judge)


def each_service_connection(
    judge: Callable[[ProjectFacts, ServiceConnection, Thresholds], Verdict],
) -> OfProject:
    """A rule about each service connection of the project."""
    return _each(
        FactKind.SERVICE_CONNECTIONS,
        ResourceKind.SERVICE_CONNECTION,
        lambda facts: facts.service_connections,
        judge,
    )


def each_variable_group(judge: Callable[[ProjectFacts, VariableGroup, Thresholds], Verdict]) -> OfProject:
    """A rule about each variable group of the project."""
    return _each(
        FactKind.VARIABLE_GROUPS, ResourceKind.VARIABLE_GROUP, lambda facts: facts.variable_groups, judge
    )


def each_secure_file(judge: Callable[[ProjectFacts, SecureFile, Thresholds], Verdict]) -> OfProject:
    """A rule about each secure file of the project."""
    return _each(FactKind.SECURE_FILES, ResourceKind.SECURE_FILE, lambda facts: facts.secure_files, judge)


def each_environment(judge: Callable[[ProjectFacts, Environment, Thresholds], Verdict]) -> OfProject:
    """A rule about each environment of the project."""
    return _each(FactKind.ENVIRONMENTS, ResourceKind.ENVIRONMENT, lambda facts: facts.environments, judge)
