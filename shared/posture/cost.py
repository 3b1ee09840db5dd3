"""What a refresh of an organization will ask of Azure DevOps, told before anything is asked.

It is worked out from the inventory and from what was read and judged last: a project that was never judged
may hold more than is known of it, and a listing that was never read may have more than one page. Such numbers
are the least there will be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.model.assessment import AssessmentStatus, ResourceAssessments, ResourceKind
from shared.model.facts import FactKind
from shared.model.inventory import WELL_FORMED, Project, Repository
from shared.model.thresholds import Thresholds
from shared.posture.fact_sets import FACT_SETS, FactSet, Level
from shared.posture.gathering import Plan
from shared.posture.rule import Rule
from shared.posture.subjects import is_judged
from shared.posture.verdicts import UNREAD

_ALERTS = 4
_GROUPS_AT_ONCE = 40
_GROUPS_OF_ORGANIZATION = 3
_GROUPS_OF_PROJECT = 2
_GROUPS_ON_A_PAGE = 15
"""Projects whose groups are sure to fit on one page of a hundred."""
_CHECKS_AT_ONCE = 100

_MAY_HAVE_PAGES = frozenset(
    {
        FactKind.BRANCH_POLICIES,
        FactKind.PIPELINES,
        FactKind.VARIABLE_GROUPS,
        FactKind.ENVIRONMENTS,
        FactKind.CHECKS,
    }
)

_OBJECTS: Mapping[FactKind, ResourceKind] = {
    FactKind.SERVICE_CONNECTION_PERMISSIONS: ResourceKind.SERVICE_CONNECTION,
    FactKind.VARIABLE_GROUP_PERMISSIONS: ResourceKind.VARIABLE_GROUP,
    FactKind.SECURE_FILE_PERMISSIONS: ResourceKind.SECURE_FILE,
    FactKind.ENVIRONMENT_PERMISSIONS: ResourceKind.ENVIRONMENT,
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Requests for one fact set. `is_exact`: as far as nothing changes meanwhile; else it may be more."""

    fact_set: FactSet
    requests: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class KnownProject:
    """A project as the inventory and the last assessment know it. No rows: it was never judged.

    `requests` is what reading each of its fact sets took last, by kind.
    """

    project: Project
    repositories: Sequence[Repository]
    rows: Sequence[ResourceAssessments]
    was_judged: bool
    requests: Mapping[str, int] = field(default_factory=dict)


def cost_of(
    projects: Iterable[KnownProject],
    rules: Sequence[Rule],
    thresholds: Thresholds,
    requests: Mapping[str, int] | None = None,
) -> tuple[Cost, ...]:
    """What each fact set that the rules need will cost, in the order in which they are asked.

    `requests` is what reading each set of the organization took last, by kind.
    """
    before = requests or {}
    there = [one for one in projects if one.project.missing_since is None and one.project.retired_at is None]
    ready = [one for one in there if one.project.state == WELL_FORMED]
    all_judged = all(one.was_judged for one in ready)
    wanted = set(Plan(rules, thresholds).of_organization()) | {kind for rule in rules for kind in rule.needs}
    found = []
    for one in FACT_SETS:
        if one.kind not in wanted:
            continue
        if one.level is Level.ORGANIZATION:
            asks_alerts = one.kind is not FactKind.ALERTS or _has_alerts(ready, rules)
            number, sure = _of_organization(one.kind, len(there)) if asks_alerts else (0, all_judged)
            found.append(Cost(one, _as_before(number, one.kind, before), sure or one.kind.value in before))
        else:
            number = sum(
                _as_before(_of_project(one.kind, project, rules), one.kind, project.requests)
                for project in ready
            )
            sure = one.level is Level.PROJECT and one.kind not in _MAY_HAVE_PAGES
            found.append(Cost(one, number, is_exact=all_judged or sure))
    return tuple(found)


def _as_before(number: int, kind: FactKind, before: Mapping[str, int]) -> int:
    """With the pages that the listing had last; nothing for what could not be asked then, nor is now."""
    last = before.get(kind.value, number)
    return max(number, last) if number and last else 0


def _of_organization(kind: FactKind, projects: int) -> tuple[int, bool]:
    if kind is FactKind.ALERTS:
        return _ALERTS, True
    if kind is FactKind.ADMINISTRATORS:
        groups = _GROUPS_OF_ORGANIZATION + _GROUPS_OF_PROJECT * projects
        return -(-groups // _GROUPS_AT_ONCE), True
    if kind is FactKind.USERS:
        return 1, False
    return 1, kind is not FactKind.GROUPS or projects <= _GROUPS_ON_A_PAGE


def _has_alerts(known: Iterable[KnownProject], rules: Sequence[Rule]) -> bool:
    """Whether Advanced Security looked at any repository last time: else its alerts are not asked for."""
    needing = {rule.id for rule in rules if FactKind.ALERTS in rule.needs}
    return any(
        "alertType" in one.verdict.evidence or one.verdict.evidence.get(UNREAD) == FactKind.ALERTS.value
        for project in known
        for row in project.rows
        for rule, one in row.assessments.items()
        if rule in needing
    )


def _of_project(kind: FactKind, known: KnownProject, rules: Sequence[Rule]) -> int:
    if kind in _OBJECTS:
        return sum(_is_asked(kind, row, rules) for row in known.rows)
    if kind is FactKind.CHECKS:
        objects = sum(row.resource.kind in _OBJECTS.values() for row in known.rows)
        return -(-objects // _CHECKS_AT_ONCE)
    if kind is FactKind.BRANCH_POLICIES:
        return int(
            any(is_judged(one) and one.default_branch and not one.is_disabled for one in known.repositories)
        )
    if kind is FactKind.PIPELINE_SETTINGS:
        return int(not _is_settled_above(known, rules))
    return 1


def _is_asked(kind: FactKind, row: ResourceAssessments, rules: Sequence[Rule]) -> bool:
    """Whether the pipeline permission of this object settles anything: of groups without secrets, nothing."""
    if row.resource.kind is not _OBJECTS[kind]:
        return False
    said = [row.assessments[rule.id] for rule in rules if kind in rule.needs and rule.id in row.assessments]
    return any(one.verdict.status is not AssessmentStatus.NOT_APPLICABLE for one in said)


def _is_settled_above(known: KnownProject, rules: Sequence[Rule]) -> bool:
    """Whether no rule looked at the project's own settings, since the organization's settle it all."""
    needing = {rule.id for rule in rules if FactKind.PIPELINE_SETTINGS in rule.needs}
    said = [
        one.verdict
        for row in known.rows
        if row.resource.kind is ResourceKind.PROJECT
        for rule, one in row.assessments.items()
        if rule in needing
    ]
    return bool(said) and all(set(one.evidence) == {"organization"} for one in said)
