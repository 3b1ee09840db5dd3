"""The HTML report in a real browser: nothing on the console, no request, and the filter works."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.ado_simulator import Simulator
from tests.browser.chromium import open_page
from tests.cli.conftest import CommandLine
from tests.cli.test_export import FORMULA, NASTY, SCRIPT


def test_the_report_opens_without_a_word_and_asks_for_nothing(
    ado: CommandLine, simulator: Simulator, tmp_path: Path
) -> None:
    project = simulator.world.organizations[0].add_project(SCRIPT)
    for name in NASTY:
        project.add_repository(name)
    ado("connector", "create", "--name", "one")
    ado("run", "--once", code=None)
    report = tmp_path / "report.html"
    ado("recommendations", "export", "--format", "html", "--file", str(report))
    page = open_page(report, tmp_path)
    assert page.console == []
    assert page.requests == [report.as_uri()]
    number = page.document.count("<tr data-status=")
    assert number > len(NASTY)
    assert f">{number} shown</output>" in page.document, "the filter did not run"
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.document
    assert FORMULA in page.document
    assert page.document.count("<script>") == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<script>console.error('trouble')</script>", "trouble"),
        ("<script>throw new Error('trouble')</script>", "trouble"),
        (
            "<meta http-equiv=Content-Security-Policy content=\"script-src 'none'\"><script>1</script>",
            "Content Security Policy",
        ),
    ],
)
def test_trouble_would_be_noticed(tmp_path: Path, content: str, said: str) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(f"<!doctype html>{content}", encoding="utf-8")
    assert any(said in line for line in open_page(bad, tmp_path).console)


def test_a_request_would_be_noticed(tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text("<!doctype html><img src='http://127.0.0.1:9/x.png'>", encoding="utf-8")
    assert "http://127.0.0.1:9/x.png" in open_page(bad, tmp_path).requests
