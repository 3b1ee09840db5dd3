"""Every link of every page leads to a file that is there, and to a heading of it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests.infra.bicep import ROOT

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


@cache
def anchors(page: Path) -> frozenset[str]:
    """The headings, as GitHub writes them in addresses."""
    found: list[str] = []
    for heading in re.findall(r"^#{1,6} (.*)$", prose(page), re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", shown.strip().lower()).replace(" ", "-")
        same = sum(re.fullmatch(rf"{re.escape(name)}(-\d+)?", one) is not None for one in found)
        found.append(f"{name}-{same}" if same else name)
    return frozenset(found)


def problem_of(page: Path, link: str) -> str | None:
    """What is wrong with a link, if anything is."""
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return f"{link}: there is no such file"
    if anchor and target.suffix == ".md" and anchor not in anchors(target):
        return f"{link}: there is no such heading"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", prose(page)))
    ours = [one for one in links if not re.match(r"https?:", one)]
    assert [told for one in ours if (told := problem_of(page, one)) is not None] == []


def test_a_link_that_leads_nowhere_is_found() -> None:
    page = ROOT / "docs" / "deploy" / "README.md"
    assert problem_of(page, "costs.md#the-arithmetic") is None
    assert problem_of(page, "costs.md#nothing") is not None
    assert problem_of(page, "nothing.md") is not None
    assert problem_of(page, "#nothing") is not None
