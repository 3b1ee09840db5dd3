"""What lists show of an organization: read from the state once, and again only after something changed.

A list of a hundred thousand repositories is filtered and sorted in memory. What is kept of each is little:
its attributes, and the statuses of its recommendations, which many share with one another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field
from datetime import datetime, timedelta
from typing import Final

from shared.model.assessment import AssessmentStatus, Resource, ResourceKind
from shared.model.connector import ConnectorOptions
from shared.model.ids import OrganizationId, ProjectId, RuleId
from shared.model.inventory import Project, Repository
from shared.model.organization import Organization
from shared.model.work import Work
from shared.ports import ConnectorState, Intervals
from shared.posture.catalogue import RULES
from shared.posture.exemptions import Exemptions, Place
from shared.posture.judging import key_of
from shared.posture.rule import OfOrganization, Rule
from shared.posture.subjects import is_judged
from shared.posture.views import Freshness
from shared.views.organizations import View, views

LIVE_FOR: Final = timedelta(seconds=2)
"""For so long a sheet is shown while somebody writes to its organization."""

_BY_ID: Final = {rule.id: rule for rule in RULES}
_LOGGED: Final = next(rule for rule in RULES if rule.is_logged)
_UNLOGGED: Final = next(rule for rule in RULES if not rule.is_logged)

Said = Mapping[RuleId, AssessmentStatus]


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A resource of an organization: of the inventory, or judged by a rule. `said` is what was last stored.

    `repository` is None for what is none, or is judged and not in the inventory (any more).
    """

    resource: Resource
    said: Said
    repository: Repository | None = None

    @property
    def is_counted(self) -> bool:
        """Whether recommendations are told of it: not of a repository that is missing or deleted."""
        return self.resource.kind is not ResourceKind.REPOSITORY or (
            self.repository is not None and is_judged(self.repository)
        )


@dataclass(frozen=True, slots=True)
class Counts:
    """How many recommendations there are: open findings by severity, exempted ones apart, and the rest."""

    high: int = 0
    medium: int = 0
    low: int = 0
    exempted: int = 0
    unknown: int = 0
    stale: int = 0
    never_assessed: int = 0
    healthy: int = 0
    not_applicable: int = 0

    @property
    def findings(self) -> int:
        """Open findings of any severity."""
        return self.high + self.medium + self.low

    @property
    def untold(self) -> int:
        """What nobody knows to be well or not."""
        return self.unknown + self.stale + self.never_assessed

    @property
    def total(self) -> int:
        """All of them."""
        return sum(astuple(self))

    def times(self, number: int) -> Counts:
        """So many times these."""
        return Counts(*(number * one for one in astuple(self)))

    def __add__(self, other: Counts) -> Counts:
        return Counts(*map(int.__add__, astuple(self), astuple(other)))


class Outcome:
    """What is told of an item now: each rule with its status, and the rules that somebody answers for.

    Shared by all items of which the same is told: what is worked out of it is worked out once.
    """

    __slots__ = ("counts", "exempted", "numbers", "told")

    def __init__(
        self,
        told: tuple[tuple[Rule, AssessmentStatus], ...] = (),
        exempted: frozenset[RuleId] = frozenset(),
    ) -> None:
        self.told = told
        self.exempted = exempted
        counted = Counter(_EXEMPTED if rule.id in exempted else _field(rule, status) for rule, status in told)
        self.counts = Counts(**counted)
        self.numbers = astuple(self.counts)

    def is_open(self, rule: Rule, status: AssessmentStatus) -> bool:
        """Whether it is an unhealthy finding that nobody answers for."""
        return status is AssessmentStatus.UNHEALTHY and rule.id not in self.exempted


_EXEMPTED: Final = "exempted"
_FIELDS: Final = {
    AssessmentStatus.UNKNOWN: "unknown",
    AssessmentStatus.STALE: "stale",
    AssessmentStatus.NEVER_ASSESSED: "never_assessed",
    AssessmentStatus.HEALTHY: "healthy",
    AssessmentStatus.NOT_APPLICABLE: "not_applicable",
}


def _field(rule: Rule, status: AssessmentStatus) -> str:
    """The count that a recommendation is in, unless it is exempted."""
    return rule.severity.value if status is AssessmentStatus.UNHEALTHY else _FIELDS[status]


NOTHING_TOLD: Final = Outcome()


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """An organization with all that lists show of it. `own` are itself and what belongs to no project."""

    view: View
    others: tuple[View, ...]
    """The same organization as other connectors see it."""
    projects: Mapping[ProjectId, Project]
    items: Mapping[ProjectId, tuple[Item, ...]]
    own: tuple[Item, ...]
    assessed_at: Mapping[str, datetime]
    freshness: Freshness
    orphans: tuple[Item, ...] = ()
    """Repositories whose project was never listed, or is deleted."""
    _outcomes: dict[object, Outcome] = field(default_factory=dict, repr=False)
    """By what they follow from: most items share theirs with many."""
    kept: dict[str, object] = field(default_factory=dict, repr=False)
    """What lists worked out of it, for as long as it holds."""

    @property
    def organization(self) -> Organization:
        """The organization."""
        return self.view.organization

    def staleness(self, now: datetime) -> tuple[object, ...]:
        """What of this follows from the time: it is told otherwise as soon as this is another."""
        rules = (_LOGGED, _UNLOGGED)
        return tuple(
            self.freshness.is_stale(rule, read_at, now)
            for read_at in self.assessed_at.values()
            for rule in rules
        )

    def outcomes(
        self, project: Project | None, now: datetime, exemptions: Exemptions
    ) -> list[tuple[Item, Outcome]]:
        """Every item of the project (or of the organization itself) with what is told of it."""
        some = self.own if project is None else self.items.get(project.id, ())
        if project is not None and (project.missing_since is not None or project.retired_at is not None):
            return [(one, NOTHING_TOLD) for one in some]
        read_at = self.assessed_at.get(project.id if project else "")
        stale = (
            frozenset(
                rule.is_logged for rule in (_LOGGED, _UNLOGGED) if self.freshness.is_stale(rule, read_at, now)
            )
            if read_at is not None
            else frozenset[bool]()
        )
        context = (project is None, read_at is not None, stale)
        place = Place(
            self.organization.id,
            self.organization.name,
            project.id if project else None,
            project.name if project else "",
        )
        said = frozenset(rule for one in some for rule in one.said) if project is None else frozenset()
        exempt = exemptions.rules_at(place, _BY_ID)
        found = []
        for one in some:
            key = (id(one.said), one.resource.kind, context)
            outcome = NOTHING_TOLD if not one.is_counted else self._outcomes.get(key)
            if outcome is None:
                outcome = self._outcomes[key] = Outcome(_told(one, project, read_at, stale, said))
            if outcome.told and (exempt or exemptions.names(one.resource)):
                outcome = self._exempted(outcome, one, place, exemptions)
            found.append((one, outcome))
        return found

    def _exempted(self, outcome: Outcome, item: Item, place: Place, exemptions: Exemptions) -> Outcome:
        rules = frozenset(
            rule.id
            for rule, status in outcome.told
            if status is AssessmentStatus.UNHEALTHY
            and exemptions.of(rule.id, item.resource, place) is not None
        )
        if not rules:
            return outcome
        key = (id(outcome), rules)
        known = self._outcomes.get(key)
        if known is None:
            known = self._outcomes[key] = Outcome(outcome.told, rules)
        return known


def _told(
    item: Item,
    project: Project | None,
    read_at: datetime | None,
    stale: frozenset[bool],
    said: frozenset[RuleId],
) -> tuple[tuple[Rule, AssessmentStatus], ...]:
    """As `shared.posture.views` tells it of one resource, without why."""
    found = []
    for rule in RULES:
        if isinstance(rule.evaluate, OfOrganization) is not (project is None):
            continue
        status = item.said.get(rule.id)
        if status is not None:
            found.append((rule, AssessmentStatus.STALE if rule.is_logged in stale else status))
        elif _is_due(rule, item, project, read_at, said):
            found.append((rule, AssessmentStatus.NEVER_ASSESSED))
    return tuple(found)


def _is_due(
    rule: Rule, item: Item, project: Project | None, read_at: datetime | None, said: frozenset[RuleId]
) -> bool:
    """Whether the rule should have said something of the item, and has not."""
    kind = item.resource.kind
    if project is None:
        return (
            kind is ResourceKind.ORGANIZATION
            and rule.id not in said
            and (read_at is None or rule.resource is ResourceKind.ORGANIZATION)
        )
    if rule.resource in {ResourceKind.PROJECT, ResourceKind.REPOSITORY}:
        return rule.resource is kind
    # What else a project holds is known only from assessing it: the whole project has yet to be.
    return kind is ResourceKind.PROJECT if read_at is None else rule.resource is kind


class Sheets:
    """The sheets of all organizations, each kept until something of it changes."""

    def __init__(self) -> None:
        self._kept: dict[OrganizationId, tuple[object, datetime, bool, Sheet]] = {}

    def of(
        self,
        state: ConnectorState,
        organizations: Iterable[Organization],
        intervals: Intervals,
        now: datetime,
    ) -> list[Sheet]:
        """The sheets of these organizations, in order of name; read is only what changed."""
        work: dict[OrganizationId, list[Work]] = {}
        for one in state.work():
            work.setdefault(one.organization, []).append(one)
        enrolled: dict[OrganizationId, list[object]] = {}
        for enrollment in state.enrollments():
            enrolled.setdefault(enrollment.organization, []).append(
                (enrollment.connector, enrollment.revision)
            )
        connectors = tuple((one.id, one.revision) for one in state.connectors())
        claims = state.claims()
        found = []
        for organization in organizations:
            mine = work.get(organization.id, [])
            stamp = (
                organization,
                tuple(sorted((one.kind, one.revision, one.attempt) for one in mine)),
                tuple(enrolled.get(organization.id, ())),
                connectors,
                claims.get(organization.id),
            )
            live = any(one.leased_until is not None and one.leased_until > now for one in mine)
            kept = self._kept.get(organization.id)
            if (
                kept is None
                or kept[0] != stamp
                or ((live or kept[2]) and not now - LIVE_FOR <= kept[1] <= now)
            ):
                sheet = _read(state, organization, intervals)
                self._kept[organization.id] = kept = (stamp, now, live, sheet)
            found.append(kept[3])
        return sorted(found, key=lambda one: (one.organization.name.casefold(), one.organization.id))


def _read(state: ConnectorState, organization: Organization, intervals: Intervals) -> Sheet:
    seen = views(state, (organization,))
    # The one that has it tells most.
    first = next((one for one in seen if one.is_onboarded), seen[0])
    projects = {one.id: one for one in state.projects(organization.id)}
    shared: dict[tuple[tuple[RuleId, AssessmentStatus], ...], Said] = {}
    said: dict[tuple[str, str], tuple[Resource, Said]] = {}
    for row in state.statuses(organization.id):
        pattern = tuple(row.statuses.items())
        said[key_of(row.resource)] = row.resource, shared.setdefault(pattern, row.statuses)
    nothing: Said = {}
    items: dict[ProjectId, list[Item]] = {project: [] for project in projects}
    own: list[Item] = []
    orphans: list[Item] = []
    for project in projects.values():
        resource = Resource(ResourceKind.PROJECT, project.id, project.name, project.id)
        items[project.id].append(Item(resource, said.pop(key_of(resource), (resource, nothing))[1]))
    for repository in state.repositories(organization.id):
        resource = Resource(
            ResourceKind.REPOSITORY, repository.id, repository.name, ProjectId(repository.project_id)
        )
        of_it = said.pop(key_of(resource), (resource, nothing))[1]
        item = Item(resource, of_it, repository)
        project_of = projects.get(ProjectId(repository.project_id))
        if project_of is not None and project_of.retired_at is None:
            items[project_of.id].append(item)
        elif repository.retired_at is None:
            orphans.append(item)
    for resource, of_it in said.values():
        item = Item(resource, of_it)
        if resource.project is None:
            own.append(item)
        elif resource.project in items:
            items[resource.project].append(item)
    if not any(one.resource.kind is ResourceKind.ORGANIZATION for one in own):
        own.append(Item(Resource(ResourceKind.ORGANIZATION, organization.id, organization.name), nothing))
    holder = state.holder(organization.tenant, organization.id)
    connector = state.get_connector(holder) if holder is not None else None
    interval = intervals.posture_of(connector.options if connector else ConnectorOptions())
    summary = state.posture_summaries().get(organization.id)
    return Sheet(
        view=first,
        others=tuple(one for one in seen if one is not first),
        projects=dict(sorted(projects.items(), key=lambda one: _order(one[1].name, one[0]))),
        items={
            project: tuple(sorted(some, key=lambda one: _order(one.resource.name, one.resource.id)))
            for project, some in items.items()
        },
        own=tuple(sorted(own, key=lambda one: _order(one.resource.name, one.resource.id))),
        assessed_at=state.assessed_at(organization.id),
        freshness=Freshness(
            interval.look,
            interval.full,
            summary.read_since if summary else None,
            summary.confirmed_at if summary else None,
        ),
        orphans=tuple(orphans),
    )


def _order(name: str, identifier: str) -> tuple[str, str, str]:
    return name.casefold(), name, identifier
