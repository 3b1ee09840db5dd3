"""Everything that is known of one organization, project or repository."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from shared.model.assessment import AssessmentStatus, ResourceKind
from shared.model.journal import JournalEntry
from shared.model.viewer import Sight
from shared.pages import addresses
from shared.pages.images import images_of
from shared.pages.look import (
    PAGE,
    Absent,
    Look,
    Values,
    find_project,
    leaf,
    link_of,
    may_change,
    most_of,
    scanned,
    scanned_of,
)
from shared.pages.recommendations import told
from shared.reconcile.prerequisites import TITLES
from shared.views.lists import Finding, Page, Row, counts_of, page_of, score_of
from shared.views.organizations import tell
from shared.views.sheets import Counts, Sheet

_INSIDE_MOST: Final = 200
_JOURNAL_MOST: Final = 50
_JOURNAL_LOOKED: Final = 2_000
"""Entries of the organization that are looked through for those of a project or a repository."""

_CALM: Final = frozenset({AssessmentStatus.HEALTHY, AssessmentStatus.NOT_APPLICABLE})


def organization_page(look: Look, identifier: str) -> tuple[str, Values]:
    """The page of an organization. Raises `Absent`."""
    sheet = look.overview.sheet(identifier)
    if sheet is None:
        raise Absent
    rows = look.overview.rows(sheet)
    whole = look.overview.sight(sheet) is Sight.WHOLE
    organization, view = sheet.organization, sheet.view
    projects = [one for one in rows if one.item.resource.kind is ResourceKind.PROJECT]
    page = look.common()
    concerns = tell(view, look.now) if whole else []
    page["notices"] = [*look.notices(), *(("untold", "", one) for one in concerns)]
    inside = [{**leaf(one), "counts": _inside(rows, one)} for one in projects[:_INSIDE_MOST]]
    own = [one for one in rows if one.project is None]
    return "resource.html", {
        **page,
        "title": organization.name,
        "name": organization.name,
        "kind": "organization",
        "state": view.state.value,
        "crumbs": [],
        "there": addresses.azure_devops(organization.name),
        "figures": _figures(rows, projects=len(projects)),
        "facts": _facts_of_organization(sheet) if whole else [("Seen", "a part of it")],
        "prerequisites": [
            {
                "title": TITLES[name],
                "required": view.requires(name),
                "status": one.status.value,
                "evidence": one.evidence,
                "fix": one.fix,
                "checked_at": one.checked_at,
            }
            for name, one in view.prerequisites.items()
        ]
        if whole
        else [],
        "inside": inside,
        "inside_title": "Projects",
        "inside_more": addresses.address("", {"view": "table", "organization": organization.id})
        if len(projects) > _INSIDE_MOST
        else "",
        "most": max((one["counts"].findings for one in inside), default=0),  # type: ignore[attr-defined]
        **_recommendations(look, own),
        "journal": _journal(look, sheet, set()) if whole else [],
        "mapped": None,
        "actions": _actions(sheet) if whole and may_change(look, own[0]) else None,
    }


def project_page(look: Look, organization: str, project: str) -> tuple[str, Values]:
    """The page of a project. Raises `Absent`."""
    row, rest = find_project(look, organization, project)
    owner, sheet = row.project, row.sheet
    if owner is None:
        raise Absent
    repositories = [one for one in rest if one.item.resource.kind is ResourceKind.REPOSITORY]
    things = [one for one in rest if one.item.resource.kind is not ResourceKind.REPOSITORY]
    return "resource.html", {
        **look.common(),
        "title": owner.name,
        "name": owner.name,
        "kind": "project",
        "state": row.state,
        "crumbs": [(sheet.organization.name, addresses.organization(sheet.organization.id))],
        "there": addresses.azure_devops(sheet.organization.name, owner.name),
        "figures": _figures([row, *rest], repositories=len(repositories)),
        "facts": [
            ("Id", owner.id),
            ("State", owner.state),
            ("Visibility", owner.visibility),
            ("First seen", owner.first_seen),
            ("Last listed", owner.last_seen),
            *_absence(owner.missing_since, owner.missing_reason),
            ("Last assessed", row.assessed_at),
            (
                "Advanced Security",
                scanned_of(Counter(one.own for one in repositories)) or "no repository to judge",
            ),
        ],
        "prerequisites": [],
        "inside": [leaf(one) for one in repositories[:_INSIDE_MOST]],
        "inside_title": "Repositories",
        "inside_more": addresses.address(
            "", {"view": "table", "organization": sheet.organization.id, "project": owner.id}
        )
        if len(repositories) > _INSIDE_MOST
        else "",
        "most": most_of(one.counts for one in repositories),
        **_recommendations(look, [replace(row, outcomes=(row.own,)), *things]),
        "journal": _journal(look, sheet, {owner.id, *(one.item.resource.id for one in things)}),
        "mapped": None,
        "actions": None,
    }


def repository_page(look: Look, organization: str, project: str, repository: str) -> tuple[str, Values]:
    """The page of a repository. Raises `Absent`."""
    above, rest = find_project(look, organization, project)
    row = next((one for one in rest if one.item.repository and one.item.repository.id == repository), None)
    owner, sheet = above.project, above.sheet
    if row is None or owner is None or row.item.repository is None:
        raise Absent
    kept = row.item.repository
    return "resource.html", {
        **look.common(),
        "title": kept.name,
        "name": kept.name,
        "kind": "repository",
        "state": row.state,
        "crumbs": [
            (sheet.organization.name, addresses.organization(sheet.organization.id)),
            (owner.name, link_of(above)),
        ],
        "there": addresses.azure_devops(sheet.organization.name, owner.name, "_git", kept.name),
        "figures": _figures([row]),
        "facts": [
            ("Id", kept.id),
            ("Default branch", kept.default_branch or "none: it is empty"),
            ("Disabled", "yes" if kept.is_disabled else "no"),
            ("Fork", "yes" if kept.is_fork else "no"),
            ("Visibility", owner.visibility),
            ("First seen", kept.first_seen),
            ("Last listed", kept.last_seen),
            *_absence(kept.missing_since, kept.missing_reason),
            ("Last assessed", row.assessed_at),
            ("Advanced Security", scanned(row.own) or "not known"),
        ],
        "prerequisites": [],
        "inside": [],
        "inside_title": "",
        "inside_more": "",
        "most": 0,
        **_recommendations(look, [row]),
        "journal": _journal(look, sheet, {kept.id}),
        "mapped": images_of(look, kept.id),
        "actions": None,
    }


def _absence(since: object, reason: str) -> list[tuple[str, object]]:
    return [("Missing since", since), ("Why", reason)] if since is not None else []


def _actions(sheet: Sheet) -> Values | None:
    """What may be done to an organization by whoever may change it."""
    connector = sheet.view.connector
    if connector is None:
        return None
    return {
        "organization": sheet.organization.id,
        "connector": connector.id,
        "name": connector.name,
        "may_remove": sheet.view.is_onboarded,
    }


def _inside(rows: Sequence[Row], project: Row) -> Counts:
    """All that is told of a project and of what it holds."""
    mine = (one.counts for one in rows if one.project is project.project and one is not project)
    return sum((one.own.counts for one in (project,)), sum(mine, Counts()))


def _facts_of_organization(sheet: Sheet) -> list[tuple[str, object]]:
    organization, view = sheet.organization, sheet.view
    enrollment, extension = view.enrollment, view.extension
    return [
        ("Connector", view.connector.name if view.connector else "none"),
        *(("Also known to", one.connector.name) for one in sheet.others if one.connector),
        ("Owner", organization.owner),
        ("Instance id", organization.instance_id),
        ("Former names", ", ".join(organization.former_names) or "none"),
        ("First seen", organization.first_seen),
        ("Onboarding", f"{view.state.value}. {enrollment.reason if enrollment else ''}".strip()),
        ("Last complete listing", organization.last_complete_listing),
        *_absence(organization.missing_since, organization.missing_reason),
        ("Container Mapping extension", extension.status.value if extension else "not checked"),
        ("What was seen of it", extension.evidence if extension else "nothing yet"),
    ]


def _figures(rows: Sequence[Row], **numbers: int) -> list[tuple[str, object, str]]:
    outcomes = Counter(one.own for one in rows)
    counts, score = counts_of(outcomes), score_of(outcomes)
    return [
        *((name.capitalize(), number, "") for name, number in numbers.items()),
        (
            "Open findings",
            counts.findings,
            f"{counts.high} high, {counts.medium} medium, {counts.low} low",
        ),
        ("Exempted", counts.exempted, ""),
        (
            "Not known",
            counts.untold,
            f"{counts.unknown} unknown, {counts.stale} stale, {counts.never_assessed} never assessed",
        ),
        ("Healthy", counts.healthy, ""),
        ("Posture score", "n/a" if score.value is None else score.value, "of 100"),
    ]


def _recommendations(look: Look, rows: Sequence[Row]) -> Values:
    """What is told of these rows, the worst first; what is well is counted only, unless it is asked for."""
    everything = look.query.get("show") == "all"
    found = [
        Finding(
            row,
            rule,
            status,
            status is AssessmentStatus.UNHEALTHY and rule.id in row.own.exempted,
        )
        for row in rows
        for rule, status in row.own.told
        if everything or status not in _CALM
    ]
    found.sort(
        key=lambda one: (
            one.status is not AssessmentStatus.UNHEALTHY,
            one.is_exempted,
            ("high", "medium", "low").index(one.rule.severity.value),
            one.rule.id,
        )
    )
    page = page_of(found, look.number, PAGE)
    return {
        "page": Page(tuple(told(look, page.rows)), page.total, page.number, page.size),
        "judged": any(row.own.told for row in rows),
        "healthy": sum(row.own.counts.healthy for row in rows),
    }


def _journal(look: Look, sheet: Sheet, subjects: set[str]) -> list[JournalEntry]:
    """The newest entries first: of the organization, or of these subjects in it."""
    limit = _JOURNAL_LOOKED if subjects else _JOURNAL_MOST
    entries = look.state.journal(organization=sheet.organization.id, limit=limit)
    wanted = [one for one in reversed(entries) if not subjects or one.subject in subjects]
    return wanted[:_JOURNAL_MOST]
