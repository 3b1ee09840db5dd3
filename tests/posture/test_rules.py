"""Every rule against its cases, and against what must hold for any rule."""

from __future__ import annotations

import importlib
import json
import pkgutil
from dataclasses import fields
from itertools import chain, combinations

import pytest

from shared.model.assessment import AssessmentStatus, Verdict
from shared.model.facts import FactKind, ProjectFacts
from shared.posture import rules as package
from shared.posture.catalogue import RULES
from shared.posture.judging import verdicts_of
from shared.posture.rule import Rule
from tests.posture.builders import Row, some_facts, without

STORED = (
    AssessmentStatus.HEALTHY,
    AssessmentStatus.UNHEALTHY,
    AssessmentStatus.NOT_APPLICABLE,
    AssessmentStatus.UNKNOWN,
)
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


def the_verdict(rule: Rule, facts: ProjectFacts) -> Verdict:
    [(_, verdict)] = verdicts_of(rule, facts)
    return verdict


@pytest.mark.parametrize(("rule", "row"), CASES)
def test_says_what_it_should(rule: Rule, row: Row) -> None:
    verdict = the_verdict(rule, row.facts)
    assert verdict.status is row.status, verdict.reason
    assert row.because in verdict.reason
    assert verdict.reason.endswith("."), "a reason is a sentence"


@pytest.mark.parametrize("module", MODULES)
def test_has_a_case_of_each_status(module: str) -> None:
    assert {row.status for row in rows_of(module)} == set(STORED)


@pytest.mark.parametrize(("rule", "row"), CASES)
def test_evidence_is_read_back_as_it_was_written(rule: Rule, row: Row) -> None:
    evidence = the_verdict(rule, row.facts).evidence
    assert evidence, "a verdict shows what decided it"
    assert json.loads(json.dumps(evidence)) == evidence


@pytest.mark.parametrize(("rule", "row"), CASES)
def test_knowing_less_never_turns_an_answer_into_another(rule: Rule, row: Row) -> None:
    """Whatever is unread, a rule answers as it would with everything read, or *unknown*."""
    full = the_verdict(rule, row.facts).status
    every = chain.from_iterable(combinations(FactKind, size) for size in range(len(FactKind) + 1))
    for missing in every:
        facts = row.facts
        for kind in missing:
            facts = without(facts, kind)
        statuses = {verdict.status for _, verdict in verdicts_of(rule, facts)}
        assert statuses <= {full, AssessmentStatus.UNKNOWN}, missing


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
@pytest.mark.parametrize("kind", FactKind)
def test_is_unknown_without_exactly_what_it_needs(rule: Rule, kind: FactKind) -> None:
    """The facts of a healthy project, less one: a rule that needs it no longer knows, the others still do."""
    facts = some_facts()
    assert the_verdict(rule, facts).status is AssessmentStatus.HEALTHY
    verdict = the_verdict(rule, without(facts, kind))
    settled_by_project = kind is FactKind.ORGANIZATION_PIPELINE_SETTINGS
    if kind in rule.needs and not settled_by_project:
        assert verdict.status is AssessmentStatus.UNKNOWN
        assert verdict.permission == "The right"
        assert "7d1f" not in str(verdict), "what differs from try to try is no evidence"
    else:
        assert verdict.status is AssessmentStatus.HEALTHY


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_can_be_read_by_a_person(rule: Rule) -> None:
    for one in fields(rule):
        if one.name not in {"assessment_key", "aliases", "lifecycle"}:
            assert getattr(rule, one.name), f"{one.name} is empty"
    assert "should" in rule.title
    assert not rule.title.endswith(".")
    assert all(step.endswith(".") for step in (*rule.fix, rule.why, rule.judged, rule.limits))
    assert all(link.startswith("https://") for link in rule.references)
    assert rule.permissions
