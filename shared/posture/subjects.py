"""What rules are about: turns a judgement of one thing into a judgement of a whole project."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from shared.model.assessment import Resource, ResourceKind, Verdict
from shared.model.facts import BranchPolicy, FactKind, ProjectFacts, ServiceConnection
from shared.model.failure import Failure
from shared.model.inventory import Project, Repository
from shared.posture.branch_policies import PolicyIndex
from shared.posture.rule import Evaluate
from shared.posture.verdicts import not_applicable, unread

JudgeProject = Callable[[ProjectFacts], Verdict]
JudgeDefaultBranch = Callable[[Repository, str, tuple[BranchPolicy, ...]], Verdict]
"""Gets the repository, its default branch, and the policies with a scope for it or for all repositories."""
JudgeServiceConnection = Callable[[ServiceConnection], Verdict]


def project_resource(project: Project) -> Resource:
    """The project as a judged resource."""
    return Resource(ResourceKind.PROJECT, project.id, project.name, project.id)


def repository_resource(repository: Repository) -> Resource:
    """The repository as a judged resource."""
    return Resource(ResourceKind.REPOSITORY, repository.id, repository.name, repository.project_id)


def service_connection_resource(project: Project, connection: ServiceConnection) -> Resource:
    """A service connection as one project uses it: `PROJECT/CONNECTION`.

    A connection that projects share is a resource in each of them, since which pipelines may use it is
    decided in every project for itself. Its id names the project whether or not it is shared, so that
    sharing it later makes nothing new of it.
    """
    return Resource(
        ResourceKind.SERVICE_CONNECTION, f"{project.id}/{connection.id}", connection.name, project.id
    )


def is_judged(repository: Repository) -> bool:
    """Whether the repository is there: of what is missing or deleted, nothing can be said."""
    return repository.missing_since is None and repository.retired_at is None


def judged_repositories(facts: ProjectFacts) -> Iterable[Repository]:
    """The repositories of the project that are there."""
    return (one for one in facts.repositories if is_judged(one))


def the_project(judge: JudgeProject) -> Evaluate:
    """A rule about the project itself."""

    def evaluate(facts: ProjectFacts) -> Iterable[tuple[Resource, Verdict]]:
        yield project_resource(facts.project), judge(facts)

    return evaluate


def each_default_branch(judge: JudgeDefaultBranch) -> Evaluate:
    """A rule about the policies on the default branch of each repository.

    Repositories without a branch to protect are not applicable, whether or not policies could be read.
    """

    def verdict(repository: Repository, policies: PolicyIndex, failure: Failure | None) -> Verdict:
        branch = repository.default_branch
        if repository.is_disabled:
            return not_applicable("The repository is disabled.", {"isDisabled": True})
        if not branch:
            return not_applicable(
                "The repository is empty: it has no default branch.", {"defaultBranch": None}
            )
        if failure is not None:
            return unread(FactKind.BRANCH_POLICIES, failure)
        return judge(repository, branch, policies.of(repository.id))

    def evaluate(facts: ProjectFacts) -> Iterable[tuple[Resource, Verdict]]:
        policies = PolicyIndex(facts.branch_policies.value or ())
        for repository in judged_repositories(facts):
            yield (
                repository_resource(repository),
                verdict(repository, policies, facts.branch_policies.failure),
            )

    return evaluate


def each_service_connection(judge: JudgeServiceConnection) -> Evaluate:
    """A rule about each service connection of the project.

    When they could not be listed, the verdict stands on the project: what is there is not known.
    """

    def evaluate(facts: ProjectFacts) -> Iterable[tuple[Resource, Verdict]]:
        listed = facts.service_connections
        if listed.failure is not None:
            yield project_resource(facts.project), unread(FactKind.SERVICE_CONNECTIONS, listed.failure)
        for connection in listed.value or ():
            yield service_connection_resource(facts.project, connection), judge(connection)

    return evaluate
