"""Recommendations as CSV (RFC 4180) that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator

from cli.output import Row, printable, to_json

_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20|%\t\r\n")
"""What a spreadsheet may take for the beginning of a formula, in both widths, or skip before one."""

_Cell = str | Callable[[Row], object]


def _of_exemption(key: str) -> Callable[[Row], object]:
    def cell(row: Row) -> object:
        exemption = row["exemption"]
        return exemption[key] if isinstance(exemption, dict) else None

    return cell


COLUMNS: tuple[tuple[str, _Cell], ...] = (
    ("organization", "organization"),
    ("project", "project"),
    ("resourceKind", "resourceKind"),
    ("resourceName", "resourceName"),
    ("resourceId", "resourceId"),
    ("rule", "rule"),
    ("key", "key"),
    ("title", "title"),
    ("severity", "severity"),
    ("risk", "risk"),
    ("riskFactors", "riskFactors"),
    ("status", "status"),
    ("lastStatus", "lastStatus"),
    ("reason", "reason"),
    ("permission", "permission"),
    ("owner", "owner"),
    ("exemptionKind", _of_exemption("kind")),
    ("exemptionReason", _of_exemption("reason")),
    ("exemptionBy", _of_exemption("by")),
    ("exemptionExpiresAt", _of_exemption("expiresAt")),
    ("assessedAt", "assessedAt"),
    ("firstSeen", "firstSeen"),
    ("changedAt", "changedAt"),
    ("fix", "fix"),
    ("evidence", lambda row: to_json(row["evidence"])),
)
"""Headings, and the key of the JSON that each shows (or how it is made)."""


def csv_text(rows: Iterable[Row]) -> Iterator[str]:
    """The file, line by line: a line of headings, then a line for each recommendation."""
    line = io.StringIO()
    writer = csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="\r\n")

    def written(cells: Iterable[str]) -> str:
        writer.writerow(cells)
        text = line.getvalue()
        line.seek(0)
        line.truncate()
        return text

    yield written(heading for heading, _ in COLUMNS)
    for row in rows:
        yield written(_safe(row[cell] if isinstance(cell, str) else cell(row)) for _, cell in COLUMNS)


def _safe(value: object) -> str:
    """A cell as text: an apostrophe goes before what could be a formula, as spreadsheets do it themselves."""
    if value is None:
        return ""
    text = " ".join(str(one) for one in value) if isinstance(value, (list, tuple)) else str(value)
    shown = printable(text)
    begin = shown.lstrip()[:1]
    return f"'{shown}" if begin in _FORMULA and begin else shown
