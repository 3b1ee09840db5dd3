"""The lists of the pages: one way to filter, sort, count and page them, for tree, table, files and API.

Everything is of what one viewer may see. A filter never tells of what it leaves out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
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


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """The rows of an organization, with what is told of them added up: most share an outcome with many."""

    rows: tuple[Row, ...]
    everything: Mapping[Outcome, int]
    """How many rows each outcome is the own of."""
    inventory: Mapping[Outcome, int]
    """The same of projects, with what they hold, and repositories."""
    own: Mapping[Outcome, int]
    """The same of what belongs to no project."""
    repositories: Mapping[Outcome, int]
    oldest: Mapping[Outcome, datetime]
    """When the oldest row of an outcome was assessed."""
    projects: int

    @property
    def in_inventory(self) -> int:
        """Projects and repositories."""
        return self.projects + sum(self.repositories.values())


def _told(rows: Iterable[Row]) -> Told:
    kept = tuple(rows)
    everything: Counter[Outcome] = Counter()
    inventory: Counter[Outcome] = Counter()
    own: Counter[Outcome] = Counter()
    repositories: Counter[Outcome] = Counter()
    oldest: dict[Outcome, datetime] = {}
    projects = 0
    for row in kept:
        outcome, kind = row.own, row.item.resource.kind
        everything[outcome] += 1
        if kind is ResourceKind.REPOSITORY:
            repositories[outcome] += 1
            inventory[outcome] += 1
        elif kind is ResourceKind.PROJECT:
            projects += 1
            inventory.update(row.outcomes)
        if row.project is None and kind is not ResourceKind.REPOSITORY:
            own[outcome] += 1
        at = row.assessed_at
        if at is not None and (outcome not in oldest or at < oldest[outcome]):
            oldest[outcome] = at
    return Told(kept, everything, inventory, own, repositories, oldest, projects)


@dataclass
class Overview:
    """Everything that a viewer may see, as of now."""

    sheets: Sequence[Sheet]
    viewer: Viewer
    exemptions: Exemptions
    now: datetime
    _told: dict[str, Told] = field(default_factory=dict, init=False, repr=False)

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

    def rows(self, sheet: Sheet) -> tuple[Row, ...]:
        """Everything of the organization that the viewer sees: what is its own, then project by project.

        In a project comes the project, then the rest by name.
        """
        return self.told(sheet).rows

    def told(self, sheet: Sheet) -> Told:
        """The rows, added up. Those who see all of an organization see the same, so it is kept for them."""
        known = self._told.get(sheet.organization.id)
        if known is not None:
            return known
        if self.sight(sheet) is not Sight.WHOLE:
            found = _told(self._read(sheet))
        else:
            stamp = sheet.staleness(self.now), self.exemptions.all
            kept = sheet.kept.get("told")
            if isinstance(kept, tuple) and kept[0] == stamp:
                found = kept[1]
            else:
                found = _told(self._read(sheet))
                sheet.kept["told"] = stamp, found
        self._told[sheet.organization.id] = found
        return found

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
        found: list[Row] = []
        for sheet in self._sheets(wanted):
            keep = _keeps(wanted, sheet)
            if keep is None:
                found += filter(_is_inventory, self.rows(sheet))
            else:
                found += [one for one in self.rows(sheet) if _is_inventory(one) and keep(one)]
        return found

    def inventory_page(self, wanted: Filter, number: int, size: int) -> Page[Row]:
        """A page of the inventory in its own order."""
        begin = (max(1, number) - 1) * size
        passed, chosen = 0, list[Row]()
        for sheet in self._sheets(wanted):
            keep = _keeps(wanted, sheet)
            told = self.told(sheet)
            if keep is None:
                many = told.in_inventory
                rows = told.rows if passed < begin + size and passed + many > begin else ()
                fitting = [one for one in rows if _is_inventory(one)]
            else:
                fitting = [one for one in told.rows if _is_inventory(one) and keep(one)]
                many = len(fitting)
            chosen += fitting[max(0, begin - passed) : max(0, begin + size - passed)]
            passed += many
        return Page(tuple(chosen), passed, max(1, number), size)

    def tree(self, wanted: Filter) -> list[Branch]:
        """Organizations with what the filter leaves of them; without a filter, those with nothing too."""
        found = []
        for sheet in self._sheets(wanted):
            keep = _keeps(wanted, sheet)
            told = self.told(sheet)
            if keep is not None:
                told = _told(one for one in told.rows if keep(one))
            own, many = counts_of(told.own), told.in_inventory
            if many or own.total or keep is None:
                counts = counts_of(told.inventory) + own
                found.append(
                    Branch(sheet, self.sight(sheet), told.projects, many - told.projects, counts, own)
                )
        return found

    def twigs(self, sheet: Sheet, wanted: Filter) -> list[Twig]:
        """Projects of an organization with their repositories, as far as the filter leaves them."""
        keep = _keeps(wanted, sheet)
        found: dict[str, tuple[Row | None, list[Row], list[Row]]] = {}
        for row in self.rows(sheet):
            if not _is_inventory(row):
                continue
            kept = [row] if keep is None or keep(row) else []
            if row.item.resource.kind is ResourceKind.PROJECT and row.project is not None:
                found[row.project.id] = row, kept, []
            else:
                place = row.project.id if row.project else ""
                found.setdefault(place, (None, [], []))[2].extend(kept)
        return [
            Twig(
                row,
                tuple(some),
                counts_of(Counter(outcome for one in (*own, *some) for outcome in one.outcomes)),
            )
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
        numbers: dict[Outcome, int] = {}

        def matching(outcome: Outcome) -> int:
            known = numbers.get(outcome)
            if known is None:
                known = numbers[outcome] = sum(match(outcome, *one) for one in outcome.told)
            return known

        begin = (max(1, number) - 1) * size
        passed = 0
        chosen: list[Finding] = []
        for sheet in self._sheets(wanted):
            keep = _keeps(wanted, sheet, own_alone=True)
            told = self.told(sheet)
            if keep is None:
                many = sum(matching(outcome) * times for outcome, times in told.everything.items())
                if passed >= begin + size or passed + many <= begin:
                    passed += many
                    continue
            for row in told.rows:
                if keep is not None and not keep(row):
                    continue
                many = matching(row.own)
                if many and passed < begin + size and passed + many > begin:
                    fitting = [one for one in row.own.told if match(row.own, *one)]
                    chosen += [
                        Finding(row, rule, status, status is _UNHEALTHY and rule.id in row.own.exempted)
                        for place, (rule, status) in enumerate(fitting, start=passed)
                        if begin <= place < begin + size
                    ]
                passed += many
        return Page(tuple(chosen), passed, max(1, number), size)

    def resources(self, wanted: Filter) -> Iterator[Row]:
        """Everything that a wanted recommendation is of."""
        match = _match_rule(wanted)
        fits: dict[Outcome, bool] = {}
        for sheet in self._sheets(wanted):
            keep = _keeps(wanted, sheet, own_alone=True)
            for row in self.rows(sheet):
                fitting = fits.get(row.own)
                if fitting is None:
                    fitting = fits[row.own] = any(match(row.own, *one) for one in row.own.told)
                if fitting and (keep is None or keep(row)):
                    yield row

    def by_rule(self, wanted: Filter) -> list[OfRule]:
        """Each rule that says anything that is wanted, the worst first."""
        match = _match_rule(wanted)
        counts: dict[RuleId, Counter[str]] = {}
        ages: dict[RuleId, datetime] = {}
        for sheet in self._sheets(wanted):
            keep = _keeps(wanted, sheet, own_alone=True)
            told = self.told(sheet)
            if keep is not None:
                told = _told(one for one in told.rows if keep(one))
            for outcome, number in told.everything.items():
                oldest = told.oldest.get(outcome)
                for rule, status in outcome.told:
                    if not match(outcome, rule, status):
                        continue
                    exempted = status is _UNHEALTHY and rule.id in outcome.exempted
                    name = EXEMPTED if exempted else status.value
                    counts.setdefault(rule.id, Counter())[name] += number
                    if oldest is not None and status is not AssessmentStatus.NEVER_ASSESSED:
                        ages[rule.id] = min(ages.get(rule.id, oldest), oldest)
        found = [OfRule(rule, counts[rule.id], ages.get(rule.id)) for rule in RULES if rule.id in counts]
        return sorted(found, key=lambda one: (_SEVERITIES[one.rule.severity], -one.open, one.rule.id))

    def total(self) -> tuple[Counter[Outcome], int, int]:
        """All that the viewer sees: outcomes with how many have them, projects, and repositories."""
        outcomes: Counter[Outcome] = Counter()
        projects = repositories = 0
        for sheet in self.visible():
            told = self.told(sheet)
            outcomes.update(told.everything)
            projects += told.projects
            repositories += sum(told.repositories.values())
        return outcomes, projects, repositories

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
    kind = row.item.resource.kind
    return kind is ResourceKind.REPOSITORY or kind is ResourceKind.PROJECT


def score_of(outcomes: Mapping[Outcome, int]) -> Score:
    """The score of all these together."""
    tally = Tally()
    for outcome, number in outcomes.items():
        for rule, status in outcome.told:
            exempted = status is _UNHEALTHY and rule.id in outcome.exempted
            tally.count(rule, EXEMPTED if exempted else status.value, number)
    return tally.score()


def counts_of(outcomes: Mapping[Outcome, int]) -> Counts:
    """All these together."""
    totals = [0] * len(fields(Counts))
    for outcome, number in outcomes.items():
        for place, one in enumerate(outcome.numbers):
            totals[place] += number * one
    return Counts(*totals)


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


def _keeps(wanted: Filter, sheet: Sheet, *, own_alone: bool = False) -> Callable[[Row], bool] | None:
    """Whether a row of the organization is wanted; None where all are.

    `own_alone`: a project for what is told of it itself; what is asked of recommendations is asked of each.
    """
    narrows = bool(wanted.project or wanted.kind or wanted.state or wanted.text)
    if not narrows and (own_alone or not wanted.asks_of_recommendations):
        return None
    match = _match_rule(wanted)
    if not own_alone and wanted.asks_of_recommendations and not wanted.status:
        match = _match_rule(_open(wanted))
    fits: dict[Outcome, bool] = {}
    words = wanted.text.casefold().split()
    organization = sheet.organization.name.casefold()

    def fitting(outcome: Outcome) -> bool:
        known = fits.get(outcome)
        if known is None:
            known = fits[outcome] = any(match(outcome, *one) for one in outcome.told)
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
