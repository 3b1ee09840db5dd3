"""What each rule says in each of its cases, to the letter: status, reason, evidence, missing right."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from shared.model.facts import FactKind
from shared.model.thresholds import DEFAULTS
from shared.posture.catalogue import RULES
from shared.posture.judging import verdicts_of
from shared.posture.rule import Rule
from tests.pinned import Answers, pinned, plain
from tests.posture.builders import Row, without
from tests.posture.test_rules import MODULES, healthy_facts, rows_of, rule_of

FILE = Path(__file__).parent / "pinned.json"
ROWS = {rule_of(module).id: rows_of(module) for module in MODULES}


def said(rule: Rule, row: Row) -> object:
    return [(resource, verdict) for resource, verdict in verdicts_of(rule, row.facts, DEFAULTS)]


def untold(rule: Rule, kind: FactKind) -> object:
    facts = without(healthy_facts(rule), kind)
    return [(resource, verdict) for resource, verdict in verdicts_of(rule, facts, DEFAULTS)]


ANSWERS: Answers = {
    f"{rule.id}: {name}": answer
    for rule in RULES
    for name, answer in (
        *((row.says, partial(said, rule, row)) for row in ROWS[rule.id]),
        *((f"without {kind.value}", partial(untold, rule, kind)) for kind in sorted(rule.needs)),
    )
}


@pytest.mark.parametrize("name", ANSWERS)
def test_is_said_to_the_letter(name: str) -> None:
    assert plain(ANSWERS[name]()) == pinned(FILE)[name]


def test_nothing_is_pinned_that_nobody_says() -> None:
    assert set(pinned(FILE)) == set(ANSWERS)
