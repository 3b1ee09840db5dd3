"""Small read models: what views ask of an organization without reading its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.model.assessment import AssessmentStatus, Findings, Resource, ResourceAssessments
from shared.model.ids import OrganizationId, ProjectId, RuleId


@dataclass(frozen=True, slots=True)
class ProjectSummary:
    """What was assessed in one project (or, with an empty id, in the organization itself), and when."""

    project: ProjectId | None
    findings: Findings
    assessed_at: datetime


@dataclass(frozen=True, slots=True)
class PostureSummary:
    """What was assessed in an organization: the sum over its projects, of which `projects` were assessed.

    `newest` is when the last of them was; None when none was. `changes` is how many changes of status there
    ever were: the number of the last one. What was read at `read_since` or later still held at
    `confirmed_at`, as far as the audit log tells; both are None where it was not asked since then.
    """

    organization: OrganizationId
    findings: Findings = field(default_factory=dict)
    projects: int = 0
    newest: datetime | None = None
    changes: int = 0
    read_since: datetime | None = None
    confirmed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ResourceStatuses:
    """What each rule said of one resource, without why: so little that all of an organization can be read."""

    resource: Resource
    statuses: Mapping[RuleId, AssessmentStatus]


def statuses_of(row: ResourceAssessments) -> ResourceStatuses:
    """The statuses in a row of assessments."""
    return ResourceStatuses(
        row.resource, {rule: one.verdict.status for rule, one in sorted(row.assessments.items())}
    )


def findings_of(rows: Iterable[ResourceAssessments]) -> Findings:
    """Count the verdicts of these rows."""
    counted: dict[RuleId, Counter[AssessmentStatus]] = {}
    for row in rows:
        for rule, assessment in row.assessments.items():
            counted.setdefault(rule, Counter())[assessment.verdict.status] += 1
    return {rule: dict(counts) for rule, counts in sorted(counted.items())}


def with_change(total: Findings, before: Findings, after: Findings) -> Findings:
    """The total after one part of it changed; what falls to zero goes out."""
    counted = {rule: Counter(counts) for rule, counts in total.items()}
    for rule, counts in before.items():
        counted.setdefault(rule, Counter()).subtract(counts)
    for rule, counts in after.items():
        counted.setdefault(rule, Counter()).update(counts)
    kept = {rule: {status: n for status, n in counts.items() if n > 0} for rule, counts in counted.items()}
    return {rule: counts for rule, counts in sorted(kept.items()) if counts}
