"""Records as plain JSON data, and back, every field checked."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from shared.connector_state.codec import Document, Misshapen
from shared.model.assessment import ResourceAssessments, StatusChange
from shared.model.connector import Connector
from shared.model.exemption import Exemption
from shared.model.extension import ExtensionState
from shared.model.inventory import Project, Repository
from shared.model.journal import JournalEntry
from shared.model.mapping import Edge, Node
from shared.model.notification import Notified
from shared.model.organization import Enrollment, Organization
from shared.model.prerequisite import Prerequisite
from shared.model.record import Claim, KeptWork, Receipt, Record, RecordKind, RepositoryCounts
from shared.model.sign_in import SignInRecord
from shared.model.summary import PostureSummary, ProjectSummary


@dataclass(frozen=True, slots=True)
class Prerequisites:
    """Those of one organization, as one connector sees it."""

    checked: tuple[Prerequisite, ...]


@dataclass(frozen=True, slots=True)
class _Form:
    parts: int
    """How many parts a key has."""
    document: Document[Any] | None
    """None: bytes."""


_FORMS: Final[Mapping[RecordKind, _Form]] = {
    RecordKind.CONNECTOR: _Form(1, Document(Connector)),
    RecordKind.ORGANIZATION: _Form(1, Document(Organization)),
    RecordKind.CLAIM: _Form(2, Document(Claim)),
    RecordKind.ENROLLMENT: _Form(2, Document(Enrollment)),
    RecordKind.PREREQUISITES: _Form(2, Document(Prerequisites)),
    RecordKind.EXEMPTION: _Form(1, Document(Exemption)),
    RecordKind.SIGN_IN: _Form(1, Document(SignInRecord)),
    RecordKind.WORK: _Form(2, Document(KeptWork)),
    RecordKind.ASSESSMENT: _Form(4, Document(ResourceAssessments)),
    RecordKind.STATUS_CHANGE: _Form(2, Document(StatusChange)),
    RecordKind.EXTENSION: _Form(1, Document(ExtensionState)),
    RecordKind.FACTS: _Form(2, None),
    RecordKind.NOTIFIED: _Form(1, Document(Notified)),
    RecordKind.PARTIAL: _Form(2, None),
    RecordKind.POSTURE_TOTAL: _Form(1, Document(PostureSummary)),
    RecordKind.POSTURE: _Form(2, Document(ProjectSummary)),
    RecordKind.PROJECT: _Form(2, Document(Project)),
    RecordKind.REPOSITORY_COUNTS: _Form(1, Document(RepositoryCounts)),
    RecordKind.REPOSITORY: _Form(2, Document(Repository)),
    RecordKind.NODE: _Form(0, Document(Node)),
    RecordKind.EDGE: _Form(0, Document(Edge)),
    RecordKind.RECEIPT: _Form(2, Document(Receipt)),
    RecordKind.JOURNAL: _Form(0, Document(JournalEntry)),
}


def plain_of(record: Record) -> dict[str, object]:
    """The record as plain JSON data."""
    document = _FORMS[record.kind].document
    value = (
        base64.b64encode(cast("bytes", record.value)).decode()
        if document is None
        else document.plain(record.value)
    )
    return {"kind": record.kind.value, "key": list(record.key), "value": value}


def record_of(plain: object) -> Record:
    """The record that `plain_of` told. Raises `Misshapen`, which names the field."""
    if not isinstance(plain, dict) or plain.keys() != {"kind", "key", "value"}:
        raise Misshapen("the line must be an object with kind, key and value")
    if plain["kind"] not in set(RecordKind):
        raise Misshapen(f"kind {plain['kind']!r} is not known")
    kind = RecordKind(plain["kind"])
    form, key = _FORMS[kind], plain["key"]
    if not isinstance(key, list) or len(key) != form.parts or not all(isinstance(one, str) for one in key):
        raise Misshapen(f"key must be a list of {form.parts} texts")
    try:
        value = _bytes_of(plain["value"]) if form.document is None else form.document.of_plain(plain["value"])
    except Misshapen as error:
        raise Misshapen(f"{kind.value}: {error}") from None
    record = Record(kind, tuple(key), value)
    told = _key_told(record)
    if told is not None and told != record.key:
        raise Misshapen(f"{kind.value}: key is not that of the value")
    return record


def _bytes_of(plain: object) -> bytes:
    try:
        return base64.b64decode(cast("str", plain), validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Misshapen("value must be bytes in base64") from None


def checked(record: Record) -> Record:
    """The record, or what is wrong with it where no import would take it.

    A store reads leniently, so that one odd field stops nobody; who moves or judges the state must not.
    """
    if record.value is None or _is_sound(record):
        return record
    try:
        record_of(plain_of(record))
    except Misshapen as error:
        return replace(record, value=None, problem=f"{error}.")
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        return replace(record, value=None, problem=f"{record.kind.value}: it has another shape ({error}).")
    return record


def _is_sound(record: Record) -> bool:
    form = _FORMS[record.kind]
    if form.document is None:
        return isinstance(record.value, bytes)
    if not form.document.is_sound(record.value) or len(record.key) != form.parts:
        return False
    told = _key_told(record)
    return told is None or told == record.key


_KEYS: Final[Mapping[RecordKind, Callable[[Any], tuple[str, ...]]]] = {
    RecordKind.CONNECTOR: lambda one: (one.id,),
    RecordKind.ORGANIZATION: lambda one: (one.id,),
    RecordKind.ENROLLMENT: lambda one: (one.organization, one.connector),
    RecordKind.EXEMPTION: lambda one: (one.id,),
    RecordKind.WORK: lambda one: (one.work.kind.value, one.work.organization),
    RecordKind.ASSESSMENT: lambda one: (
        one.organization,
        one.resource.project or "",
        one.resource.kind.value,
        one.resource.id,
    ),
    RecordKind.POSTURE_TOTAL: lambda one: (one.organization,),
}


_KEYS_INSIDE: Final[Mapping[RecordKind, Callable[[Any], str]]] = {
    RecordKind.POSTURE: lambda one: one.project or "",
    RecordKind.PROJECT: lambda one: one.id,
    RecordKind.REPOSITORY: lambda one: one.id,
}
"""Of those that tell only what they are in their organization."""


def _key_told(record: Record) -> tuple[str, ...] | None:
    """The key that the value tells too, of the kinds whose key is told twice."""
    told = _KEYS.get(record.kind)
    if told is not None:
        return told(record.value)
    inside = _KEYS_INSIDE.get(record.kind)
    return None if inside is None else (record.key[0], inside(record.value))


def travelling(record: Record) -> Record:
    """The record without what holds only where it is: leases, messages under way, renewals under way."""
    value = record.value
    if isinstance(value, KeptWork):
        free = replace(value.work, queued_at=None, leased_until=None, leased_by="")
        return replace(record, value=replace(value, work=free))
    if isinstance(value, SignInRecord):
        return replace(record, value=replace(value, renewing_by="", renewing_until=None))
    return record
