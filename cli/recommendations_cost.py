"""`recommendations cost`: what a refresh will ask of Azure DevOps, before it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click

from cli import keys
from cli.command import Answer, Command, invocation
from cli.output import Column, Row, write_rows
from cli.session import find_organizations, opened
from shared.model.inventory import Repository
from shared.model.organization import Organization
from shared.model.thresholds import Thresholds
from shared.model.work import WorkKind

if TYPE_CHECKING:
    from shared.ports import ConnectorState
    from shared.posture.kept_facts import KeptProject

_COLUMNS = (
    Column("ORGANIZATION", "organization"),
    Column("FACTS", "title"),
    Column("LEVEL", lambda row: row["level"] or ""),
    Column("REQUESTS", lambda row: f"{row['requests']}" + ("" if row["exact"] else " or more")),
)


@click.command(
    cls=Command,
    answer=Answer(keys.COST, rows=True),
    examples=("ado-connector recommendations cost contoso",),
)
@click.argument("organization", required=False)
def cost(organization: str | None) -> None:
    """Tell the requests that a full refresh needs, per fact set, without making any.

    Worked out from the inventory and from what was read last. Where a listing was never read, or a project
    never assessed, the number is the least there will be. Where there is an audit log to go by, refreshes
    between full ones take 3, and those of what has changed.
    """
    with opened() as runtime:
        organizations = find_organizations(runtime.state, organization)
        write_rows(
            (
                row
                for one in organizations
                for row in _cost_rows(runtime.state, one, runtime.settings.thresholds)
            ),
            _COLUMNS,
            invocation().output,
            empty="There is no organization.",
        )


def _cost_rows(state: ConnectorState, organization: Organization, thresholds: Thresholds) -> Iterator[Row]:
    from shared.posture.catalogue import RULES  # noqa: PLC0415 - loads every rule
    from shared.posture.cost import KnownProject, cost_of  # noqa: PLC0415
    from shared.posture.kept_facts import Kept, KeptProject, unpack  # noqa: PLC0415

    repositories: dict[str, list[Repository]] = {}
    for repository in state.repositories(organization.id):
        repositories.setdefault(repository.project_id, []).append(repository)
    assessed = state.assessed_at(organization.id)
    known = (
        KnownProject(
            project,
            repositories.get(project.id, ()),
            tuple(state.assessments(organization.id, project.id)),
            project.id in assessed,
            _requests_of(unpack(KeptProject, state.facts(organization.id, project.id))),
        )
        for project in state.projects(organization.id)
    )
    kept = unpack(Kept, state.partial(organization.id, WorkKind.POSTURE))
    costs = cost_of(known, RULES, thresholds, kept.facts.requests if kept is not None else {})
    for one in costs:
        yield {
            "organization": organization.name,
            "organizationId": organization.id,
            "factSet": one.fact_set.kind.value,
            "level": one.fact_set.level.value,
            "title": one.fact_set.title,
            "requests": one.requests,
            "exact": one.is_exact,
            "readFrom": one.fact_set.source,
        }
    yield {
        "organization": organization.name,
        "organizationId": organization.id,
        "factSet": "total",
        "level": None,
        "title": "all of them",
        "requests": sum(one.requests for one in costs),
        "exact": all(one.is_exact for one in costs),
        "readFrom": None,
    }


def _requests_of(kept: KeptProject | None) -> Mapping[str, int]:
    return kept.requests if kept is not None else {}
