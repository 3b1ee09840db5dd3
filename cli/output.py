"""How commands answer: tables or JSON on stdout; notes, progress and logs on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain, islice
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.views.text import instant as instant  # noqa: PLC0414 - commands know them from here
from shared.views.text import printable as printable  # noqa: PLC0414

_SAMPLE = 1000
"""As many rows decide how wide columns are; a terminal gets a drawn table only up to this many."""

_COLUMN_GAP = "  "


class OutputFormat(StrEnum):
    """What `--output` takes."""

    TABLE = "table"
    JSON = "json"


Row = Mapping[str, object]
"""One row of a listing, with the keys of its JSON."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading, what it shows of a row, and how."""

    heading: str
    value: str | Callable[[Row], object]
    right: bool = False

    def text(self, row: Row) -> str:
        """The cell."""
        value = row[self.value] if isinstance(self.value, str) else self.value(row)
        return shown(value)


_STYLES = {
    "Onboarded": "green",
    "met": "green",
    "installed": "green",
    "healthy": "green",
    "Succeeded": "green",
    "NotOnboarded": "yellow",
    "OnboardedByOtherConnector": "yellow",
    "unknown": "magenta",
    "stale": "magenta",
    "unhealthy": "red",
    "notMet": "red",
    "Failed": "red",
    "error": "red",
    "high": "red",
    "medium": "yellow",
}


def console(stream: TextIO) -> Console:
    """A console that draws and colours on a terminal only, and obeys NO_COLOR."""
    terminal = stream.isatty()
    plain = not terminal or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return Console(
        file=stream,
        force_terminal=terminal,
        color_system=None if plain else "auto",
        no_color=plain,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=not terminal,
    )


def note(message: str) -> None:
    """A remark for the person at the keyboard, on stderr."""
    sys.stderr.write(f"{printable(message)}\n")
    sys.stderr.flush()


def write_line(message: str = "") -> None:
    """One line of the answer, on stdout."""
    sys.stdout.write(f"{printable(message)}\n")


def shown(value: object) -> str:
    """A value as a table shows it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(one) for one in value) or "-"
    return printable(str(value))


def many(number: int, noun: str) -> str:
    """A number of things: 1 repository, 2 repositories."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun.removesuffix('y')}ies" if noun.endswith("y") else f"{number} {noun}s"


def to_json(value: object) -> str:
    """One value as JSON on one line; characters the stream cannot hold are escaped."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    return json.dumps(value, ensure_ascii=encoding != "utf8", default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Iterable):
        return list(value)
    return str(value)


def write_object(value: Row) -> None:
    """One JSON object."""
    sys.stdout.write(f"{to_json(value)}\n")


def write_rows(
    rows: Iterable[Row], columns: Sequence[Column], output: OutputFormat, *, empty: str = "Nothing to show."
) -> int:
    """A listing, row by row as it comes. Returns how many rows there were."""
    if output is OutputFormat.JSON:
        return _write_json(rows)
    counted = _Counted(rows)
    _write_table(iter(counted), columns)
    if counted.rows == 0:
        note(empty)
    return counted.rows


class _Counted:
    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.rows = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.rows += 1
            yield row


def _write_json(rows: Iterable[Row]) -> int:
    written = 0
    sys.stdout.write("[")
    for row in rows:
        sys.stdout.write(",\n" if written else "\n")
        sys.stdout.write(to_json(row))
        written += 1
    sys.stdout.write("\n]\n" if written else "]\n")
    return written


def _write_table(rows: Iterator[Row], columns: Sequence[Column]) -> None:
    sample = list(islice(rows, _SAMPLE + 1))
    if not sample:
        return
    if sys.stdout.isatty() and len(sample) <= _SAMPLE:
        console(sys.stdout).print(drawn_table(sample, columns))
        return
    _write_plain(sample, rows, columns)


def drawn_table(rows: Iterable[Row], columns: Sequence[Column], title: str | None = None) -> Table:
    """A table for a terminal."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(
            column.heading, justify="right" if column.right else "left", overflow="fold", no_wrap=column.right
        )
    for row in rows:
        cells = [column.text(row) for column in columns]
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in cells))
    return table


def _write_plain(sample: Sequence[Row], rest: Iterator[Row], columns: Sequence[Column]) -> None:
    """Columns of text without drawing or colour: one line a row, for pipes and for long listings."""
    cells = [[column.text(row) for column in columns] for row in sample]
    widths = [
        max(cell_len(column.heading), *(cell_len(line[index]) for line in cells))
        for index, column in enumerate(columns)
    ]
    lines = chain(
        [[column.heading for column in columns]],
        cells,
        ([column.text(row) for column in columns] for row in rest),
    )
    for line in lines:
        sys.stdout.write(_aligned(line, widths, columns) + "\n")


def _aligned(cells: Sequence[str], widths: Sequence[int], columns: Sequence[Column]) -> str:
    padded = []
    for cell, width, column in zip(cells, widths, columns, strict=True):
        gap = " " * max(0, width - cell_len(cell))
        padded.append(gap + cell if column.right else cell + gap)
    return _COLUMN_GAP.join(padded).rstrip()
