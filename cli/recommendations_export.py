"""`recommendations export`: everything that is told, for programs, spreadsheets, code scanning and people."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import keys
from cli.command import Answer, Command
from cli.output import Row, instant, note, to_json
from cli.problems import CannotTell
from cli.recommendation_rows import Told, find_rules, recommendation_row, tell
from cli.session import find_organizations, opened
from shared.model.assessment import AssessmentStatus, Severity

if TYPE_CHECKING:
    from datetime import datetime

    from shared.posture.rule import Rule

_FORMATS = ("json", "csv", "sarif", "html")


@click.command(
    "export",
    cls=Command,
    answer=Answer(keys.RECOMMENDATION, rows=True, parts={"exemption": keys.EXEMPTION_OF_RECOMMENDATION}),
    examples=(
        "ado-connector recommendations export --format html --file posture.html",
        "ado-connector recommendations export --format sarif --file posture.sarif --organization contoso",
        "ado-connector recommendations export --format csv --status unhealthy --status unknown",
    ),
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(_FORMATS),
    default="json",
    show_default=True,
    help="json: as list --output json; csv: for spreadsheets; sarif: SARIF 2.1.0; html: a report.",
)
@click.option(
    "--file",
    "-f",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE",
    help="Where to write it, in place of what is there; stdout unless given.",
)
@click.option("--organization", metavar="NAME", default=None, help="Only this organization: its name or id.")
@click.option(
    "--rule",
    metavar="RULE",
    default=None,
    help="Only this rule: its id, Defender's key, or its id in another tool.",
)
@click.option(
    "--status",
    "statuses",
    type=click.Choice([one.value for one in AssessmentStatus]),
    multiple=True,
    help="Only this outcome; repeatable.  [default: all]",
)
@click.option(
    "--severity", type=click.Choice([one.value for one in Severity]), default=None, help="Only this severity."
)
def export(
    format_: str,
    file: Path | None,
    organization: str | None,
    rule: str | None,
    statuses: tuple[str, ...],
    severity: str | None,
) -> None:
    """Write recommendations to a file, always in the same order, however many there are.

    Names from outside are harmless in each format: no formula in CSV, no markup and no script in HTML, which
    loads nothing from anywhere.
    """
    rules = tuple(one for one in find_rules(rule) if severity is None or one.severity.value == severity)
    with opened() as runtime:
        now = runtime.clock.now()
        organizations = find_organizations(runtime.state, organization)
        told = tell(runtime, organizations, rules, now)
        _write(_text(format_, told, rules, now, statuses), file)
    if file is not None:
        note(f"Wrote {file}.")


def _text(
    format_: str, told: Iterable[Told], rules: Sequence[Rule], now: datetime, statuses: Collection[str]
) -> Iterator[str]:
    at = instant(now) or ""
    if format_ == "html":
        from cli.export_html import html_text  # noqa: PLC0415 - one of several

        return html_text(told, rules, at, statuses)
    chosen = (one for one in told if not statuses or one.recommendation.status.value in statuses)
    rows = (recommendation_row(one) for one in chosen)
    if format_ == "csv":
        from cli.export_csv import csv_text  # noqa: PLC0415 - one of several

        return csv_text(rows)
    if format_ == "sarif":
        from cli.export_sarif import sarif_text  # noqa: PLC0415 - one of several

        return sarif_text(rows, rules, at)
    return _json_text(rows)


def _json_text(rows: Iterable[Row]) -> Iterator[str]:
    yield "["
    separator = "\n"
    for row in rows:
        yield separator + to_json(row)
        separator = ",\n"
    yield "\n]\n"


def _write(text: Iterator[str], file: Path | None) -> None:
    """To stdout, or to a file that is there whole or as it was before."""
    if file is None:
        sys.stdout.writelines(text)
        return
    unfinished = file.with_name(f".{file.name}.{os.getpid()}.unfinished")
    try:
        # Characters that UTF-8 cannot hold are escaped, as on stdout.
        with unfinished.open("x", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            stream.writelines(text)
        unfinished.replace(file)
    except OSError as error:
        raise CannotTell(
            f"--file: {file} cannot be written ({error.strerror}). Name one in a folder of yours."
        ) from None
    finally:
        unfinished.unlink(missing_ok=True)
