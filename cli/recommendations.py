"""`recommendations list`: what the posture rules say of every project and repository."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from cli import keys
from cli.command import Answer, Group, invocation
from cli.output import Column, Row, instant, write_rows
from cli.problems import ExitCode, WrongOption
from cli.session import find_organizations, opened
from shared.model.assessment import AssessmentStatus, Severity
from shared.model.inventory import Project, Repository
from shared.model.organization import Organization

if TYPE_CHECKING:
    from shared.ports import ConnectorState
    from shared.posture.rule import Rule
    from shared.posture.views import Recommendation

_COLUMNS = (
    Column("ORGANIZATION", "organization"),
    Column("PROJECT", "project"),
    Column("RULE", "rule"),
    Column("SEVERITY", "severity"),
    Column("STATUS", "status"),
    Column("RESOURCE", lambda row: f"{row['resourceKind']} {row['resourceName']}"),
    Column("TITLE", "title"),
    Column("REASON", "reason"),
)
_UNTOLD = {AssessmentStatus.UNKNOWN, AssessmentStatus.NEVER_ASSESSED, AssessmentStatus.STALE}


@click.group(
    cls=Group,
    examples=(
        "ado-connector recommendations list --status unhealthy",
        "ado-connector recommendations list --output json",
    ),
)
def recommendations() -> None:
    """Recommendations: what is unhealthy, what is healthy, and what could not be told."""


@recommendations.command(
    "list",
    answer=Answer(keys.RECOMMENDATION, rows=True),
    examples=(
        "ado-connector recommendations list --status unhealthy --severity high",
        "ado-connector recommendations list --organization contoso --rule ADO-REPO-001 --output json",
        "ado-connector recommendations list --severity high --check",
    ),
)
@click.option("--organization", metavar="NAME", default=None, help="Only this organization: its name or id.")
@click.option("--rule", metavar="RULE", default=None, help="Only this rule: its id, or Defender's key.")
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
    "--check",
    is_flag=True,
    help="Exit with 1 if anything listed is unhealthy, else 2 if anything is not known.",
)
def list_(
    organization: str | None, rule: str | None, status: str | None, severity: str | None, check: bool
) -> int:
    """List recommendations, by organization, project and rule."""
    rules = tuple(one for one in _rules(rule) if severity is None or one.severity.value == severity)
    seen: set[AssessmentStatus] = set()

    def chosen(organizations: tuple[Organization, ...]) -> Iterator[Row]:
        for one in organizations:
            told = organization_recommendations(
                runtime.state, one, rules, runtime.settings.posture_interval, runtime.clock.now()
            )
            for project, recommendation in told:
                if status is None or recommendation.status.value == status:
                    seen.add(recommendation.status)
                    yield _row(one, project, recommendation)

    with opened() as runtime:
        organizations = find_organizations(runtime.state, organization)
        write_rows(
            chosen(organizations),
            _COLUMNS,
            invocation().output,
            empty="There is no such recommendation.",
        )
    if check and AssessmentStatus.UNHEALTHY in seen:
        return ExitCode.FINDINGS
    return ExitCode.UNKNOWN if check and seen & _UNTOLD else ExitCode.DONE


def _rules(wanted: str | None) -> tuple[Rule, ...]:
    from shared.posture.catalogue import RULES, find  # noqa: PLC0415 - loads every rule

    if wanted is None:
        return RULES
    found = find(wanted)
    if found is None:
        ids = ", ".join(one.id for one in RULES)
        raise WrongOption("--rule", f'there is no rule "{wanted}".', f"There are: {ids}.")
    return (found,)


def organization_recommendations(
    state: ConnectorState,
    organization: Organization,
    rules: tuple[Rule, ...],
    interval: timedelta,
    now: datetime,
) -> Iterator[tuple[Project, Recommendation]]:
    """Everything to say of one organization, project by project."""
    from shared.posture.views import project_recommendations  # noqa: PLC0415 - loads every rule

    repositories: dict[str, list[Repository]] = {}
    for repository in state.repositories(organization.id):
        if repository.retired_at is None:
            repositories.setdefault(repository.project_id, []).append(repository)
    assessed_at = state.assessed_at(organization.id)
    projects = sorted(
        state.projects(organization.id), key=lambda one: (one.name.casefold(), one.name, one.id)
    )
    for project in projects:
        told = project_recommendations(
            project,
            repositories.pop(project.id, ()),
            state.assessments(organization.id, project.id),
            assessed_at.get(project.id),
            rules=rules,
            interval=interval,
            now=now,
        )
        for one in sorted(told, key=_order):
            yield project, one


def _order(one: Recommendation) -> tuple[str, str, str, str]:
    return one.rule.id, one.resource.kind.value, one.resource.name.casefold(), one.resource.id


def _row(organization: Organization, project: Project, one: Recommendation) -> Row:
    return {
        "rule": one.rule.id,
        "key": one.rule.assessment_key or None,
        "title": one.rule.title,
        "severity": one.rule.severity.value,
        "status": one.status.value,
        "lastStatus": one.last_status.value if one.last_status else None,
        "organization": organization.name,
        "organizationId": organization.id,
        "project": project.name,
        "projectId": project.id,
        "resourceKind": one.resource.kind.value,
        "resourceId": one.resource.id,
        "resourceName": one.resource.name,
        "reason": one.reason,
        "evidence": one.evidence,
        "permission": one.permission or None,
        "fix": list(one.rule.fix),
        "assessedAt": instant(one.assessed_at),
        "firstSeen": instant(one.first_seen),
        "changedAt": instant(one.changed_at),
    }
