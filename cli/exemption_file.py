"""Files of exemptions: YAML (or JSON, which is YAML), read strictly, every problem told with its line."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from cli.problems import CannotTell
from shared.model.exemption import ExemptionKind, ExemptionScope
from shared.posture.exemption_plan import ExemptionProblem, WantedExemption

STDIN = Path("-")
DEFAULT_SOURCE = "default"

_LARGEST = 4_000_000
_MOST = 10_000
_PROBLEMS_MOST = 20
_TEXT_MOST = 2_000
_NAME_MOST = 256
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SOURCE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_EMPTY = {"", "~", "null"}
_FILE_KEYS = frozenset({"version", "name", "exemptions"})
_KEYS = frozenset({"rule", "organization", "project", "resource", "kind", "reason", "by", "expires"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One exemption of the file, and the line where it begins."""

    line: int
    wanted: WantedExemption


@dataclass(frozen=True, slots=True)
class ExemptionFile:
    """What a file asks for: `name` tells its set of exemptions from those of other files."""

    name: str
    entries: tuple[Entry, ...]


class FileProblems(CannotTell):
    """A file of exemptions cannot be applied. Nothing of it was."""

    def __init__(self, file: Path, problems: list[tuple[int, str]]) -> None:
        where = "standard input" if file == STDIN else str(file)
        shown = [f"  line {line}: {problem}" for line, problem in sorted(problems)[:_PROBLEMS_MOST]]
        if len(problems) > _PROBLEMS_MOST:
            shown.append(f"  and {len(problems) - _PROBLEMS_MOST} more")
        super().__init__("\n".join([f"--file: {where} was not applied, nothing was changed.", *shown]))


def read_exemptions(file: Path) -> ExemptionFile:
    """Read and check a file; `-` is standard input. Raises `FileProblems` with everything that is wrong."""
    return parse_exemptions(_text(file), file)


def _text(file: Path) -> str:
    try:
        raw = sys.stdin.buffer.read(_LARGEST + 1) if file == STDIN else _bytes(file)
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise CannotTell(f"--file: {file} cannot be read ({error.strerror}). Give a file of YAML.") from None
    except UnicodeDecodeError:
        raise CannotTell(f"--file: {file} is not a text in UTF-8. Save it as UTF-8.") from None
    if len(raw) > _LARGEST:
        raise CannotTell(f"--file: {file} is larger than {_LARGEST:,} bytes. Split it by name.")
    return text


def _bytes(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(_LARGEST + 1)


def parse_exemptions(text: str, file: Path = STDIN) -> ExemptionFile:
    """As `read_exemptions`, of a text.

    Every scalar is taken as the text that it is: an organization named `no` is no *false*, and a day stays a
    day.
    """
    try:
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "something is wrong with it"
        raise FileProblems(file, [(mark.line + 1 if mark else 1, f"this is no YAML: {problem}.")]) from None
    except RecursionError:
        raise FileProblems(file, [(1, "it is nested too deeply.")]) from None
    return _Reader(file).read(root)


class _Reader:
    """Goes through the nodes of a document and remembers what is wrong with them."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._problems: list[tuple[int, str]] = []

    def read(self, root: yaml.Node | None) -> ExemptionFile:
        if not isinstance(root, yaml.MappingNode):
            line = _line(root) if root is not None else 1
            raise FileProblems(
                self._file, [(line, "the file must be a mapping: version, name and exemptions.")]
            )
        members = self._members(root, _FILE_KEYS)
        self._version(members.get("version"), root)
        name = self._name(members.get("name"))
        entries = self._entries(members.get("exemptions"), root)
        if self._problems:
            raise FileProblems(self._file, self._problems)
        return ExemptionFile(name, entries)

    def _members(self, node: yaml.MappingNode, known: frozenset[str]) -> Mapping[str, yaml.Node]:
        members: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name not in known:
                self._wrong(key, f'"{name}" is no key here; there are {", ".join(sorted(known))}.')
            elif name in members:
                self._wrong(key, f"{name}: is given twice. Keep one of them.")
            else:
                members[name] = value
        return members

    def _version(self, node: yaml.Node | None, root: yaml.Node) -> None:
        if node is None or self._scalar(node, "version") != "1":
            self._wrong(node or root, "version: must be 1, the only version there is.")

    def _name(self, node: yaml.Node | None) -> str:
        if node is None:
            return DEFAULT_SOURCE
        name = self._scalar(node, "name")
        if not _SOURCE.fullmatch(name):
            self._wrong(node, "name: must be 1 to 64 letters, digits, hyphens, underscores and dots.")
        return name

    def _entries(self, node: yaml.Node | None, root: yaml.Node) -> tuple[Entry, ...]:
        if node is not None and isinstance(node, yaml.ScalarNode) and node.value in _EMPTY:
            return ()
        if not isinstance(node, yaml.SequenceNode):
            self._wrong(node or root, "exemptions: must be a list; write [] for none.")
            return ()
        if len(node.value) > _MOST:
            self._wrong(node, f"exemptions: there are more than {_MOST:,}. Use patterns, or several files.")
            return ()
        found = (self._entry(one) for one in node.value)
        return tuple(one for one in found if one is not None)

    def _entry(self, node: yaml.Node) -> Entry | None:
        if not isinstance(node, yaml.MappingNode):
            self._wrong(node, "an exemption must be a mapping: rule, kind, reason, expires and so on.")
            return None
        told = {name: self._scalar(value, name).strip() for name, value in self._members(node, _KEYS).items()}
        try:
            return Entry(_line(node), wanted_exemption(told))
        except ExemptionProblem as problem:
            self._wrong(node, str(problem))
            return None

    def _scalar(self, node: yaml.Node, name: str) -> str:
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)
        self._wrong(node, f"{name}: must be a text.")
        return ""

    def _wrong(self, node: yaml.Node, problem: str) -> None:
        self._problems.append((_line(node), problem))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def wanted_exemption(told: Mapping[str, str]) -> WantedExemption:
    """An exemption from the texts of its fields. Raises `ExemptionProblem`."""
    for field in ("rule", "reason", "expires"):
        if not told.get(field):
            raise ExemptionProblem(field, "is missing.", f"Write {field}: {_EXAMPLES[field]}")
    for field, text in told.items():
        most = _TEXT_MOST if field == "reason" else _NAME_MOST
        if len(text) > most:
            raise ExemptionProblem(field, f"is longer than {most} characters.", "Shorten it.")
    try:
        kind = ExemptionKind(told.get("kind") or ExemptionKind.WAIVER)
    except ValueError:
        kinds = " or ".join(ExemptionKind)
        raise ExemptionProblem("kind", f'"{told["kind"]}" is none.', f"Write {kinds}.") from None
    return WantedExemption(
        scope=ExemptionScope(
            told["rule"], told.get("organization", ""), told.get("project", ""), told.get("resource", "")
        ),
        kind=kind,
        reason=" ".join(told["reason"].split()),
        expires_at=expiry_of(told["expires"]),
        by=told.get("by", ""),
    )


_EXAMPLES = {
    "rule": "ADO-REPO-001",
    "reason": "why nobody has to mend it",
    "expires": "2026-12-31",
}


def expiry_of(text: str) -> datetime:
    """When it ends: behind the last moment of a day in UTC, or at a time. Raises `ExemptionProblem`."""
    try:
        told = datetime.fromisoformat(text)
        if _DAY.fullmatch(text):
            return told.replace(tzinfo=UTC) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise ExemptionProblem(
            "expires", f'"{text}" is no day and no time.', "Write 2026-12-31 or 2026-12-31T18:00:00Z."
        ) from None
    return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
