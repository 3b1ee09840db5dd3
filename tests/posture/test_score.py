"""The score: each rule counts by its severity, and nothing is gained by not looking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from shared.model.assessment import AssessmentStatus as Is
from shared.model.assessment import Severity
from shared.model.ids import RuleId
from shared.posture.catalogue import find
from shared.posture.score import OUTCOMES, Score, Tally
from shared.posture.views import Recommendation
from tests.posture.builders import NOW
from tests.posture.test_exemptions import a_recommendation, an_exemption

HIGH, MEDIUM = "ADO-REPO-001", "ADO-CONN-002"
LOOKED = (Is.UNKNOWN, Is.STALE, Is.NEVER_ASSESSED)


def tally(*told: tuple[str, Sequence[Is]], exempted: Sequence[str] = ()) -> Tally:
    counted = Tally()
    for rule, statuses in told:
        for status in statuses:
            counted.add(a_recommendation(status=status, rule=rule))
    for rule in exempted:
        plain = a_recommendation(rule=rule)
        counted.add(
            Recommendation(
                plain.rule, plain.resource, plain.status, plain.last_status, "", {}, "", NOW, NOW, NOW,
                exemption=an_exemption(),
            )
        )  # fmt: skip
    return counted


def test_these_rules_are_of_the_severities_that_the_tests_count_on() -> None:
    severities = [rule.severity.value for one in (HIGH, MEDIUM) if (rule := find(one)) is not None]
    assert severities == ["high", "medium"]


@pytest.mark.parametrize(
    ("told", "score"),
    [
        ([], Score(None, None, None)),
        ([(HIGH, [Is.NOT_APPLICABLE])], Score(None, None, None)),
        ([(HIGH, [Is.HEALTHY] * 3)], Score(100, 100, 100)),
        ([(HIGH, [Is.UNHEALTHY])], Score(0, 0, 100)),
        ([(HIGH, [Is.HEALTHY, Is.NOT_APPLICABLE, Is.UNHEALTHY])], Score(50, 50, 100)),
        ([(HIGH, [Is.HEALTHY, Is.UNHEALTHY, Is.UNHEALTHY])], Score(33.3, 33.3, 100)),
        # A rule with one resource counts as much as one with a hundred.
        ([(HIGH, [Is.UNHEALTHY]), (MEDIUM, [Is.HEALTHY] * 100)], Score(33.3, 33.3, 100)),
        # Nearly all is not all.
        ([(HIGH, [Is.HEALTHY] * 9_999 + [Is.UNHEALTHY])], Score(99.9, 99.9, 100)),
        ([(HIGH, [Is.NEVER_ASSESSED] * 5)], Score(None, None, 0)),
        ([(HIGH, [Is.HEALTHY, Is.UNKNOWN])], Score(50, 50, 50)),
        ([(HIGH, [Is.HEALTHY, *LOOKED])], Score(25, 25, 25)),
    ],
)
def test_score(told: list[tuple[str, Sequence[Is]]], score: Score) -> None:
    assert tally(*told).score() == score


@pytest.mark.parametrize("status", LOOKED)
def test_not_looking_never_raises_the_score(status: Is) -> None:
    seen = tally((HIGH, [Is.HEALTHY, Is.UNHEALTHY]), (MEDIUM, [Is.HEALTHY])).score()
    unseen = tally((HIGH, [Is.HEALTHY, status]), (MEDIUM, [status])).score()
    assert seen.value is not None
    assert unseen.value is not None
    assert unseen.value <= seen.value


def test_what_is_exempted_is_left_out_and_told_with_and_without() -> None:
    counted = tally((HIGH, [Is.HEALTHY]), exempted=[HIGH])
    assert counted.score() == Score(100, 50, 100)
    assert counted.counts == {**dict.fromkeys(OUTCOMES, 0), "healthy": 1, "exempted": 1}
    assert tally(exempted=[HIGH]).score() == Score(None, 0, 100)


def test_every_outcome_is_counted() -> None:
    assert tally((HIGH, list(Is)), exempted=[HIGH]).counts == dict.fromkeys(OUTCOMES, 1)


def test_the_example_of_the_page() -> None:
    low = replace(a_recommendation().rule, id=RuleId("ADO-LOW-001"), severity=Severity.LOW)
    counted = tally((HIGH, [Is.HEALTHY] * 3 + [Is.UNHEALTHY]), (MEDIUM, [Is.UNHEALTHY]))
    waived = tally((HIGH, [Is.HEALTHY] * 3 + [Is.UNHEALTHY]), exempted=[MEDIUM])
    for one in (counted, waived):
        for status in (Is.HEALTHY, Is.UNKNOWN):
            one.add(replace(a_recommendation(status=status), rule=low))
    assert counted.score().value == 50
    assert waived.score().value == 72.7
