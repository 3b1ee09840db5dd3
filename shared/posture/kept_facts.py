"""Facts of an organization as bytes, for the slice that goes on with them."""

from __future__ import annotations

import json
import types
import zlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from shared.model.facts import Fact, OrganizationFacts

_VERSION = 1


def pack(facts: OrganizationFacts) -> bytes:
    """The facts as bytes that `unpack` reads back; what rules derived from them is left out."""
    text = json.dumps([_VERSION, _plain(facts)], separators=(",", ":"), ensure_ascii=True)
    return zlib.compress(text.encode("ascii"))


def unpack(content: bytes) -> OrganizationFacts | None:
    """The facts that were packed; None for nothing, or for what another version of the app packed."""
    if not content:
        return None
    try:
        version, document = json.loads(zlib.decompress(content))
        if version != _VERSION:
            return None
        found = _made(OrganizationFacts, document)
    except (ValueError, TypeError, KeyError, zlib.error):
        return None
    return found if isinstance(found, OrganizationFacts) else None


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value) if one.init}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, frozenset):
        return sorted(str(one) for one in value)
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _made(hint: Any, value: Any) -> Any:  # noqa: ANN401 - whatever a fact may hold
    origin = get_origin(hint) or hint
    arguments = get_args(hint)
    if origin in {Union, types.UnionType}:
        return (
            None if value is None else _made(next(one for one in arguments if one is not type(None)), value)
        )
    if isinstance(origin, type) and is_dataclass(origin):
        hints = _hints(origin)
        values = {}
        for one in fields(origin):
            if one.init:
                # A fact's value is of whatever type the fact is about.
                wanted = arguments[0] if origin is Fact and one.name == "value" else hints[one.name]
                told = value[one.name]
                values[one.name] = None if told is None else _made(wanted, told)
        return origin(**values)
    if origin is tuple:
        return tuple(_made(arguments[0], one) for one in value)
    if origin is frozenset:
        return frozenset(value)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: _made(arguments[1], one) for key, one in value.items()}
    if origin is datetime:
        return datetime.fromisoformat(value)
    if isinstance(origin, type) and issubclass(origin, StrEnum):
        return origin(value)
    return value
