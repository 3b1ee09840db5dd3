"""DevOps security: the inventory as a tree and as a table, with the same rows as a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from shared.model.extension import PRESENT
from shared.model.organization import OnboardingState
from shared.model.viewer import Sight
from shared.pages import addresses
from shared.pages.look import (
    PAGE,
    Look,
    Values,
    findings_link,
    leaf,
    link_of,
    most_of,
    scanned,
    scanned_of,
)
from shared.views.lists import OPEN, Branch, Page, Row, Twig, counts_of, page_of, score_of
from shared.views.organizations import tell
from shared.views.sheets import Counts, Sheet
from shared.views.text import instant

_TWIGS_MOST: Final = 200
"""Projects that an organization in the tree shows; the rest is in the table."""
_LEAVES_MOST: Final = 100
"""Repositories that a project in the tree shows."""
_OPEN_AT_FIRST: Final = 3
"""Where there are no more organizations than these, they are shown with their projects."""
_SHORT: Final = 200

_DISTANT = datetime.min.replace(tzinfo=UTC)
_ORDERS: Final[dict[str, Callable[[Row], Any]]] = {
    "name": lambda row: (row.item.resource.name.casefold(), row.item.resource.id),
    "organization": lambda row: (
        row.sheet.organization.name.casefold(),
        row.project.name.casefold() if row.project else "",
        row.item.resource.name.casefold(),
        row.item.resource.id,
    ),
    "project": lambda row: (
        row.project.name.casefold() if row.project else "",
        row.item.resource.name.casefold(),
        row.item.resource.id,
    ),
    "state": lambda row: (row.state, row.item.resource.name.casefold(), row.item.resource.id),
    "findings": lambda row: _severity(row.counts),
    "listed": lambda row: row.last_seen or _DISTANT,
    "assessed": lambda row: row.assessed_at or _DISTANT,
}


def _severity(counts: Counts) -> tuple[int, int, int, int]:
    return counts.high, counts.medium, counts.low, counts.untold


def inventory_page(look: Look) -> tuple[str, Values]:
    """The page of the inventory."""
    view = "table" if look.query.get("view") == "table" else "tree"
    values: Values = {
        **look.common(),
        "view": view,
        "sheets": look.overview.visible(),
        "connectors": look.connectors(),
        "cards": _cards(look),
        "csv": addresses.address("/inventory.csv", look.query, {"page": "", "open": "", "view": ""}),
        "title": "DevOps security",
    }
    return "security.html", values | (_table(look) if view == "table" else _tree(look))


def _cards(look: Look) -> Values:
    """Of everything that the viewer sees, whatever is filtered for."""
    sheets = look.overview.visible()
    outcomes, projects, repositories = look.overview.total()
    onboarded = [one for one in sheets if one.view.state is OnboardingState.ONBOARDED]
    listings = [one.organization.last_complete_listing for one in onboarded]
    return {
        "organizations": len(sheets),
        "onboarded": len(onboarded),
        "projects": projects,
        "repositories": repositories,
        "counts": counts_of(outcomes),
        "score": score_of(outcomes),
        "scanned": sum(number for outcome, number in outcomes.items() if scanned(outcome) == "on"),
        "extension": sum(
            one.view.extension is not None and one.view.extension.status in PRESENT for one in onboarded
        ),
        "oldest": min((one for one in listings if one is not None), default=None),
    }


# --- the table --------------------------------------------------------------------------------------------


def _sorted(look: Look, sort: str) -> list[Row]:
    rows = look.overview.inventory(look.wanted)
    if sort == "organization":
        return rows
    return sorted(rows, key=_ORDERS[sort.lstrip("-")], reverse=sort.startswith("-"))


def _sort(look: Look) -> str:
    sort = look.query.get("sort", "")
    return sort if sort.removeprefix("-") in _ORDERS else "organization"


def _table(look: Look) -> Values:
    sort = _sort(look)
    if sort == "organization":
        # As they are listed, they are in that order already.
        page = look.overview.inventory_page(look.wanted, look.number, PAGE)
    else:
        page = page_of(_sorted(look, sort), look.number, PAGE)
    return {
        "page": Page(tuple(leaf(one) for one in page.rows), page.total, page.number, page.size),
        "most": most_of(one.counts for one in page.rows),
        "sort": sort,
    }


def inventory_rows(look: Look) -> Iterator[Values]:
    """The rows of the table as a file has them, all of them."""
    for row in _sorted(look, _sort(look)):
        counts, repository, project = row.counts, row.item.repository, row.project
        yield {
            "kind": row.item.resource.kind.value,
            "id": row.item.resource.id,
            "name": row.item.resource.name,
            "organization": row.sheet.organization.name,
            "organizationId": row.sheet.organization.id,
            "project": project.name if project else "",
            "projectId": project.id if project else "",
            "onboardingState": row.sheet.view.state.value,
            "state": row.state,
            "visibility": project.visibility if project else "",
            "defaultBranch": repository.default_branch or "" if repository else "",
            "isDisabled": repository.is_disabled if repository else "",
            "high": counts.high,
            "medium": counts.medium,
            "low": counts.low,
            "exempted": counts.exempted,
            "unknown": counts.untold,
            "healthy": counts.healthy,
            "advancedSecurity": scanned(row.own) if repository else "",
            "lastSeen": instant(row.last_seen) or "",
            "assessedAt": instant(row.assessed_at) or "",
        }


# --- the tree ---------------------------------------------------------------------------------------------


def _tree(look: Look) -> Values:
    branches = look.overview.tree(look.wanted)
    page = page_of(branches, look.number, PAGE)
    told = look.query.get("open")
    unfolded = set(told.split(",")) - {""} if told is not None else set[str]()
    if told is None and len(branches) <= _OPEN_AT_FIRST:
        unfolded = {one.sheet.organization.id for one in branches}
    shown = [_branch(look, one, unfolded) for one in page.rows]
    return {
        "branches": Page(tuple(shown), page.total, page.number, page.size),
        "most": most_of(one.counts for one in branches),
    }


def _toggled(look: Look, unfolded: set[str], one: str) -> str:
    # A comma alone says that everything is folded, where nothing would say that nobody chose.
    return look.link(open=",".join(sorted(unfolded ^ {one})) or ",")


def _branch(look: Look, branch: Branch, unfolded: set[str]) -> Values:
    sheet, organization = branch.sheet, branch.sheet.organization
    whole = branch.sight is Sight.WHOLE
    folded = organization.id not in unfolded
    twigs = [] if folded else look.overview.twigs(sheet, look.wanted)
    concern = " ".join(tell(sheet.view, look.now)) if whole else ""
    extension = sheet.view.extension
    assessed = [at for project, at in sheet.assessed_at.items() if project in sheet.projects or not project]
    return {
        "branch": branch,
        "folded": folded,
        "toggle": _toggled(look, unfolded, organization.id),
        "link": addresses.organization(organization.id),
        "concern": concern if len(concern) <= _SHORT else f"{concern[:_SHORT]}…",
        "findings": addresses.address(
            "/recommendations", {"view": "all", "status": OPEN, "organization": organization.id}
        ),
        "scanned": scanned_of(look.overview.told(sheet).repositories),
        "extension": (extension.status.value if extension else "notChecked") if whole else "",
        "assessed_at": min(assessed, default=None) if whole else None,
        "twigs": [_twig(look, sheet, one, unfolded) for one in twigs[:_TWIGS_MOST]],
        "more": look.link(view="table", organization=organization.id, kind="project", open="", page="")
        if len(twigs) > _TWIGS_MOST
        else "",
    }


def _twig(look: Look, sheet: Sheet, twig: Twig, unfolded: set[str]) -> Values:
    row = twig.row
    if row is None or row.project is None:
        return {
            "id": "none",
            "name": "of projects that no listing named",
            "link": "",
            "state": "",
            "visibility": "",
            "repositories": len(twig.repositories),
            "toggle": "",
            "shown": [leaf(one) for one in twig.repositories[:_LEAVES_MOST]],
            "more": "",
            "counts": twig.counts,
            "findings": "",
            "scanned": "",
            "last_seen": None,
            "assessed_at": None,
        }
    shown = row.project.id in unfolded
    more = look.link(
        view="table", organization=sheet.organization.id, project=row.project.id, open="", page=""
    )
    return {
        "id": row.project.id,
        "name": row.project.name,
        "link": link_of(row),
        "state": row.state,
        "visibility": row.project.visibility,
        "repositories": len(twig.repositories),
        "toggle": _toggled(look, unfolded, row.project.id),
        "shown": [leaf(one) for one in twig.repositories[:_LEAVES_MOST]] if shown else [],
        "more": more if shown and len(twig.repositories) > _LEAVES_MOST else "",
        "counts": twig.counts,
        "findings": findings_link(row),
        "scanned": scanned_of(Counter(one.own for one in twig.repositories)),
        "last_seen": row.last_seen,
        "assessed_at": row.assessed_at,
    }
