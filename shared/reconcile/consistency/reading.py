"""What is asked again and again while the records of one organization are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from shared.model.ids import ProjectId
from shared.model.inventory import Project, Repository
from shared.model.organization import Organization
from shared.model.record import Record, RecordKind
from shared.model.work import WorkKind
from shared.reconcile.consistency.any_record import named
from shared.reconcile.consistency.everybody import Everybody
from shared.reconcile.consistency.findings import Code, Cure, Finding, Replace


@dataclass(slots=True)
class Known:
    """Ids of what is known of an organization, read before what rests on them is judged."""

    projects: dict[ProjectId, Project] = field(default_factory=dict)
    repositories: set[str] = field(default_factory=set)
    is_whole: bool = True
    """False where a row cannot be read: what is not known may then be that one."""

    @classmethod
    def of(cls, records: Iterable[Record]) -> Known:
        """Keep what tells of projects and repositories."""
        one = cls()
        for record in records:
            if record.kind not in {RecordKind.PROJECT, RecordKind.REPOSITORY}:
                continue
            if isinstance(record.value, Project):
                one.projects[record.value.id] = record.value
            elif isinstance(record.value, Repository):
                one.repositories.add(record.value.id)
            else:
                one.is_whole = False
        return one


@dataclass(slots=True)
class Reading:
    """One reading of an organization's records: what is known of it, and what could not be read so far."""

    all_: Everybody
    organization: Organization
    known: Known
    now: datetime
    unreadable: set[RecordKind] = field(default_factory=set)

    def finding(self, code: Code, what: str, cure: Cure) -> Finding:
        """What is wrong with this organization."""
        return Finding(code, what, cure, self.organization.id)

    def is_settled(self, kind: WorkKind) -> bool:
        """Whether what this work writes is whole."""
        return self.all_.is_settled(self.organization.id, kind)

    def unread(self, *kinds: RecordKind) -> bool:
        """Whether a record of one of these kinds cannot be read."""
        return not self.unreadable.isdisjoint(kinds)

    def knows(self, project: ProjectId | None) -> bool:
        """Whether the project is there, as far as can be told."""
        return project is None or project in self.known.projects or not self.known.is_whole


def content(reading: Reading, record: Record) -> Iterator[Finding]:
    """Bytes that whoever goes on from them cannot read."""
    if isinstance(record.value, bytes) and not reading.all_.readers.is_content(
        record.kind, record.key, record.value
    ):
        what = f"The {named(record)} cannot be read by whoever goes on from it."
        yield reading.finding(Code.CONTENT_UNREADABLE, what, Replace(record, None))
