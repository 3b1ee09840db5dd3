"""Facts for tests: healthy unless a test says otherwise, so that a test shows only what it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from shared.model.assessment import AssessmentStatus
from shared.model.facts import (
    BranchPolicy,
    Fact,
    FactKind,
    PipelineSettings,
    PolicyScope,
    ProjectFacts,
    ServiceConnection,
)
from shared.model.failure import Failure, FailureKind
from shared.model.ids import OrganizationId, ProjectId, RepositoryId
from shared.model.inventory import WELL_FORMED, Project, Repository
from shared.posture.branch_policies import MINIMUM_REVIEWERS
from shared.posture.catalogue import RULES

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ORGANIZATION = OrganizationId("11111111-1111-1111-1111-111111111111")
PROJECT = ProjectId("aaaaaaaa-0000-0000-0000-000000000001")
REPOSITORY = RepositoryId("bbbbbbbb-0000-0000-0000-000000000001")
CONNECTION = "cccccccc-0000-0000-0000-000000000001"
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


@dataclass(frozen=True, slots=True)
class Row:
    """A case of a rule: facts of a project with one thing to judge, and what the rule says of it."""

    says: str
    facts: ProjectFacts
    status: AssessmentStatus
    because: str = ""


def a_project(project: str = PROJECT, *, name: str = "web", state: str = WELL_FORMED) -> Project:
    return Project(ProjectId(project), name, state, "private", first_seen=NOW)


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
        type_id=type_id,
        is_enabled=is_enabled,
        is_blocking=is_blocking,
        is_deleted=is_deleted,
        scopes=scopes or (EVERY_DEFAULT_BRANCH,),
        settings={"minimumApproverCount": 2, "creatorVoteCounts": False} if settings is None else settings,
    )


def a_connection(
    connection: str = CONNECTION,
    *,
    kind: str = "azurerm",
    is_open: bool | Failure = False,
    is_shared: bool = False,
) -> ServiceConnection:
    return ServiceConnection(
        id=connection,
        name=f"connection {connection[-1]}",
        type=kind,
        scheme="WorkloadIdentityFederation",
        is_shared=is_shared,
        open_to_all_pipelines=Fact.unread(is_open) if isinstance(is_open, Failure) else Fact.read(is_open),
    )


def some_facts(
    *,
    project: Project | None = None,
    repositories: Sequence[Repository] | None = None,
    settings: Mapping[str, bool] | None = None,
    organization_settings: Mapping[str, bool] | None = None,
    policies: Sequence[BranchPolicy] | None = None,
    connections: Sequence[ServiceConnection] | None = None,
) -> ProjectFacts:
    """A project with one repository and one service connection, in which every rule is content."""
    return ProjectFacts(
        project=project or a_project(),
        repositories=tuple([a_repository()] if repositories is None else repositories),
        pipeline_settings=Fact.read(PipelineSettings(DISABLES_CLASSIC if settings is None else settings)),
        organization_pipeline_settings=Fact.read(PipelineSettings(organization_settings or {})),
        branch_policies=Fact.read(tuple([a_policy()] if policies is None else policies)),
        service_connections=Fact.read(tuple([a_connection()] if connections is None else connections)),
        gathered_at=NOW,
    )


def without(facts: ProjectFacts, kind: FactKind, failure: Failure = REFUSED) -> ProjectFacts:
    """The same facts, had this kind not been readable."""
    if kind is FactKind.PIPELINE_SETTINGS:
        return replace(facts, pipeline_settings=Fact.unread(failure))
    if kind is FactKind.ORGANIZATION_PIPELINE_SETTINGS:
        return replace(facts, organization_pipeline_settings=Fact.unread(failure))
    if kind is FactKind.BRANCH_POLICIES:
        return replace(facts, branch_policies=Fact.unread(failure))
    if kind is FactKind.SERVICE_CONNECTIONS:
        return replace(facts, service_connections=Fact.unread(failure))
    connections = facts.service_connections.value
    if connections is None:
        return facts
    closed = tuple(replace(one, open_to_all_pipelines=Fact[bool].unread(failure)) for one in connections)
    return replace(facts, service_connections=Fact.read(closed))
