"""What is wrong with what is kept of one organization."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from shared.model.assessment import ResourceKind
from shared.model.exemption import Exemption, ExemptionTarget
from shared.model.ids import OrganizationId
from shared.model.record import Record, RecordKind
from shared.model.work import WorkKind
from shared.reconcile.consistency.any_record import copies_differ, times, unreadable
from shared.reconcile.consistency.everybody import Everybody
from shared.reconcile.consistency.findings import Code, Finding, LookAgain, RemoveAll, Replace
from shared.reconcile.consistency.inventory import InventoryCheck
from shared.reconcile.consistency.posture import PostureCheck
from shared.reconcile.consistency.reading import Known, Reading, content


def check_organization(
    all_: Everybody,
    organization: OrganizationId,
    known: Known,
    records: Iterable[Record],
    now: datetime,
) -> Iterator[Finding]:
    """What is wrong with what is kept of one organization. `records` are read once, as they come.

    Where one of everybody's records cannot be read, an organization that is not known may be that one.
    """
    itself = all_.organizations.get(organization)
    if itself is None:
        if not all_.is_unreadable(RecordKind.ORGANIZATION) and (number := sum(1 for _ in records)):
            what = f"{number} records are kept of organization {organization}, which is not known."
            yield Finding(Code.RECORDS_OF_NO_ORGANIZATION, what, RemoveAll(organization), organization)
        return
    reading = Reading(all_, itself, known, now)
    parts = (PostureCheck(reading), InventoryCheck(reading))
    for record in records:
        if record.problem:
            reading.unreadable.add(record.kind)
            yield unreadable(record)
            continue
        if not record.copies_agree:
            yield copies_differ(record)
        yield from times(record, now)
        if record.kind is RecordKind.PARTIAL:
            yield from content(reading, record)
        for part in parts:
            yield from part.record(record)
    for part in parts:
        yield from part.end()
    yield from _exemptions(reading)
    yield from _checkpoints(reading)


def _exemptions(reading: Reading) -> Iterator[Finding]:
    """Exemptions of projects and repositories that are not known, not even as deleted ones."""
    if not reading.known.is_whole or reading.organization.last_complete_listing is None:
        return
    for record in reading.all_.exemptions.get(reading.organization.id, ()):
        target = record.value.target if isinstance(record.value, Exemption) else ExemptionTarget()
        lacking = ""
        if not reading.knows(target.project):
            lacking = f"project {target.project}"
        elif target.resource_kind is ResourceKind.PROJECT and target.resource not in reading.known.projects:
            lacking = f"project {target.resource}"
        elif (
            target.resource_kind is ResourceKind.REPOSITORY
            and target.resource not in reading.known.repositories
        ):
            lacking = f"repository {target.resource}"
        if lacking:
            what = f"The exemption {record.key[0]} is of {lacking}, which is not known."
            yield reading.finding(Code.EXEMPTION_OF_NO_RESOURCE, what, Replace(record, None))


def _checkpoints(reading: Reading) -> Iterator[Finding]:
    """Places from which work cannot go on."""
    of = reading.organization.id
    for kind in WorkKind:
        kept = reading.all_.work.get((of, kind))
        if (
            kept is not None
            and kept.work.checkpoint
            and reading.known.is_whole
            and not reading.all_.readers.is_checkpoint(kind, kept.work.checkpoint, reading.known.projects)
        ):
            what = f"The {kind.value} work of organization {of} is to go on from where nothing is."
            yield reading.finding(Code.CONTENT_UNREADABLE, what, LookAgain(of, kind))
