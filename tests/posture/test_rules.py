"""Every rule against its cases, and against what must hold for any rule."""

from __future__ import annotations

import importlib
import json
import pkgutil
from dataclasses import fields
from itertools import chain, combinations

import pytest

from shared.model.assessment import AssessmentStatus, ResourceKind, Verdict
from shared.model.facts import FactKind, OrganizationFacts, ProjectFacts
from shared.model.thresholds import DEFAULTS, Thresholds
from shared.posture import rules as package
from shared.posture.catalogue import RULES
from shared.posture.judging import verdicts_of
from shared.posture.rule import OfOrganization, Rule
from tests.posture.builders import Row, a_pipeline, some_facts, some_organization, without

STORED = (
    AssessmentStatus.HEALTHY,
    AssessmentStatus.UNHEALTHY,
    AssessmentStatus.NOT_APPLICABLE,
    AssessmentStatus.UNKNOWN,
)
OF_ORGANIZATION = {ResourceKind.ORGANIZATION, ResourceKind.AGENT_POOL}
NEVER_SCANNED = {
    "repository_has_no_infrastructure_findings",
    "repository_has_no_api_findings",
    "repository_has_no_compromised_packages",
}
"""Recommendations of Defender that rest on scanners whose results no interface of Azure DevOps tells."""
NEVER_SCANNED_IDS = {"ADO-FIND-004", "ADO-FIND-005", "ADO-FIND-006"}
NEEDS_NOTHING = NEVER_SCANNED_IDS | {"ADO-PROJ-025"}
"""What they look at stands in the inventory, or nowhere."""
SETTLED = {
    "ADO-PIPE-001": {FactKind.PIPELINE_SETTINGS, FactKind.ORGANIZATION_PIPELINE_SETTINGS},
}
"""Facts that only matter where another one does not settle the question, as it does when all is well."""
MODULES = [module.name for module in pkgutil.iter_modules(package.__path__)]


def rule_of(module: str) -> Rule:
    rule = importlib.import_module(f"shared.posture.rules.{module}").RULE
    assert isinstance(rule, Rule)
    return rule


def rows_of(module: str) -> tuple[Row, ...]:
    """Fails, and names the file to write, for a rule without cases."""
    rows = importlib.import_module(f"tests.posture.rules.{module}").ROWS
    assert isinstance(rows, tuple)
    return rows


CASES = [
    pytest.param(rule_of(module), row, id=f"{module}: {row.says}")
    for module in MODULES
    for row in rows_of(module)
]


def healthy_facts(rule: Rule) -> ProjectFacts | OrganizationFacts:
    """What the rule is about, with nothing wrong in it."""
    if isinstance(rule.evaluate, OfOrganization):
        return some_organization()
    if rule.id == "ADO-PIPE-012":
        # What starts by itself on named branches does not build outside code as safely as can be.
        return some_facts(pipelines=[a_pipeline()])
    return some_facts()


def the_verdict(rule: Rule, facts: ProjectFacts | OrganizationFacts) -> Verdict:
    [(_, verdict)] = verdicts_of(rule, facts, DEFAULTS)
    return verdict


@pytest.mark.parametrize(("rule", "row"), CASES)
def test_says_what_it_should(rule: Rule, row: Row) -> None:
    verdict = the_verdict(rule, row.facts)
    assert verdict.status is row.status, verdict.reason
    assert row.because in verdict.reason
    assert verdict.reason.endswith("."), "a reason is a sentence"


@pytest.mark.parametrize("module", MODULES)
def test_has_a_case_of_each_status(module: str) -> None:
    """A rule about what every organization has applies to every one; what nothing scans has no answer."""
    seen = {row.status for row in rows_of(module)}
    assert (
        seen == set(STORED)
        or (module in NEVER_SCANNED and seen == {AssessmentStatus.NOT_APPLICABLE})
        or (
            rule_of(module).resource in OF_ORGANIZATION
            and seen == set(STORED) - {AssessmentStatus.NOT_APPLICABLE}
        )
    )


@pytest.mark.parametrize(("rule", "row"), CASES)
def test_evidence_is_read_back_as_it_was_written(rule: Rule, row: Row) -> None:
    evidence = the_verdict(rule, row.facts).evidence
    assert evidence, "a verdict shows what decided it"
    assert json.loads(json.dumps(evidence)) == evidence


@pytest.mark.parametrize(("rule", "row"), CASES)
def test_knowing_less_never_turns_an_answer_into_another(rule: Rule, row: Row) -> None:
    """Whatever is unread, a rule answers as it would with everything read, or *unknown*."""
    full = the_verdict(rule, row.facts).status
    needed = sorted(rule.needs)
    every = chain.from_iterable(combinations(needed, size) for size in range(len(needed) + 1))
    for missing in every:
        facts = row.facts
        for kind in missing:
            facts = without(facts, kind)
        statuses = {verdict.status for _, verdict in verdicts_of(rule, facts, DEFAULTS)}
        assert statuses <= {full, AssessmentStatus.UNKNOWN}, missing


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
@pytest.mark.parametrize("kind", FactKind)
def test_is_unknown_without_exactly_what_it_needs(rule: Rule, kind: FactKind) -> None:
    """The facts of a healthy project, less one: a rule that needs it no longer knows, the others still do."""
    facts = healthy_facts(rule)
    status = the_verdict(rule, facts).status
    never_scanned = rule.id in NEVER_SCANNED_IDS
    assert status is (AssessmentStatus.NOT_APPLICABLE if never_scanned else AssessmentStatus.HEALTHY)
    verdict = the_verdict(rule, without(facts, kind))
    settled = kind in SETTLED.get(rule.id, ()) or (
        kind is FactKind.ORGANIZATION_PIPELINE_SETTINGS and FactKind.PIPELINE_SETTINGS in rule.needs
    )
    if kind in rule.needs and not settled:
        assert verdict.status is AssessmentStatus.UNKNOWN
        assert verdict.permission == "The right"
        assert "7d1f" not in str(verdict), "what differs from try to try is no evidence"
    else:
        assert verdict.status is status


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_can_be_read_by_a_person(rule: Rule) -> None:
    for one in fields(rule):
        optional = {"assessment_key", "aliases", "lifecycle", "standards", "thresholds", "beyond_log"}
        if one.name not in optional | ({"needs"} if rule.id in NEEDS_NOTHING else set()):
            assert getattr(rule, one.name), f"{one.name} is empty"
    assert "should" in rule.title
    assert not rule.title.endswith(".")
    assert all(step.endswith(".") for step in (*rule.fix, rule.why, rule.judged, rule.limits))
    assert all(link.startswith("https://") for link in rule.references)
    assert rule.permissions or not rule.needs
    assert set(rule.thresholds) <= {one.name for one in fields(Thresholds)}
