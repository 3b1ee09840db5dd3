"""The block that the Container Mapping decorator prints into its own log.

After a line that ends in `##[section]:::::` stands one line of base64 that decodes to `DockerVersion: …`,
`DockerEvents:` and `DockerImages:`, as the open-source task `MicrosoftSecurityDevOps` writes it
(microsoft/security-devops-azdevops, container-mapping.ts).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shared.tracing.push_logs import cleaned

BLOCK_MOST: Final = 1_500_000
"""Longest line of base64 that is read, in characters."""
ENTRIES_MOST: Final = 5_000

_MARK = "##[section]:::::"
_SECTIONS = {"DockerEvents:": "events", "DockerImages:": "images"}
_VERSION = "DockerVersion:"


@dataclass(frozen=True, slots=True)
class DockerReport:
    """What docker said on the agent: `events` such as `ID=…`, `images` such as `…::Digest=…`, unread."""

    version: str
    events: tuple[str, ...]
    images: tuple[str, ...]
    line: int


def read_decorator_blocks(lines: Iterable[str]) -> tuple[DockerReport, ...]:
    """Every block of the log that can be decoded; what only looks like one is passed over."""
    found: list[DockerReport] = []
    marked = False
    for number, text in cleaned(lines, BLOCK_MOST):
        if text.endswith(_MARK):
            marked = True
            continue
        if marked:
            report = _decoded(text.strip(), number)
            if report is not None:
                found.append(report)
        marked = False
    return tuple(found)


def _decoded(text: str, line: int) -> DockerReport | None:
    try:
        told = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    entries: dict[str, list[str]] = {"events": [], "images": []}
    version, section = "", ""
    for raw in told.splitlines():
        entry = raw.strip()
        if entry.startswith(_VERSION):
            version = entry.removeprefix(_VERSION).strip()
        elif entry in _SECTIONS:
            section = _SECTIONS[entry]
        elif entry and section and entry.isprintable() and len(entries[section]) < ENTRIES_MOST:
            entries[section].append(entry)
    if not version and not section:
        return None
    shown = version[:200] if version.isprintable() else ""
    return DockerReport(shown, tuple(entries["events"]), tuple(entries["images"]), line)
