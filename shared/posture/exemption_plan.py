"""From exemptions as people write them to what is kept: names become ids, and changes are told first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.model.assessment import Resource, ResourceKind
from shared.model.exemption import Exemption, ExemptionKind, ExemptionScope, ExemptionTarget
from shared.model.ids import OrganizationId
from shared.model.inventory import Project
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.organization import Organization
from shared.posture.exemptions import exemption_id, is_pattern, matches
from shared.posture.rule import Rule

_SHOWN_MOST = 5


class ExemptionProblem(ValueError):
    """An exemption cannot be kept as it is written: which field, what is wrong, what to write."""

    def __init__(self, field: str, problem: str, fix: str) -> None:
        super().__init__(f"{field}: {problem} {fix}")
        self.field = field
        self.problem = problem
        self.fix = fix


@dataclass(frozen=True, slots=True)
class WantedExemption:
    """An exemption as it is asked for. `by` may be empty: whoever asked for it first, else now."""

    scope: ExemptionScope
    kind: ExemptionKind
    reason: str
    expires_at: datetime
    by: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What names may mean: listed only as far as it is asked for."""

    rules: Sequence[Rule]
    find_rule: Callable[[str], Rule | None]
    organizations: Sequence[Organization]
    projects: Callable[[OrganizationId], Iterable[Project]]
    """Those that are there."""
    resources: Callable[[OrganizationId], Iterable[Resource]]
    """Everything that rules judge, whether or not they have done so yet."""


class Action(StrEnum):
    """What happens to an exemption."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Step:
    """One exemption and what happens to it; `before` is what is kept now."""

    action: Action
    exemption: Exemption
    before: Exemption | None = None


def bind(scope: ExemptionScope, known: Known) -> tuple[ExemptionScope, ExemptionTarget]:
    """The scope with its rule by id, and the ids that its names mean now. Raises `ExemptionProblem`."""
    rule, rules = _rules(scope.rule, known)
    bound = ExemptionScope(rule, scope.organization, scope.project, scope.resource)
    organizations = _organizations(scope.organization, known)
    exact = scope.organization and not is_pattern(scope.organization)
    organization = organizations[0].id if exact else None
    if scope.resource and not is_pattern(scope.resource):
        home, resource = _resource(scope, {one.resource for one in rules}, organizations, known)
        return bound, ExemptionTarget(home, resource.project, resource.kind, resource.id)
    if scope.project and not is_pattern(scope.project):
        home, project = _project(scope, organizations, known)
        return bound, ExemptionTarget(home, project.id)
    return bound, ExemptionTarget(organization)


def _rules(wanted: str, known: Known) -> tuple[str, Sequence[Rule]]:
    if is_pattern(wanted):
        found = [one for one in known.rules if matches(wanted, one.id)]
        if not found:
            raise ExemptionProblem(
                "rule", f'no rule matches "{wanted}".', "Rules have ids such as ADO-REPO-001; see docs/rules."
            )
        return wanted, found
    rule = known.find_rule(wanted) if wanted else None
    if rule is None:
        raise ExemptionProblem(
            "rule",
            f'there is no rule "{wanted}".' if wanted else "is missing.",
            'Write an id such as ADO-REPO-001, Defender\'s key, or "*" for every rule; see docs/rules.',
        )
    return rule.id, (rule,)


def _organizations(wanted: str, known: Known) -> Sequence[Organization]:
    if not wanted or is_pattern(wanted):
        return [one for one in known.organizations if matches(wanted, one.name)]
    sought = wanted.casefold()
    found = [
        one
        for one in known.organizations
        if sought in {one.id.casefold(), one.instance_id.casefold(), one.name.casefold()}
    ]
    if len(found) == 1:
        return found
    raise _not_one("organization", wanted, [(one.id, one.name) for one in found])


def _project(
    scope: ExemptionScope, organizations: Iterable[Organization], known: Known
) -> tuple[OrganizationId, Project]:
    sought = scope.project.casefold()
    found = [
        (organization, project)
        for organization in organizations
        for project in known.projects(organization.id)
        if sought in {project.id.casefold(), project.name.casefold()}
    ]
    if len(found) == 1:
        return found[0][0].id, found[0][1]
    raise _not_one("project", scope.project, [(two.id, f"{one.name}/{two.name}") for one, two in found])


def _resource(
    scope: ExemptionScope,
    kinds: set[ResourceKind],
    organizations: Sequence[Organization],
    known: Known,
) -> tuple[OrganizationId, Resource]:
    sought = scope.resource.casefold()
    project = scope.project.casefold()
    if project and not is_pattern(project):
        _project(scope, organizations, known)
    found: list[tuple[Organization, Resource, str]] = []
    for organization in organizations:
        projects = {one.id: one.name for one in known.projects(organization.id)}
        for resource in known.resources(organization.id):
            name = projects.get(resource.project, "") if resource.project else ""
            in_project = (
                not project
                or project in {(resource.project or "").casefold(), name.casefold()}
                or (is_pattern(project) and matches(project, name))
            )
            ends = resource.id.casefold()
            is_it = sought in {ends, ends.rpartition("/")[2], resource.name.casefold()}
            if is_it and in_project and resource.kind in kinds:
                found.append((organization, resource, "/".join(filter(None, (organization.name, name)))))
    if len(found) == 1:
        return found[0][0].id, found[0][1]
    raise _not_one(
        "resource",
        scope.resource,
        [(one.id, f"{one.kind.value} {one.name} in {where}") for _, one, where in found],
    )


def _not_one(field: str, wanted: str, found: Sequence[tuple[str, str]]) -> ExemptionProblem:
    if not found:
        return ExemptionProblem(
            field,
            f'no {field} "{wanted}" is known.',
            'Write its name or id as "ado-connector recommendations list" has it, or a pattern with *.',
        )
    shown = ", ".join(f"{identifier} ({name})" for identifier, name in found[:_SHOWN_MOST])
    more = f" and {len(found) - _SHOWN_MOST} more" if len(found) > _SHOWN_MOST else ""
    return ExemptionProblem(
        field, f'"{wanted}" means several: {shown}{more}.', "Write the id, or the project too."
    )


def check_expiry(expires_at: datetime, now: datetime, longest: timedelta) -> None:
    """Raise `ExemptionProblem` when the end is too far away."""
    if expires_at - now > longest:
        raise ExemptionProblem(
            "expires",
            f"{expires_at:%Y-%m-%d} is more than {longest.days} days away.",
            f"Write {now + longest:%Y-%m-%d} or an earlier day; it can be prolonged by then.",
        )


def next_exemption(
    wanted: WantedExemption,
    source: str,
    known: Known,
    stored: Mapping[str, Exemption],
    *,
    by: str,
    now: datetime,
) -> Exemption:
    """What is to be kept of a wanted one.

    Where the same scope is kept already, its ids stay: the names in it may mean something else by now, and
    what they meant when somebody answered for it counts. Raises `ExemptionProblem`.
    """
    rule = wanted.scope.rule
    found = None if is_pattern(rule) else known.find_rule(rule)
    written = ExemptionScope(
        found.id if found else rule, wanted.scope.organization, wanted.scope.project, wanted.scope.resource
    )
    before = stored.get(exemption_id(source, written))
    scope, target = (before.scope, before.target) if before else bind(wanted.scope, known)
    return Exemption(
        id=exemption_id(source, scope),
        scope=scope,
        target=target,
        kind=wanted.kind,
        reason=wanted.reason,
        by=wanted.by or (before.by if before else by),
        created_at=before.created_at if before else now,
        expires_at=wanted.expires_at,
        source=source,
    )


def plan(wanted: Iterable[Exemption], stored: Iterable[Exemption], source: str) -> tuple[Step, ...]:
    """What makes the kept exemptions of a source the wanted ones; those of other sources stay as they are."""
    kept = {one.id: one for one in stored if one.source == source}
    steps = []
    for one in wanted:
        before = kept.pop(one.id, None)
        if before is None:
            steps.append(Step(Action.ADD, one))
        else:
            steps.append(Step(Action.KEEP if before == one else Action.CHANGE, one, before))
    steps.extend(Step(Action.REMOVE, one, one) for one in kept.values())
    return tuple(steps)


def journal_of(steps: Iterable[Step], by: str, now: datetime) -> tuple[JournalEntry, ...]:
    """What the journal says of the steps; nothing of what is kept."""
    events = {
        Action.ADD: JournalEvent.EXEMPTION_ADDED,
        Action.CHANGE: JournalEvent.EXEMPTION_CHANGED,
        Action.REMOVE: JournalEvent.EXEMPTION_REMOVED,
    }
    return tuple(
        JournalEntry(
            at=now,
            event=events[step.action],
            organization=step.exemption.target.organization,
            subject=step.exemption.id,
            subject_name=in_words(step.exemption.scope),
            before=terms(step.before) if step.before else "",
            after="" if step.action is Action.REMOVE else terms(step.exemption),
            reason=step.exemption.reason,
            requested_by=by,
        )
        for step in steps
        if step.action is not Action.KEEP
    )


def in_words(scope: ExemptionScope) -> str:
    """A scope in one line: `ADO-REPO-001 at contoso/web/frontend`."""
    parts = [scope.organization or "*", scope.project or "*", scope.resource or "*"]
    while len(parts) > 1 and parts[-1] == "*":
        parts.pop()
    return f"{scope.rule} at {'/'.join(parts)}"


def terms(exemption: Exemption) -> str:
    """Kind, end and person, in one line."""
    return f"{exemption.kind.value} until {exemption.expires_at:%Y-%m-%d %H:%M} UTC by {exemption.by}"
