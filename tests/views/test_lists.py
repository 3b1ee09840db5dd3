"""Tree, table and counts of the pages are those of the commands, whatever is filtered for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.inventory import inventory_rows
from cli.recommendation_rows import organization_recommendations
from shared.model.assessment import AssessmentStatus, ResourceKind, Severity
from shared.model.ids import RuleId
from shared.model.viewer import Grant, Viewer
from shared.posture.catalogue import RULES
from shared.posture.exemptions import Exemptions
from shared.views.lists import OPEN, Filter, Finding, Overview, Row, overview
from shared.views.sheets import Counts, Sheets
from tests.views.bench import (
    CONTOSO,
    FABRIKAM,
    NOW,
    Bench,
    opened,
    project,
)
from tests.views.furniture import OF_ORGANIZATIONS, OF_PROJECTS, furnish

EVERYBODY = Viewer("ana", (Grant(),))


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
