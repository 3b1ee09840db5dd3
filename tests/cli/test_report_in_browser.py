"""The HTML report in a real browser: nothing on the console, no request, and the filter works.

Run on request, since it needs Chromium: `scripts/test -m browser tests/cli`.
"""

from __future__ import annotations

import os
import re
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.ado_simulator import Simulator
from tests.cli.conftest import CommandLine
from tests.cli.test_export import FORMULA, NASTY, SCRIPT

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

BROWSERS_OWN = re.compile(r"[./](google|googleapis|gstatic|gvt1)\.com[:/]")
"""What Chromium asks for by itself, whatever page it shows, whatever it is told."""
NAMES = ("chromium", "chromium-browser", "google-chrome")


class Requests(socketserver.ThreadingTCPServer):
    """A proxy that answers nothing and remembers what it was asked for."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Asked)


class _Asked(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        line = self.rfile.readline().decode(errors="replace").strip()
        if isinstance(self.server, Requests) and not BROWSERS_OWN.search(line):
            self.server.asked.append(line)


@pytest.fixture
def proxy() -> Iterator[Requests]:
    with Requests() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def open_page(page: Path, proxy: Requests, folder: Path) -> tuple[str, list[str]]:
    """The document once its scripts have run, and what the console said. Every request goes to the proxy."""
    browser = next((found for name in NAMES if (found := shutil.which(name))), None)
    if browser is None:
        pytest.fail(f"No browser on the path: tried {', '.join(NAMES)}. On Debian: apt install chromium")
    ended = subprocess.run(  # noqa: S603 - found above
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr",
            f"--proxy-server=http://127.0.0.1:{proxy.server_address[1]}", "--proxy-bypass-list=<-loopback>",
            "--virtual-time-budget=5000", "--dump-dom", page.as_uri(),
        ],
        check=True,
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "HOME": str(folder)},
    )  # fmt: skip
    return ended.stdout, re.findall(r"CONSOLE[:(].*", ended.stderr)


def test_the_report_opens_without_a_word_and_asks_for_nothing(
    ado: CommandLine, simulator: Simulator, proxy: Requests, tmp_path: Path
) -> None:
    project = simulator.world.organizations[0].add_project(SCRIPT)
    for name in NASTY:
        project.add_repository(name)
    ado("connector", "create", "--name", "one")
    ado("run", "--once", code=None)
    report = tmp_path / "report.html"
    ado("recommendations", "export", "--format", "html", "--file", str(report))
    document, console = open_page(report, proxy, tmp_path)
    assert console == []
    assert proxy.asked == []
    number = document.count("<tr data-status=")
    assert number > len(NASTY)
    assert f">{number} shown</output>" in document, "the filter did not run"
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in document
    assert FORMULA in document
    assert document.count("<script>") == 1


def test_what_would_be_wrong_is_noticed(proxy: Requests, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        "<!doctype html><img src='http://example.com/x.png'><script>console.error('trouble')</script>",
        encoding="utf-8",
    )
    _, console = open_page(page, proxy, tmp_path)
    assert any("trouble" in line for line in console)
    assert any("example.com" in line for line in proxy.asked)
