"""A state as a file: one line of JSON for each record, between a line that says what it is and its digest."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from shared.connector_state.codec import Misshapen, check
from shared.connector_state.record_forms import plain_of, record_of, travelling
from shared.model.record import Record

FORMAT: Final = "ado-connector-state"
VERSION: Final = 1
"""Of the file. A newer one is refused."""

_END: Final = "end"


class FileRefused(ValueError):
    """The file is not one that can be imported. The message names the line, the field and what to do."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a whole file holds: the number of records of each kind, and the digest of all of its lines."""

    counts: Mapping[str, int]
    digest: str


def export_lines(records: Iterable[Record]) -> Iterator[bytes]:
    """The lines of the file, each with its end. The same records give the same bytes.

    Raises `FileRefused` at a record that cannot be read: a file without it would look whole.
    """
    digest = hashlib.sha256()
    counts: Counter[str] = Counter()
    header = _line({"format": FORMAT, "version": VERSION})
    digest.update(header)
    yield header
    for record in records:
        if record.problem:
            raise FileRefused(
                f"A stored {record.kind.value} ({'/'.join(record.key) or 'without a key'}) cannot be read: "
                f"{record.problem} Nothing was left out of the file: it ends here, and will not be imported."
            )
        line = _line(plain_of(travelling(record)))
        digest.update(line)
        counts[record.kind.value] += 1
        yield line
    yield _line({"kind": _END, "counts": dict(sorted(counts.items())), "sha256": digest.hexdigest()})


def _line(plain: Mapping[str, object]) -> bytes:
    return json.dumps(plain, separators=(",", ":")).encode() + b"\n"


def read_lines(lines: Iterable[bytes]) -> Iterator[Record | Manifest]:
    """Every record of a file, then what the whole of it holds. Raises `FileRefused`."""
    digest = hashlib.sha256()
    counts: Counter[str] = Counter()
    stream = enumerate(lines, start=1)
    number, first = next(stream, (1, b""))
    _check_header(number, first)
    digest.update(first)
    for number, line in stream:
        plain = _parsed(number, line)
        if isinstance(plain, dict) and plain.get("kind") == _END:
            manifest = _manifest(number, plain, counts, digest.hexdigest())
            if next(stream, None) is not None:
                raise FileRefused(f"Line {number + 1}: it stands behind the end of the file. {_DAMAGED}")
            yield manifest
            return
        try:
            record = record_of(plain)
        except Misshapen as error:
            raise FileRefused(f"Line {number}: {error}. {_DAMAGED}") from None
        digest.update(line)
        counts[record.kind.value] += 1
        yield record
    raise FileRefused(
        f"Line {number}: the file ends here, without its last line: it was cut off. Copy it again, or export "
        "the state again. Nothing was imported."
    )


_DAMAGED: Final = "The file is damaged, or was changed by hand; export the state again. Nothing was imported."


_COPY: Final = "Copy the file as it is, byte by byte."
_STRANGE: Final[Mapping[bytes, str]] = {
    b"\xef\xbb\xbf": f"it begins with a byte order mark. {_COPY}",
    b"\x1f\x8b": "the file is compressed. Unpack it first.",
    b"PK\x03\x04": "the file is compressed. Unpack it first.",
    b"\xff\xfe": f"the file is UTF-16. {_COPY}",
}
"""How a file begins that something happened to on its way."""


def _check_header(number: int, line: bytes) -> None:
    if not line:
        raise FileRefused('Line 1: the file is empty. Give one that "ado-connector state export" wrote.')
    for start, why in _STRANGE.items():
        if line.startswith(start):
            raise FileRefused(f"Line {number}: {why} Nothing was imported.")
    if line.endswith(b"\r\n"):
        raise FileRefused(f"Line {number}: it ends as lines of Windows do. {_COPY} Nothing was imported.")
    plain = _parsed(number, line)
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise FileRefused(
            f'Line {number}: format must be "{FORMAT}": this is no file that "ado-connector state export" '
            "wrote. Give one that it wrote."
        )
    version = plain.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise FileRefused(f"Line {number}: version must be a whole number from 1 on. {_DAMAGED}")
    if version > VERSION:
        raise FileRefused(
            f"Line {number}: version is {version}, and this program knows {VERSION}: the file was written by "
            "a newer one. Update the program."
        )


def _parsed(number: int, line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        why = "it is cut off" if not line.endswith(b"\n") else f"it is no JSON ({error})"
        raise FileRefused(f"Line {number}: {why}. {_DAMAGED}") from None


def _manifest(number: int, plain: dict[str, object], counts: Counter[str], digest: str) -> Manifest:
    try:
        check(dict[str, int], plain.get("counts"), "counts")
        check(str, plain.get("sha256"), "sha256")
    except Misshapen as error:
        raise FileRefused(f"Line {number}: {error}. {_DAMAGED}") from None
    if plain["counts"] != dict(counts):
        raise FileRefused(f"Line {number}: counts are not those of the lines before it. {_DAMAGED}")
    if plain["sha256"] != digest:
        raise FileRefused(f"Line {number}: sha256 is not that of the lines before it. {_DAMAGED}")
    return Manifest(dict(counts), digest)
