"""Tree, table and counts of the pages are those of the commands, whatever is filtered for."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.inventory import inventory_rows
from cli.recommendation_rows import organization_recommendations
from shared.model.assessment import AssessmentStatus, Resource, ResourceKind, Severity
from shared.model.exemption import Exemption, ExemptionKind, ExemptionScope, ExemptionTarget
from shared.model.ids import OrganizationId, RuleId
from shared.model.inventory import Project, Repository
from shared.model.viewer import Grant, Viewer
from shared.posture.catalogue import RULES
from shared.posture.exemptions import Exemptions
from shared.posture.rule import OfOrganization
from shared.views.lists import OPEN, Filter, Finding, Overview, Row, overview
from shared.views.sheets import Counts, Sheets
from tests.views.bench import (
    CONTOSO,
    FABRIKAM,
    MAIN,
    NOW,
    Bench,
    of_project,
    of_repository,
    opened,
    project,
    repository,
)

EVERYBODY = Viewer("ana", (Grant(),))
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


@pytest.fixture(scope="module", params=range(4))
def furnished(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with opened(tmp_path_factory.mktemp("lists")) as bench:
        furnish(bench, request.param)
        yield bench


def seen(bench: Bench, viewer: Viewer = EVERYBODY) -> Overview:
    return overview(bench.state, Sheets(), viewer, bench.runtime.dependencies.intervals, NOW)


def recommended(bench: Bench, wanted: Filter) -> Counter[tuple[str, str, str, str, str, bool]]:
    """What `recommendations list` tells with these options."""
    found: Counter[tuple[str, str, str, str, str, bool]] = Counter()
    holding = Exemptions(bench.state.exemptions(), NOW)
    for organization in bench.state.organizations():
        if wanted.organization and wanted.organization not in {organization.id, organization.name}:
            continue
        for owner, one in organization_recommendations(
            bench.state, organization, RULES, bench.runtime.dependencies.intervals, NOW, holding
        ):
            if wanted.rule and one.rule.id != wanted.rule:
                continue
            if wanted.severity and one.rule.severity.value != wanted.severity:
                continue
            if wanted.status == OPEN and not one.is_open:
                continue
            if wanted.status == "exempted" and not one.is_exempted:
                continue
            if wanted.status not in {"", OPEN, "exempted"} and one.status.value != wanted.status:
                continue
            if wanted.project and (owner is None or wanted.project not in {owner.id, owner.name}):
                continue
            found[
                organization.id,
                owner.id if owner else "",
                one.resource.kind.value + one.resource.id,
                one.rule.id,
                one.status.value,
                one.is_exempted,
            ] += 1
    return found


def key(one: Finding) -> tuple[str, str, str, str, str, bool]:
    resource, owner = one.row.item.resource, one.row.project
    return (
        one.row.sheet.organization.id,
        owner.id if owner else "",
        resource.kind.value + resource.id,
        one.rule.id,
        one.status.value,
        one.is_exempted,
    )


filters = st.builds(
    Filter,
    organization=st.sampled_from(["", "contoso", CONTOSO, "fabrikam", "nobody"]),
    project=st.sampled_from(["", project(1).id, project(2).id, project(101).id]),
    status=st.sampled_from(["", OPEN, "exempted", *(one.value for one in AssessmentStatus)]),
    severity=st.sampled_from(["", *(one.value for one in Severity)]),
    rule=st.sampled_from([RuleId(""), *(one.id for one in OF_PROJECTS[:6]), OF_ORGANIZATIONS[0].id]),
)


@settings(max_examples=40)
@given(wanted=filters)
def test_recommendations_are_those_of_the_command(furnished: Bench, wanted: Filter) -> None:
    overview = seen(furnished)
    expected = recommended(furnished, wanted)
    findings = list(overview.findings(wanted))
    assert Counter(map(key, findings)) == expected
    by_rule = overview.by_rule(wanted)
    assert {one.rule.id: sum(one.counts.values()) for one in by_rule} == Counter(
        rule for _, _, _, rule, *_ in expected.elements()
    )
    size = 7
    pages = [overview.findings_page(wanted, number, size) for number in range(1, len(findings) // size + 2)]
    assert [key(one) for page in pages for one in page.rows] == [key(one) for one in findings]
    assert {page.total for page in pages} == {len(findings)}


@settings(max_examples=40)
@given(
    organization=st.sampled_from(["", "contoso", FABRIKAM, "nobody"]),
    kind=st.sampled_from(["", "project", "repository"]),
)
def test_the_inventory_is_that_of_the_command(furnished: Bench, organization: str, kind: str) -> None:
    expected = {
        (row["organizationId"], row["kind"], row["id"])
        for one in furnished.state.organizations()
        if organization in {"", one.id, one.name}
        for row in inventory_rows(furnished.state, one, kind or None, include_retired=False)
    }
    wanted = Filter(organization=organization, kind=kind)
    overview = seen(furnished)
    assert {place(row) for row in overview.inventory(wanted)} == expected
    assert len(overview.inventory(wanted)) == len(expected)


def place(row: Row) -> tuple[str, str, str]:
    resource = row.item.resource
    return row.sheet.organization.id, resource.kind.value, resource.id


everything = st.builds(
    Filter,
    organization=st.sampled_from(["", "contoso"]),
    kind=st.sampled_from(["", "project", "repository"]),
    state=st.sampled_from(["", "active", "disabled", "missing", "wellFormed"]),
    status=st.sampled_from(["", OPEN, "unknown", "healthy"]),
    severity=st.sampled_from(["", "high", "low"]),
    text=st.sampled_from(["", "web", "SPÄTI", "fabrikam web", "<script>", "nothing like it"]),
)


@settings(max_examples=60)
@given(wanted=everything)
def test_the_tree_holds_what_the_table_does(furnished: Bench, wanted: Filter) -> None:
    overview = seen(furnished)
    table = overview.inventory(wanted)
    inside: list[Row] = []
    for branch in overview.tree(wanted):
        twigs = overview.twigs(branch.sheet, wanted)
        mine = [one for one in table if one.sheet is branch.sheet]
        rows = [row for twig in twigs for row in twig.repositories]
        assert branch.repositories == len(rows)
        assert branch.repositories + branch.projects == len(mine)
        assert branch.counts == sum((one.counts for one in mine), branch.own)
        assert sum((one.counts for one in twigs), branch.own) == branch.counts
        inside += rows
    assert {id(one) for one in inside} == {
        id(one) for one in table if one.item.resource.kind is ResourceKind.REPOSITORY
    }


def test_counts_of_an_organization_are_those_of_its_recommendations(furnished: Bench) -> None:
    overview = seen(furnished)
    for branch in overview.tree(Filter()):
        told = recommended(furnished, Filter(organization=branch.sheet.organization.id))
        assert branch.counts.total == told.total()
        assert branch.counts.exempted == sum(1 for *_, exempted in told.elements() if exempted)
        assert branch.counts.healthy == sum(
            1 for *_, status, _ in told.elements() if status == AssessmentStatus.HEALTHY.value
        )


def test_what_a_reader_of_one_project_is_told_is_of_it_alone(furnished: Bench) -> None:
    mine = next(one for one in furnished.state.projects(CONTOSO) if one.retired_at is None)
    overview = seen(furnished, Viewer("bob", (Grant(None, CONTOSO, mine.id),)))
    assert [one.organization.id for one in overview.visible()] == [CONTOSO]
    rows = overview.inventory(Filter())
    assert {one.project.id for one in rows if one.project} == {mine.id}
    assert all(one.project is not None for one in rows)
    everything = [one for one in seen(furnished).inventory(Filter()) if one.project == mine]
    assert [place(one) for one in rows] == [place(one) for one in everything]
    assert {key(one)[1] for one in overview.findings(Filter())} <= {mine.id}
    (branch,) = overview.tree(Filter())
    assert branch.own == Counts()
    assert seen(furnished, Viewer("nobody")).visible() == []


def test_a_sheet_is_read_again_when_something_changed_and_not_before(tmp_path: Path) -> None:
    with opened(tmp_path) as bench:
        furnish(bench, 1)
        bench.settle()
        sheets = Sheets()
        intervals = bench.runtime.dependencies.intervals

        def read(later: timedelta = timedelta(0)) -> list[object]:
            return list(sheets.of(bench.state, bench.state.organizations(), intervals, NOW + later))

        first = read()
        assert read() == first
        assert read(timedelta(days=1)) == first
        bench.add(FABRIKAM, [project(150, "new")], [])
        second = read()
        assert second[0] is first[0]
        assert second[1] is not first[1]
        assert read(timedelta(seconds=1))[1] is second[1], "somebody is writing"
        assert read(timedelta(seconds=3))[1] is not second[1]
