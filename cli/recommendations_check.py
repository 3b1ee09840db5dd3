"""`recommendations check` and `recommendations score`: one answer for a pipeline, one number for a person."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import click

from cli import keys
from cli.command import Answer, Command, invocation
from cli.output import Column, OutputFormat, Row, shown, write_line, write_object, write_rows
from cli.problems import ExitCode, WrongOption
from cli.recommendation_rows import UNTOLD, Told, find_rules, recommendation_row, tell
from cli.session import find_organizations, opened
from shared.model.assessment import Severity
from shared.model.organization import Organization
from shared.views.organizations import views

_LISTED_MOST = 1_000
"""As many findings are listed; all are counted."""

_SEVERITIES = tuple(Severity)
"""The worst comes first."""

_FINDING_COLUMNS = (
    Column("SEVERITY", "severity"),
    Column("STATUS", "status"),
    Column("RULE", "rule"),
    Column("WHERE", lambda row: "/".join(str(row[key]) for key in ("organization", "project") if row[key])),
    Column("RESOURCE", lambda row: f"{row['resourceKind']} {row['resourceName']}"),
    Column("REASON", "reason"),
)
_SCORE_COLUMNS = (
    Column("ORGANIZATION", "organization"),
    Column("PROJECT", "project"),
    Column("SCORE", "score", right=True),
    Column("WITHOUT EXEMPTIONS", "scoreWithoutExemptions", right=True),
    Column("KNOWN %", "known", right=True),
    Column("COUNTS", lambda row: _counts(row["counts"])),
)


def _counts(counts: object) -> str:
    if not isinstance(counts, dict):
        return shown(None)
    return ", ".join(f"{number} {outcome}" for outcome, number in counts.items() if number) or "nothing"


def _chosen(
    organizations: Iterable[Organization], onboarded: Collection[str], named: str | None
) -> list[Organization]:
    """The named ones, else those that a connector has."""
    return [one for one in organizations if named is not None or one.id in onboarded]


@click.command(
    cls=Command,
    answer=Answer(keys.GATE),
    examples=(
        "ado-connector recommendations check --fail-on high",
        "ado-connector recommendations check --fail-on medium --organization contoso --project web",
    ),
)
@click.option(
    "--fail-on",
    type=click.Choice([one.value for one in Severity]),
    default=Severity.HIGH.value,
    show_default=True,
    help="Least severity that counts.",
)
@click.option("--organization", metavar="NAME", default=None, help="Only this organization: its name or id.")
@click.option("--project", metavar="NAME", default=None, help="Only projects of this name, or with this id.")
@click.option(
    "--rule",
    metavar="RULE",
    default=None,
    help="Only this rule: its id, Defender's key, or its id in another tool.",
)
@click.option("--allow-unknown", is_flag=True, help="Pass although something that counts could not be told.")
def check(
    fail_on: str, organization: str | None, project: str | None, rule: str | None, allow_unknown: bool
) -> int:
    """Pass or fail a pipeline by the posture.

    Exits with 1 if anything of that severity or a higher one is unhealthy and not exempted; else with 2 if
    any of it is unknown, stale or was never assessed; else with 0. What was never looked at does not pass.
    """
    from shared.posture.score import Tally  # noqa: PLC0415 - loads every rule

    counting = _SEVERITIES[: _SEVERITIES.index(Severity(fail_on)) + 1]
    rules = tuple(one for one in find_rules(rule) if one.severity in counting)
    tally, findings, found_project = Tally(), list[Row](), False
    with opened() as runtime:
        onboarded = {one.organization.id for one in views(runtime.state) if one.is_onboarded}
        chosen = _chosen(find_organizations(runtime.state, organization), onboarded, organization)
        for one in tell(runtime, chosen, rules, runtime.clock.now()):
            if project is not None and not _is_named(one, project):
                continue
            found_project = True
            tally.add(one.recommendation)
            told = one.recommendation
            if (told.is_open or told.status in UNTOLD) and len(findings) < _LISTED_MOST:
                findings.append(recommendation_row(one))
        if project is not None and not found_project:
            raise WrongOption(
                "--project",
                f'nothing is known of a project "{project}".',
                'See "ado-connector inventory list".',
            )
        unread = _unread(chosen, onboarded)
    counts = tally.counts
    untold = sum(counts[one.value] for one in UNTOLD) + len(unread)
    code = ExitCode.DONE
    if counts["unhealthy"]:
        code = ExitCode.FINDINGS
    elif untold and not allow_unknown:
        code = ExitCode.UNKNOWN
    _write(code, fail_on, counts, findings, unread)
    return code


def _is_named(one: Told, project: str) -> bool:
    sought = project.strip().casefold()
    return one.project is not None and sought in {one.project.name.casefold(), one.project.id.casefold()}


def _unread(chosen: list[Organization], onboarded: Collection[str]) -> list[str]:
    """What there is nothing to say of, although something was asked: silence must not pass."""
    if not chosen:
        return ["No organization is onboarded."]
    told = []
    for one in chosen:
        if one.id not in onboarded:
            told.append(f"{one.name} is not onboarded.")
        elif one.last_complete_listing is None:
            told.append(f"The projects of {one.name} were never listed completely.")
    return told


_VERDICTS = {ExitCode.DONE: "passed", ExitCode.FINDINGS: "failed", ExitCode.UNKNOWN: "unknown"}


def _write(
    code: ExitCode, fail_on: str, counts: dict[str, int], findings: list[Row], unread: list[str]
) -> None:
    if invocation().output is OutputFormat.JSON:
        write_object(
            {
                "verdict": _VERDICTS[code],
                "failOn": fail_on,
                "counts": counts,
                "couldNotTell": unread,
                "findings": findings,
            }
        )
        return
    if findings:
        write_rows(findings, _FINDING_COLUMNS, OutputFormat.TABLE)
        write_line()
    more = counts["unhealthy"] + sum(counts[one.value] for one in UNTOLD) - len(findings)
    if more > 0:
        write_line(f"... and {more} more")
    for one in unread:
        write_line(f"Could not be told: {one}")
    words = {ExitCode.DONE: "Passed", ExitCode.FINDINGS: "Failed", ExitCode.UNKNOWN: "Could not be told"}
    write_line(f"{words[code]}, by everything of severity {fail_on} and above: {_counts(counts)}.")


@click.command(
    cls=Command,
    answer=Answer(keys.SCORE, rows=True),
    examples=(
        "ado-connector recommendations score",
        "ado-connector recommendations score --organization contoso --projects --output json",
    ),
)
@click.option("--organization", metavar="NAME", default=None, help="Only this organization: its name or id.")
@click.option("--projects", is_flag=True, help="Also each project, under its organization.")
def score(organization: str | None, projects: bool) -> None:
    """Score organizations from 0 to 100; what could not be told counts as not healthy."""
    with opened() as runtime:
        onboarded = {one.organization.id for one in views(runtime.state) if one.is_onboarded}
        chosen = _chosen(find_organizations(runtime.state, organization), onboarded, organization)
        rules, now = find_rules(None), runtime.clock.now()

        def rows() -> Iterator[Row]:
            for one in chosen:
                yield from _scores(one, tell(runtime, [one], rules, now), projects=projects)

        write_rows(rows(), _SCORE_COLUMNS, invocation().output, empty="No organization is onboarded.")


def _scores(organization: Organization, told: Iterator[Told], *, projects: bool) -> Iterator[Row]:
    from shared.posture.score import Tally  # noqa: PLC0415 - loads every rule

    total = Tally()
    by_project: dict[str, tuple[str, Tally]] = {}
    for one in told:
        total.add(one.recommendation)
        if projects and one.project is not None:
            name_and_tally = by_project.setdefault(one.project.id, (one.project.name, Tally()))
            name_and_tally[1].add(one.recommendation)
    parts: list[tuple[str | None, str | None, Tally]] = [(None, None, total)]
    parts += [(identifier, name, tally) for identifier, (name, tally) in by_project.items()]
    for identifier, name, tally in parts:
        scored = tally.score()
        yield {
            "organization": organization.name,
            "organizationId": organization.id,
            "project": name,
            "projectId": identifier,
            "score": scored.value,
            "scoreWithoutExemptions": scored.without_exemptions,
            "known": scored.known,
            "counts": tally.counts,
        }
