"""What is wrong with projects, repositories, and the numbers that are told of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from shared.model.ids import ProjectId
from shared.model.inventory import Project, Repository
from shared.model.record import Record, RecordKind, RepositoryCounts
from shared.model.work import WorkKind
from shared.reconcile.consistency.any_record import named
from shared.reconcile.consistency.findings import Code, Finding, LookAgain, Replace
from shared.reconcile.consistency.reading import Reading


@dataclass(slots=True)
class InventoryCheck:
    """Counts what is there while it is read."""

    reading: Reading
    projects: int = 0
    repositories: int = 0
    by_project: Counter[ProjectId] = field(default_factory=Counter)
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    """Of what is there, by the project that it is in: who has it."""
    counts_record: Record | None = None

    def record(self, record: Record) -> Iterator[Finding]:
        """What is wrong with one record by itself, or with one before it."""
        match record.value:
            case Project() as row:
                self.projects += _is_alive(row)
                yield from self._name(record, row)
            case RepositoryCounts():
                self.counts_record = record
            case Repository() as row:
                yield from self._repository(record, row)

    def end(self) -> Iterator[Finding]:
        """What only the whole tells."""
        if self.reading.is_settled(WorkKind.INVENTORY) and not self.reading.unread(
            RecordKind.PROJECT, RecordKind.REPOSITORY
        ):
            yield from self._counts()

    def _repository(self, record: Record, row: Repository) -> Iterator[Finding]:
        project = self.reading.known.projects.get(row.project_id)
        alive = _is_alive(row)
        self.repositories += alive
        if alive:
            self.by_project[row.project_id] += 1
        yield from self._name(record, row)
        again = LookAgain(self.reading.organization.id, WorkKind.INVENTORY)
        if project is None:
            if self.reading.known.is_whole and row.retired_at is None:
                what = f"The {named(record)} is in project {row.project_id}, which is not known."
                yield self.reading.finding(Code.REPOSITORY_OF_NO_PROJECT, what, again)
        elif project.retired_at is not None and alive and self.reading.is_settled(WorkKind.INVENTORY):
            what = f"The {named(record)} is there, and its project {project.id} is retired."
            yield self.reading.finding(Code.REPOSITORY_OUTLIVES_PROJECT, what, again)

    def _name(self, record: Record, row: Project | Repository) -> Iterator[Finding]:
        """Whether what is there has a name, and no other of its place has the same."""
        if not _is_alive(row) or not self.reading.is_settled(WorkKind.INVENTORY):
            return
        again = LookAgain(self.reading.organization.id, WorkKind.INVENTORY)
        place = row.project_id if isinstance(row, Repository) else ""
        other = self.names.setdefault((place, row.name.casefold()), row.id)
        if not row.name.strip():
            yield self.reading.finding(Code.NAME_LACKING, f"The {named(record)} has no name.", again)
        elif other != row.id:
            what = f"The {named(record)} has the name of {other}, which is there too."
            yield self.reading.finding(Code.NAME_TWICE, what, again)

    def _counts(self) -> Iterator[Finding]:
        known = self.reading.organization
        if known.last_complete_listing is None:
            return  # nothing was counted yet
        if (known.projects, known.repositories) != (self.projects, self.repositories):
            what = (
                f"Organization {known.id} tells {known.projects} projects and {known.repositories} "
                f"repositories, and has {self.projects} and {self.repositories}."
            )
            true = replace(
                known,
                projects=self.projects,
                repositories=self.repositories,
                revision=known.revision + 1,
            )
            record = Record(RecordKind.ORGANIZATION, (known.id,), known)
            yield self.reading.finding(Code.COUNTS_DIFFER, what, Replace(record, true))
        if self.reading.unread(RecordKind.REPOSITORY_COUNTS):
            return
        record_ = self.counts_record or Record(RecordKind.REPOSITORY_COUNTS, (known.id,), None)
        told = record_.value.by_project if isinstance(record_.value, RepositoryCounts) else {}
        # Less than there are is right: a repository that a listing lacked may have been shown to be there.
        wrong = sorted(one for one, number in told.items() if not 0 <= number <= self.by_project[one])
        what = ""
        if record_.value is None and self.by_project:
            what = f"The repositories of organization {known.id} are counted for none of its projects."
        elif wrong:
            what = f"Not as many repositories are counted as there are in project {', '.join(wrong[:3])}."
        if what:
            true_counts = RepositoryCounts({one: n for one, n in sorted(self.by_project.items()) if n})
            yield self.reading.finding(Code.PROJECT_COUNTS_DIFFER, what, Replace(record_, true_counts))


def _is_alive(row: Project | Repository) -> bool:
    return row.missing_since is None and row.retired_at is None
