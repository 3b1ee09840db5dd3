"""`exemptions`: findings that somebody answers for, applied from a file or one by one."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import keys
from cli.command import Answer, Group, invocation
from cli.output import Column, OutputFormat, Row, instant, note, write_line, write_object, write_rows
from cli.problems import WrongOption
from cli.recommendation_rows import organization_recommendations, place_of
from cli.session import find_organizations, opened, person
from shared.model.assessment import AssessmentStatus, Resource
from shared.model.exemption import Exemption, ExemptionKind
from shared.model.ids import OrganizationId
from shared.model.inventory import Project

if TYPE_CHECKING:
    from datetime import datetime

    from cli.exemption_file import ExemptionFile
    from shared.ports import ConnectorState
    from shared.posture.exemption_plan import Known, Step
    from shared.posture.exemptions import Place, Use
    from shared.posture.views import Recommendation
    from shared.wiring.runtime import Runtime

_STATES = ("inUse", "unused", "unknown", "expired")
_CONFIRM = "Apply this?"


def _where(row: Row) -> str:
    parts = [str(row[name] or "*") for name in ("organization", "project", "resource")]
    while len(parts) > 1 and parts[-1] == "*":
        parts.pop()
    return "/".join(parts)


_COLUMNS = (
    Column("ID", "id"),
    Column("STATE", "state"),
    Column("RULE", "rule"),
    Column("WHERE", _where),
    Column("KIND", "kind"),
    Column("UNHEALTHY", "unhealthy", right=True),
    Column("EXPIRES", lambda row: str(row["expiresAt"])[:16].replace("T", " ")),
    Column("BY", "by"),
    Column("SOURCE", "source"),
    Column("REASON", "reason"),
)
_STEP_COLUMNS = (
    Column("ACTION", "action"),
    Column("ID", "id"),
    Column("WHAT", "scope"),
    Column("BEFORE", "before"),
    Column("AFTER", "after"),
    Column("WARNING", "warning"),
)


@click.group(
    cls=Group,
    examples=(
        "ado-connector exemptions apply --file exemptions.yaml --dry-run",
        "ado-connector exemptions list --state unused",
    ),
)
def exemptions() -> None:
    """Exemptions: findings that somebody answers for, until a day. They are counted apart, never hidden."""


@exemptions.command(
    "list",
    answer=Answer(keys.EXEMPTION, rows=True),
    examples=(
        "ado-connector exemptions list",
        "ado-connector exemptions list --state expired --output json",
    ),
)
@click.option("--state", "wanted", type=click.Choice(_STATES), default=None, help="Only those in this state.")
@click.option("--source", default=None, metavar="NAME", help="Only those of the file with this name.")
def list_(wanted: str | None, source: str | None) -> None:
    """List exemptions with what they cover now, the next to end first."""
    with opened() as runtime:
        now = runtime.clock.now()
        kept = [one for one in runtime.state.exemptions() if source is None or one.source == source]
        kept.sort(key=lambda one: (one.expires_at, one.id))
        rows = [_row(one) for one in _uses(runtime, kept, now)]
        write_rows(
            (one for one in rows if wanted is None or one["state"] == wanted),
            _COLUMNS,
            invocation().output,
            empty="There is no such exemption.",
        )


@exemptions.command(
    answer=Answer(keys.EXEMPTIONS_APPLIED, parts={"steps": keys.EXEMPTION_STEP}),
    examples=(
        "ado-connector exemptions apply --file exemptions.yaml --dry-run",
        "ado-connector exemptions apply --file exemptions.yaml --yes",
    ),
)
@click.option(
    "--file",
    "-f",
    "file",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="YAML file of exemptions; - for standard input.",
)
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask; it is only asked on a terminal.")
def apply(file: Path, dry_run: bool, yes: bool) -> None:
    """Make the exemptions those of a file, and show what changes first.

    Those that an earlier version of the file had, and this one has not, are removed; those of files with
    another name stay. The same file again changes nothing. If anything in the file is wrong, nothing is
    applied.
    """
    from cli.exemption_file import STDIN, read_exemptions  # noqa: PLC0415 - loads every rule

    wanted = read_exemptions(file)
    with opened() as runtime:
        now = runtime.clock.now()
        steps = _plan_of_file(runtime, wanted, file)
        asked = not (dry_run or yes or file == STDIN or invocation().output is OutputFormat.JSON)
        if asked and sys.stdin.isatty() and _changes(steps):
            _write_steps(steps, wanted.name, now, applied=False)
            if not click.confirm(_CONFIRM, err=True):
                note("Nothing was changed.")
                return
            _keep(runtime, steps)
            note("Applied.")
            return
        _write_steps(steps, wanted.name, now, applied=not dry_run)
        if not dry_run:
            _keep(runtime, steps)


@exemptions.command(
    answer=Answer(keys.EXEMPTIONS_APPLIED, parts={"steps": keys.EXEMPTION_STEP}),
    examples=(
        "ado-connector exemptions add --rule ADO-REPO-001 --organization contoso --project web \\",
        "    --resource frontend --expires 2026-12-31 --reason 'Archived in spring.'",
    ),
)
@click.option(
    "--rule", required=True, help="Id of the rule, Defender's key, or a pattern such as 'ADO-REPO-*'."
)
@click.option("--organization", default="", metavar="NAME", help="Name, id or pattern; all unless given.")
@click.option("--project", default="", metavar="NAME", help="Name, id or pattern; all unless given.")
@click.option("--resource", default="", metavar="NAME", help="Name, id or pattern; all unless given.")
@click.option(
    "--kind",
    type=click.Choice([one.value for one in ExemptionKind]),
    default=ExemptionKind.WAIVER.value,
    show_default=True,
    help="waiver: the risk is accepted; mitigated: it is dealt with in another way.",
)
@click.option("--reason", required=True, help="Why nobody has to mend it.")
@click.option(
    "--expires", required=True, metavar="DAY", help="Last day in UTC, or a time: 2026-12-31T18:00Z."
)
@click.option("--by", default="", help="Who answers for it; you, unless given.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
def add(dry_run: bool, **told: str) -> None:
    """Add one exemption by hand, or change it."""
    from cli.exemption_file import wanted_exemption  # noqa: PLC0415 - loads every rule
    from shared.posture.exemption_plan import (  # noqa: PLC0415
        ExemptionProblem,
        check_expiry,
        next_exemption,
        plan,
    )

    with opened() as runtime:
        now = runtime.clock.now()
        stored = {one.id: one for one in runtime.state.exemptions() if not one.source}
        try:
            wanted = wanted_exemption({name: value.strip() for name, value in told.items()})
            check_expiry(wanted.expires_at, now, runtime.settings.longest_exemption)
            one = next_exemption(wanted, "", _known(runtime), stored, by=person(), now=now)
        except ExemptionProblem as problem:
            raise WrongOption(f"--{problem.field}", problem.problem, problem.fix) from None
        steps = plan([one], [stored[one.id]] if one.id in stored else [], "")
        _write_steps(steps, "", now, applied=not dry_run)
        if not dry_run:
            _keep(runtime, steps)


@exemptions.command(
    answer=Answer(keys.EXEMPTIONS_APPLIED, parts={"steps": keys.EXEMPTION_STEP}),
    examples=("ado-connector exemptions remove 3f2a9c1b7d40",),
)
@click.argument("identifier", metavar="ID")
def remove(identifier: str) -> None:
    """Remove one exemption; what it covered is open again. One of a file comes back with the file."""
    from shared.posture.exemption_plan import plan  # noqa: PLC0415 - loads every rule

    with opened() as runtime:
        found = [one for one in runtime.state.exemptions() if one.id == identifier.strip().lower()]
        if not found:
            raise WrongOption(
                "ID", f'there is no exemption "{identifier}".', 'See "ado-connector exemptions list".'
            )
        steps = plan([], found, found[0].source)
        if found[0].source:
            note(f'It is of the file named "{found[0].source}": take it out there too, or it comes back.')
        _write_steps(steps, found[0].source, runtime.clock.now(), applied=True)
        _keep(runtime, steps)


# --- planning and writing ---------------------------------------------------------------------------------


def _plan_of_file(runtime: Runtime, wanted: ExemptionFile, file: Path) -> tuple[Step, ...]:
    from cli.exemption_file import FileProblems  # noqa: PLC0415 - loads every rule
    from shared.posture.exemption_plan import (  # noqa: PLC0415
        ExemptionProblem,
        check_expiry,
        next_exemption,
        plan,
    )

    now = runtime.clock.now()
    stored = {one.id: one for one in runtime.state.exemptions() if one.source == wanted.name}
    known = _known(runtime)
    problems: list[tuple[int, str]] = []
    lines: dict[str, int] = {}
    found: list[Exemption] = []
    for entry in wanted.entries:
        try:
            check_expiry(entry.wanted.expires_at, now, runtime.settings.longest_exemption)
            one = next_exemption(entry.wanted, wanted.name, known, stored, by=person(), now=now)
        except ExemptionProblem as problem:
            problems.append((entry.line, str(problem)))
            continue
        if one.id in lines:
            problems.append((entry.line, f"is about the same as line {lines[one.id]}. Keep one of them."))
        lines.setdefault(one.id, entry.line)
        found.append(one)
    if problems:
        raise FileProblems(file, problems)
    return plan(found, stored.values(), wanted.name)


def _changes(steps: Iterable[Step]) -> list[Step]:
    return [one for one in steps if one.action.value != "keep"]


def _keep(runtime: Runtime, steps: Sequence[Step]) -> None:
    from shared.posture.exemption_plan import Action, journal_of  # noqa: PLC0415 - loads every rule

    changed = _changes(steps)
    if not changed:
        return
    runtime.state.change_exemptions(
        [one.exemption for one in changed if one.action is not Action.REMOVE],
        [one.exemption.id for one in changed if one.action is Action.REMOVE],
        journal_of(changed, person(), runtime.clock.now()),
    )


def _write_steps(steps: Sequence[Step], source: str, now: datetime, *, applied: bool) -> None:
    rows = [_step_row(one, now) for one in steps]
    if invocation().output is OutputFormat.JSON:
        write_object({"source": source or None, "applied": applied, "steps": rows})
        return
    changed = [row for row in rows if row["action"] != "keep" or row["warning"]]
    if changed:
        write_rows(changed, _STEP_COLUMNS, OutputFormat.TABLE)
    kept = sum(row["action"] == "keep" for row in rows)
    word = "changed" if applied else "to change"
    write_line(f"{len(rows) - kept} {word}, {kept} {'kept' if applied else 'to keep'}.")


def _step_row(step: Step, now: datetime) -> Row:
    from shared.posture.exemption_plan import Action, in_words, terms  # noqa: PLC0415 - loads every rule

    one = step.exemption
    over = step.action is not Action.REMOVE and one.expires_at <= now
    warning = "It has expired: what it covers is open." if over else None
    return {
        "action": step.action.value,
        "id": one.id,
        "scope": in_words(one.scope),
        "before": terms(step.before) if step.before else None,
        "after": None if step.action is Action.REMOVE else terms(one),
        "warning": warning,
    }


def _known(runtime: Runtime) -> Known:
    """What names may mean: the inventory, and everything that was ever assessed."""
    from shared.posture.catalogue import RULES, find  # noqa: PLC0415 - loads every rule
    from shared.posture.exemption_plan import Known  # noqa: PLC0415

    state = runtime.state
    projects: dict[OrganizationId, list[Project]] = {}
    resources: dict[OrganizationId, list[Resource]] = {}

    def projects_of(organization: OrganizationId) -> Iterable[Project]:
        if organization not in projects:
            projects[organization] = [
                one
                for one in state.projects(organization)
                if one.retired_at is None and one.missing_since is None
            ]
        return projects[organization]

    def resources_of(organization: OrganizationId) -> Iterable[Resource]:
        if organization not in resources:
            resources[organization] = list(_resources(state, organization, projects_of(organization)))
        return resources[organization]

    return Known(RULES, find, find_organizations(state, None), projects_of, resources_of)


def _resources(
    state: ConnectorState, organization: OrganizationId, projects: Iterable[Project]
) -> Iterator[Resource]:
    from shared.posture.subjects import (  # noqa: PLC0415 - loads every rule
        is_judged,
        project_resource,
        repository_resource,
    )

    found: dict[tuple[str, str], Resource] = {}
    for row in state.assessments(organization):
        found[row.resource.kind.value, row.resource.id] = row.resource
    for repository in state.repositories(organization):
        resource = repository_resource(repository)
        if is_judged(repository):
            found[resource.kind.value, resource.id] = resource
        else:
            found.pop((resource.kind.value, resource.id), None)
    for project in projects:
        resource = project_resource(project)
        found[resource.kind.value, resource.id] = resource
    yield from found.values()


# --- telling ----------------------------------------------------------------------------------------------


def _uses(runtime: Runtime, kept: Sequence[Exemption], now: datetime) -> list[Use]:
    from shared.posture.catalogue import RULES  # noqa: PLC0415 - loads every rule
    from shared.posture.exemptions import Exemptions, uses  # noqa: PLC0415

    if not kept:
        return []
    nothing = Exemptions((), now)

    def told() -> Iterator[tuple[Place, Recommendation]]:
        for organization in find_organizations(runtime.state, None):
            for project, one in organization_recommendations(
                runtime.state, organization, RULES, runtime.dependencies.intervals, now, nothing
            ):
                yield place_of(organization, project), one

    return uses(kept, told(), now)


def _row(use: Use) -> Row:
    one = use.exemption
    scope, target = one.scope, one.target
    covered: Mapping[AssessmentStatus, int] = use.covered
    return {
        "id": one.id,
        "rule": scope.rule,
        "organization": scope.organization or None,
        "project": scope.project or None,
        "resource": scope.resource or None,
        "organizationId": target.organization,
        "projectId": target.project,
        "resourceKind": target.resource_kind.value if target.resource_kind else None,
        "resourceId": target.resource,
        "kind": one.kind.value,
        "reason": one.reason,
        "by": one.by,
        "source": one.source or None,
        "createdAt": instant(one.created_at),
        "expiresAt": instant(one.expires_at),
        "state": use.state.value,
        "unhealthy": use.unhealthy,
        "covered": {status.value: covered.get(status, 0) for status in AssessmentStatus},
    }
