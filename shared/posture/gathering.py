"""Which facts of a project are worth a request. Pure: the reading itself is the handler's."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

from shared.model.assessment import AssessmentStatus
from shared.model.facts import Fact, FactKind, PipelineSettings, ProjectFacts
from shared.model.failure import Failure, FailureKind
from shared.model.inventory import Project, Repository
from shared.posture.judging import verdicts_of
from shared.posture.rule import Rule

T = TypeVar("T")

_NOT_ASKED = Failure(FailureKind.UNREADABLE, "NotAsked", "It was not asked.")

_CHEAPEST_FIRST = (FactKind.PIPELINE_SETTINGS, FactKind.BRANCH_POLICIES, FactKind.SERVICE_CONNECTIONS)
"""One request, one request per page, one request and one more per service connection."""


def not_asked() -> Fact[T]:
    """A fact that nobody has asked for yet."""
    return Fact.unread(_NOT_ASKED)


def nothing_gathered(
    project: Project,
    repositories: tuple[Repository, ...],
    organization_pipeline_settings: Fact[PipelineSettings],
    now: datetime,
) -> ProjectFacts:
    """A project of which nothing has been asked yet."""
    return ProjectFacts(
        project=project,
        repositories=repositories,
        pipeline_settings=not_asked(),
        organization_pipeline_settings=organization_pipeline_settings,
        branch_policies=not_asked(),
        service_connections=not_asked(),
        gathered_at=now,
    )


def next_fact(facts: ProjectFacts, rules: Iterable[Rule]) -> FactKind | None:
    """The cheapest fact that was not asked yet and could still turn an *unknown* into an answer.

    Nothing is asked that cannot change a verdict: no policies where there is no branch to protect, no
    settings of a project where the organization's settle it.
    """
    undecided = {
        kind
        for rule in rules
        if any(verdict.status is AssessmentStatus.UNKNOWN for _, verdict in verdicts_of(rule, facts))
        for kind in rule.needs
    }
    asked = {
        FactKind.PIPELINE_SETTINGS: facts.pipeline_settings.failure,
        FactKind.BRANCH_POLICIES: facts.branch_policies.failure,
        FactKind.SERVICE_CONNECTIONS: facts.service_connections.failure,
    }
    return next((kind for kind in _CHEAPEST_FIRST if kind in undecided and asked[kind] is _NOT_ASKED), None)
