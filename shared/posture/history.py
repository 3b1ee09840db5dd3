"""What was said when: from what is stored now and the changes of status that led there.

A record of a change tells since when the status before it held, so each spell of a status is known from one
record alone, the last of them from what is stored now. Where older records were forgotten there is a gap,
which is told as *unknown*, never guessed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.model.assessment import (
    Assessment,
    AssessmentStatus,
    Resource,
    ResourceAssessments,
    StatusChange,
)
from shared.model.ids import ProjectId, RuleId
from shared.posture.rule import Rule
from shared.posture.views import Recommendation

NOT_RECORDED = "The history does not reach back so far: it was forgotten, or not kept yet."
_NO_REASON = "Why it was so is not recorded."

Subject = tuple[str, str, ProjectId | None, RuleId]
"""Kind and id of a resource, the project that it is in, and a rule: what has a history of its own."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A time during which the status was the same. `end` is None while it lasts; a gap has no status."""

    start: datetime
    end: datetime | None
    status: AssessmentStatus | None
    first_seen: datetime
    reason: str


def spells(current: Assessment | None, changes: Sequence[StatusChange]) -> list[Spell]:
    """Every spell of one rule on one resource, gaps too, oldest first. Before the first there was nothing.

    `changes` are those of this rule and resource, oldest first.
    """
    found: list[Spell] = []
    last: StatusChange | None = None
    for one in changes:
        if one.before is not None:
            # A first verdict may not be recorded: then the record before tells why something else ended.
            reason = last.reason if last is not None and last.at == one.since else _NO_REASON
            _add(found, Spell(one.since, one.at, one.before, one.first_seen, reason))
        last = one
    if current is not None:
        verdict = current.verdict
        _add(found, Spell(current.changed_at, None, verdict.status, current.first_seen, verdict.reason))
    return found


def _add(found: list[Spell], following: Spell) -> None:
    """Append a spell, and before it the gap that forgotten records leave."""
    start = following.first_seen
    if found and found[-1].end is not None:
        start = max(start, found[-1].end)
    if start < following.start:
        found.append(Spell(start, following.start, None, following.first_seen, NOT_RECORDED))
    found.append(following)


def spell_at(told: Iterable[Spell], at: datetime) -> Spell | None:
    """The spell in which a time lies; None when there was nothing to tell of then."""
    return next((one for one in told if one.start <= at and (one.end is None or at < one.end)), None)


def by_subject(changes: Iterable[StatusChange]) -> dict[Subject, list[StatusChange]]:
    """Changes by what they are about, each in its order."""
    found: dict[Subject, list[StatusChange]] = {}
    for one in changes:
        found.setdefault(subject_of(one.resource, one.rule), []).append(one)
    return found


def subject_of(resource: Resource, rule: RuleId) -> Subject:
    """What has a history of its own."""
    return resource.kind.value, resource.id, resource.project, rule


def subjects(
    rows: Iterable[ResourceAssessments], changes: Mapping[Subject, Sequence[StatusChange]]
) -> Iterator[tuple[Resource, RuleId, list[Spell]]]:
    """Everything that is stored, and everything that changes tell of which is stored no more."""
    stored = set()
    for row in rows:
        for rule, assessment in row.assessments.items():
            subject = subject_of(row.resource, rule)
            stored.add(subject)
            yield row.resource, rule, spells(assessment, changes.get(subject, ()))
    for subject, some in changes.items():
        if subject not in stored:
            yield some[-1].resource, subject[3], spells(None, some)


def past_recommendations(
    rows: Iterable[ResourceAssessments],
    changes: Mapping[Subject, Sequence[StatusChange]],
    rules: Mapping[RuleId, Rule],
    at: datetime,
) -> Iterator[Recommendation]:
    """What these rules said at a time; of a rule that is no more, nothing is told."""
    for resource, name, told in subjects(rows, changes):
        rule, spell = rules.get(name), spell_at(told, at)
        if rule is not None and spell is not None:
            status = spell.status or AssessmentStatus.UNKNOWN
            yield Recommendation(
                rule=rule,
                resource=resource,
                status=status,
                last_status=spell.status,
                reason=spell.reason,
                evidence={},
                permission="",
                assessed_at=None,
                first_seen=spell.first_seen,
                changed_at=spell.start if spell.status else None,
            )


def with_first_verdict(
    resource: Resource, rule: RuleId, current: Assessment | None, changes: Sequence[StatusChange]
) -> list[StatusChange]:
    """The changes with the first verdict, which is not recorded when it was *healthy* or *not applicable*."""
    told = spells(current, changes)
    starts = {one.at for one in changes if one.before is None}
    first = [
        StatusChange(
            at=one.start,
            resource=resource,
            rule=rule,
            before=None,
            after=one.status,
            since=one.start,
            first_seen=one.start,
            reason=one.reason,
        )
        for one in told
        if one.start == one.first_seen and one.status is not None and one.start not in starts
    ]
    return sorted([*changes, *first], key=lambda one: (one.at, one.sequence))


class Trend:
    """Counts statuses at several times, in one pass over everything."""

    def __init__(self, times: Sequence[datetime]) -> None:
        self.times = sorted(times)
        self._steps: dict[tuple[RuleId, AssessmentStatus], Counter[int]] = {}

    def add(self, rule: RuleId, told: Iterable[Spell]) -> None:
        """Count one more subject. A gap counts as *unknown*."""
        for one in told:
            begin = bisect_left(self.times, one.start)
            end = len(self.times) if one.end is None else bisect_left(self.times, one.end)
            if begin < end:
                steps = self._steps.setdefault((rule, one.status or AssessmentStatus.UNKNOWN), Counter())
                steps[begin] += 1
                steps[end] -= 1

    def counts(self) -> list[dict[RuleId, dict[AssessmentStatus, int]]]:
        """For each time, how many there were of each status, by rule."""
        found: list[dict[RuleId, dict[AssessmentStatus, int]]] = [{} for _ in self.times]
        for (rule, status), steps in sorted(self._steps.items()):
            number = 0
            for index in range(len(self.times)):
                number += steps[index]
                if number:
                    found[index].setdefault(rule, {})[status] = number
        return found
