"""Hypothesis strategies for any dataclass of the model, read off its fields."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import TypeVar, Union, cast, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

T = TypeVar("T")

WORDS = st.text(st.characters())
"""Every script, NUL, and lone surrogates, which JSON can carry."""

TIMES = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - the zone is drawn
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from(
        [UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-11))]
    ),
)

PLAIN: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
"""What evidence may hold."""


def records(kind: type[T], **given: object) -> st.SearchStrategy[T]:
    """Any value of the dataclass, with these fields as given."""
    hints = get_type_hints(kind)
    fields = dataclasses.fields(cast("type[object]", kind))  # type: ignore[arg-type]
    drawn = {
        one.name: st.just(given[one.name]) if one.name in given else _values(hints[one.name])
        for one in fields
    }
    return st.builds(kind, **drawn)


def _values(hint: object) -> st.SearchStrategy[object]:
    while hasattr(hint, "__supertype__"):
        hint = hint.__supertype__
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return st.one_of([_values(one) for one in arguments])
    if origin is tuple:
        return st.lists(_values(arguments[0]), max_size=3).map(tuple)
    if origin is not None and issubclass(cast("type", origin), Mapping):
        return st.dictionaries(WORDS, _values(arguments[1]), max_size=3)
    if hint is object:
        return PLAIN
    if isinstance(hint, type):
        return _of_class(hint)
    raise AssertionError(f"no strategy for {hint!r}")


def _of_class(hint: type) -> st.SearchStrategy[object]:
    simple: dict[type, st.SearchStrategy[object]] = {
        str: WORDS,
        bool: st.booleans(),
        int: st.integers(min_value=0, max_value=2**53),
        float: st.floats(allow_nan=False, allow_infinity=False),
        datetime: TIMES,
        timedelta: st.timedeltas(timedelta(0), timedelta(days=400)),
        type(None): st.none(),
    }
    if hint in simple:
        return simple[hint]
    if issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    if dataclasses.is_dataclass(hint):
        return records(hint)
    raise AssertionError(f"no strategy for {hint!r}")
