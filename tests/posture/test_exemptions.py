"""Exemptions cover what they say, until they end; ids count where a thing is named, patterns go by names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.model.assessment import AssessmentStatus, Resource, ResourceKind
from shared.model.exemption import Exemption, ExemptionKind, ExemptionScope, ExemptionTarget
from shared.model.ids import OrganizationId, ProjectId, RuleId, TenantId
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.organization import Organization
from shared.posture.catalogue import RULES, find
from shared.posture.exemption_plan import (
    Action,
    ExemptionProblem,
    Known,
    WantedExemption,
    bind,
    check_expiry,
    in_words,
    journal_of,
    next_exemption,
    plan,
)
from shared.posture.exemptions import (
    Exemptions,
    ExemptionState,
    Place,
    exemption_id,
    matches,
    uses,
    with_exemptions,
)
from shared.posture.subjects import project_resource, repository_resource
from shared.posture.views import Recommendation
from tests.posture.builders import NOW, ORGANIZATION, PROJECT, a_project, a_repository

YEAR = timedelta(days=365)
DAY = timedelta(days=1)
TWO_REVIEWERS = RuleId("ADO-REPO-001")
FRONTEND = replace(a_repository(), name="frontend")
THE_FRONTEND = repository_resource(FRONTEND)
HERE = Place(ORGANIZATION, "contoso", PROJECT, "web")
ELSEWHERE = Place(OrganizationId("o2"), "fabrikam", ProjectId("p2"), "shop")

CONTOSO = Organization(ORGANIZATION, TenantId("t"), "contoso", NOW, instance_id="instance-1")
FABRIKAM = Organization(OrganizationId("o2"), TenantId("t"), "fabrikam", NOW)
SHOP = replace(a_project("p2"), name="shop")
SHOP_FRONTEND = replace(a_repository("r2", project="p2"), name="frontend")
CONNECTION = Resource(ResourceKind.SERVICE_CONNECTION, f"{PROJECT}/c1", "frontend", PROJECT)

KNOWN = Known(
    rules=RULES,
    find_rule=find,
    organizations=(CONTOSO, FABRIKAM),
    projects=lambda of: [a_project()] if of == ORGANIZATION else [SHOP],
    resources=lambda of: (
        [project_resource(a_project()), repository_resource(FRONTEND), CONNECTION]
        if of == ORGANIZATION
        else [project_resource(SHOP), repository_resource(SHOP_FRONTEND)]
    ),
)


def an_exemption(
    rule: str = TWO_REVIEWERS,
    organization: str = "",
    project: str = "",
    resource: str = "",
    *,
    expires_at: datetime = NOW + YEAR,
    reason: str = "Archived.",
) -> Exemption:
    wanted = WantedExemption(
        ExemptionScope(rule, organization, project, resource), ExemptionKind.WAIVER, reason, expires_at
    )
    return next_exemption(wanted, "default", KNOWN, {}, by="ana", now=NOW)


def a_recommendation(
    resource: Resource = THE_FRONTEND,
    status: AssessmentStatus = AssessmentStatus.UNHEALTHY,
    rule: str = TWO_REVIEWERS,
) -> Recommendation:
    found = find(rule)
    assert found is not None
    return Recommendation(found, resource, status, status, "Because.", {}, "", NOW, NOW, NOW)


def is_covered(
    exemption: Exemption,
    *,
    rule: str = TWO_REVIEWERS,
    resource: Resource = THE_FRONTEND,
    place: Place = HERE,
    now: datetime = NOW,
) -> bool:
    return Exemptions([exemption], now).of(RuleId(rule), resource, place) == exemption


@pytest.mark.parametrize(
    ("scope", "here", "elsewhere"),
    [
        ((TWO_REVIEWERS,), True, True),
        (("470742EA-324a-406c-b91f-fc1da6a27c0c",), True, True),
        (("ado-repo-001",), True, True),
        (("ADO-REPO-*",), True, True),
        (("*",), True, True),
        (("ADO-REPO-002",), False, False),
        ((TWO_REVIEWERS, "contoso"), True, False),
        ((TWO_REVIEWERS, ORGANIZATION), True, False),
        ((TWO_REVIEWERS, "instance-1"), True, False),
        ((TWO_REVIEWERS, "CON*"), True, False),
        ((TWO_REVIEWERS, "fab?ikam"), False, True),
        ((TWO_REVIEWERS, "", "web"), True, False),
        ((TWO_REVIEWERS, "contoso", "WEB"), True, False),
        ((TWO_REVIEWERS, "", "w*"), True, False),
        ((TWO_REVIEWERS, "", "", "front*"), True, True),
        ((TWO_REVIEWERS, "", "", "back*"), False, False),
        ((TWO_REVIEWERS, "contoso", "web", "frontend"), True, False),
        ((TWO_REVIEWERS, "", "", FRONTEND.id), True, False),
        ((TWO_REVIEWERS, "", "s*", "frontend"), False, True),
    ],
)
def test_an_exemption_covers_what_its_scope_says(scope: Sequence[str], here: bool, elsewhere: bool) -> None:
    exemption = an_exemption(*scope)
    assert is_covered(exemption) is here
    assert is_covered(exemption, resource=repository_resource(SHOP_FRONTEND), place=ELSEWHERE) is elsewhere


@pytest.mark.parametrize(
    ("scope", "field", "told"),
    [
        (("NOPE",), "rule", 'no rule "NOPE"'),
        (("",), "rule", "is missing"),
        (("NOPE-*",), "rule", "no rule matches"),
        ((TWO_REVIEWERS, "nobody"), "organization", 'no organization "nobody"'),
        ((TWO_REVIEWERS, "contoso", "shop"), "project", 'no project "shop"'),
        ((TWO_REVIEWERS, "", "", "frontend"), "resource", "means several"),
        (("*", "contoso", "web", "frontend"), "resource", "serviceConnection frontend in contoso/web"),
        ((TWO_REVIEWERS, "contoso", "web", "backend"), "resource", 'no resource "backend"'),
        (("ADO-PROJ-001", "contoso", "web", "frontend"), "resource", 'no resource "frontend"'),
    ],
)
def test_what_names_nothing_or_several_things_is_refused(scope: Sequence[str], field: str, told: str) -> None:
    with pytest.raises(ExemptionProblem, match=told) as caught:
        an_exemption(*scope)
    assert caught.value.field == field


def test_what_is_named_stays_exempted_when_everything_is_renamed_or_moved() -> None:
    renamed = repository_resource(replace(FRONTEND, name="storefront"))
    place = Place(ORGANIZATION, "new-name", PROJECT, "web2")
    for scope in (("contoso",), ("contoso", "web"), ("contoso", "web", "frontend")):
        assert is_covered(an_exemption(TWO_REVIEWERS, *scope), resource=renamed, place=place), scope
    moved = Place(ORGANIZATION, "contoso", ProjectId("p9"), "other")
    assert is_covered(an_exemption(TWO_REVIEWERS, "contoso", "web", "frontend"), place=moved)


def test_what_is_made_anew_under_the_same_name_is_not_exempted() -> None:
    exemption = an_exemption(TWO_REVIEWERS, "contoso", "web", "frontend")
    again = repository_resource(replace(FRONTEND, id=SHOP_FRONTEND.id))
    assert not is_covered(exemption, resource=again)
    # The file names it still; what was answered for is the old one.
    written = WantedExemption(exemption.scope, exemption.kind, exemption.reason, exemption.expires_at)
    known = replace(KNOWN, resources=lambda _: [again])
    applied = next_exemption(written, "default", known, {exemption.id: exemption}, by="bo", now=NOW + DAY)
    assert applied == exemption


def test_an_exemption_ends_at_its_moment_and_not_before() -> None:
    exemption = an_exemption()
    assert is_covered(exemption, now=exemption.expires_at - timedelta(microseconds=1))
    assert not is_covered(exemption, now=exemption.expires_at)


def test_the_narrowest_is_told_and_then_the_one_that_lasts() -> None:
    kept = [
        an_exemption("*"),
        an_exemption("*", "contoso"),
        an_exemption(TWO_REVIEWERS, "contoso", expires_at=NOW + DAY),
        an_exemption(TWO_REVIEWERS, "contoso", "web", expires_at=NOW + 2 * DAY),
        an_exemption(TWO_REVIEWERS, "contoso", "web", "frontend", expires_at=NOW + DAY),
    ]
    for left in range(len(kept), 0, -1):
        assert Exemptions(kept[:left], NOW).of(TWO_REVIEWERS, THE_FRONTEND, HERE) == kept[left - 1]
    other = an_exemption("*", "con*", expires_at=NOW + DAY)
    assert Exemptions([other, kept[0]], NOW).of(TWO_REVIEWERS, THE_FRONTEND, HERE) == kept[0]


def test_an_exempted_finding_stays_unhealthy() -> None:
    told = [a_recommendation(), a_recommendation(status=AssessmentStatus.UNKNOWN)]
    exemption = an_exemption()
    finding, unknown = with_exemptions(told, HERE, Exemptions([exemption], NOW))
    assert finding.status is AssessmentStatus.UNHEALTHY
    assert (finding.exemption, finding.is_exempted, finding.is_open) == (exemption, True, False)
    assert (unknown.is_exempted, unknown.is_open) == (False, False)
    (alone,) = with_exemptions(told[:1], HERE, Exemptions([], NOW))
    assert (alone.is_exempted, alone.is_open) == (False, True)


def test_each_exemption_is_told_what_has_become_of_it() -> None:
    broad = an_exemption("*", "contoso")
    used = an_exemption(TWO_REVIEWERS, "contoso", "web", "frontend")
    mended = an_exemption("ADO-REPO-002")
    blind = an_exemption("ADO-PROJ-001")
    empty = an_exemption("ADO-CONN-001")
    expired = an_exemption(TWO_REVIEWERS, expires_at=NOW)
    told = [
        (HERE, a_recommendation()),
        (HERE, a_recommendation(status=AssessmentStatus.HEALTHY, rule="ADO-REPO-002")),
        (HERE, a_recommendation(project_resource(a_project()), AssessmentStatus.STALE, "ADO-PROJ-001")),
    ]
    found = uses([broad, used, mended, blind, empty, expired], told, NOW)
    assert [one.state for one in found] == [
        ExemptionState.IN_USE,
        ExemptionState.IN_USE,
        ExemptionState.UNUSED,
        ExemptionState.UNKNOWN,
        ExemptionState.UNUSED,
        ExemptionState.EXPIRED,
    ]
    assert [one.unhealthy for one in found] == [1, 1, 0, 0, 0, 1]
    assert sum(found[0].covered.values()) == 3


def test_a_plan_tells_what_is_new_changed_kept_and_gone_of_its_source_alone() -> None:
    kept, changed, gone = an_exemption(), an_exemption("*", reason="Old."), an_exemption("ADO-REPO-002")
    foreign = replace(an_exemption("ADO-CONN-001"), source="other")
    new = an_exemption("ADO-PROJ-001")
    after = replace(changed, reason="New.")
    steps = plan([kept, after, new], [gone, kept, foreign, changed], "default")
    assert [(one.action, one.exemption) for one in steps] == [
        (Action.KEEP, kept),
        (Action.CHANGE, after),
        (Action.ADD, new),
        (Action.REMOVE, gone),
    ]
    assert plan([kept], [kept], "default")[0].action is Action.KEEP
    ends = "waiver until 2027-01-01 12:00 UTC by ana"
    assert journal_of(steps, "ana", NOW) == tuple(
        JournalEntry(
            at=NOW,
            event=event,
            organization=of.target.organization,
            subject=of.id,
            subject_name=in_words(of.scope),
            before=before,
            after=later,
            reason=of.reason,
            requested_by="ana",
        )
        for event, of, before, later in (
            (JournalEvent.EXEMPTION_CHANGED, after, ends, ends),
            (JournalEvent.EXEMPTION_ADDED, new, "", ends),
            (JournalEvent.EXEMPTION_REMOVED, gone, ends, ""),
        )
    )


def test_who_answers_stays_unless_the_file_says_so() -> None:
    first = an_exemption()
    wanted = WantedExemption(first.scope, first.kind, first.reason, first.expires_at)
    later = NOW + DAY
    again = next_exemption(wanted, "default", KNOWN, {first.id: first}, by="bo", now=later)
    assert again == first
    told = next_exemption(replace(wanted, by="cy"), "default", KNOWN, {first.id: first}, by="bo", now=later)
    assert (told.by, told.created_at) == ("cy", NOW)


def test_the_end_is_no_further_away_than_allowed() -> None:
    check_expiry(NOW + YEAR, NOW, YEAR)
    check_expiry(NOW - YEAR, NOW, YEAR)
    with pytest.raises(ExemptionProblem, match="2027-01-01 or an earlier day"):
        check_expiry(NOW + YEAR + timedelta(seconds=1), NOW, YEAR)


def test_an_id_follows_from_source_and_scope() -> None:
    scope = ExemptionScope(TWO_REVIEWERS, "Contoso", "Web")
    assert exemption_id("a", scope) == exemption_id("A", ExemptionScope("ado-repo-001", "contoso", "WEB"))
    others = [
        ("b", scope),
        ("a", ExemptionScope(TWO_REVIEWERS, "Contoso", "", "Web")),
        ("a", ExemptionScope(TWO_REVIEWERS, "ContosoWeb")),
    ]
    assert len({exemption_id(*one) for one in [("a", scope), *others]}) == 4
    assert len(exemption_id("a", scope)) == 12


def test_patterns_know_two_signs_and_take_all_else_as_it_is() -> None:
    assert matches("", "anything")
    assert matches("a[b].*", "A[b].c")
    assert not matches("a[b]*", "ab")
    assert matches("a?c", "abc")
    assert not matches("a?c", "ac")
    assert matches("*\n*", "a\nb")
    assert not matches("a" + "*a" * 40 + "b", "a" * 60)


def test_a_scope_is_told_in_one_line() -> None:
    assert in_words(ExemptionScope("*")) == "* at *"
    assert in_words(ExemptionScope("R", "o", "", "r")) == "R at o/*/r"


def test_binding_gives_the_ids_that_names_mean() -> None:
    scope = ExemptionScope("ado-repo-001", "contoso", "", "frontend")
    bound, target = bind(scope, KNOWN)
    assert bound.rule == TWO_REVIEWERS
    assert target == ExemptionTarget(ORGANIZATION, PROJECT, ResourceKind.REPOSITORY, FRONTEND.id)
    assert bind(ExemptionScope("*", "con*"), KNOWN)[1] == ExemptionTarget()
    assert bind(ExemptionScope("*", "", "web"), KNOWN)[1] == ExemptionTarget(ORGANIZATION, PROJECT)
    connection = ExemptionScope("ADO-CONN-001", "", "", "c1")
    assert bind(connection, KNOWN)[1].resource == CONNECTION.id
