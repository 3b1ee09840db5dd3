"""`recommendations list`: what the posture rules say of every project and repository."""

from __future__ import annotations

from collections.abc import Iterator

import click

from cli import keys
from cli.command import Answer, Group, invocation
from cli.output import Column, Row, write_rows
from cli.problems import ExitCode, WrongOption
from cli.recommendation_rows import UNTOLD, Told, find_rules, recommendation_row, tell, tell_past
from cli.recommendations_check import check, score
from cli.recommendations_cost import cost
from cli.recommendations_export import export
from cli.recommendations_history import changes, history, trend
from cli.session import find_organizations, opened
from cli.times import parse_time
from shared.model.assessment import AssessmentStatus, Severity


def _status(row: Row) -> str:
    exempted = row["status"] == AssessmentStatus.UNHEALTHY.value and row["exemption"] is not None
    return f"{row['status']} (exempted)" if exempted else str(row["status"])


_COLUMNS = (
    Column("ORGANIZATION", "organization"),
    Column("PROJECT", "project"),
    Column("RULE", "rule"),
    Column("SEVERITY", "severity"),
    Column("STATUS", _status),
    Column("RESOURCE", lambda row: f"{row['resourceKind']} {row['resourceName']}"),
    Column("TITLE", "title"),
    Column("REASON", "reason"),
)


@click.group(
    cls=Group,
    examples=(
        "ado-connector recommendations list --status unhealthy",
        "ado-connector recommendations list --output json",
        "ado-connector recommendations check --fail-on high",
        "ado-connector recommendations changes --since 7d",
        "ado-connector recommendations export --format html --file posture.html",
    ),
)
def recommendations() -> None:
    """Recommendations: what is unhealthy, what is healthy, and what could not be told."""


@recommendations.command(
    "list",
    answer=Answer(keys.RECOMMENDATION, rows=True, parts={"exemption": keys.EXEMPTION_OF_RECOMMENDATION}),
    examples=(
        "ado-connector recommendations list --status unhealthy --severity high",
        "ado-connector recommendations list --organization contoso --rule ADO-REPO-001 --output json",
        "ado-connector recommendations list --status unhealthy --not-exempted",
        "ado-connector recommendations list --severity high --check",
        "ado-connector recommendations list --organization contoso --at 2026-01-31",
    ),
)
@click.option("--organization", metavar="NAME", default=None, help="Only this organization: its name or id.")
@click.option(
    "--rule",
    metavar="RULE",
    default=None,
    help="Only this rule: its id, Defender's key, or its id in another tool.",
)
@click.option(
    "--status",
    type=click.Choice([one.value for one in AssessmentStatus]),
    default=None,
    help="Only this outcome.",
)
@click.option(
    "--severity", type=click.Choice([one.value for one in Severity]), default=None, help="Only this severity."
)
@click.option(
    "--exempted/--not-exempted",
    default=None,
    help="Only unhealthy findings that an exemption covers, or all but those.",
)
@click.option(
    "--at",
    "moment",
    metavar="TIME",
    default=None,
    help="What was said at that time: 2026-01-31, 2026-01-31T08:00:00Z, or 30d ago; without the evidence.",
)
@click.option(
    "--check",
    "exits",
    is_flag=True,
    help="Exit with 1 if anything listed is unhealthy and not exempted, else 2 if anything is not known.",
)
def list_(
    organization: str | None,
    rule: str | None,
    status: str | None,
    severity: str | None,
    exempted: bool | None,
    moment: str | None,
    exits: bool,
) -> int:
    """List recommendations, by organization, project and rule.

    What an exemption covers is listed all the same, with the exemption.
    """
    rules = tuple(one for one in find_rules(rule) if severity is None or one.severity.value == severity)
    untold = is_open = False

    def chosen(told: Iterator[Told]) -> Iterator[Row]:
        nonlocal untold, is_open
        for one in told:
            recommendation = one.recommendation
            if status is not None and recommendation.status.value != status:
                continue
            if exempted is not None and recommendation.is_exempted is not exempted:
                continue
            untold = untold or recommendation.status in UNTOLD
            is_open = is_open or recommendation.is_open
            yield recommendation_row(one)

    with opened() as runtime:
        organizations = find_organizations(runtime.state, organization)
        now = runtime.clock.now()
        at = parse_time("--at", moment, now)
        if at is not None and at > now:
            raise WrongOption("--at", f'"{moment}" is yet to come.', "Give a time that has passed.")
        told = (
            tell(runtime, organizations, rules, now)
            if at is None
            else tell_past(runtime, organizations, rules, at)
        )
        write_rows(
            chosen(told),
            _COLUMNS,
            invocation().output,
            empty="There is no such recommendation.",
        )
    if exits and is_open:
        return ExitCode.FINDINGS
    return ExitCode.UNKNOWN if exits and untold else ExitCode.DONE


recommendations.add_command(check)
recommendations.add_command(score)
recommendations.add_command(history)
recommendations.add_command(changes)
recommendations.add_command(trend)
recommendations.add_command(export)
recommendations.add_command(cost)
