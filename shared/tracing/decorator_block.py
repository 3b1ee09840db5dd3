"""The block that the Container Mapping decorator prints into its own log.

After a line that ends in `##[section]:::::` stands one line of base64 that decodes to `DockerVersion: …`,
`DockerEvents:` and `DockerImages:`, as the open-source task `MicrosoftSecurityDevOps` writes it
(microsoft/security-devops-azdevops, container-mapping.ts). Another version of it writes `Version: …`,
`:::Events:` and `:::Images:`.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

BLOCK_MOST: Final = 1_500_000
"""Longest line of base64 that is read, in characters."""
ENTRIES_MOST: Final = 5_000

_REPORTS_MOST = 100
_MARK = "##[section]:::::"
_SECTIONS = {
    "DockerEvents:": "events",
    ":::Events:": "events",
    "DockerImages:": "images",
    ":::Images:": "images",
}
_VERSION = re.compile(r"(?:Docker)?Version:(.*)")


@dataclass(frozen=True, slots=True)
class DockerReport:
    """What docker said on the agent: `events` such as `ID=…`, `images` such as `…::Digest=…`, unread."""

    version: str
    events: tuple[str, ...]
    images: tuple[str, ...]
    line: int


class DecoratorLog:
    """Reads a log line by line and keeps the blocks that can be decoded."""

    def __init__(self) -> None:
        self._is_marked = False
        self.reports: list[DockerReport] = []

    def read(self, number: int, text: str) -> None:
        """Take the next line, as `cleaned` gives it. What only looks like a block is passed over."""
        if text.endswith(_MARK):
            self._is_marked = True
            return
        report = _decoded(text.strip(), number) if self._is_marked else None
        self._is_marked = False
        if report is not None and len(self.reports) < _REPORTS_MOST:
            self.reports.append(report)


def _decoded(text: str, line: int) -> DockerReport | None:
    try:
        told = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    entries: dict[str, list[str]] = {"events": [], "images": []}
    version, section = "", ""
    for raw in told.splitlines():
        entry = raw.strip()
        if not section and not version and (told_version := _VERSION.fullmatch(entry)):
            version = told_version[1].strip()
        elif entry in _SECTIONS:
            section = _SECTIONS[entry]
        elif entry and section and entry.isprintable() and len(entries[section]) < ENTRIES_MOST:
            entries[section].append(entry)
    if not version and not section:
        return None
    shown = version[:200] if version.isprintable() else ""
    return DockerReport(shown, tuple(entries["events"]), tuple(entries["images"]), line)
