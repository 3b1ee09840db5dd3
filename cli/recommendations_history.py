"""`recommendations history`, `changes` and `trend`: what was said when, as evidence and as a curve."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from cli import keys
from cli.command import Answer, Command, invocation
from cli.output import Column, Row, instant, write_rows
from cli.problems import WrongOption
from cli.recommendation_rows import find_rules
from cli.session import find_organizations, opened
from cli.times import parse_time
from shared.model.assessment import AssessmentStatus, Resource, StatusChange
from shared.model.ids import ProjectId
from shared.model.organization import Organization

if TYPE_CHECKING:
    from shared.model.ids import OrganizationId, RuleId
    from shared.ports import ConnectorState
    from shared.posture.score import Tally

_SHOWN_MOST = 5
_DAYS_MOST = 3_660

_CHANGE_COLUMNS = (
    Column("AT", "at"),
    Column("ORGANIZATION", "organization"),
    Column("PROJECT", "project"),
    Column("RULE", "rule"),
    Column("RESOURCE", lambda row: f"{row['resourceKind']} {row['resourceName']}"),
    Column("BEFORE", "before"),
    Column("AFTER", "after"),
    Column("BY", "changedBy"),
    Column("REASON", "reason"),
)
_TREND_COLUMNS = (
    Column("AT", lambda row: str(row["at"])[:16].replace("T", " ")),
    Column("ORGANIZATION", "organization"),
    Column("RULE", "rule"),
    Column("SCORE", "score", right=True),
    Column("HEALTHY", lambda row: _count(row, "healthy"), right=True),
    Column("UNHEALTHY", lambda row: _count(row, "unhealthy"), right=True),
    Column("UNKNOWN", lambda row: _count(row, "unknown"), right=True),
    Column("NOT APPLICABLE", lambda row: _count(row, "notApplicable"), right=True),
)


def _count(row: Row, status: str) -> object:
    counts = row["counts"]
    return counts[status] if isinstance(counts, Mapping) else None


@click.command(
    cls=Command,
    answer=Answer(keys.CHANGE, rows=True),
    examples=(
        "ado-connector recommendations history frontend",
        "ado-connector recommendations history frontend --organization contoso --rule ADO-REPO-001",
        "ado-connector recommendations history frontend --at 2026-01-31",
    ),
)
@click.argument("resource", metavar="RESOURCE")
@click.option(
    "--organization", metavar="NAME", default=None, help="Only in this organization: its name or id."
)
@click.option(
    "--rule",
    metavar="RULE",
    default=None,
    help="Only this rule: its id, Defender's key, or its id in another tool.",
)
@click.option(
    "--at", "moment", metavar="TIME", default=None, help="What was said at that time: 2026-01-31, or 30d ago."
)
def history(resource: str, organization: str | None, rule: str | None, moment: str | None) -> None:
    """Show every change of status of one resource, its name or id, oldest first.

    With --at: what was said of it then. Each row is then the change that led to it.
    """
    from shared.posture.history import by_subject, spell_at, spells, with_first_verdict  # noqa: PLC0415

    rules = {one.id for one in find_rules(rule)} if rule is not None else None
    with opened() as runtime:
        at = parse_time("--at", moment, runtime.clock.now())
        state = runtime.state
        where, found = _find(state, find_organizations(state, organization), resource)
        changes = by_subject(state.status_changes(where.id, resource=found.id))
        current = {
            (row.resource.project, name): (row.resource, one)
            for row in state.assessments(where.id, found.project or ProjectId(""))
            if (row.resource.kind, row.resource.id) == (found.kind, found.id)
            for name, one in row.assessments.items()
        }
        stored = {(found.kind.value, found.id, project, name) for project, name in current}
        told: list[StatusChange] = []
        for subject in sorted(stored | set(changes), key=lambda one: (one[3], one[2] or "")):
            if subject[0] != found.kind.value or (rules is not None and subject[3] not in rules):
                continue
            some = changes.get(subject, [])
            named, assessment = current.get(
                (subject[2], subject[3]), (some[-1].resource if some else found, None)
            )
            every = with_first_verdict(named, subject[3], assessment, some)
            spell = spell_at(spells(assessment, some), at) if at is not None else None
            if at is None:
                told.extend(every)
            elif spell is not None:
                told.append(_as_change(named, subject[3], spell.start, spell.status, spell.reason))
        told.sort(key=lambda one: (one.at, one.sequence, one.rule))
        projects = _project_names(state, where.id)
        write_rows(
            (_row(where, projects, one) for one in told),
            _CHANGE_COLUMNS,
            invocation().output,
            empty="Nothing was said of it then." if at is not None else "Nothing was ever said of it.",
        )


def _as_change(
    resource: Resource, rule: RuleId, start: datetime, status: AssessmentStatus | None, reason: str
) -> StatusChange:
    """What was said at a time, as the change that led to it. What is not recorded is unknown."""
    after = status or AssessmentStatus.UNKNOWN
    return StatusChange(start, resource, rule, None, after, start, start, reason)


def _find(
    state: ConnectorState, organizations: Iterable[Organization], wanted: str
) -> tuple[Organization, Resource]:
    """The one resource with this id, or else this name, whether or not it is still there."""
    sought = wanted.strip().casefold()
    by_id: dict[tuple[str, str, str], tuple[Organization, Resource]] = {}
    by_name: dict[tuple[str, str, str], tuple[Organization, Resource]] = {}
    for organization in organizations:
        for one in _known(state, organization):
            key = (organization.id, one.kind.value, one.id)
            if one.id.casefold() == sought:
                by_id.setdefault(key, (organization, one))
            elif one.name.casefold() == sought:
                by_name.setdefault(key, (organization, one))
    found = list((by_id or by_name).values())
    if len(found) == 1:
        return found[0]
    if not found:
        raise WrongOption(
            "RESOURCE",
            f'nothing named "{wanted}" was ever assessed.',
            'Give the name or id of a resource, as "ado-connector recommendations list" has it.',
        )
    shown = ", ".join(
        f"{one.id} ({one.kind.value} {one.name} in {organization.name})"
        for organization, one in found[:_SHOWN_MOST]
    )
    more = f" and {len(found) - _SHOWN_MOST} more" if len(found) > _SHOWN_MOST else ""
    raise WrongOption("RESOURCE", f'"{wanted}" means several: {shown}{more}.', "Give one of the ids.")


def _known(state: ConnectorState, organization: Organization) -> Iterator[Resource]:
    """What is assessed now, then what history tells of, which may be gone."""
    for row in state.assessments(organization.id):
        yield row.resource
    for change in state.status_changes(organization.id):
        yield change.resource


@click.command(
    cls=Command,
    answer=Answer(keys.CHANGE, rows=True),
    examples=(
        "ado-connector recommendations changes --since 7d",
        "ado-connector recommendations changes --since 2026-01-01 --until 2026-04-01 --output json",
    ),
)
@click.option(
    "--since",
    required=True,
    metavar="TIME",
    help="Only since then: 2026-01-31, 2026-01-31T08:00:00Z (UTC unless it says otherwise), or 7d ago.",
)
@click.option("--until", default=None, metavar="TIME", help="Only before then; now, unless given.")
@click.option("--organization", metavar="NAME", default=None, help="Only this organization: its name or id.")
@click.option(
    "--rule",
    metavar="RULE",
    default=None,
    help="Only this rule: its id, Defender's key, or its id in another tool.",
)
def changes(since: str, until: str | None, organization: str | None, rule: str | None) -> None:
    """List every change of a status, oldest first: what, when, before, after and, where it is known, by whom.

    A first verdict is listed when it is unhealthy or unknown.
    """
    rules = {one.id for one in find_rules(rule)} if rule is not None else None
    with opened() as runtime:
        state, now = runtime.state, runtime.clock.now()
        start, end = parse_time("--since", since, now), parse_time("--until", until, now)
        if start is not None and start > now:
            raise WrongOption("--since", f'"{since}" is yet to come.', "Give a time that has passed.")
        if start is not None and end is not None and end <= start:
            raise WrongOption("--until", f'"{until}" is not after --since.', "Give a later time.")

        def of(one: Organization) -> Iterator[Row]:
            projects = _project_names(state, one.id)
            for change in state.status_changes(one.id, since=start):
                if (end is None or change.at < end) and (rules is None or change.rule in rules):
                    yield _row(one, projects, change)

        organizations = find_organizations(state, organization)
        rows = heapq.merge(*(of(one) for one in organizations), key=lambda row: str(row["at"]))
        write_rows(rows, _CHANGE_COLUMNS, invocation().output, empty="No status changed in that time.")


def _project_names(state: ConnectorState, organization: OrganizationId) -> dict[str, str]:
    return {one.id: one.name for one in state.projects(organization)}


def _row(organization: Organization, projects: Mapping[str, str], one: StatusChange) -> Row:
    from shared.posture.catalogue import find  # noqa: PLC0415 - loads every rule

    rule = find(one.rule)
    return {
        "at": instant(one.at),
        "organization": organization.name,
        "organizationId": organization.id,
        "project": projects.get(one.resource.project) if one.resource.project else None,
        "projectId": one.resource.project,
        "resourceKind": one.resource.kind.value,
        "resourceId": one.resource.id,
        "resourceName": one.resource.name,
        "rule": one.rule,
        "title": rule.title if rule else None,
        "severity": rule.severity.value if rule else None,
        "before": one.before.value if one.before else None,
        "after": one.after.value if one.after else None,
        "reason": one.reason or None,
        "changedBy": one.changed_by or None,
    }


@click.command(
    cls=Command,
    answer=Answer(keys.TREND, rows=True),
    examples=(
        "ado-connector recommendations trend --days 30",
        "ado-connector recommendations trend --organization contoso --by-rule --days 90 --every 7",
    ),
)
@click.option(
    "--days",
    type=click.IntRange(1, _DAYS_MOST),
    default=30,
    show_default=True,
    metavar="N",
    help="How far back.",
)
@click.option(
    "--every",
    type=click.IntRange(1, _DAYS_MOST),
    default=1,
    show_default=True,
    metavar="N",
    help="A row for every so many days.",
)
@click.option("--organization", metavar="NAME", default=None, help="Only this organization: its name or id.")
@click.option(
    "--rule",
    metavar="RULE",
    default=None,
    help="Only this rule: its id, Defender's key, or its id in another tool.",
)
@click.option("--by-rule", is_flag=True, help="A row for each rule, too.")
def trend(days: int, every: int, organization: str | None, rule: str | None, by_rule: bool) -> None:
    """Show how the posture went, day by day, up to now.

    What the history does not reach back to counts as unknown. Exemptions are left aside.
    """
    from shared.posture.history import Trend, by_subject, subjects  # noqa: PLC0415 - loads every rule

    rules = {one.id: one for one in find_rules(rule)}
    with opened() as runtime:
        state, now = runtime.state, runtime.clock.now()
        times = [now - timedelta(days=back) for back in range(0, days + 1, every)]

        def rows() -> Iterator[Row]:
            for one in find_organizations(state, organization):
                counted = Trend(times)
                kept = by_subject(state.status_changes(one.id, since=min(times)))
                for _, of_rule, told in subjects(state.assessments(one.id), kept):
                    if of_rule in rules:
                        counted.add(of_rule, told)
                for at, counts in zip(counted.times, counted.counts(), strict=True):
                    yield from _of_day(one, at, counts, by_rule=by_rule)

        write_rows(rows(), _TREND_COLUMNS, invocation().output, empty="No organization is known.")


def _of_day(
    organization: Organization,
    at: datetime,
    counts: Mapping[RuleId, Mapping[AssessmentStatus, int]],
    *,
    by_rule: bool,
) -> Iterator[Row]:
    from shared.posture.catalogue import find  # noqa: PLC0415 - loads every rule
    from shared.posture.score import Tally  # noqa: PLC0415

    whole = Tally()
    parts: list[tuple[str | None, Tally]] = [(None, whole)]
    for identifier, statuses in counts.items():
        rule = find(identifier)
        if rule is None:
            continue
        alone = Tally()
        for status, number in statuses.items():
            whole.count(rule, status.value, number)
            alone.count(rule, status.value, number)
        if by_rule:
            parts.append((identifier, alone))
    for name, tally in parts:
        yield {
            "at": instant(at),
            "organization": organization.name,
            "organizationId": organization.id,
            "rule": name,
            "score": tally.score().value,
            "known": tally.score().known,
            "counts": {key: number for key, number in tally.counts.items() if key in _STORED},
        }


_STORED: Sequence[str] = (
    AssessmentStatus.HEALTHY.value,
    AssessmentStatus.UNHEALTHY.value,
    AssessmentStatus.NOT_APPLICABLE.value,
    AssessmentStatus.UNKNOWN.value,
)
"""What is stored, and so has a history."""
