"""Recommendations of an organization, part by part: stored verdicts, the inventory, and the exemptions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from shared.model.assessment import Resource, ResourceAssessments, ResourceKind
from shared.model.connector import ConnectorOptions
from shared.model.ids import ProjectId
from shared.model.inventory import Project, Repository
from shared.model.organization import Organization
from shared.ports import ConnectorState, Intervals
from shared.posture.exemptions import Exemptions, Place, with_exemptions
from shared.posture.rule import Rule
from shared.posture.views import Freshness, Recommendation, own_recommendations, project_recommendations


def place_of(organization: Organization, project: Project | None) -> Place:
    """A project, or the organization itself, as exemptions ask for it."""
    if project is None:
        return Place(organization.id, organization.name)
    return Place(organization.id, organization.name, project.id, project.name)


def order(one: Recommendation) -> tuple[str, str, str, str]:
    """The order of recommendations in one place."""
    return one.rule.id, one.resource.kind.value, one.resource.name.casefold(), one.resource.id


class OrganizationPosture:
    """Everything to say of one organization as of now: of itself, and of each of its projects."""

    def __init__(
        self,
        state: ConnectorState,
        organization: Organization,
        rules: Sequence[Rule],
        intervals: Intervals,
        now: datetime,
        exemptions: Exemptions,
    ) -> None:
        """`exemptions` are those that hold."""
        self._state = state
        self._organization = organization
        self._rules = rules
        self._now = now
        self._exemptions = exemptions
        self._freshness = _freshness(state, organization, intervals)
        self._assessed_at = state.assessed_at(organization.id)
        self._read: tuple[ProjectId, tuple[ResourceAssessments, ...]] | None = None

    def own(self) -> list[Recommendation]:
        """Of the organization itself, in order."""
        told = own_recommendations(
            Resource(ResourceKind.ORGANIZATION, self._organization.id, self._organization.name),
            self._state.assessments(self._organization.id, ProjectId("")),
            self._assessed_at.get(""),
            rules=self._rules,
            freshness=self._freshness,
            now=self._now,
        )
        return sorted(with_exemptions(told, place_of(self._organization, None), self._exemptions), key=order)

    def of_project(self, project: Project, repositories: Iterable[Repository]) -> list[Recommendation]:
        """Of one project and these of its repositories, in order. Retired repositories are not for here.

        A large project may be asked for with some of its repositories at a time: its rows are read once.
        """
        if self._read is None or self._read[0] != project.id:
            rows = tuple(self._state.assessments(self._organization.id, project.id))
            self._read = project.id, rows
        told = project_recommendations(
            project,
            repositories,
            self._read[1],
            self._assessed_at.get(project.id),
            rules=self._rules,
            freshness=self._freshness,
            now=self._now,
        )
        return sorted(
            with_exemptions(told, place_of(self._organization, project), self._exemptions), key=order
        )


def organization_recommendations(
    state: ConnectorState,
    organization: Organization,
    rules: Sequence[Rule],
    intervals: Intervals,
    now: datetime,
    exemptions: Exemptions,
) -> Iterator[tuple[Project | None, Recommendation]]:
    """Everything to say of one organization: of itself (no project), then project by project."""
    repositories: dict[str, list[Repository]] = {}
    for repository in state.repositories(organization.id):
        if repository.retired_at is None:
            repositories.setdefault(repository.project_id, []).append(repository)
    posture = OrganizationPosture(state, organization, rules, intervals, now, exemptions)
    for one in posture.own():
        yield None, one
    projects = sorted(
        state.projects(organization.id), key=lambda one: (one.name.casefold(), one.name, one.id)
    )
    for project in projects:
        for one in posture.of_project(project, repositories.pop(project.id, ())):
            yield project, one


def _freshness(state: ConnectorState, organization: Organization, intervals: Intervals) -> Freshness:
    """By which intervals the organization is refreshed, and what the audit log showed to hold."""
    holder = state.holder(organization.tenant, organization.id)
    connector = state.get_connector(holder) if holder is not None else None
    own = intervals.posture_of(connector.options if connector is not None else ConnectorOptions())
    summary = state.posture_summaries().get(organization.id)
    if summary is None:
        return Freshness(own.look, own.full)
    return Freshness(own.look, own.full, summary.read_since, summary.confirmed_at)
