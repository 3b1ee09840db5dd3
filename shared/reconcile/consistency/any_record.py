"""What can be wrong with any record: it cannot be read, its copies differ, or its times cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from shared.model.connector import Connector
from shared.model.exemption import Exemption
from shared.model.ids import OrganizationId
from shared.model.inventory import Project, Repository
from shared.model.organization import Enrollment, Organization
from shared.model.record import OF_ORGANIZATIONS, KeptWork, Record, RecordKind
from shared.model.sign_in import SignInRecord
from shared.reconcile.consistency.findings import Code, Finding, Replace
from shared.reconcile.consistency.time_order import in_order, not_after, times_told

_BY_HAND = frozenset(
    {
        RecordKind.NODE,
        RecordKind.EDGE,
        RecordKind.JOURNAL,
        RecordKind.CONNECTOR,
        RecordKind.ORGANIZATION,
        RecordKind.CLAIM,
        RecordKind.ENROLLMENT,
        RecordKind.EXEMPTION,
        RecordKind.SIGN_IN,
        RecordKind.STATUS_CHANGE,
    }
)
"""Of these somebody's wish or the past would be lost with the record."""


def unreadable(record: Record) -> Finding:
    """A record that cannot be read: removed, unless a wish or the past is in it."""
    organization = organization_in(record)
    what = f"The {named(record)} cannot be read: {record.problem}"
    if record.kind in _BY_HAND:
        fix = "Import the last export that has it into an empty state, or remove the row by hand."
        return Finding(Code.UNREADABLE, what, None, organization, fix)
    return Finding(Code.UNREADABLE, what, Replace(record, None), organization)


def organization_of(record: Record) -> OrganizationId | None:
    """The organization that a record is of, where it is of one."""
    match record.value:
        case Connector() | SignInRecord():
            return None
        case Exemption(target=target):
            return target.organization
        case KeptWork(work=work):
            return work.organization
        case _:
            return organization_in(record)


def copies_differ(record: Record) -> Finding:
    """What a store keeps beside a record, for lists and to find it by, is not what follows from it."""
    beside = f"What is kept beside the {named(record)}, for lists and to find it by,"
    what = f"{beside} is not what follows from it."
    return Finding(Code.COPIES_DIFFER, what, Replace(record, record.value), organization_of(record))


def times(record: Record, now: datetime) -> Iterator[Finding]:
    """Times that are still to come, or out of order."""
    value = record.value
    true = not_after(value, now)
    if true is not value:
        what = f"The {named(record)} has times that are still to come: {times_told(value, true)}."
        yield Finding(
            Code.TIME_IN_FUTURE, what, Replace(record, raised(in_order(true))), organization_of(record)
        )
        return
    true = in_order(value)
    if true is value:
        return
    retired = value.retired_at if isinstance(value, (Project, Repository)) else None
    if isinstance(value, (Project, Repository)) and retired is not None and value.first_seen > retired:
        code, what = Code.RETIRED_BEFORE_SEEN, f"The {named(record)} was retired before it was first seen."
    else:
        code = Code.TIMES_OUT_OF_ORDER
        what = f"The {named(record)} tells what is later than the end of it: {times_told(value, true)}."
    yield Finding(code, what, Replace(record, raised(true)), organization_of(record))


def raised(value: object) -> object:
    """With the revision that follows, so that whoever read it before does not write over what was mended."""
    if isinstance(value, (Connector, Organization, Enrollment)):
        return replace(value, revision=value.revision + 1)
    return value


_PLACE_OF_ORGANIZATION: Mapping[RecordKind, int] = {
    RecordKind.ORGANIZATION: 0,
    RecordKind.CLAIM: 1,
    RecordKind.ENROLLMENT: 0,
    RecordKind.PREREQUISITES: 0,
    RecordKind.WORK: 1,
    **dict.fromkeys(OF_ORGANIZATIONS, 0),
}
"""Where in its key a record of each kind tells the organization that it is of."""


def organization_in(record: Record) -> OrganizationId | None:
    """The organization that the key of a record tells."""
    place = _PLACE_OF_ORGANIZATION.get(record.kind)
    return None if place is None else OrganizationId(record.key[place])


def named(record: Record) -> str:
    """What kind of record it is, and its key."""
    return f"{record.kind.value} {'/'.join(one or '-' for one in record.key)}".strip()


def told_as(at: datetime | None) -> str:
    """A time, for people."""
    return "an unknown time" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"
