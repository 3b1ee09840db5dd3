"""What is wrong with assessments, their sums, the history of their changes, and facts."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.model.assessment import (
    AssessmentStatus,
    Findings,
    ResourceAssessments,
    ResourceKind,
    StatusChange,
)
from shared.model.ids import ProjectId, RuleId
from shared.model.notification import Notified
from shared.model.record import Record, RecordKind
from shared.model.summary import PostureSummary, ProjectSummary
from shared.model.work import WorkKind
from shared.reconcile.consistency.any_record import named
from shared.reconcile.consistency.findings import Code, Finding, NumberHistory, Recount, Replace
from shared.reconcile.consistency.reading import Reading, content

_Verdicts = Counter[tuple[RuleId, AssessmentStatus]]


@dataclass(slots=True)
class PostureCheck:
    """Assessments come project by project, then the changes of status, then the sums."""

    reading: Reading
    found: _Verdicts = field(default_factory=Counter)
    """Of the assessments of the project that is being read."""
    scope: ProjectId | None = None
    begun: bool = False
    digests: dict[ProjectId | None, bytes] = field(default_factory=dict)
    total: _Verdicts = field(default_factory=Counter)
    summed: set[ProjectId | None] = field(default_factory=set)
    newest: datetime | None = None
    last_change: int = 0
    lost: int = 0
    """Changes of status between those that are kept."""
    notified: Record | None = None
    total_record: Record | None = None
    sums_differ: bool = False

    def record(self, record: Record) -> Iterator[Finding]:
        """What is wrong with one record by itself."""
        match record.value:
            case ResourceAssessments() as row:
                yield from self._assessments(record, row)
            case StatusChange() as change:
                between = change.sequence - self.last_change - 1 if self.last_change else 0
                self.lost += max(between, change.sequence < 1)
                self.last_change = max(self.last_change, change.sequence)
            case Notified():
                self.notified = record
            case PostureSummary():
                self.total_record = record
            case ProjectSummary() as summary:
                yield from self._summary(record, summary)
            case _ if record.kind is RecordKind.FACTS:
                yield from self._facts(record)

    def end(self) -> Iterator[Finding]:
        """What only the whole tells."""
        self._end_scope()
        if self.reading.is_settled(WorkKind.POSTURE) and not self.reading.unread(
            RecordKind.ASSESSMENT, RecordKind.POSTURE
        ):
            yield from self._sums()
        yield from self._history()

    def _assessments(self, record: Record, row: ResourceAssessments) -> Iterator[Finding]:
        scope = ProjectId(record.key[1]) if record.key[1] else None
        if not self.begun or scope != self.scope:
            self._end_scope()
            self.begun, self.scope, self.found = True, scope, Counter()
        self.found.update((rule, one.verdict.status) for rule, one in row.assessments.items())
        resource = row.resource
        if not self.reading.knows(scope):
            what = f"The {named(record)} is of a project that is not known."
            yield self.reading.finding(Code.ASSESSMENT_OF_NO_PROJECT, what, Replace(record, None))
        elif self.reading.known.is_whole and (
            (resource.kind is ResourceKind.REPOSITORY and resource.id not in self.reading.known.repositories)
            or (resource.kind is ResourceKind.PROJECT and resource.id not in self.reading.known.projects)
        ):
            what = f"The {named(record)} is of a {resource.kind.value} that is not known."
            yield self.reading.finding(Code.ASSESSMENT_OF_NO_RESOURCE, what, Replace(record, None))

    def _end_scope(self) -> None:
        if self.begun:
            self.digests[self.scope] = _digest(self.found)

    def _summary(self, record: Record, summary: ProjectSummary) -> Iterator[Finding]:
        project = summary.project
        if not self.reading.knows(project) and project not in self.digests and project != self.scope:
            what = f"The {named(record)} is of a project that is not known."
            yield self.reading.finding(Code.SUMS_OF_NO_PROJECT, what, Replace(record, None))
            self.sums_differ = True
            return
        self._end_scope()
        self.summed.add(project)
        counted = _counted(summary.findings)
        self.total.update(counted)
        if self.newest is None or summary.assessed_at > self.newest:
            self.newest = summary.assessed_at
        if (
            self.reading.is_settled(WorkKind.POSTURE)
            and not self.reading.unread(RecordKind.ASSESSMENT)
            and self.digests.get(project, _NOTHING) != _digest(counted)
        ):
            self.sums_differ = True
            what = f"The {named(record)} does not count what the assessments say."
            yield self.reading.finding(Code.SUMS_DIFFER, what, Recount(self.reading.organization.id, project))

    def _total(self) -> tuple[Record, PostureSummary]:
        """The organization's numbers, and where they are or would be kept."""
        of = self.reading.organization.id
        record = self.total_record or Record(RecordKind.POSTURE_TOTAL, (of,), None)
        return record, record.value if isinstance(record.value, PostureSummary) else PostureSummary(of)

    def _sums(self) -> Iterator[Finding]:
        for project in self.digests.keys() - self.summed:
            if self.reading.knows(project):
                self.sums_differ = True
                what = f"The assessments of {project or 'the organization itself'} are counted nowhere."
                yield self.reading.finding(
                    Code.SUMS_DIFFER, what, Recount(self.reading.organization.id, project)
                )
        if self.reading.unread(RecordKind.POSTURE_TOTAL):
            return
        record, told = self._total()
        true = replace(
            told,
            findings=_findings(self.total),
            projects=sum(1 for one in self.summed if one is not None),
            newest=told.newest if self.newest is None else max(self.newest, told.newest or self.newest),
            changes=max(told.changes, self.last_change),
        )
        # What makes the parts right again makes the total right as well.
        if not self.sums_differ and (_digest(_counted(told.findings)), told.projects, told.newest) != (
            _digest(self.total),
            true.projects,
            true.newest,
        ):
            what = (
                f"The posture of organization {self.reading.organization.id} is not the sum of its projects."
            )
            yield self.reading.finding(Code.TOTAL_DIFFERS, what, Replace(record, true))

    def _history(self) -> Iterator[Finding]:
        if self.reading.unread(RecordKind.POSTURE_TOTAL):
            return
        record, told = self._total()
        if self.last_change > told.changes:
            what = (
                f"The last change of status of organization {self.reading.organization.id} has number "
                f"{self.last_change}, and {told.changes} are counted."
            )
            cure = Replace(record, replace(told, changes=self.last_change))
            yield self.reading.finding(Code.HISTORY_BEYOND_TOTAL, what, cure)
            return
        yield from self._lost_history(told)
        if self.notified is None or not isinstance(self.notified.value, Notified):
            return
        notified = self.notified.value
        if min(notified.told, notified.sending) < 0:
            what = f"Changes of organization {self.reading.organization.id} were told up to number "
            what += f"{notified.told}, which none has."
            true = Notified(max(notified.told, 0), notified.at)
            yield self.reading.finding(Code.IMPOSSIBLE_NUMBER, what, Replace(self.notified, true))
            return
        if max(notified.told, notified.sending) > told.changes:
            what = (
                f"Changes of organization {self.reading.organization.id} were told up to number "
                f"{max(notified.told, notified.sending)}, and there are {told.changes}."
            )
            true = Notified(min(notified.told, told.changes), notified.at)
            yield self.reading.finding(Code.NOTIFIED_BEYOND_HISTORY, what, Replace(self.notified, true))

    def _lost_history(self, told: PostureSummary) -> Iterator[Finding]:
        if not self.reading.is_settled(WorkKind.POSTURE) or self.reading.unread(RecordKind.STATUS_CHANGE):
            return
        organization = self.reading.organization.id
        cut_off = told.changes - self.last_change if self.last_change else 0
        if self.lost or cut_off:
            what = f"Of the changes of status of organization {organization}, which are numbered up to "
            what += f"{told.changes}, {self.lost} are missing between those that are kept, "
            what += f"and {cut_off} at the end."
            yield self.reading.finding(Code.HISTORY_LACKING, what, NumberHistory(organization, told.changes))

    def _facts(self, record: Record) -> Iterator[Finding]:
        project = ProjectId(record.key[1])
        if not self.reading.knows(project):
            what = f"The {named(record)} are of a project that is not known."
            yield self.reading.finding(Code.FACTS_OF_NO_PROJECT, what, Replace(record, None))
        else:
            yield from content(self.reading, record)


def _counted(findings: Findings) -> _Verdicts:
    return Counter(
        {(rule, status): number for rule, counts in findings.items() for status, number in counts.items()}
    )


def _findings(verdicts: _Verdicts) -> Findings:
    found: dict[RuleId, dict[AssessmentStatus, int]] = {}
    for (rule, status), number in sorted(verdicts.items()):
        if number > 0:
            found.setdefault(rule, {})[status] = number
    return found


def _digest(verdicts: _Verdicts) -> bytes:
    told = sorted((rule, str(status), number) for (rule, status), number in verdicts.items() if number)
    return hashlib.blake2b(repr(told).encode(), digest_size=16).digest()


_NOTHING = _digest(Counter())
