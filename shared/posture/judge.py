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
    StatusChange,
    Verdict,
)
from shared.model.facts import OrganizationFacts, ProjectFacts
from shared.model.ids import OrganizationId, RuleId
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.summary import findings_of
from shared.model.thresholds import DEFAULTS, Thresholds
from shared.posture.judging import JudgedResource, ResourceKey, judge_facts, key_of
from shared.posture.rule import Rule
from shared.posture.subjects import is_judged
from shared.posture.verdicts import CHANGED_BY

WORTH_TELLING = frozenset({AssessmentStatus.UNHEALTHY, AssessmentStatus.UNKNOWN})
"""First verdicts that the journal records; a first *healthy* or *not applicable* is no news."""

NO_LONGER_ASSESSED = "notAssessed"
"""What the journal says a status became when the rule no longer judges the resource, or it is gone."""

_REASON_MOST = 200
"""Characters of a reason that history keeps: its records stay small, and the journal has the whole."""


@dataclass(frozen=True, slots=True)
class _Pen:
    """Writes what one judging changed."""

    organization: OrganizationId
    now: datetime

    def entry(self, change: StatusChange, reason: str) -> JournalEntry:
        return JournalEntry(
            at=self.now,
            event=JournalEvent.ASSESSMENT_CHANGED,
            organization=self.organization,
            subject=change.resource.id,
            subject_name=change.resource.name,
            before=change.before or "",
            after=change.after or NO_LONGER_ASSESSED,
            reason=f"{change.rule}: {reason}",
        )

    def change(
        self, resource: Resource, rule: RuleId, before: Assessment | None, after: Verdict | None, reason: str
    ) -> tuple[StatusChange, str]:
        """The change as history keeps it, with all that the journal is to say of it."""
        who = after.evidence.get(CHANGED_BY) if after is not None else None
        kept = StatusChange(
            at=self.now,
            resource=resource,
            rule=rule,
            before=before.verdict.status if before else None,
            after=after.status if after else None,
            since=before.changed_at if before else self.now,
            first_seen=before.first_seen if before else self.now,
            reason=reason if len(reason) <= _REASON_MOST else f"{reason[: _REASON_MOST - 1]}\u2026",
            changed_by=who if isinstance(who, str) else "",
            last_known=before.last_known if before else None,
        )
        return kept, reason


def judge(
    organization: OrganizationId,
    facts: ProjectFacts | OrganizationFacts,
    known: Iterable[ResourceAssessments],
    rules: Iterable[Rule],
    now: datetime,
    thresholds: Thresholds = DEFAULTS,
) -> AssessmentChange:
    """Judge a project, or the organization itself, and say what to write.

    A row is written only when something in it changed. `changed_at` moves with the status alone, never with
    the evidence. The journal records each change of status, and of first verdicts the unhealthy and the
    unknown ones. A resource that the facts show to be gone is dropped; one that is only missing from the
    inventory, or could not be listed, is not.
    """
    stored = {key_of(row.resource): row for row in known}
    judged = judge_facts(facts, rules, (row.resource for row in stored.values()), thresholds)
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
    told: list[tuple[StatusChange, str]] = []
    for key, one in judged.items():
        before = stored.get(key)
        after = ResourceAssessments(organization, one.resource, _next(one.verdicts, before, now))
        if after != before:
            rows.append(after)
            told.extend(_changes(pen, after, before))
    gone = [row for key, row in sorted(stored.items()) if key not in judged and key not in untouched]
    told.extend(change for row in gone for change in _farewell(pen, row))
    dropped = tuple(key_of(row.resource) for row in gone)
    left = {key: row for key, row in stored.items() if key not in dropped}
    left.update((key_of(row.resource), row) for row in rows)
    journal = tuple(pen.entry(change, reason) for change, reason in told)
    history = tuple(change for change, _ in told)
    return AssessmentChange(tuple(rows), dropped, journal, findings_of(left.values()), history)


def drop_all(
    organization: OrganizationId, known: Iterable[ResourceAssessments], now: datetime
) -> AssessmentChange:
    """Drop everything that was assessed in a project that is deleted."""
    return changes(organization, {}, {key_of(row.resource): row for row in known}, frozenset(), now)


def _missing(facts: ProjectFacts | OrganizationFacts) -> frozenset[ResourceKey]:
    if isinstance(facts, OrganizationFacts):
        return frozenset()
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
            was, now_is = old.verdict.status, verdict.status
            last_known = old.last_known if was is AssessmentStatus.UNKNOWN else was
            following[rule] = Assessment(
                verdict,
                old.first_seen,
                old.changed_at if was is now_is else now,
                last_known if now_is is AssessmentStatus.UNKNOWN else None,
            )
    return following


def _changes(
    pen: _Pen, after: ResourceAssessments, before: ResourceAssessments | None
) -> Iterator[tuple[StatusChange, str]]:
    known = before.assessments if before is not None else {}
    for rule, one in after.assessments.items():
        old = known.get(rule)
        status = one.verdict.status
        if (old is None and status in WORTH_TELLING) or (
            old is not None and old.verdict.status is not status
        ):
            yield pen.change(after.resource, rule, old, one.verdict, one.verdict.reason)
    for rule, old in known.items():
        if rule not in after.assessments:
            yield pen.change(after.resource, rule, old, None, "The rule no longer judges this resource.")


def _farewell(pen: _Pen, row: ResourceAssessments) -> Iterator[tuple[StatusChange, str]]:
    for rule, old in row.assessments.items():
        yield pen.change(row.resource, rule, old, None, "The resource is no longer in the project.")
