"""What is wrong with connectors, organizations, ownership, exemptions, sign-ins and work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from shared.model.exemption import Exemption
from shared.model.organization import Organization
from shared.model.record import KeptWork, RecordKind
from shared.reconcile.consistency.any_record import copies_differ, times, unreadable
from shared.reconcile.consistency.everybody import Everybody, Longest
from shared.reconcile.consistency.findings import Finding
from shared.reconcile.consistency.organizations import (
    exemption,
    merged,
    names_of_connectors,
    names_of_organizations,
    organization,
)
from shared.reconcile.consistency.ownership import claims, enrollments, of_nobody, prerequisites
from shared.reconcile.consistency.waiting import sign_in, work, work_lacking


def check_everybody(all_: Everybody, now: datetime, longest: Longest) -> Iterator[Finding]:
    """What is wrong with connectors, organizations, ownership, exemptions, sign-ins and work."""
    longest = longest.among(all_)
    for record in all_.unreadable:
        yield of_nobody(all_, record) or unreadable(record)
    yield from claims(all_, now)
    yield from enrollments(all_, now)
    yield from merged(all_, now)
    yield from names_of_organizations(all_)
    yield from names_of_connectors(all_)
    for record in all_.others:
        if record.kind is RecordKind.PREREQUISITES:
            yield from prerequisites(all_, record)
        elif record.kind is RecordKind.SIGN_IN:
            yield from sign_in(all_, record, now, longest)
        elif isinstance(record.value, Exemption):
            yield from exemption(all_, record, record.value)
        elif isinstance(record.value, Organization):
            yield from organization(all_, record, record.value)
        elif isinstance(record.value, KeptWork):
            yield from work(all_, record, record.value, now, longest)
        if not record.copies_agree:
            yield copies_differ(record)
        yield from times(record, now)
    yield from work_lacking(all_, now)
