"""Text forms of what is stored: times, JSON documents of dataclasses, and strings that UTF-8 cannot hold."""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from itertools import islice
from typing import Generic, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from shared.ports import StateUnavailable

T = TypeVar("T")
Convert = Callable[[object], object]
Cell = str | bytes | int | None


@lru_cache(maxsize=64)
def time_text(at: datetime) -> str:
    """ISO-8601 in UTC with microseconds: sorts as text the way it sorts in time.

    Remembers the last few: the rows and entries of one listing share one or two times.
    """
    if at.tzinfo is not UTC:
        if at.tzinfo is None:
            raise ValueError("a time without a time zone cannot be stored")
        at = at.astimezone(UTC)
    return at.isoformat(timespec="microseconds")


def time_text_or_none(at: datetime | None) -> str | None:
    """As `time_text`, for times that may be missing."""
    return None if at is None else time_text(at)


def time_of(text: str) -> datetime:
    """The time that `time_text` wrote."""
    return datetime.fromisoformat(text)


def time_or_none(text: str | None) -> datetime | None:
    """As `time_of`, for times that may be missing."""
    return None if text is None else datetime.fromisoformat(text)


def to_cell(text: str) -> str | bytes:
    """The text itself or, when it holds a lone surrogate (JSON can), bytes that `from_cell` reads back.

    Refusing it would let one oddly named repository stop its organization's inventory for good.
    """
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="surrogatepass")
    return text


def from_cell(cell: str | bytes) -> str:
    """The text that `to_cell` stored."""
    return cell if isinstance(cell, str) else cell.decode(errors="surrogatepass")


def slices_of_rows(rows: Iterable[tuple[Cell, ...]], size: int = 5_000) -> Iterator[list[tuple[Cell, ...]]]:
    """The rows in slices that SQLite can store. A slice is looked at as a whole: the check costs little."""
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        try:
            "".join([cell for row in batch for cell in row if cell.__class__ is str]).encode()
        except UnicodeEncodeError:
            batch = [tuple(to_cell(cell) if isinstance(cell, str) else cell for cell in row) for row in batch]
        yield batch


class Document(Generic[T]):
    """JSON form of a dataclass, read off its fields.

    A field that an older version did not write gets its default; one that this version does not know is left
    out.
    """

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind

    def dump(self, value: T) -> str | bytes:
        """The value as a storable JSON text."""
        return to_cell(json.dumps(self.plain(value), ensure_ascii=False, separators=(",", ":")))

    def plain(self, value: T) -> object:
        """The value as plain JSON data."""
        return _encoder(cast("Hashable", self._kind))(value)

    def of_plain(self, plain: object) -> T:
        """The value that `plain` told, every field checked. Raises `Misshapen`."""
        check(self._kind, plain, "")
        return cast("T", _decoder(cast("Hashable", self._kind))(plain))

    def is_sound(self, value: object) -> bool:
        """Whether `of_plain` would take what `plain` tells of the value; much faster than to try it."""
        return _soundness(cast("Hashable", self._kind))(value)

    def load(self, cell: str | bytes) -> T:
        """The value that `dump` stored."""
        try:
            return cast("T", _decoder(cast("Hashable", self._kind))(json.loads(from_cell(cell))))
        except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
            raise StateUnavailable(
                f"A stored {self._kind.__name__} cannot be read ({error}): it was damaged, or written by "
                "another version of this program."
            ) from error


class Documents(Generic[T]):
    """JSON form of a sequence of dataclasses."""

    def __init__(self, kind: type[T]) -> None:
        self._each = Document(kind)

    def dump(self, values: Iterable[T]) -> str | bytes:
        """The values as one storable JSON text."""
        return to_cell("[" + ",".join(from_cell(self._each.dump(value)) for value in values) + "]")

    def load(self, cell: str | bytes) -> tuple[T, ...]:
        """The values that `dump` stored."""
        return tuple(self._each.load(json.dumps(one)) for one in json.loads(from_cell(cell)))


class Misshapen(ValueError):
    """Plain data is not what it is said to be. The message names the field."""


_PLAIN: dict[object, tuple[type | tuple[type, ...], str]] = {
    str: (str, "a text"),
    int: (int, "a whole number"),
    float: ((int, float), "a number"),
    bool: (bool, "true or false"),
    timedelta: ((int, float), "a number of seconds"),
    datetime: (str, "a time"),
}


def check(hint: object, plain: object, at: str) -> None:
    """Raise `Misshapen` unless the plain data is of this type; `at` is where it stands."""
    origin, arguments = _taken_apart(hint)
    if origin is Union:
        if plain is not None:
            check(_only_type(arguments), plain, at)
    elif origin in _PLAIN:
        _check_simple(origin, plain, at)
    elif origin is tuple:
        if not isinstance(plain, list):
            raise Misshapen(f"{at or 'the value'} must be a list")
        for number, one in enumerate(plain):
            check(arguments[0], one, f"{at}[{number}]")
    elif origin is dict:
        if not isinstance(plain, dict):
            raise Misshapen(f"{at or 'the value'} must be an object")
        for name, one in plain.items():
            check(arguments[0], name, f"{at}.{name}" if at else name)
            check(arguments[1], one, f"{at}.{name}" if at else name)
    elif isinstance(origin, type) and dataclasses.is_dataclass(origin):
        _check_fields(origin, plain, at)
    elif isinstance(origin, type) and issubclass(origin, StrEnum) and plain not in set(origin):
        raise Misshapen(f"{at or 'the value'} must be one of {', '.join(origin)}")


def _check_simple(origin: object, plain: object, at: str) -> None:
    types_, words = _PLAIN[origin]
    wrong = not isinstance(plain, types_) or (origin is not bool and isinstance(plain, bool))
    if not wrong and origin is datetime:
        try:
            wrong = time_of(cast("str", plain)).tzinfo is None
        except ValueError:
            wrong = True
    if wrong:
        raise Misshapen(f"{at or 'the value'} must be {words}")


def _check_fields(kind: type, plain: object, at: str) -> None:
    if not isinstance(plain, dict):
        raise Misshapen(f"{at or 'the value'} must be an object")
    fields = _fields_of(kind)
    for name, (hint, is_needed) in fields.items():
        if name in plain:
            check(hint, plain[name], f"{at}.{name}" if at else name)
        elif is_needed:
            raise Misshapen(f"{f'{at}.{name}' if at else name} is missing")
    for name in plain.keys() - fields.keys():
        raise Misshapen(f"{f'{at}.{name}' if at else name} is not known")


@cache
def _fields_of(kind: type) -> Mapping[str, tuple[object, bool]]:
    """The type of each field, and whether it must be told."""
    hints = get_type_hints(kind)
    return {
        one.name: (
            hints[one.name],
            one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING,
        )
        for one in dataclasses.fields(kind)
    }


@cache
def _soundness(hint: object) -> Callable[[object], bool]:
    """What tells whether a value has this type all through; as `check` does of plain data."""
    origin, arguments = _taken_apart(hint)
    if origin is Union:
        inner = _soundness(_only_type(arguments))
        return lambda value: value is None or inner(value)
    if origin is datetime:
        return lambda value: isinstance(value, datetime) and value.tzinfo is not None
    if origin in {str, bool, int, float}:
        kinds = {float, int} if origin is float else {origin}
        return lambda value: value.__class__ in kinds
    if origin is tuple:
        inner = _soundness(arguments[0])
        return lambda value: isinstance(value, tuple) and all(map(inner, value))
    if origin is dict:
        name, inner = map(_soundness, arguments)
        return lambda value: (
            isinstance(value, Mapping) and all(map(name, value)) and all(map(inner, value.values()))
        )
    if isinstance(origin, type) and dataclasses.is_dataclass(origin):
        return _soundness_of_fields(origin)
    if isinstance(origin, type) and issubclass(origin, StrEnum):
        words = frozenset(origin)
        return lambda value: isinstance(value, str) and value in words
    return lambda value: origin is object or isinstance(value, cast("type", origin))


def _soundness_of_fields(kind: type) -> Callable[[object], bool]:
    hints = get_type_hints(kind)
    fields = [(one.name, _soundness(hints[one.name])) for one in dataclasses.fields(kind)]

    def is_sound(value: object) -> bool:
        if value.__class__ is not kind:
            return False
        for name, test in fields:  # noqa: SIM110 - twice as fast as `all`, for every record there is
            if not test(getattr(value, name)):
                return False
        return True

    return is_sound


def _same(value: object) -> object:
    return value


def _seconds(value: object) -> object:
    return cast("timedelta", value).total_seconds()


def _duration(plain: object) -> object:
    return timedelta(seconds=cast("float", plain))


_TIMES: dict[object, tuple[Convert, Convert]] = {
    datetime: (cast("Convert", time_text), cast("Convert", time_of)),
    timedelta: (_seconds, _duration),
}
"""How what tells of time is written, and read back."""


@cache
def _encoder(hint: object) -> Convert:
    """How a value of this type becomes plain JSON data."""
    if hint in _TIMES:
        return _TIMES[hint][0]
    origin, arguments = _taken_apart(hint)
    if origin is Union:
        inner = _encoder(_only_type(arguments))
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        inner = _encoder(arguments[0])
        return lambda value: [inner(one) for one in cast("tuple[object, ...]", value)]
    if origin is dict:
        inner = _encoder(arguments[1])
        if inner is _same:
            return _same
        return lambda value: {key: inner(one) for key, one in cast("Mapping[str, object]", value).items()}
    if isinstance(origin, type) and dataclasses.is_dataclass(origin):
        hints = get_type_hints(origin)
        fields = [(field.name, _encoder(hints[field.name])) for field in dataclasses.fields(origin)]
        if not any(field.default is None for field in dataclasses.fields(origin)):
            return lambda value: {name: encode(getattr(value, name)) for name, encode in fields}
        # What is None by default is mostly that: left out, a row of many assessments stays small.
        optional = {field.name for field in dataclasses.fields(origin) if field.default is None}
        return lambda value: {
            name: encode(one)
            for name, encode in fields
            if (one := getattr(value, name)) is not None or name not in optional
        }
    return _same


@cache
def _decoder(hint: object) -> Convert:
    """How plain JSON data becomes a value of this type again."""
    if hint in _TIMES:
        return _TIMES[hint][1]
    origin, arguments = _taken_apart(hint)
    if origin is Union:
        inner = _decoder(_only_type(arguments))
        return lambda plain: None if plain is None else inner(plain)
    if origin is tuple:
        inner = _decoder(arguments[0])
        return lambda plain: tuple(inner(one) for one in cast("list[object]", plain))
    if origin is dict:
        inner = _decoder(arguments[1])
        return lambda plain: {key: inner(one) for key, one in cast("dict[str, object]", plain).items()}
    if isinstance(origin, type) and dataclasses.is_dataclass(origin):
        return _dataclass_decoder(origin)
    if isinstance(origin, type) and issubclass(origin, StrEnum):
        return cast("Convert", origin)
    return _same


def _dataclass_decoder(kind: type) -> Convert:
    hints = get_type_hints(kind)
    decoders = {field.name: _decoder(hints[field.name]) for field in dataclasses.fields(kind)}

    def decode(plain: object) -> object:
        members = cast("dict[str, object]", plain)
        return kind(**{name: decoders[name](one) for name, one in members.items() if name in decoders})

    return decode


@cache
def _taken_apart(hint: object) -> tuple[object, tuple[object, ...]]:
    """The type behind aliases, with its arguments; every mapping is a `dict` and every union a `Union`."""
    while hasattr(hint, "__supertype__"):  # NewType
        hint = hint.__supertype__
    origin = get_origin(hint)
    if origin is None:
        return hint, ()
    if origin in {Union, types.UnionType}:
        return Union, get_args(hint)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return dict, get_args(hint)
    return origin, get_args(hint)


def _only_type(arguments: tuple[object, ...]) -> object:
    (only,) = (one for one in arguments if one is not type(None))
    return only
