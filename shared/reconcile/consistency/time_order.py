"""Times that cannot be: still to come where they tell of what was, or the later one before the earlier."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar, cast

from shared.model.assessment import Assessment, StatusChange
from shared.model.exemption import Exemption
from shared.model.extension import ExtensionState
from shared.model.inventory import Project, Repository
from shared.model.organization import Enrollment, Organization
from shared.model.prerequisite import Prerequisite
from shared.model.work import SKEW

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
Change = Callable[["DataclassInstance"], "DataclassInstance"]

_MAY_LIE_AHEAD: Final = frozenset(
    {
        "due_at",
        "not_before",
        "asked_for",
        "queued_at",
        "leased_until",
        "renewing_until",
        "expires_at",
    }
)
"""Fields that tell until when, or from when on; they are judged by what they mean, elsewhere."""

_ORDER: Final[Mapping[type, tuple[tuple[str, str], ...]]] = {
    Assessment: (("first_seen", "changed_at"),),
    Exemption: (("created_at", "expires_at"),),
    Enrollment: (("discovered_at", "changed_at"),),
    ExtensionState: (("since", "checked_at"),),
    Organization: (("first_seen", "last_complete_listing"), ("first_seen", "missing_since")),
    Prerequisite: (("since", "checked_at"),),
    Project: (("first_seen", "missing_since"), ("first_seen", "retired_at")),
    Repository: (("first_seen", "missing_since"), ("first_seen", "retired_at")),
    StatusChange: (("since", "at"), ("first_seen", "at")),
}
"""Which time of a thing is never later than which other."""


def not_after(value: T, now: datetime) -> T:
    """The value with each time that is still to come made now; the same object where there is none."""
    return cast("T", _mapped(value, lambda one: _capped(one, now)))


def in_order(value: T) -> T:
    """The value with each earlier time no later than the later one; the same object where that is so."""
    return cast("T", _mapped(value, _ordered))


def times_told(before: object, after: object) -> str:
    """The fields in which two values differ that are alike otherwise, with the times before."""
    return ", ".join(sorted({f"{name} {at:%Y-%m-%d %H:%M} UTC" for name, at in _differences(before, after)}))


def _capped(value: DataclassInstance, now: datetime) -> DataclassInstance:
    late = {
        one.name: now
        for one in dataclasses.fields(value)
        if one.name not in _MAY_LIE_AHEAD
        and isinstance(at := getattr(value, one.name), datetime)
        and at > now + SKEW
    }
    return dataclasses.replace(value, **late) if late else value


def _ordered(value: DataclassInstance) -> DataclassInstance:
    for earlier, later in _ORDER.get(type(value), ()):
        first, last = getattr(value, earlier), getattr(value, later)
        if last is not None and first > last + SKEW:
            value = dataclasses.replace(value, **{earlier: last})
    return value


def _mapped(value: object, change: Change) -> object:
    """The value with each dataclass in it changed, the outermost first."""
    if isinstance(value, tuple):
        made = tuple(_mapped(one, change) for one in value)
        return value if all(new is old for new, old in zip(made, value, strict=True)) else made
    if isinstance(value, Mapping):
        told = {name: _mapped(one, change) for name, one in value.items()}
        return value if all(told[name] is value[name] for name in told) else told
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    changed = change(value)
    parts = {
        one.name: new
        for one in dataclasses.fields(changed)
        if (new := _mapped(part := getattr(changed, one.name), change)) is not part
    }
    return dataclasses.replace(changed, **parts) if parts else changed


def _differences(before: object, after: object, name: str = "") -> Iterator[tuple[str, datetime]]:
    if before is after:
        return
    if isinstance(before, datetime):
        yield name, before
    elif isinstance(before, tuple) and isinstance(after, tuple):
        for old, new in zip(before, after, strict=True):
            yield from _differences(old, new)
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        for one, old in before.items():
            yield from _differences(old, after[one])
    elif dataclasses.is_dataclass(before):
        for field in dataclasses.fields(before):
            yield from _differences(getattr(before, field.name), getattr(after, field.name), field.name)
