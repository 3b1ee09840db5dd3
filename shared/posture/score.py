"""How well an organization or project does, as one number that cannot be raised by not looking.

Each rule counts by its severity, however many resources it judges, so that thousands of repositories do not
drown one setting of the organization. `docs/how-to/gate-a-pipeline.md` explains the formula with an example.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from shared.model.assessment import AssessmentStatus, Severity
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.views import Recommendation

WEIGHTS: Mapping[Severity, int] = {Severity.HIGH: 10, Severity.MEDIUM: 5, Severity.LOW: 1}
"""What a rule counts for."""

EXEMPTED = "exempted"
"""Key of unhealthy findings that somebody answers for: they are counted apart."""

OUTCOMES = (*(status.value for status in AssessmentStatus), EXEMPTED)
"""Every key of counts, in order."""

_UNTOLD = (AssessmentStatus.UNKNOWN, AssessmentStatus.NEVER_ASSESSED, AssessmentStatus.STALE)


@dataclass(frozen=True, slots=True)
class Score:
    """From 0 to 100, rounded down to one decimal; None where nothing is known.

    `value` leaves exempted findings out, `without_exemptions` takes them as unhealthy. What could not be told
    counts as not healthy in both; `known` is the share that could be told, as a percentage.
    """

    value: float | None
    without_exemptions: float | None
    known: float | None


class Tally:
    """Counts recommendations as they come by, and scores them at the end."""

    def __init__(self) -> None:
        self._by_rule: dict[RuleId, Counter[str]] = {}
        self._weights: dict[RuleId, int] = {}

    def add(self, one: Recommendation) -> None:
        """Count one more."""
        self.count(one.rule, EXEMPTED if one.is_exempted else one.status.value, 1)

    def count(self, rule: Rule, outcome: str, number: int) -> None:
        """Count so many more of one rule."""
        of_rule = self._by_rule.get(rule.id)
        if of_rule is None:
            of_rule = self._by_rule[rule.id] = Counter()
            self._weights[rule.id] = WEIGHTS[rule.severity]
        of_rule[outcome] += number

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each outcome, the exempted ones apart; every outcome is there."""
        total: Counter[str] = sum(self._by_rule.values(), Counter())
        return {one: total[one] for one in OUTCOMES}

    def score(self) -> Score:
        """The score of all that was counted."""
        untold = {rule: sum(counts[one.value] for one in _UNTOLD) for rule, counts in self._by_rule.items()}
        healthy = {rule: counts[AssessmentStatus.HEALTHY.value] for rule, counts in self._by_rule.items()}
        open_ = {rule: counts[AssessmentStatus.UNHEALTHY.value] for rule, counts in self._by_rule.items()}
        exempted = {rule: counts[EXEMPTED] for rule, counts in self._by_rule.items()}
        considered = {rule: healthy[rule] + open_[rule] + untold[rule] for rule in self._by_rule}
        everything = {rule: considered[rule] + exempted[rule] for rule in self._by_rule}
        told = {rule: everything[rule] - untold[rule] for rule in self._by_rule}
        known = self._share(told, everything)
        if not known:
            return Score(None, None, known)
        return Score(self._share(healthy, considered), self._share(healthy, everything), known)

    def _share(self, part: Mapping[RuleId, int], whole: Mapping[RuleId, int]) -> float | None:
        """The weighted mean of a share over the rules that have anything to say, as a percentage."""
        weights = {rule: self._weights[rule] for rule, number in whole.items() if number}
        if not weights:
            return None
        mean = math.fsum(weight * part[rule] / whole[rule] for rule, weight in weights.items())
        # Rounded down: 100 means that all is well. The smallest part keeps 0.3 + 0.7 from being less than 1.
        return math.floor(1000 * mean / sum(weights.values()) + 1e-9) / 10
