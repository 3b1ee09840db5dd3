"""Recommendations as they are shown: stored verdicts and the inventory, told in six outcomes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.model.assessment import (
    Assessment,
    AssessmentStatus,
    Resource,
    ResourceAssessments,
    ResourceKind,
)
from shared.model.exemption import Exemption
from shared.model.inventory import Project, Repository
from shared.posture.judging import key_of
from shared.posture.rule import OfOrganization, Rule
from shared.posture.subjects import is_judged, project_resource, repository_resource

STALE_AFTER_INTERVALS = 2
"""A verdict older than this many intervals is told as stale."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the verdicts of an organization may be, and up to when the audit log showed them to hold.

    What was read at `read_since` or later was seen to hold at `confirmed_at`, as far as the log tells of it:
    verdicts that rest on that alone count as assessed then, and grow old by the `look` interval. Others grow
    old by the `full` one, by which they are read. Where the log was not asked, everything is read at the
    `look` interval.
    """

    look: timedelta
    full: timedelta
    read_since: datetime | None = None
    confirmed_at: datetime | None = None

    def assessed_at(self, rule: Rule, read_at: datetime) -> datetime:
        """When a verdict of the rule that rests on what was read then was last seen to hold."""
        if not self._is_confirmed(rule, read_at) or self.confirmed_at is None:
            return read_at
        return max(read_at, self.confirmed_at)

    def is_stale(self, rule: Rule, read_at: datetime, now: datetime) -> bool:
        """Whether it is older than twice the interval by which it is refreshed."""
        asked = self.confirmed_at is not None
        interval = max(self.look, self.full) if asked and not rule.is_logged else self.look
        return now - self.assessed_at(rule, read_at) > STALE_AFTER_INTERVALS * interval

    def _is_confirmed(self, rule: Rule, read_at: datetime) -> bool:
        return rule.is_logged and self.read_since is not None and read_at >= self.read_since


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One rule's word on one resource, as of now.

    `status` is one of the six outcomes. `last_status` is what was last stored: the same, or what a stale
    verdict used to say, or None where there never was one.
    """

    rule: Rule
    resource: Resource
    status: AssessmentStatus
    last_status: AssessmentStatus | None
    reason: str
    evidence: Mapping[str, object]
    permission: str
    assessed_at: datetime | None
    first_seen: datetime | None
    changed_at: datetime | None
    exemption: Exemption | None = None
    """Who answers for it, whatever its status: `shared.posture.exemptions` tells it of each."""

    @property
    def is_exempted(self) -> bool:
        """Whether it is an unhealthy finding that is counted apart."""
        return self.status is AssessmentStatus.UNHEALTHY and self.exemption is not None

    @property
    def is_open(self) -> bool:
        """Whether it is an unhealthy finding that nobody answers for."""
        return self.status is AssessmentStatus.UNHEALTHY and self.exemption is None


def project_recommendations(
    project: Project,
    repositories: Iterable[Repository],
    rows: Iterable[ResourceAssessments],
    assessed_at: datetime | None,
    *,
    rules: Iterable[Rule],
    freshness: Freshness,
    now: datetime,
) -> Iterator[Recommendation]:
    """Everything there is to say of one project; a caller with many projects goes from one to the next.

    A project or repository that is missing or deleted has no recommendations: nobody can act on what is not
    there, and its last verdict may no longer hold. The inventory tells that it is missing, and since when.
    """
    if project.missing_since is not None or project.retired_at is not None:
        return
    present = {key_of(repository_resource(one)): one for one in repositories if is_judged(one)}
    stored = {
        key_of(row.resource): row
        for row in rows
        if row.resource.kind is not ResourceKind.REPOSITORY or key_of(row.resource) in present
    }
    for rule in rules:
        if isinstance(rule.evaluate, OfOrganization):
            continue
        for resource, assessment in _of_rule(rule, project, present.values(), stored.values(), assessed_at):
            if assessment is None:
                yield _never(rule, resource)
            else:
                yield _told(rule, resource, assessment, assessed_at, freshness, now)


def own_recommendations(
    organization: Resource,
    rows: Iterable[ResourceAssessments],
    assessed_at: datetime | None,
    *,
    rules: Iterable[Rule],
    freshness: Freshness,
    now: datetime,
) -> Iterator[Recommendation]:
    """Everything there is to say of the organization itself: of rules about it and its agent pools."""
    stored = tuple(rows)
    for rule in rules:
        if not isinstance(rule.evaluate, OfOrganization):
            continue
        said = [(row.resource, row.assessments[rule.id]) for row in stored if rule.id in row.assessments]
        for resource, assessment in said:
            yield _told(rule, resource, assessment, assessed_at, freshness, now)
        if not said and (assessed_at is None or rule.resource is ResourceKind.ORGANIZATION):
            yield _never(rule, organization)


def count(recommendations: Iterable[Recommendation]) -> dict[AssessmentStatus, int]:
    """How many there are of each of the six outcomes; all six are always there."""
    counts = dict.fromkeys(AssessmentStatus, 0)
    for one in recommendations:
        counts[one.status] += 1
    return counts


def _of_rule(
    rule: Rule,
    project: Project,
    repositories: Collection[Repository],
    rows: Collection[ResourceAssessments],
    assessed_at: datetime | None,
) -> Iterator[tuple[Resource, Assessment | None]]:
    """What the rule said, then what it should have said something of."""
    seen = set()
    for row in rows:
        assessment = row.assessments.get(rule.id)
        if assessment is not None:
            seen.add(key_of(row.resource))
            yield row.resource, assessment
    if rule.resource is ResourceKind.PROJECT:
        expected = [project_resource(project)]
    elif rule.resource is ResourceKind.REPOSITORY:
        expected = [repository_resource(one) for one in repositories]
    elif assessed_at is None:
        # What else a project holds is known only from assessing it: the whole project has yet to be.
        expected = [project_resource(project)]
    else:
        expected = [row.resource for row in rows if row.resource.kind is rule.resource]
    for resource in expected:
        if key_of(resource) not in seen:
            yield resource, None


def _never(rule: Rule, resource: Resource) -> Recommendation:
    return Recommendation(
        rule=rule,
        resource=resource,
        status=AssessmentStatus.NEVER_ASSESSED,
        last_status=None,
        reason="It has not been assessed yet.",
        evidence={},
        permission="",
        assessed_at=None,
        first_seen=None,
        changed_at=None,
    )


def _told(
    rule: Rule,
    resource: Resource,
    assessment: Assessment,
    read_at: datetime | None,
    freshness: Freshness,
    now: datetime,
) -> Recommendation:
    verdict = assessment.verdict
    old = read_at is not None and freshness.is_stale(rule, read_at, now)
    return Recommendation(
        rule=rule,
        resource=resource,
        status=AssessmentStatus.STALE if old else verdict.status,
        last_status=verdict.status,
        reason=verdict.reason,
        evidence=verdict.evidence,
        permission=verdict.permission,
        assessed_at=freshness.assessed_at(rule, read_at) if read_at is not None else None,
        first_seen=assessment.first_seen,
        changed_at=assessment.changed_at,
    )
