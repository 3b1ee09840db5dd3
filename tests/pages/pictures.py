"""Takes the pictures of the pages in the docs, of the demo: `python -m tests.pages.pictures`."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from tests.browser.chromium import Tab, opened_tab

FOLDER = Path(__file__).parent.parent.parent / "docs" / "images"
ADDRESS = re.compile(r"http://\S+\?token=\S+")
FIRST_ORGANIZATION = "document.querySelector('tr.organization .fold').getAttribute('href')"
FIRST_PAGE = "document.querySelector('tr.organization td.name a:not(.fold)').getAttribute('href')"


def main() -> None:
    """Starts the demo, waits until it shows pages, and takes each picture."""
    FOLDER.mkdir(exist_ok=True)
    demo = subprocess.Popen(  # noqa: S603 - our own
        [str(Path(sys.executable).parent / "ado-connector"), "demo"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    try:
        found = None
        for line in demo.stderr or ():
            if found := ADDRESS.search(line):
                break
        if found is None:
            raise SystemExit("The demo ended before it showed any page.")
        with tempfile.TemporaryDirectory() as folder, opened_tab(Path(folder)) as tab:
            take(tab, found[0])
    finally:
        demo.terminate()
        demo.communicate()


def take(tab: Tab, entry: str) -> None:
    """All pictures, from the address that lets a browser in."""
    parts = urlsplit(entry)
    here = f"{parts.scheme}://{parts.netloc}"
    tab.look(1280, 900)
    tab.go(entry)
    opened, organization = tab.tell(FIRST_ORGANIZATION), tab.tell(FIRST_PAGE)
    for name, target, dark, phone in (
        ("devops-security-light", opened, False, False),
        ("devops-security-dark", opened, True, False),
        ("devops-security-phone", opened, False, True),
        ("recommendations-light", "/security/recommendations", False, False),
        ("recommendations-dark", "/security/recommendations?view=all&status=open", True, False),
        ("recommendations-phone", "/security/recommendations", True, True),
        ("organization-light", organization, False, False),
    ):
        width, height = (390, 844) if phone else (1280, 900)
        tab.look(width, height, dark=dark, phone=phone)
        tab.go(f"{here}{target}")
        (FOLDER / f"{name}.png").write_bytes(tab.picture())
        sys.stdout.write(f"{name}.png\n")


if __name__ == "__main__":
    main()
