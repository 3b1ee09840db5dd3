"""`state`: take all that is kept out as a file, and read it in elsewhere."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from cli import keys
from cli.command import Answer, Group, invocation
from cli.output import OutputFormat, many, note, write_line, write_object
from cli.problems import CannotTell, Refused, WrongOption
from cli.session import settings

if TYPE_CHECKING:
    from shared.connector_state.transfer import Manifest
    from shared.model.record import Record
    from shared.ports import State

_STANDARD = "-"


@click.group(
    cls=Group,
    examples=(
        "ado-connector state export state.jsonl",
        "ado-connector state import state.jsonl",
    ),
)
def state() -> None:
    """The state itself: back it up, or move it to another store or region."""


@state.command(
    answer=Answer(keys.STATE_RECORD),
    examples=(
        "ado-connector state export state.jsonl",
        "ado-connector state export backup-2026-01-31.jsonl",
    ),
)
@click.argument("file", metavar="[FILE]", default=_STANDARD, type=click.Path(path_type=Path))
def export(file: Path) -> None:
    """Write all that is kept to FILE, or to standard output: one line of JSON for each record.

    Connectors, organizations, claims, inventory, posture with its history, exemptions, mappings, work with
    its checkpoints, the journal, and sign-ins as the ciphertext that they are kept as (their key is not in
    the state and does not travel). Left out is what holds only here and now: leases, messages under way and
    waits of the rate limit. The same state gives the same bytes.
    `--output` changes nothing here.
    """
    from shared.connector_state.transfer import FileRefused, export_lines  # noqa: PLC0415 - heavy

    count = -2  # the first line and the last are no records
    with _opened() as opened, _written(file) as out:
        try:
            for line in export_lines(opened.records()):
                out.write(line)
                count += 1
            out.flush()
        except FileRefused as problem:
            raise CannotTell(str(problem)) from None
    note(f"Exported {many(count, 'record')}.")


@state.command(
    "import",
    answer=Answer(keys.STATE_IMPORTED),
    examples=(
        "ado-connector state import state.jsonl",
        "ado-connector state import state.jsonl --check",
    ),
)
@click.argument("file", metavar="[FILE]", default=_STANDARD, type=click.Path(path_type=Path))
@click.option("--check", "check_only", is_flag=True, help="Read and check the file, and import nothing.")
def import_(file: Path, check_only: bool) -> None:
    """Read FILE, or standard input, as "state export" wrote it, into an empty state.

    The whole file is checked before anything is written. An import that is broken off leaves nothing behind
    or, in Azure Table Storage, a table that nobody opens until the same file is imported again.
    """
    from shared.ports import StateConflict  # noqa: PLC0415 - heavy

    with _read(file) as content:
        manifest = _checked(content)
        if not check_only:
            with _opened(importing=True) as opened:
                content.seek(0)
                try:
                    opened.import_records(_records(content), manifest.digest)
                except StateConflict:
                    raise Refused(
                        "STATE_URL: the state is not empty, and two states cannot be made one. Name another "
                        "file or table, or remove this one first. Nothing was imported."
                    ) from None
    if invocation().output is OutputFormat.JSON:
        write_object(
            {"records": dict(manifest.counts), "sha256": manifest.digest, "imported": not check_only}
        )
    else:
        done = "Checked" if check_only else "Imported"
        write_line(f"{done} {many(sum(manifest.counts.values()), 'record')}.")
        for kind, number in manifest.counts.items():
            write_line(f"  {kind}: {number}")


def _checked(content: IO[bytes]) -> Manifest:
    """Read all of it. Raises `CannotTell` where it cannot be imported."""
    from shared.connector_state.transfer import FileRefused, Manifest, read_lines  # noqa: PLC0415 - heavy

    try:
        for one in read_lines(content):
            if isinstance(one, Manifest):
                return one
    except FileRefused as problem:
        raise CannotTell(str(problem)) from None
    raise AssertionError  # what has no end was refused


def _records(content: IO[bytes]) -> Iterator[Record]:
    from shared.connector_state.transfer import read_lines  # noqa: PLC0415 - heavy
    from shared.model.record import Record  # noqa: PLC0415

    return (one for one in read_lines(content) if isinstance(one, Record))


@contextmanager
def _opened(*, importing: bool = False) -> Iterator[State]:
    """The state alone: nothing else of the app is needed, or may be working on it."""
    from shared.connector_state import StateUrlError, open_state  # noqa: PLC0415 - heavy

    try:
        opened = open_state(settings().state_url, importing=importing)
    except StateUrlError as problem:
        raise CannotTell(str(problem)) from None
    with opened:
        yield opened


@contextmanager
def _written(file: Path) -> Iterator[IO[bytes]]:
    """Standard output or a file, which is there whole or not at all, and only its owner may read."""
    if str(file) == _STANDARD:
        yield sys.stdout.buffer
        return
    try:
        number, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    except OSError as problem:
        raise WrongOption(
            "FILE", f"{file} cannot be written ({problem.strerror}).", "Name another."
        ) from None
    try:
        with os.fdopen(number, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        Path(name).replace(file)
    except OSError as problem:
        raise WrongOption(
            "FILE", f"{file} cannot be written ({problem.strerror}).", "Name another."
        ) from None
    finally:
        with suppress(OSError):
            Path(name).unlink()


@contextmanager
def _read(file: Path) -> Iterator[IO[bytes]]:
    """The file, or a copy of standard input: it is read twice."""
    if str(file) != _STANDARD:
        try:
            with file.open("rb") as content:
                yield content
        except OSError as problem:
            raise WrongOption(
                "FILE", f"{file} cannot be read ({problem.strerror}).", "Name another."
            ) from None
        return
    with tempfile.TemporaryFile() as copy:
        while piece := sys.stdin.buffer.read(1 << 20):
            copy.write(piece)
        copy.seek(0)
        yield copy
