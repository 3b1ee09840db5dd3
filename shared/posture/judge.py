"""What changed in a project's assessments: from verdicts and stored rows to the rows to write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.model.assessment import (
    Assessment,
    AssessmentChange,
    AssessmentStatus,
    Resource,
    ResourceAssessments,
    ResourceKind,
    Verdict,
)
from shared.model.facts import ProjectFacts
from shared.model.ids import OrganizationId, RuleId
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.summary import findings_of
from shared.posture.judging import JudgedResource, ResourceKey, judge_project, key_of
from shared.posture.rule import Rule
from shared.posture.subjects import is_judged

WORTH_TELLING = frozenset({AssessmentStatus.UNHEALTHY, AssessmentStatus.UNKNOWN})
"""First verdicts that the journal records; a first *healthy* or *not applicable* is no news."""

NO_LONGER_ASSESSED = "notAssessed"
"""What the journal says a status became when the rule no longer judges the resource, or it is gone."""


@dataclass(frozen=True, slots=True)
class _Pen:
    """Writes journal entries of one judging."""

    organization: OrganizationId
    now: datetime

    def entry(self, resource: Resource, rule: RuleId, before: str, after: str, reason: str) -> JournalEntry:
        return JournalEntry(
            at=self.now,
            event=JournalEvent.ASSESSMENT_CHANGED,
            organization=self.organization,
            subject=resource.id,
            subject_name=resource.name,
            before=before,
            after=after,
            reason=f"{rule}: {reason}",
        )


def judge(
    organization: OrganizationId,
    facts: ProjectFacts,
    known: Iterable[ResourceAssessments],
    rules: Iterable[Rule],
    now: datetime,
) -> AssessmentChange:
    """Judge a project and say what to write.

    A row is written only when something in it changed. `changed_at` moves with the status alone, never with
    the evidence. The journal records each change of status, and of first verdicts the unhealthy and the
    unknown ones. A resource that the facts show to be gone is dropped; one that is only missing from the
    inventory, or could not be listed, is not.
    """
    stored = {key_of(row.resource): row for row in known}
    judged = judge_project(facts, rules, (row.resource for row in stored.values()))
    return changes(organization, judged, stored, _missing(facts), now)


def changes(
    organization: OrganizationId,
    judged: Mapping[ResourceKey, JudgedResource],
    stored: Mapping[ResourceKey, ResourceAssessments],
    untouched: frozenset[ResourceKey],
    now: datetime,
) -> AssessmentChange:
    """Compare verdicts with stored rows; rows in `untouched` stay as they are."""
    pen = _Pen(organization, now)
    rows: list[ResourceAssessments] = []
    journal: list[JournalEntry] = []
    for key, one in judged.items():
        before = stored.get(key)
        after = ResourceAssessments(organization, one.resource, _next(one.verdicts, before, now))
        if after != before:
            rows.append(after)
            journal.extend(_entries(pen, after, before))
    gone = [row for key, row in sorted(stored.items()) if key not in judged and key not in untouched]
    journal.extend(entry for row in gone for entry in _farewell(pen, row))
    dropped = tuple(key_of(row.resource) for row in gone)
    left = {key: row for key, row in stored.items() if key not in dropped}
    left.update((key_of(row.resource), row) for row in rows)
    return AssessmentChange(tuple(rows), dropped, tuple(journal), findings_of(left.values()))


def drop_all(
    organization: OrganizationId, known: Iterable[ResourceAssessments], now: datetime
) -> AssessmentChange:
    """Drop everything that was assessed in a project that is deleted."""
    return changes(organization, {}, {key_of(row.resource): row for row in known}, frozenset(), now)


def _missing(facts: ProjectFacts) -> frozenset[ResourceKey]:
    return frozenset(
        (ResourceKind.REPOSITORY.value, one.id)
        for one in facts.repositories
        if not is_judged(one) and one.retired_at is None
    )


def _next(
    verdicts: Mapping[RuleId, Verdict], before: ResourceAssessments | None, now: datetime
) -> dict[RuleId, Assessment]:
    known = before.assessments if before is not None else {}
    following = {}
    for rule, verdict in verdicts.items():
        old = known.get(rule)
        if old is None:
            following[rule] = Assessment(verdict, first_seen=now, changed_at=now)
        else:
            moved = old.verdict.status is not verdict.status
            following[rule] = Assessment(verdict, old.first_seen, now if moved else old.changed_at)
    return following


def _entries(
    pen: _Pen, after: ResourceAssessments, before: ResourceAssessments | None
) -> Iterator[JournalEntry]:
    known = before.assessments if before is not None else {}
    for rule, one in after.assessments.items():
        old = known.get(rule)
        status = one.verdict.status
        if old is None and status in WORTH_TELLING:
            yield pen.entry(after.resource, rule, "", status.value, one.verdict.reason)
        elif old is not None and old.verdict.status is not status:
            yield pen.entry(after.resource, rule, old.verdict.status.value, status.value, one.verdict.reason)
    for rule, old in known.items():
        if rule not in after.assessments:
            yield pen.entry(
                after.resource,
                rule,
                old.verdict.status.value,
                NO_LONGER_ASSESSED,
                "The rule no longer judges this resource.",
            )


def _farewell(pen: _Pen, row: ResourceAssessments) -> Iterator[JournalEntry]:
    for rule, old in row.assessments.items():
        yield pen.entry(
            row.resource,
            rule,
            old.verdict.status.value,
            NO_LONGER_ASSESSED,
            "The resource is no longer in the project.",
        )
