"""Posture assessments: what the rules said of a resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.model.ids import OrganizationId, ProjectId, RuleId
from shared.model.journal import JournalEntry


class AssessmentStatus(StrEnum):
    """Six outcomes that are never mixed up. The last two are told by views, never stored."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    NOT_APPLICABLE = "notApplicable"
    UNKNOWN = "unknown"
    NEVER_ASSESSED = "neverAssessed"
    STALE = "stale"


class Severity(StrEnum):
    """Severity of a recommendation, as Defender words it."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class ResourceKind(StrEnum):
    """What a rule judges."""

    ORGANIZATION = "organization"
    PROJECT = "project"
    REPOSITORY = "repository"
    SERVICE_CONNECTION = "serviceConnection"
    PIPELINE = "pipeline"
    VARIABLE_GROUP = "variableGroup"
    SECURE_FILE = "secureFile"
    ENVIRONMENT = "environment"
    AGENT_POOL = "agentPool"


@dataclass(frozen=True, slots=True)
class Resource:
    """A judged resource. `project` is empty for what belongs to the whole organization."""

    kind: ResourceKind
    id: str
    name: str
    project: ProjectId | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A rule's answer for one resource: status, the raw facts that decided it, why, and the missing right."""

    status: AssessmentStatus
    reason: str
    evidence: Mapping[str, object] = field(default_factory=dict)
    permission: str = ""


@dataclass(frozen=True, slots=True)
class Assessment:
    """A stored verdict with its history: when the rule first judged the resource and when status changed.

    `last_known` is what was last said that was not *unknown*, while the verdict is.
    """

    verdict: Verdict
    first_seen: datetime
    changed_at: datetime
    last_known: AssessmentStatus | None = None


@dataclass(frozen=True, slots=True)
class ResourceAssessments:
    """All assessments of one resource: one stored row. When it was assessed is kept per project."""

    organization: OrganizationId
    resource: Resource
    assessments: Mapping[RuleId, Assessment]


@dataclass(frozen=True, slots=True)
class StatusChange:
    """The status of one rule on one resource changed.

    `before` is None for a first verdict, of which only the unhealthy and the unknown ones are recorded;
    `after` is None when the rule no longer judges the resource, or it is gone. `before` held since `since`,
    and the rule had judged the resource since `first_seen`: so each record stands for itself, whatever older
    ones were forgotten. `last_known` is what was last said before that was not *unknown*, where `before` is.
    `sequence` numbers the changes of an organization in their order; the store sets it.
    """

    at: datetime
    resource: Resource
    rule: RuleId
    before: AssessmentStatus | None
    after: AssessmentStatus | None
    since: datetime
    first_seen: datetime
    reason: str = ""
    changed_by: str = ""
    last_known: AssessmentStatus | None = None
    sequence: int = 0


Findings = Mapping[RuleId, Mapping[AssessmentStatus, int]]
"""How many resources each rule found in each status. A rule's severity is the catalogue's to tell."""


@dataclass(frozen=True, slots=True)
class AssessmentChange:
    """Assessment rows to write and resources to drop for one scope, with their journal entries."""

    rows: tuple[ResourceAssessments, ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()
    """(resource kind, resource id) of resources that no longer exist."""
    journal: tuple[JournalEntry, ...] = ()
    findings: Findings = field(default_factory=dict)
    """The scope's verdicts, counted, as they are once the change is written."""
    history: tuple[StatusChange, ...] = ()
    """Changes of status, in the order of rows and then of what is dropped."""
