"""YAML as configuration needs it: one document of plain values, in which nothing is guessed or hidden."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import yaml

MAX_BYTES = 64 * 1024
"""The largest text that is read at all."""
MAX_DEPTH = 8
MAX_VALUES = 5000

TEXT_TAG = "tag:yaml.org,2002:str"

# What the core schema of YAML 1.2.2 (section 10.3.2) takes for something else than text.
_CORE = re.compile(
    r"|~|null|Null|NULL|true|True|TRUE|false|False|FALSE"
    r"|[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
    r"|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_PLAIN: Mapping[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WITHOUT_QUOTES = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._/+-]*")
_HIDDEN = {"Cc", "Cs", "Zl", "Zp"}
# Bidirectional controls let a text read otherwise than it is (CVE-2021-42574); U+FEFF cannot be seen.
_DECEIVING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


@dataclass(frozen=True, slots=True)
class Unquoted:
    """A value without quotes that YAML 1.1 or YAML 1.2 takes for a number, a date or the like."""

    text: str


Value = str | bool | None | Unquoted | list["Value"] | dict[str, "Value"]
"""A value as it was written. Numbers and dates are `Unquoted`: which of them is meant is not guessed."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that YAML allows, or not even that, and that is not taken.

    `where` is a path of keys. With `lost` the value there is not what was written.
    """

    where: tuple[str | int, ...]
    line: int | None
    problem: str
    fix: str
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Tree:
    """What a text says: its value, the line (from 1) of every path in it, and what is wrong with it.

    With `readable` false the value is not all that the text says, and nothing can be concluded from it.
    """

    value: Value = None
    lines: Mapping[tuple[str | int, ...], int] = field(default_factory=dict)
    flaws: tuple[Flaw, ...] = ()
    readable: bool = True


def read_yaml(text: str | bytes) -> Tree:
    """The one document in the text. Never raises: what is wrong is in the tree's flaws."""
    decoded = _decoded(text)
    if isinstance(decoded, Flaw):
        return Tree(flaws=(decoded,), readable=False)
    reader = _Reader(decoded)
    try:
        value = reader.document()
    except _Unreadable as stopped:
        return Tree(lines=reader.lines, flaws=(*reader.flaws, stopped.flaw), readable=False)
    except yaml.YAMLError as error:
        return Tree(lines=reader.lines, flaws=(*reader.flaws, _not_yaml(error, decoded)), readable=False)
    return Tree(value, reader.lines, tuple(reader.flaws))


def write_yaml(value: Mapping[str, object]) -> str:
    """The value as YAML: the same text for the same value, and quotes wherever a reader could be misled."""
    return "".join(f"{line}\n" for line in _mapping_lines(value, ""))


def reads_as_text(plain: str) -> bool:
    """Whether every reader of YAML takes it for text without quotes."""
    if _CORE.fullmatch(plain):
        return False
    resolver = yaml.SafeLoader.yaml_implicit_resolvers
    candidates = [*resolver.get(plain[:1], ()), *resolver.get(None, ())]
    return not any(pattern.match(plain) for _, pattern in candidates)


def hidden(character: str) -> bool:
    """Whether a character is not to be seen, or changes how others are."""
    return unicodedata.category(character) in _HIDDEN or character in _DECEIVING


def _decoded(text: str | bytes) -> str | Flaw:
    encoded = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(encoded) > MAX_BYTES:
        return _whole(
            f"it has more than {MAX_BYTES} bytes (64 KiB), and is not read.",
            "Describe one connector in a file, with patterns instead of long lists.",
        )
    try:
        decoded = encoded.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = encoded.count(b"\n", 0, error.start) + 1
        return Flaw((), line, "it is not UTF-8 text.", "Save it as UTF-8.")
    for number, one in enumerate(decoded):
        if hidden(one) and one not in "\t\r\n":
            line = decoded.count("\n", 0, number) + 1
            return Flaw(
                (),
                line,
                f"it holds the character U+{ord(one):04X}, which cannot be seen.",
                "Take it out: a connector needs no such character.",
            )
    return decoded


def _whole(problem: str, fix: str) -> Flaw:
    return Flaw((), None, problem, fix)


def _not_yaml(error: yaml.YAMLError, text: str) -> Flaw:
    """Where it is wrong. What the library says is left out: it repeats the text, which may hold a secret."""
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    if mark is None:
        return _whole("it cannot be read as YAML.", _CHECK)
    lines = text.splitlines()
    written = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in written[: mark.column + 1]:
        return Flaw((), mark.line + 1, "there is a tab in it where YAML takes none.", "Indent with spaces.")
    return Flaw((), mark.line + 1, f"it cannot be read as YAML at column {mark.column + 1}.", _CHECK)


_CHECK = "Check indentation, colons, brackets and quotes there and in the line before."


class _Unreadable(Exception):
    """What was read says too little, or is too much, to go on."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.problem)
        self.flaw = flaw


class _Reader:
    """Builds the value from the events of the parser, which make no objects and follow no references."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.SafeLoader)
        self._values = 0
        self.lines: dict[tuple[str | int, ...], int] = {}
        self.flaws: list[Flaw] = []

    def document(self) -> Value:
        next(self._events)  # the stream's start
        first = next(self._events)
        if isinstance(first, yaml.StreamEndEvent):
            raise _Unreadable(_whole("it is empty.", "Write a connector into it: see the documentation."))
        if isinstance(first, yaml.DocumentStartEvent) and (first.version or first.tags):
            self._flaw((), first, "it has a % directive.", "Take the line out: none is needed.")
        value = self._value((), next(self._events))
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            flaw = Flaw(
                (), _line(after), "there is a second document in it.", "Keep one: one file, one connector."
            )
            raise _Unreadable(flaw)
        return value

    def _value(self, where: tuple[str | int, ...], event: yaml.Event) -> Value:
        self._values += 1
        self.lines.setdefault(where, _line(event))
        if self._values > MAX_VALUES:
            flaw = Flaw(
                (), _line(event), f"it holds more than {MAX_VALUES} values.", "A connector needs far fewer."
            )
            raise _Unreadable(flaw)
        if isinstance(event, yaml.AliasEvent):
            told = ("it refers to another place (*).", "Write the value out: none is repeated.")
            self.flaws.append(Flaw(where, _line(event), *told, lost=True))
            return None
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            self._flaw(where, event, "it has an anchor (&).", "Take it out: nothing can refer to it.")
        if getattr(event, "tag", None) is not None:
            told = ("it has a tag (!).", "Take it out: no value needs one.")
            self.flaws.append(Flaw(where, _line(event), *told, lost=True))
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if len(where) >= MAX_DEPTH:
            flaw = Flaw(
                (), _line(event), f"it is nested deeper than {MAX_DEPTH} levels.", "A connector needs two."
            )
            raise _Unreadable(flaw)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(where)
        return self._mapping(where)

    def _sequence(self, where: tuple[str | int, ...]) -> Value:
        values: list[Value] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            values.append(self._value((*where, len(values)), event))
        return values

    def _mapping(self, where: tuple[str | int, ...]) -> Value:
        values: dict[str, Value] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            plain = isinstance(event, yaml.ScalarEvent) and event.anchor is None and event.tag is None
            if not plain:
                self._flaw(
                    where, event, "a key in it is not plain text.", "Write keys as words, such as name."
                )
            key = event.value if isinstance(event, yaml.ScalarEvent) else ""
            if not isinstance(event, yaml.ScalarEvent):
                self._value((*where, key), event)
            again = key in values
            value = self._value((*where, key), next(self._events))
            if again:
                self._flaw((*where, key), event, "it is written twice.", "Keep one of them.")
            elif plain:
                values[key] = value
        return values

    def _flaw(self, where: tuple[str | int, ...], event: yaml.Event, problem: str, fix: str) -> None:
        self.flaws.append(Flaw(where, _line(event), problem, fix))


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return 1 if mark is None else int(mark.line) + 1


def _scalar(event: yaml.ScalarEvent) -> Value:
    text = str(event.value)
    if event.style is not None or reads_as_text(text):
        return text
    return _PLAIN[text] if text in _PLAIN else Unquoted(text)


def _mapping_lines(value: Mapping[str, object], indent: str) -> Iterator[str]:
    for key, one in value.items():
        if isinstance(one, Mapping):
            yield f"{indent}{key}:"
            yield from _mapping_lines(one, f"{indent}  ")
        elif isinstance(one, Sequence) and not isinstance(one, str):
            if one:
                yield f"{indent}{key}:"
                yield from (f"{indent}  - {_written(item)}" for item in one)
            else:
                yield f"{indent}{key}: []"
        else:
            yield f"{indent}{key}: {_written(one)}"


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if _WITHOUT_QUOTES.fullmatch(text) and reads_as_text(text):
        return text
    # JSON's quoted form is also YAML's, save for DEL and its like, which no field may hold.
    return json.dumps(text, ensure_ascii=False)
