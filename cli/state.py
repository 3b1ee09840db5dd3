"""`state`: take all that is kept out as a file, read it in elsewhere, and look through it for errors."""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from cli import keys
from cli.command import Answer, Group, invocation
from cli.output import OutputFormat, many, note, printable, write_line, write_object
from cli.problems import CannotTell, ExitCode, Refused, WrongOption
from cli.session import person, settings

if TYPE_CHECKING:
    from handlers.mend_state import Outcome
    from shared.connector_state.transfer import Manifest
    from shared.model.record import Record
    from shared.ports import State
    from shared.reconcile.consistency.findings import Code, Finding

_STANDARD = "-"
_LATE = timedelta(days=1)
"""By how much something may be due later than its interval, where it was put off."""
_ALIKE_MOST = 10
"""Findings of one kind that are written for people; the others are counted."""


@click.group(
    cls=Group,
    examples=(
        "ado-connector state export state.jsonl",
        "ado-connector state import state.jsonl",
        "ado-connector state verify",
    ),
)
def state() -> None:
    """The state itself: back it up, move it to another store or region, or have it checked."""


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


@state.command(
    answer=Answer(keys.STATE_VERIFIED, parts={"findings": keys.STATE_FINDING}),
    examples=(
        "ado-connector state verify",
        "ado-connector state verify --repair",
    ),
)
@click.option("--repair", is_flag=True, help="Mend what can be mended, and have the rest looked at again.")
def verify(repair: bool) -> int:
    """Look through all that is kept for what contradicts itself: say what, why it matters, and mend it.

    Nothing is invented or retired: what follows from other records is made anew, what belongs to nobody is
    removed, and what only Azure DevOps can tell is looked at again. The app may go on meanwhile: an
    organization that is being worked on is left alone, and told. Each repair stands in the journal, with who
    asked. Make a backup before one: "ado-connector state export".

    Exit codes: 0 nothing is wrong, or all of it was mended; 1 something is left; 2 it could not be told.
    """
    from handlers.mend_state import Outcome, Person  # noqa: PLC0415 - heavy
    from handlers.verify_state import repair_state, verify_state  # noqa: PLC0415
    from shared.reconcile.consistency.everybody import Longest  # noqa: PLC0415
    from shared.wiring.clock import SystemClock  # noqa: PLC0415
    from shared.wiring.process import process_owner  # noqa: PLC0415
    from shared.wiring.runtime import intervals  # noqa: PLC0415

    kept = intervals(settings())
    counts: Counter[str] = Counter()
    alike: Counter[Code] = Counter()
    by_hand = 0
    rows: list[dict[str, object]] = []
    as_json = invocation().output is OutputFormat.JSON
    clock = SystemClock()
    _must_be_there()
    with _opened() as opened:
        longest = Longest(kept.lease, max(*kept.work.values(), kept.not_onboarded_recheck) + _LATE)
        told = (
            repair_state(opened, clock, longest, Person(process_owner(), person()))
            if repair
            else verify_state(opened, clock.now(), longest)
        )
        for finding, outcome in told:
            counts[outcome.value] += 1
            by_hand += finding.cure is None
            if as_json:
                rows.append(_finding_row(finding, outcome))
            else:
                alike[finding.code] += 1
                if alike[finding.code] <= _ALIKE_MOST:
                    _write_finding(finding, outcome)
    if as_json:
        write_object({"repaired": repair, "counts": dict(sorted(counts.items())), "findings": rows})
    else:
        for code, number in alike.items():
            if number > _ALIKE_MOST:
                write_line(
                    f"{code.value}: {number - _ALIKE_MOST:,} more of the same; --output json lists all"
                )
        _write_verdict(counts, by_hand, repair=repair)
    left = counts.total() - counts[Outcome.MENDED] - counts[Outcome.DUE]
    return ExitCode.FINDINGS if left else ExitCode.DONE


@state.command(answer=Answer(keys.STATE_COMPACTED), examples=("ado-connector state compact",))
def compact() -> None:
    """Give back the space of what was forgotten: the SQLite file becomes as small as what it holds.

    What is freed is used again in any case, so this is for a file that will not grow again. Whoever writes
    waits meanwhile, some seconds for each gigabyte, and the disk needs room for a second copy. Azure Table
    Storage takes back what is deleted by itself.
    """
    from shared.ports import StateUnavailable  # noqa: PLC0415 - heavy

    with _opened() as opened:
        try:
            sizes = opened.compact()
        except StateUnavailable as problem:
            raise CannotTell(
                f"STATE_URL: {problem} Nothing was changed. Try again when less is going on."
            ) from None
    before, after = sizes or (None, None)
    if invocation().output is OutputFormat.JSON:
        write_object({"bytesBefore": before, "bytesAfter": after})
    elif sizes is None:
        write_line("Nothing to do: Azure Table Storage takes back what is deleted by itself.")
    else:
        write_line(f"{sizes[0] / 1e6:,.1f} MB before, {sizes[1] / 1e6:,.1f} MB after.")


_OUTCOMES = {
    "mended": "mended",
    "due": "due now: the next run finds out what is right",
    "byHand": "NOT MENDED: only a person can tell what is right",
    "busy": "NOT MENDED: it is being worked on; try again later",
    "changed": "NOT MENDED: it is no longer as it was found; look again",
}


def _finding_row(finding: Finding, outcome: Outcome) -> dict[str, object]:
    return {
        "code": finding.code.value,
        "organizationId": finding.organization,
        "what": finding.what,
        "why": finding.why,
        "outcome": outcome.value,
        "fix": finding.fix or None,
    }


def _write_finding(finding: Finding, outcome: Outcome) -> None:
    write_line(f"{finding.code.value}: {printable(finding.what)}")
    write_line(f"  {finding.why}")
    if finding.fix:
        write_line(f"  {finding.fix}")
    if outcome.value in _OUTCOMES:
        write_line(f"  -> {_OUTCOMES[outcome.value]}")


def _write_verdict(counts: Counter[str], by_hand: int, *, repair: bool) -> None:
    """`by_hand` of them are left to a person, who is told how at each."""
    number = counts.total()
    if not number:
        write_line("Nothing contradicts itself.")
    elif not repair and counts["due"] == number:
        write_line(f"{many(number, 'finding')}, and the next run looks at all of it again.")
    elif not repair and by_hand == number:
        write_line(f"{many(number, 'finding')}: left to a person, as told above.")
    elif not repair:
        left = f" ({by_hand} left to a person)" if by_hand else ""
        write_line(f"{many(number, 'finding')}. Mend them: ado-connector state verify --repair{left}")
    else:
        done = counts["mended"] + counts["due"]
        left = f", {number - done} left" if number - done else ""
        write_line(f"{many(number, 'finding')}: {counts['mended']} mended, {counts['due']} due now{left}.")


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


def _must_be_there() -> None:
    """Whoever looks for what is wrong must not be told of a new state, made where a name was mistyped."""
    from shared.connector_state import StateUrlError  # noqa: PLC0415 - heavy
    from shared.connector_state.versions import is_new  # noqa: PLC0415

    url = settings().state_url
    try:
        new = is_new(url)
    except StateUrlError as problem:
        raise CannotTell(str(problem)) from None
    if new:
        raise CannotTell(f"STATE_URL: nothing is kept in {url} yet. Is it the right name?")


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
