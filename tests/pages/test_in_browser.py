"""Pages in a real browser: no trouble, nothing from elsewhere, and usable by everybody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.wiring.principals import LocalViewers
from tests.browser.chromium import AXE, Tab, opened_tab
from tests.pages.test_pages import PAGES
from tests.views.bench import CONTOSO, Bench, opened, project, project_id
from tests.views.furniture import furnish

LOOKS = {
    "light": (1280, 900, False, False),
    "dark": (1280, 900, True, False),
    "phone": (390, 844, False, True),
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with opened(tmp_path_factory.mktemp("served")) as bench:
        furnish(bench, 2)
        bench.settle()
        yield bench


@pytest.fixture(scope="module")
def tab(served: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A browser that came in by the printed address."""
    viewers = served.runtime.viewers
    assert isinstance(viewers, LocalViewers)
    with opened_tab(tmp_path_factory.mktemp("browser")) as tab:
        tab.go(f"{served.host.http_url}/security?token={viewers.entry}")
        assert tab.tell("location.pathname + location.search") == "/security", "the token is not left there"
        yield tab


@pytest.mark.parametrize("look", LOOKS)
def test_pages_are_for_everybody(served: Bench, tab: Tab, look: str) -> None:
    """axe finds nothing serious; nothing is wider than the window; no message, and no request elsewhere."""
    width, height, dark, phone = LOOKS[look]
    tab.look(width, height, dark=dark, phone=phone)
    here = served.host.http_url
    for target in PAGES:
        tab.go(f"{here}{target}")
        assert tab.tell("document.documentElement.scrollWidth <= window.innerWidth"), target
        tab.tell(f"{AXE.read_text(encoding='utf-8')};0")
        found = tab.tell(
            "axe.run(document, {resultTypes: ['violations']}).then(told => told.violations.map("
            "one => [one.impact, one.id, one.nodes[0].html]))"
        )
        assert [one for one in found if one[0] in {"serious", "critical"}] == [], target
    assert tab.console == []
    assert [one for one in tab.requests if not one.startswith(f"{here}/security")] == []


def test_a_keyboard_is_enough(served: Bench, tab: Tab) -> None:
    """Skip to the content, open an organization, follow a link, and filter."""
    tab.look(1280, 900)
    tab.go(f"{served.host.http_url}/security?open=,")
    tab.press("Tab")
    assert tab.tell("document.activeElement.className") == "skip"
    for _ in range(60):
        tab.press("Tab")
        if tab.tell("document.activeElement.classList.contains('fold')"):
            break
    assert tab.tell("document.activeElement.getAttribute('aria-expanded')") == "false"
    assert tab.tell("getComputedStyle(document.activeElement).outlineStyle") == "solid", (
        "it is seen where one is"
    )
    tab.loading(lambda: tab.press("Enter"))
    assert tab.tell("document.querySelectorAll('tr.level-1').length") > 0
    tab.tell("document.querySelector('tr.level-1 td.name a:not(.fold)').focus()")
    tab.loading(lambda: tab.press("Enter"))
    assert "/projects/" in tab.tell("location.pathname")
    tab.go(f"{served.host.http_url}/security?view=table")
    tab.tell("document.getElementById('filter-text').focus()")
    tab.tell("document.getElementById('filter-text').value = 'nothing like it'")
    tab.loading(lambda: tab.press("Enter"))
    assert "Nothing fits this filter" in tab.tell("document.body.textContent")
    tab.tell("document.querySelector('.chip').focus()")
    tab.loading(lambda: tab.press("Enter"))
    assert tab.tell("document.querySelectorAll('tbody tr').length") > 1


def test_times_are_told_in_the_zone_of_the_viewer_with_utc_beside(served: Bench, tab: Tab) -> None:
    tab.go(f"{served.host.http_url}/security/organizations/{CONTOSO}")
    told = tab.tell(
        "(() => { const one = document.querySelector('dl time'); return [one.title, one.textContent]; })()"
    )
    assert told[0] == "2026-03-01 12:00:00 UTC"
    assert "2026" in told[1]


def test_an_open_page_shows_what_was_found_since(served: Bench, tab: Tab) -> None:
    tab.go(f"{served.host.http_url}/security?text=newly-found&view=table")
    assert tab.tell("document.querySelectorAll('tbody tr').length") == 0
    served.add(CONTOSO, [project(150, "newly-found")], [])
    served.settle()
    tab.tell("refresh()")
    assert tab.tell("document.querySelector('tbody a').getAttribute('href')").endswith(project_id(150))
    assert Path(AXE).exists()
