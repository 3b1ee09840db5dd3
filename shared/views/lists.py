"""The lists of the pages: one way to filter, sort, count and page them, for tree, table, files and API.

Everything is of what one viewer may see. A filter never tells of what it leaves out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Generic, TypeVar

from shared.model.assessment import AssessmentStatus, ResourceKind, Severity
from shared.model.ids import ConnectorId, RuleId
from shared.model.inventory import Project
from shared.model.viewer import Sight, Viewer
from shared.ports import ConnectorState, Intervals
from shared.posture.catalogue import RULES
from shared.posture.exemptions import Exemptions
from shared.posture.rule import Rule
from shared.posture.score import EXEMPTED, Score, Tally
from shared.views.sheets import NOTHING_TOLD, Counts, Item, Outcome, Sheet, Sheets

DELETED: Final = "deleted"
MISSING: Final = "missing"
DISABLED: Final = "disabled"
ACTIVE: Final = "active"

OPEN: Final = "open"
"""In place of a status: unhealthy, and nobody answers for it."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What of a list is wanted; what is empty narrows nothing.

    Organizations and projects by name, in any case, or by id. `severity` and `rule` and `topic` are about
    recommendations: a resource is listed when one of its own is so, of the wanted `status` or else open.
    """

    connector: str = ""
    organization: str = ""
    project: str = ""
    kind: str = ""
    state: str = ""
    status: str = ""
    severity: str = ""
    rule: str = ""
    topic: str = ""
    text: str = ""

    @property
    def asks_of_recommendations(self) -> bool:
        """Whether anything is asked of the recommendations."""
        return bool(self.status or self.severity or self.rule or self.topic)


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A project or a repository of the inventory, or another resource that recommendations are about."""

    sheet: Sheet
    project: Project | None
    item: Item
    outcomes: tuple[Outcome, ...]
    """Its own first; a project's are followed by those of what it holds and is no repository."""

    @property
    def own(self) -> Outcome:
        """What is told of it itself."""
        return self.outcomes[0]

    @property
    def counts(self) -> Counts:
        """What is told of it, counted."""
        if len(self.outcomes) == 1:
            return self.outcomes[0].counts
        return sum((one.counts for one in self.outcomes), Counts())

    @property
    def state(self) -> str:
        """State of a project on the wire, `active` or `disabled`; `missing` or `deleted` if it is away."""
        repository = self.item.repository
        row = repository if repository is not None else self.project
        if row is None:
            return ACTIVE
        if row.retired_at is not None:
            return DELETED
        if row.missing_since is not None:
            return MISSING
        if repository is not None:
            return DISABLED if repository.is_disabled else ACTIVE
        if self.item.resource.kind is ResourceKind.PROJECT and self.project is not None:
            return self.project.state
        return ACTIVE

    @property
    def assessed_at(self) -> datetime | None:
        """When it was last assessed."""
        return self.sheet.assessed_at.get(self.project.id if self.project else "")

    @property
    def last_seen(self) -> datetime | None:
        """When a complete listing last named it."""
        repository = self.item.repository
        if repository is not None:
            return repository.last_seen
        return self.project.last_seen if self.project else self.sheet.organization.last_complete_listing


@dataclass(frozen=True, slots=True)
class Finding:
    """One recommendation in a list: which rule says what of which resource."""

    row: Row
    rule: Rule
    status: AssessmentStatus
    is_exempted: bool


@dataclass(frozen=True, slots=True)
class OfRule:
    """A rule with all that it says."""

    rule: Rule
    counts: Mapping[str, int]
    """By outcome, exempted ones apart: the keys of `shared.posture.score.OUTCOMES`."""
    assessed_at: datetime | None
    """When the oldest of it was assessed."""

    @property
    def open(self) -> int:
        """Findings that nobody answers for."""
        return self.counts.get(AssessmentStatus.UNHEALTHY.value, 0)


@dataclass(frozen=True, slots=True)
class Branch:
    """An organization in the tree, as far as the filter leaves anything of it."""

    sheet: Sheet
    sight: Sight
    projects: int
    repositories: int
    counts: Counts
    own: Counts
    """Of the organization itself, and of what belongs to no project."""


@dataclass(frozen=True, slots=True)
class Twig:
    """A project in the tree; None for repositories of projects that no listing named."""

    row: Row | None
    repositories: tuple[Row, ...]
    counts: Counts


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list. `number` counts from 1."""

    rows: tuple[T, ...]
    total: int
    number: int
    size: int

    @property
    def pages(self) -> int:
        """How many there are; at least one."""
        return max(1, -(-self.total // self.size))


@dataclass
class Overview:
    """Everything that a viewer may see, as of now."""

    sheets: Sequence[Sheet]
    viewer: Viewer
    exemptions: Exemptions
    now: datetime
    _rows: dict[str, list[Row]] = field(default_factory=dict, init=False, repr=False)

    def sight(self, sheet: Sheet) -> Sight:
        """How much of an organization the viewer sees."""
        sights = [
            self.viewer.sight_of_organization(view.connector.id, sheet.organization.id)
            for view in (sheet.view, *sheet.others)
            if view.connector is not None
        ]
        if Sight.WHOLE in sights or self.viewer.sight_of_connector(ConnectorId("")) is Sight.WHOLE:
            return Sight.WHOLE
        return Sight.WAY if Sight.WAY in sights else Sight.NONE

    def sees(self, sheet: Sheet, project: Project) -> bool:
        """Whether the viewer sees the project."""
        if self.sight(sheet) is Sight.WHOLE:
            return True
        return any(
            self.viewer.sees_project(view.connector.id, sheet.organization.id, project.id)
            for view in (sheet.view, *sheet.others)
            if view.connector is not None
        )

    def visible(self) -> list[Sheet]:
        """Organizations of which the viewer sees anything."""
        return [one for one in self.sheets if self.sight(one) is not Sight.NONE]

    def sheet(self, organization: str) -> Sheet | None:
        """The organization with this id, if the viewer sees any of it."""
        return next((one for one in self.visible() if one.organization.id == organization), None)

    def rows(self, sheet: Sheet) -> list[Row]:
        """Everything of the organization that the viewer sees: what is its own, then project by project.

        In a project comes the project, then the rest by name.
        """
        known = self._rows.get(sheet.organization.id)
        if known is None:
            known = self._rows[sheet.organization.id] = list(self._read(sheet))
        return known

    def _read(self, sheet: Sheet) -> Iterator[Row]:
        whole = self.sight(sheet) is Sight.WHOLE
        if whole:
            for item, outcome in sheet.outcomes(None, self.now, self.exemptions):
                yield Row(sheet, None, item, (outcome,))
        for project in sheet.projects.values():
            if project.retired_at is None and (whole or self.sees(sheet, project)):
                yield from self._read_project(sheet, project)
        if whole:
            for item in sheet.orphans:
                yield Row(sheet, None, item, (NOTHING_TOLD,))

    def _read_project(self, sheet: Sheet, project: Project) -> Iterator[Row]:
        rest: list[Row] = []
        first: tuple[Item, Outcome] | None = None
        inside: list[Outcome] = []
        for item, outcome in sheet.outcomes(project, self.now, self.exemptions):
            if item.resource.kind is ResourceKind.PROJECT:
                first = item, outcome
                continue
            if item.resource.kind is not ResourceKind.REPOSITORY:
                inside.append(outcome)
            elif item.repository is None or item.repository.retired_at is not None:
                continue
            rest.append(Row(sheet, project, item, (outcome,)))
        if first is not None:
            yield Row(sheet, project, first[0], (first[1], *inside))
        yield from rest

    # --- the inventory ------------------------------------------------------------------------------------

    def inventory(self, wanted: Filter) -> list[Row]:
        """Projects and repositories that are wanted, by organization and project, projects first."""
        found = []
        for sheet in self._sheets(wanted):
            keep = _keeps(wanted, sheet)
            found += [one for one in self.rows(sheet) if _is_inventory(one) and keep(one)]
        return found

    def tree(self, wanted: Filter) -> list[Branch]:
        """Organizations with what the filter leaves of them; without a filter, those with nothing too."""
        found = []
        for sheet in self._sheets(wanted):
            keep = _keeps(wanted, sheet)
            rows = [one for one in self.rows(sheet) if keep(one)]
            kept = [one for one in rows if _is_inventory(one)]
            own = _sum(one.own for one in rows if one.project is None)
            if (
                not kept
                and not own.total
                and wanted != Filter(connector=wanted.connector, organization=wanted.organization)
            ):
                continue
            kinds = Counter(one.item.resource.kind for one in kept)
            found.append(
                Branch(
                    sheet,
                    self.sight(sheet),
                    kinds[ResourceKind.PROJECT],
                    kinds[ResourceKind.REPOSITORY],
                    _sum(outcome for one in kept for outcome in one.outcomes) + own,
                    own,
                )
            )
        return found

    def twigs(self, sheet: Sheet, wanted: Filter) -> list[Twig]:
        """Projects of an organization with their repositories, as far as the filter leaves them."""
        keep = _keeps(wanted, sheet)
        found: dict[str, tuple[Row | None, list[Row], list[Row]]] = {}
        for row in self.rows(sheet):
            if not _is_inventory(row):
                continue
            kept = [row] if keep(row) else []
            if row.item.resource.kind is ResourceKind.PROJECT and row.project is not None:
                found[row.project.id] = row, kept, []
            else:
                place = row.project.id if row.project else ""
                found.setdefault(place, (None, [], []))[2].extend(kept)
        return [
            Twig(row, tuple(some), _sum(outcome for one in (*own, *some) for outcome in one.outcomes))
            for row, own, some in found.values()
            if own or some
        ]

    # --- recommendations ----------------------------------------------------------------------------------

    def findings(self, wanted: Filter) -> Iterator[Finding]:
        """Recommendations that are wanted, by organization, project, resource and rule."""
        match = _match_rule(wanted)
        for row in self.resources(wanted):
            outcome = row.own
            for rule, status in outcome.told:
                if match(outcome, rule, status):
                    yield Finding(row, rule, status, status is _UNHEALTHY and rule.id in outcome.exempted)

    def findings_page(self, wanted: Filter, number: int, size: int) -> Page[Finding]:
        """A page of them. The others are counted, not made."""
        match = _match_rule(wanted)
        numbers: dict[int, int] = {}
        begin = (max(1, number) - 1) * size
        passed = 0
        chosen: list[Finding] = []
        for row in self.resources(wanted):
            outcome = row.own
            many = numbers.get(id(outcome))
            if many is None:
                many = numbers[id(outcome)] = sum(match(outcome, *one) for one in outcome.told)
            if many and passed < begin + size and passed + many > begin:
                fitting = [one for one in outcome.told if match(outcome, *one)]
                chosen += [
                    Finding(row, rule, status, status is _UNHEALTHY and rule.id in outcome.exempted)
                    for place, (rule, status) in enumerate(fitting, start=passed)
                    if begin <= place < begin + size
                ]
            passed += many
        return Page(tuple(chosen), passed, max(1, number), size)

    def resources(self, wanted: Filter) -> Iterator[Row]:
        """Everything that a wanted recommendation is of."""
        for sheet in self._sheets(wanted):
            keep = _keeps(wanted, sheet, own_alone=True)
            for row in self.rows(sheet):
                if row.own.told and keep(row):
                    yield row

    def by_rule(self, wanted: Filter) -> list[OfRule]:
        """Each rule that says anything that is wanted, the worst first."""
        match = _match_rule(wanted)
        seen: Counter[int] = Counter()
        outcomes: dict[int, Outcome] = {}
        oldest: dict[int, datetime] = {}
        for row in self.resources(wanted):
            key = id(row.own)
            seen[key] += 1
            outcomes[key] = row.own
            at = row.assessed_at
            if at is not None and (key not in oldest or at < oldest[key]):
                oldest[key] = at
        counts: dict[RuleId, Counter[str]] = {}
        ages: dict[RuleId, datetime] = {}
        for key, number in seen.items():
            outcome = outcomes[key]
            for rule, status in outcome.told:
                if not match(outcome, rule, status):
                    continue
                exempted = status is _UNHEALTHY and rule.id in outcome.exempted
                name = EXEMPTED if exempted else status.value
                counts.setdefault(rule.id, Counter())[name] += number
                if key in oldest and status is not AssessmentStatus.NEVER_ASSESSED:
                    ages[rule.id] = min(ages.get(rule.id, oldest[key]), oldest[key])
        found = [OfRule(rule, counts[rule.id], ages.get(rule.id)) for rule in RULES if rule.id in counts]
        return sorted(found, key=lambda one: (_SEVERITIES[one.rule.severity], -one.open, one.rule.id))

    def score(self, rows: Iterable[Row]) -> Score:
        """The score of these."""
        seen: Counter[int] = Counter()
        outcomes: dict[int, Outcome] = {}
        for row in rows:
            seen[id(row.own)] += 1
            outcomes[id(row.own)] = row.own
        tally = Tally()
        for key, number in seen.items():
            outcome = outcomes[key]
            for rule, status in outcome.told:
                exempted = status is _UNHEALTHY and rule.id in outcome.exempted
                tally.count(rule, EXEMPTED if exempted else status.value, number)
        return tally.score()

    def _sheets(self, wanted: Filter) -> Iterator[Sheet]:
        for sheet in self.visible():
            names = (sheet.organization.id, sheet.organization.name)
            if wanted.organization and not _is_named(wanted.organization, names):
                continue
            if wanted.connector and not any(
                view.connector is not None
                and _is_named(wanted.connector, (view.connector.id, view.connector.name))
                for view in (sheet.view, *sheet.others)
            ):
                continue
            yield sheet


_UNHEALTHY: Final = AssessmentStatus.UNHEALTHY
_SEVERITIES: Final = {one: number for number, one in enumerate(Severity)}


def overview(
    state: ConnectorState, sheets: Sheets, viewer: Viewer, intervals: Intervals, now: datetime
) -> Overview:
    """What a viewer sees now. Organizations that they see nothing of are not even read."""
    enrolled: dict[str, list[ConnectorId]] = {}
    for one in state.enrollments():
        enrolled.setdefault(one.organization, []).append(one.connector)
    sees_all = any(one.is_all for one in viewer.grants)
    chosen = [
        one
        for one in state.organizations()
        if sees_all
        or any(
            viewer.sight_of_organization(connector, one.id) is not Sight.NONE
            for connector in enrolled.get(one.id, ())
        )
    ]
    return Overview(
        sheets.of(state, chosen, intervals, now), viewer, Exemptions(state.exemptions(), now), now
    )


def page_of(rows: Sequence[T], number: int, size: int) -> Page[T]:
    """A page of the rows. Behind the last one there is nothing."""
    begin = (max(1, number) - 1) * size
    return Page(tuple(rows[begin : begin + size]), len(rows), max(1, number), size)


def _is_inventory(row: Row) -> bool:
    return row.item.resource.kind in {ResourceKind.PROJECT, ResourceKind.REPOSITORY}


def _sum(outcomes: Iterable[Outcome]) -> Counts:
    seen: Counter[int] = Counter()
    known: dict[int, Outcome] = {}
    for one in outcomes:
        seen[id(one)] += 1
        known[id(one)] = one
    total = Counts()
    for key, number in seen.items():
        total += known[key].counts.times(number)
    return total


def _is_named(wanted: str, names: Sequence[str]) -> bool:
    return wanted.casefold() in {one.casefold() for one in names}


def _match_rule(wanted: Filter) -> Callable[[Outcome, Rule, AssessmentStatus], bool]:
    """Whether a recommendation is of the wanted rule, severity, topic and status; empty: of any status."""

    def match(outcome: Outcome, rule: Rule, status: AssessmentStatus) -> bool:
        if wanted.rule and rule.id != wanted.rule:
            return False
        if wanted.severity and rule.severity.value != wanted.severity:
            return False
        if wanted.topic and rule.topic != wanted.topic:
            return False
        if not wanted.status:
            return True
        exempted = status is _UNHEALTHY and rule.id in outcome.exempted
        if wanted.status == EXEMPTED:
            return exempted
        if wanted.status == OPEN:
            return status is _UNHEALTHY and not exempted
        return status.value == wanted.status

    return match


def _keeps(wanted: Filter, sheet: Sheet, *, own_alone: bool = False) -> Callable[[Row], bool]:
    """Whether a row of the organization is wanted. `own_alone`: a project for what is told of it itself."""
    match = _match_rule(wanted)
    if not own_alone and wanted.asks_of_recommendations and not wanted.status:
        match = _match_rule(_open(wanted))
    fits: dict[int, bool] = {}
    words = wanted.text.casefold().split()
    organization = sheet.organization.name.casefold()

    def fitting(outcome: Outcome) -> bool:
        known = fits.get(id(outcome))
        if known is None:
            known = fits[id(outcome)] = any(match(outcome, *one) for one in outcome.told)
        return known

    def keep(row: Row) -> bool:
        if wanted.kind and row.item.resource.kind.value != wanted.kind:
            return False
        project = row.project
        if wanted.project and (project is None or not _is_named(wanted.project, (project.id, project.name))):
            return False
        if wanted.state and row.state != wanted.state:
            return False
        if words:
            told = f"{organization}\n{project.name if project else ''}\n{row.item.resource.name}".casefold()
            if not all(word in told for word in words):
                return False
        if not wanted.asks_of_recommendations:
            return True
        return fitting(row.own) if own_alone else any(fitting(one) for one in row.outcomes)

    return keep


def _open(wanted: Filter) -> Filter:
    return Filter(status=OPEN, severity=wanted.severity, rule=wanted.rule, topic=wanted.topic)
