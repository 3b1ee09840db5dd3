"""Worlds from a seed: the same arguments give the same world."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from local.ado_simulator.clock import TickingClock, system_clock
from local.ado_simulator.identity import IdentityKind
from local.ado_simulator.names import ENDPOINT_TYPES, ORGANIZATIONS, PEOPLE, PROJECTS, REPOSITORIES
from local.ado_simulator.organization import Organization
from local.ado_simulator.project import Project
from local.ado_simulator.repository import Repository
from local.ado_simulator.resources import (
    BUILD_POLICY,
    COMMENTS_POLICY,
    MERGE_POLICY,
    PROJECT_SETTINGS,
    REQUIRED_REVIEWERS_POLICY,
    REVIEWERS_POLICY,
)
from local.ado_simulator.world import CONTAINER_MAPPING, SCANNER, World

_START = datetime(2025, 5, 1, 8, 0, tzinfo=UTC)


def generate_world(
    seed: int = 1,
    organizations: int = 3,
    projects: int = 5,
    repositories: int = 4,
    *,
    exact: bool = False,
    members: int = 6,
    posture: bool = True,
) -> World:
    """A world of that many organizations, with that many projects each and repositories in each project.

    Numbers of projects are exact. Numbers of repositories vary around the mean, and some projects use TFVC
    and have none, unless `exact` is set. Without `posture` projects hold repositories only, which is faster
    for large inventories. The demo user is administrator with Basic everywhere.
    """
    chance = random.Random(f"{seed}/{organizations}/{projects}/{repositories}/{exact}")  # noqa: S311
    world = World(seed=seed, clock=TickingClock(_START), generating=True)
    world.add_identity(f"simulator-{seed}-stranger", display_name="Stranger")
    application = world.add_service_principal(f"simulator-{seed}-application")
    people = [
        world.add_identity(
            f"simulator-{seed}-person-{number}",
            display_name=PEOPLE[number % len(PEOPLE)],
            email=f"person{number}@example.com",
        )
        for number in range(members)
    ]
    for number in range(organizations):
        organization = world.add_organization(_organization_name(number))
        organization.add_member(application, pca="direct")
        for index, person in enumerate(people):
            organization.add_member(person, licence_name=_LICENCES[index % len(_LICENCES)])
        if chance.random() < 0.3:  # noqa: PLR2004 - a share
            organization.empty_token = ""
        _fill(chance, organization, projects, repositories, exact=exact, posture=posture)
        _configure(chance, organization, number)
    world.clock = system_clock
    world.generating = False
    world.regenerate = lambda: generate_world(
        seed, organizations, projects, repositories, exact=exact, members=members, posture=posture
    )
    return world


_LICENCES = ("basic", "stakeholder", "early-adopter", "visual-studio", "pending", "basic-test-plans")


def _organization_name(number: int) -> str:
    round_number, index = divmod(number, len(ORGANIZATIONS))
    return ORGANIZATIONS[index] if round_number == 0 else f"{ORGANIZATIONS[index]}-{round_number + 1}"


def _fill(
    chance: random.Random, organization: Organization, projects: int, repositories: int, *, exact: bool,
    posture: bool,
) -> None:  # fmt: skip
    for number in range(projects):
        tfvc = not exact and number % 11 == 4  # noqa: PLR2004 - every eleventh
        project = organization.add_project(
            _name(PROJECTS, number),
            visibility=chance.choices(("private", "organization", "public"), (6, 3, 1))[0],
            description=chance.choice((None, "", "What the team builds.", "第二の説明 — ünïcode")),
            tfvc=tfvc,
        )
        project.revision = chance.randrange(3, 900)
        project.last_update = _START - timedelta(milliseconds=chance.randrange(10**10))
        count = repositories if exact else max(1, round(chance.gauss(repositories, repositories / 3)))
        if not tfvc and (repositories or not exact):
            _add_repositories(chance, project, count)
        if posture:
            _add_posture(chance, project)
    if projects > 2 and not exact:  # noqa: PLR2004 - worlds of some size
        gone = organization.add_project("Retired", description="Deleted on purpose")
        gone.add_repository("Retired")
        gone.delete()
        next(project for project in organization.projects.values() if project.repositories).add_repository(
            "old-prototype"
        ).delete()


def _name(names: tuple[str, ...], number: int) -> str:
    round_number, index = divmod(number, len(names))
    return names[index] if round_number == 0 else f"{names[index]} {round_number + 1}"


def _add_repositories(chance: random.Random, project: Project, count: int) -> None:
    offset = chance.randrange(len(REPOSITORIES))
    for number in range(count):
        name = project.name if number == 0 else _name(REPOSITORIES, number - 1 + offset)
        shape = chance.random()
        repository = project.add_repository(
            name,
            default_branch=None if shape < 0.1 else chance.choice(_BRANCHES),  # noqa: PLR2004 - a share
            size=0 if shape < 0.1 else chance.choice((726, 40_960, 7_340_032, 5_368_709_120)),  # noqa: PLR2004
            disabled=chance.random() < 0.07,  # noqa: PLR2004 - a share
            fork=chance.random() < 0.08,  # noqa: PLR2004 - a share
            maintenance=chance.choice((False, False, False, None)),
        )
        repository.created = _START - timedelta(seconds=chance.randrange(10**7))


_BRANCHES = ("refs/heads/main", "refs/heads/main", "refs/heads/master", "refs/heads/größe/develop")


def _add_posture(chance: random.Random, project: Project) -> None:
    healthy = chance.random() < 0.5  # noqa: PLR2004 - one in two
    project.settings = {
        name: healthy if chance.random() < 0.8 else not healthy  # noqa: PLR2004 - mostly
        for name in PROJECT_SETTINGS
        if chance.random() > 0.02  # noqa: PLR2004 - a key is missing now and then
    }
    repositories = list(project.repositories.values())
    if repositories:
        _add_branch_policies(chance, project, repositories, healthy=healthy)
        for number in range(chance.randrange(3)):
            project.add_definition(
                f"{repositories[0].name} build {number}",
                process=chance.choice((1, 2, 2)),
                repository=repositories[0],
            )
    for _ in range(chance.randrange(4)):
        _add_endpoint(chance, project)
    for number in range(chance.randrange(3)):
        group = project.add_variable_group(
            f"settings-{number}", {"region": {"value": "westeurope"}, "apiKey": {"isSecret": True}}
        )
        project.set_pipeline_permission("variablegroup", str(group.id), all_pipelines=chance.choice(_OPEN))
    if chance.random() < 0.2:  # noqa: PLR2004 - a share
        file = project.add_secure_file("signing.pfx")
        project.set_pipeline_permission("securefile", file.id, pipelines=[1])


_OPEN = (None, None, True, False)


def _add_branch_policies(
    chance: random.Random, project: Project, repositories: list[Repository], *, healthy: bool
) -> None:
    reviewers: dict[str, Any] = {
        "minimumApproverCount": 2 if healthy else 1,
        "creatorVoteCounts": not healthy,
        "allowDownvotes": False,
        "resetOnSourcePush": healthy,
        "requireVoteOnLastIteration": healthy,
        "resetRejectionsOnSourcePush": False,
        "blockLastPusherVote": healthy,
        "requireVoteOnEachIteration": False,
    }
    shape = chance.randrange(4)
    if shape == 0:
        project.add_branch_policy(REVIEWERS_POLICY, reviewers)
    elif shape == 1:
        for repository in repositories:
            if repository.default_branch is not None:
                project.add_branch_policy(
                    REVIEWERS_POLICY, reviewers,
                    scopes=[_scope(repository, repository.default_branch, "Exact")],
                    enabled=chance.random() < 0.8, blocking=chance.random() < 0.8,  # noqa: PLR2004 - mostly
                )  # fmt: skip
    elif shape == 2:  # noqa: PLR2004 - one of four shapes
        prefix = _scope(repositories[0], "refs/heads/release", "Prefix")
        project.add_branch_policy(REVIEWERS_POLICY, reviewers, scopes=[prefix])
        project.add_branch_policy(MERGE_POLICY, {"allowSquash": True}, deleted=True)
    for type_id in (BUILD_POLICY, COMMENTS_POLICY, REQUIRED_REVIEWERS_POLICY):
        if chance.random() < (0.6 if healthy else 0.1):
            project.add_branch_policy(type_id, {}, blocking=chance.random() < 0.7)  # noqa: PLR2004 - mostly


def _scope(repository: Repository, ref_name: str, kind: str) -> dict[str, Any]:
    return {"refName": ref_name, "matchKind": kind, "repositoryId": repository.id}


def _add_endpoint(chance: random.Random, project: Project) -> None:
    kind, scheme, url = chance.choice(ENDPOINT_TYPES)
    data = (
        {"subscriptionId": project.organization.world.new_id(), "scopeLevel": "Subscription"}
        if kind == "azurerm"
        else {}
    )
    endpoint = project.add_service_endpoint(
        f"{kind or 'untyped'}-{chance.randrange(1000)}", type=kind, scheme=scheme, url=url,
        ready=chance.random() < 0.9, all_pipelines=chance.choice(_OPEN), data=data,  # noqa: PLR2004 - mostly
    )  # fmt: skip
    others = [other for other in project.organization.projects.values() if other is not project]
    if others and chance.random() < 0.2:  # noqa: PLR2004 - a share
        project.share_service_endpoint(endpoint, chance.choice(others))


def _configure(chance: random.Random, organization: Organization, number: int) -> None:
    organization.set_policy("DisallowOAuthAuthentication", value=number % 3 == 1)
    organization.set_policy("LogAuditEvents", value=True)
    organization.set_policy("AllowAnonymousAccess", value=chance.random() < 0.3)  # noqa: PLR2004 - a share
    for name in ("enforceJobAuthScope", "enforceSettableVar", "disableClassicPipelineCreation"):
        organization.set_pipeline_setting(name, value=chance.random() < 0.4)  # noqa: PLR2004 - a share
    organization.install_extension(*SCANNER)
    if number % 4 != 3:  # noqa: PLR2004 - all but every fourth
        organization.share_extension(*CONTAINER_MAPPING)
    if number % 4 == 1:
        organization.install_extension(*CONTAINER_MAPPING, flags="none")
    elif number % 4 == 2:  # noqa: PLR2004 - every fourth
        organization.install_extension(*CONTAINER_MAPPING, flags="disabled")


__all__ = ["IdentityKind", "generate_world"]
