"""Validation at the edge: everything that is taken from an answer is taken through here.

Unknown fields are ignored. A field that is missing or of the wrong type raises `ShapeError` with its path;
nothing of such an answer counts. Values are never echoed: they may be huge, or not meant for a log.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SURROGATE = re.compile("[\ud800-\udfff]")

NAME_MOST: Final = 1_024
"""Longest name that is taken, in characters; names in Azure DevOps have up to 256."""

TEXT_MOST: Final = 16_384
"""Longest other text that is taken, in characters."""


class ShapeError(ValueError):
    """A field is not what the wire contract says. `path` names it, `problem` completes "the field ... "."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"field {path} {problem}")
        self.path = path
        self.problem = problem


class BrokenJsonError(ValueError):
    """The body is no JSON document: cut short, garbled, or nested beyond measure."""


def refuse_constant(_constant: str) -> float:
    """For NaN and Infinity, which Python's reader takes and JSON does not know."""
    raise BrokenJsonError("it holds a number that JSON does not know")


def parse_document(body: bytes) -> object:
    """The JSON document that the whole body is. Raises `BrokenJsonError`."""
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=refuse_constant)
    except BrokenJsonError:
        raise
    except RecursionError:
        raise BrokenJsonError("it is nested too deeply") from None
    except ValueError:
        raise BrokenJsonError("it is cut short or no JSON") from None


def guid(value: object, path: str) -> str:
    """A GUID in lower case."""
    if isinstance(value, str) and _GUID.fullmatch(value):
        return value.lower()
    raise ShapeError(path, _missing_or(value, "is no GUID"))


def name(value: object, path: str) -> str:
    """A name: not empty, of reasonable length."""
    if not isinstance(value, str) or not value:
        raise ShapeError(path, _missing_or(value, "is no name"))
    if len(value) > NAME_MOST:
        raise ShapeError(path, f"is longer than {NAME_MOST} characters")
    return storable(value, path)


def storable(value: str, path: str) -> str:
    """The text, unless it holds half a character, which nothing could store."""
    # isascii is a flag of the string: nearly every name is done here.
    if not value.isascii() and _SURROGATE.search(value):
        raise ShapeError(path, "is not valid text")
    return value


def _missing_or(value: object, problem: str) -> str:
    return "is missing" if value is None else problem


class Fields:
    """A JSON object that is read field by field; it knows where it stands in the answer."""

    __slots__ = ("_path", "_values")

    def __init__(self, value: object, path: str = "") -> None:
        if not isinstance(value, dict):
            raise ShapeError(path or "(the answer)", _missing_or(value, "is no object"))
        self._values: Mapping[str, object] = value
        self._path = path

    def path(self, key: str) -> str:
        """Where the field stands, such as `value[3].project.id`."""
        return f"{self._path}.{key}" if self._path else key

    def has(self, key: str) -> bool:
        """Whether the field is there and not null."""
        return self._values.get(key) is not None

    def guid(self, key: str) -> str:
        """A GUID in lower case."""
        return guid(self._values.get(key), self.path(key))

    def name(self, key: str) -> str:
        """A name."""
        return name(self._values.get(key), self.path(key))

    def text(self, key: str, default: str | None = None, most: int = TEXT_MOST) -> str:
        """A text, perhaps empty; `default` stands for a missing one where it may be missing."""
        value = self._values.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise ShapeError(self.path(key), _missing_or(value, "is no text"))
        if len(value) > most:
            raise ShapeError(self.path(key), f"is longer than {most} characters")
        return storable(value, self.path(key))

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        """True or false."""
        value = self._values.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, bool):
            raise ShapeError(self.path(key), _missing_or(value, "is neither true nor false"))
        return value

    def number(self, key: str) -> int:
        """A whole number."""
        value = self._values.get(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ShapeError(self.path(key), _missing_or(value, "is no whole number"))
        return value

    def nested(self, key: str) -> Fields:
        """The object in the field."""
        return Fields(self._values.get(key), self.path(key))

    def values(self) -> Mapping[str, object]:
        """The raw fields."""
        return self._values

    def sequence(self, key: str) -> list[object]:
        """The raw items of the list in the field."""
        value = self._values.get(key)
        if not isinstance(value, list):
            raise ShapeError(self.path(key), _missing_or(value, "is no list"))
        return value

    def objects(self, key: str) -> Iterator[Fields]:
        """The objects of the list in the field."""
        for number, item in enumerate(self.sequence(key)):
            yield Fields(item, f"{self.path(key)}[{number}]")


def listed(document: object, *, bare: bool = False) -> Iterator[Fields]:
    """The objects of a collection: `{"count": n, "value": [...]}` in any order of keys.

    A list without that envelope counts only where the service is known to answer so (`bare`). The count is
    left alone: on a page it may be that of the whole listing.
    """
    envelope = Fields({"value": document} if bare and isinstance(document, list) else document)
    return envelope.objects("value")


def check_count(told: object, found: int) -> None:
    """Refuse a listing that says it has another number of items than it has: some of it is lost."""
    if told is not None and told != found:
        raise ShapeError("count", f"is not the number of items, which is {found}")
