"""A page in a real browser: what it became, what its console said, and what it asked for.

The browser is what `scripts/install-peers` installs, else the Chromium that is on the path. It is spoken to
in its DevTools protocol over two pipes, a message each up to a zero byte.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

INSTALLED = Path(__file__).parent.parent.parent / ".venv" / "browser"
NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60.0
"""Seconds that the browser may take to answer."""

_FROM_US, _TO_US = 3, 4
"""Where the browser looks for its pipes."""


@dataclass
class Page:
    """What a page became."""

    document: str = ""
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    """Addresses it asked for, its own first."""


def open_page(page: Path, folder: Path) -> Page:
    """The page once it is loaded and its scripts have run. The browser keeps its things in `folder`."""
    with _browser(folder) as browser:
        target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
        session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            browser.ask(f"{domain}.enable", session)
        browser.ask("Page.navigate", session, url=page.as_uri())
        browser.wait_for("Page.loadEventFired")
        told = browser.ask("Runtime.evaluate", session, expression="document.documentElement.outerHTML")
        return Page(told["result"]["value"], browser.console, browser.requests)


AXE = INSTALLED / "axe.min.js"
"""Deque's axe-core: looks for what keeps people with other eyes or hands out of a page."""


class Tab:
    """A page that stays open: what a person at it sees and does."""

    def __init__(self, browser: _Browser, session: str) -> None:
        self._browser, self._session = browser, session
        self.console, self.requests = browser.console, browser.requests

    def go(self, url: str) -> None:
        """Open an address and wait until it is loaded."""
        self._browser.forget("Page.loadEventFired")
        self._browser.ask("Page.navigate", self._session, url=url)
        self._browser.wait_for("Page.loadEventFired")

    def loading(self, do: Callable[[], object]) -> None:
        """Do what opens another page, and wait until it is loaded."""
        self._browser.forget("Page.loadEventFired")
        do()
        self._browser.wait_for("Page.loadEventFired")

    def tell(self, expression: str) -> Any:
        """What a script says; a promise is waited for."""
        told = self._browser.ask(
            "Runtime.evaluate",
            self._session,
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
        )
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def press(self, key: str, *, shift: bool = False) -> None:
        """A key of the keyboard."""
        about = {"key": key, "code": key, "windowsVirtualKeyCode": _KEYS[key], "modifiers": 8 * shift}
        text = {"text": "\r"} if key == "Enter" else {}
        self._browser.ask("Input.dispatchKeyEvent", self._session, type="keyDown", **about, **text)
        self._browser.ask("Input.dispatchKeyEvent", self._session, type="keyUp", **about)

    def look(self, width: int, height: int, *, dark: bool = False, phone: bool = False) -> None:
        """The size of the window, and whether its owner likes it dark."""
        self._browser.ask(
            "Emulation.setDeviceMetricsOverride",
            self._session,
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._browser.ask("Emulation.setEmulatedMedia", self._session, features=[scheme])

    def picture(self) -> bytes:
        """What the window shows, as a PNG."""
        told = self._browser.ask("Page.captureScreenshot", self._session, format="png")
        return base64.b64decode(told["data"])


_KEYS = {"Tab": 9, "Enter": 13, " ": 32, "Escape": 27}


@contextmanager
def opened_tab(folder: Path) -> Iterator[Tab]:
    """A browser with one empty page. It keeps its things in `folder`."""
    with _browser(folder) as browser:
        target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
        session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            browser.ask(f"{domain}.enable", session)
        yield Tab(browser, session)


def _program() -> tuple[str, dict[str, str]]:
    """A Chromium, and what it needs in its environment."""
    if (installed := INSTALLED / "chromium").exists():
        return str(installed), {"LD_LIBRARY_PATH": str(INSTALLED / "lib")}
    browser = next((found for name in NAMES if (found := shutil.which(name))), None)
    if browser is None:
        pytest.fail(f"No browser: run scripts/install-peers, or put one of {', '.join(NAMES)} on the path.")
    return browser, {}


@contextmanager
def _browser(folder: Path) -> Iterator[_Browser]:
    program, needed = _program()
    log = str(folder / "browser.log")
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    # Above those that they become, so that one does not take the place of the other.
    given = [fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, 10) for one in (theirs_in, theirs_out)]
    process = os.posix_spawn(
        program,
        [
            program, "--headless", "--no-sandbox", "--disable-gpu", "--no-zygote", "--no-first-run",
            "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", f"--user-data-dir={folder / 'profile'}", "--remote-debugging-pipe",
        ],
        {**os.environ, "HOME": str(folder), **needed},
        file_actions=[
            (os.POSIX_SPAWN_DUP2, given[0], _FROM_US),
            (os.POSIX_SPAWN_DUP2, given[1], _TO_US),
            (os.POSIX_SPAWN_OPEN, 2, log, os.O_WRONLY | os.O_CREAT, 0o600),
        ],
        setpgroup=0,
    )  # fmt: skip
    for one in (theirs_in, theirs_out, *given):
        os.close(one)
    try:
        yield _Browser(ours_in, ours_out)
    finally:
        os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(ours_in)
        os.close(ours_out)


class _Browser:
    def __init__(self, incoming: int, outgoing: int) -> None:
        self._incoming, self._outgoing = incoming, outgoing
        self._number, self._left = 0, b""
        self._happened: list[str] = []
        self.console: list[str] = []
        self.requests: list[str] = []

    def ask(self, method: str, session: str = "", **parameters: object) -> dict[str, Any]:
        """Its answer to a command. What happens until then is noted."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if session:
            command["sessionId"] = session
        os.write(self._outgoing, json.dumps(command).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == self._number:
                assert "error" not in told, told
                result: dict[str, Any] = told["result"]
                return result

    def wait_for(self, event: str) -> None:
        """Until it has happened."""
        while event not in self._happened:
            self._next()

    def forget(self, event: str) -> None:
        """What happens from now on counts."""
        self._happened = [one for one in self._happened if one != event]

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self._left:
            ready, _, _ = select.select([self._incoming], [], [], max(deadline - time.monotonic(), 0))
            some = os.read(self._incoming, 1 << 16) if ready else b""
            assert some, "the browser said nothing more: see browser.log in the folder of the test"
            self._left += some
        text, _, self._left = self._left.partition(b"\0")
        told: dict[str, Any] = json.loads(text)
        self._note(told)
        return told

    def _note(self, told: dict[str, Any]) -> None:
        happened, about = told.get("method", ""), told.get("params", {})
        self._happened.append(happened)
        if happened in {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}:
            self.console.append(json.dumps(about))
        elif happened == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])
