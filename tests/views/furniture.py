"""Two organizations with some of everything, made by chance."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from shared.model.assessment import Resource, ResourceKind
from shared.model.exemption import Exemption, ExemptionKind, ExemptionScope, ExemptionTarget
from shared.model.ids import OrganizationId
from shared.model.inventory import Project, Repository
from shared.posture.catalogue import RULES
from shared.posture.rule import OfOrganization
from tests.views.bench import (
    CONTOSO,
    FABRIKAM,
    MAIN,
    NOW,
    Bench,
    of_project,
    of_repository,
    project,
    repository,
)

STATUSES = ("healthy", "unhealthy", "notApplicable", "unknown")
NAMES = ("web", "Shop", "späti", "日本語", "<script>", "x" * 400)
OF_PROJECTS = [one for one in RULES if not isinstance(one.evaluate, OfOrganization)][::4]
OF_ORGANIZATIONS = [one for one in RULES if isinstance(one.evaluate, OfOrganization)][::4]


def furnish(bench: Bench, seed: int) -> None:
    """Two organizations with some of everything."""
    chance = random.Random(seed)  # noqa: S311 - a test's world
    bench.connect(MAIN, "main")
    for number, (organization, name) in enumerate(((CONTOSO, "contoso"), (FABRIKAM, "fabrikam"))):
        bench.enroll(MAIN, organization, name)
        projects, repositories = [], []
        for count in range(6):
            where = number * 100 + count
            look = chance.choice(("private", "public"))
            made = project(where, f"{chance.choice(NAMES)} {where}", visibility=look)
            projects.append(replace(made, **fate(chance)))
            for inside in range(chance.randrange(5)):
                identifier = where * 10 + inside
                one = repository(identifier, where, f"{chance.choice(NAMES)}-{identifier}")
                repositories.append(replace(one, is_disabled=chance.random() < 0.2, **fate(chance)))
        repositories.append(repository(number * 10_000 + 7_777, 999, "of a project that nobody listed"))
        bench.add(organization, projects, repositories)
        for owner in projects:
            if chance.random() < 0.8:
                assess(bench, organization, owner, repositories, chance)
        if chance.random() < 0.7:
            itself = Resource(ResourceKind.ORGANIZATION, organization, name)
            pool = Resource(ResourceKind.AGENT_POOL, "9", "build")
            said = [
                (chance.choice((itself, pool)), rule.id, chance.choice(STATUSES)) for rule in OF_ORGANIZATIONS
            ]
            bench.assess(organization, None, *said)
    bench.state.change_exemptions([an_exemption(bench, chance, number) for number in range(3)])


def fate(chance: random.Random) -> dict[str, Any]:
    """Most things are there; some are missing, or deleted."""
    return chance.choice(({}, {}, {}, {}, {"missing_since": NOW}, {"retired_at": NOW}))


def assess(
    bench: Bench,
    organization: OrganizationId,
    owner: Project,
    repositories: Sequence[Repository],
    chance: random.Random,
) -> None:
    resources = [of_project(owner)]
    resources += [of_repository(one) for one in repositories if one.project_id == owner.id]
    resources += [
        Resource(ResourceKind.SERVICE_CONNECTION, f"{owner.id}/{n}", f"azure {n}", owner.id)
        for n in range(chance.randrange(3))
    ]
    said = [
        (resource, rule.id, chance.choice(STATUSES))
        for resource in resources
        for rule in chance.sample(OF_PROJECTS, 5)
    ]
    bench.assess(organization, owner, *said, at=NOW - timedelta(hours=chance.choice((0, 10, 30, 60))))


def an_exemption(bench: Bench, chance: random.Random, number: int) -> Exemption:
    organization = chance.choice(bench.state.organizations())
    owner = chance.choice(list(bench.state.projects(organization.id)))
    rows = [one for one in bench.state.repositories(organization.id) if one.project_id == owner.id]
    target = ExemptionTarget()
    scope = ExemptionScope(chance.choice(("*", "ADO-REPO-*", RULES[number * 5].id)))
    width = chance.randrange(4)
    if width:
        target = replace(target, organization=organization.id)
    if width > 1:
        target = replace(target, project=owner.id)
    if width > 2 and rows:
        target = replace(target, resource_kind=ResourceKind.REPOSITORY, resource=rows[0].id)
    days = chance.choice((-1, 30))
    return Exemption(
        f"e{number}", scope, target, ExemptionKind.WAIVER, "so", "ana", NOW, NOW + timedelta(days=days)
    )
