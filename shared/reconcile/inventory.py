"""Projects and repositories: from what is known and what was observed to the rows that change.

Two steps, because what vanished needs evidence that only further calls can give: `compare` finds what
appeared, changed and vanished; `settle` decides what becomes of the vanished.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from shared.model.ids import OrganizationId, ProjectId
from shared.model.inventory import ObservedProject, ObservedRepository, Project, Repository
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.observation import Observation
from shared.model.prerequisite import Prerequisite, PrerequisiteName, PrerequisiteStatus
from shared.reconcile.prerequisites import describe

Row = TypeVar("Row", Project, Repository)

RIGHTS = (
    PrerequisiteName.MEMBERSHIP,
    PrerequisiteName.PROJECT_COLLECTION_ADMINISTRATOR,
    PrerequisiteName.ACCESS_LEVEL,
)
"""The prerequisites that decide what a listing shows to the identity."""

DELETED_PROJECT_STATE = "deleted"


@dataclass(frozen=True, slots=True)
class Comparison(Generic[Row]):
    """What a listing says against what was known.

    `rows` are to be written, `vanished` were alive or missing and are not in a complete listing. `present`
    counts what the inventory holds alive once the rows are written, the vanished left out.
    """

    rows: tuple[Row, ...]
    vanished: tuple[Row, ...]
    journal: tuple[JournalEntry, ...]
    present: int


def compare_projects(
    organization: OrganizationId,
    known: Iterable[Project],
    observed: Observation[ObservedProject],
    now: datetime,
) -> Comparison[Project]:
    """Compare a project listing with the inventory."""

    def appeared(item: ObservedProject) -> Project:
        return Project(item.id, item.name, item.state, item.visibility, first_seen=now)

    def seen(row: Project, item: ObservedProject) -> Project:
        """The row as it is now; the very same when nothing changed, which costs least."""
        if row.name == item.name and row.state == item.state and row.visibility == item.visibility:
            return row
        return replace(row, name=item.name, state=item.state, visibility=item.visibility)

    def describe_change(row: Project, item: ObservedProject) -> list[JournalEntry]:
        entries = []
        if row.name != item.name:
            entries.append(_entry(organization, now, JournalEvent.PROJECT_RENAMED, item, row.name, item.name))
        if row.state not in {item.state, DELETED_PROJECT_STATE}:
            entries.append(
                _entry(organization, now, JournalEvent.PROJECT_CHANGED, item, row.state, item.state, "state")
            )
        if row.visibility != item.visibility:
            entries.append(
                _entry(
                    organization,
                    now,
                    JournalEvent.PROJECT_CHANGED,
                    item,
                    row.visibility,
                    item.visibility,
                    "visibility",
                )
            )
        return entries

    return _compare(organization, known, observed, now, appeared, seen, describe_change, _PROJECT_EVENTS)


def compare_repositories(
    organization: OrganizationId,
    known: Iterable[Repository],
    observed: Observation[ObservedRepository],
    now: datetime,
) -> Comparison[Repository]:
    """Compare an organization-wide repository listing with the inventory."""

    def appeared(item: ObservedRepository) -> Repository:
        return Repository(
            item.id,
            item.name,
            item.project_id,
            item.default_branch,
            item.is_disabled,
            item.is_fork,
            item.url,
            first_seen=now,
        )

    def seen(row: Repository, item: ObservedRepository) -> Repository:
        if (
            row.name == item.name
            and row.project_id == item.project_id
            and row.default_branch == item.default_branch
            and row.is_disabled == item.is_disabled
            and row.is_fork == item.is_fork
            and row.url == item.url
        ):
            return row
        return replace(
            row,
            name=item.name,
            project_id=item.project_id,
            # A disabled repository may be listed without the branch that it still has.
            default_branch=row.default_branch
            if item.is_disabled and item.default_branch is None
            else item.default_branch,
            is_disabled=item.is_disabled,
            is_fork=item.is_fork,
            url=item.url,
        )

    def describe_change(row: Repository, item: ObservedRepository) -> list[JournalEntry]:
        entries = []
        event = JournalEvent.REPOSITORY_CHANGED
        if row.name != item.name:
            entries.append(
                _entry(organization, now, JournalEvent.REPOSITORY_RENAMED, item, row.name, item.name)
            )
        if row.project_id != item.project_id:
            entries.append(
                _entry(
                    organization,
                    now,
                    JournalEvent.REPOSITORY_MOVED,
                    item,
                    row.project_id,
                    item.project_id,
                )
            )
        if row.is_disabled != item.is_disabled:
            words = ("disabled", "enabled") if row.is_disabled else ("enabled", "disabled")
            entries.append(_entry(organization, now, event, item, *words, "isDisabled"))
        after = seen(row, item)
        if row.default_branch != after.default_branch:
            entries.append(
                _entry(
                    organization,
                    now,
                    event,
                    item,
                    row.default_branch or "",
                    after.default_branch or "",
                    "defaultBranch",
                )
            )
        return entries

    return _compare(organization, known, observed, now, appeared, seen, describe_change, _REPOSITORY_EVENTS)


@dataclass(frozen=True, slots=True)
class _Events:
    discovered: JournalEvent
    back: JournalEvent
    restored: JournalEvent
    missing: JournalEvent
    retired: JournalEvent


_PROJECT_EVENTS = _Events(
    JournalEvent.PROJECT_DISCOVERED,
    JournalEvent.PROJECT_BACK,
    JournalEvent.PROJECT_RESTORED,
    JournalEvent.PROJECT_MISSING,
    JournalEvent.PROJECT_RETIRED,
)
_REPOSITORY_EVENTS = _Events(
    JournalEvent.REPOSITORY_DISCOVERED,
    JournalEvent.REPOSITORY_BACK,
    JournalEvent.REPOSITORY_RESTORED,
    JournalEvent.REPOSITORY_MISSING,
    JournalEvent.REPOSITORY_RETIRED,
)

Item = TypeVar("Item", ObservedProject, ObservedRepository)


def _compare(
    organization: OrganizationId,
    known: Iterable[Row],
    observed: Observation[Item],
    now: datetime,
    appeared: Callable[[Item], Row],
    seen: Callable[[Row, Item], Row],
    describe_change: Callable[[Row, Item], list[JournalEntry]],
    events: _Events,
) -> Comparison[Row]:
    # The last one of an id that is listed twice wins: pages move while they are read.
    remaining: dict[str, Item] = {item.id: item for item in observed.items}
    rows: list[Row] = []
    vanished: list[Row] = []
    journal: list[JournalEntry] = []
    present = 0
    for row in known:
        item = remaining.pop(row.id, None)
        if item is None:
            if row.retired_at is None:
                if observed.complete:
                    vanished.append(row)
                elif row.missing_since is None:
                    present += 1
            continue
        present += 1
        after = seen(row, item)
        if after is row and row.missing_since is None and row.retired_at is None:
            continue  # nearly all, of a hundred thousand
        if row.retired_at is not None or row.missing_since is not None:
            after = replace(after, missing_since=None, missing_reason="", retired_at=None, last_seen=None)
            event = events.back if row.retired_at is None else events.restored
            journal.append(_entry(organization, now, event, item, reason="It is listed again."))
        if after != replace(row, last_seen=after.last_seen):
            journal.extend(describe_change(row, item))
            rows.append(after)
    for item in remaining.values():
        rows.append(appeared(item))
        journal.append(_entry(organization, now, events.discovered, item, after=item.name))
    return Comparison(tuple(rows), tuple(vanished), tuple(journal), present + len(remaining))


class Rights(StrEnum):
    """What the identity's rights say about things that are no longer listed."""

    UNCHANGED = "unchanged"
    """The same since before they were last seen, or full since before the previous complete listing."""
    LOST = "lost"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What further calls told about the vanished.

    `deleted` are ids that a deleted-projects listing or a recycle bin holds: proof. `hidden` maps ids to why
    the identity may not see them (its read permission on them is gone). `readable` are ids whose read
    permission was shown to hold. `alive` are ids that answered when asked for directly.
    """

    deleted: AbstractSet[str] = frozenset()
    hidden: Mapping[str, str] = field(default_factory=dict)
    readable: AbstractSet[str] = frozenset()
    alive: AbstractSet[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RightsCheck:
    """The rights prerequisites as stored by the last check and as read now, and the last complete listing."""

    stored: tuple[Prerequisite, ...]
    now: tuple[Prerequisite, ...]
    previous_listing: datetime | None

    def of(self, last_seen: datetime) -> tuple[Rights, str]:
        """What the rights say about something last seen at this time, with the reason.

        Rights that were lost since then explain the absence. Rights that hold unchanged since then do not;
        nor do full rights under which the previous complete listing was made already.
        """
        stored = {one.name: one for one in self.stored}
        current = {one.name: one for one in self.now}
        if any(name not in current for name in RIGHTS):
            return Rights.UNKNOWN, "The identity's rights could not be read."
        since = []
        for name in RIGHTS:
            fresh = current[name]
            before = stored.get(name)
            began = before.since if before is not None and _same(before, fresh) else fresh.since
            since.append(began)
            if fresh.status is PrerequisiteStatus.UNKNOWN:
                return Rights.UNKNOWN, describe(fresh)
            if fresh.status is PrerequisiteStatus.NOT_MET and began > last_seen:
                return Rights.LOST, f"{describe(fresh)} {fresh.fix}".strip()
        latest = max(since)
        if latest <= last_seen:
            return Rights.UNCHANGED, ""
        full = all(current[name].status is PrerequisiteStatus.MET for name in RIGHTS)
        if full and self.previous_listing is not None and latest <= self.previous_listing:
            return Rights.UNCHANGED, ""
        return Rights.UNKNOWN, "The identity or its rights changed since it was last seen."


def _same(before: Prerequisite, fresh: Prerequisite) -> bool:
    same_identity = fresh.name is not PrerequisiteName.MEMBERSHIP or before.evidence == fresh.evidence
    return before.status is fresh.status and same_identity


ONCE_ABSENT = (
    "A complete listing lacked it. It is retired when a recycle bin proves its deletion, or when the next "
    "complete listing lacks it too while the identity's rights are unchanged."
)


DISABLED_ABSENT = (
    "A complete listing lacked it. It was disabled, and a disabled repository cannot be asked for directly: "
    "it is retired when a recycle bin proves its deletion, or when complete listings have lacked it for "
    "30 days while the identity's rights were unchanged."
)


@dataclass(frozen=True, slots=True)
class Settled(Generic[Row]):
    """What becomes of the vanished: rows to write, the journal, and how many turned out to be alive."""

    rows: tuple[Row, ...]
    journal: tuple[JournalEntry, ...]
    alive: int
    retired: frozenset[str]


def settle(
    organization: OrganizationId,
    vanished: Sequence[Row],
    evidence: Evidence,
    rights: RightsCheck,
    now: datetime,
    *,
    retired_projects: AbstractSet[str] = frozenset(),
    missing_projects: AbstractSet[str] = frozenset(),
) -> Settled[Row]:
    """Retire on proof or on a second complete listing under unchanged rights; else keep it as missing."""
    rows: list[Row] = []
    journal: list[JournalEntry] = []
    retired: set[str] = set()
    alive = 0
    for row in vanished:
        events = _PROJECT_EVENTS if isinstance(row, Project) else _REPOSITORY_EVENTS
        last_seen = row.last_seen or row.first_seen
        project: str = row.project_id if isinstance(row, Repository) else ""
        if row.id in evidence.alive:
            alive += 1
            if row.missing_since is not None:
                back = replace(row, missing_since=None, missing_reason="", last_seen=None)
                rows.append(back)
                journal.append(_entry(organization, now, events.back, row, reason="It answers directly."))
            continue
        proof = _proof(row, project, evidence, retired_projects)
        if not proof and project not in missing_projects:
            proof = _second_absence(row, evidence, rights, last_seen, now)
        if proof:
            after = replace(
                row,
                missing_since=row.missing_since or now,
                missing_reason=proof,
                retired_at=now,
                last_seen=last_seen,
            )
            if isinstance(after, Project):
                after = replace(after, state=DELETED_PROJECT_STATE)
            rows.append(after)
            retired.add(row.id)
            journal.append(_entry(organization, now, events.retired, row, row.name, "", proof))
            continue
        reason = _why_missing(row, project, evidence, rights, last_seen, missing_projects)
        if row.missing_since is None or row.missing_reason != reason:
            rows.append(
                replace(
                    row,
                    missing_since=row.missing_since or now,
                    missing_reason=reason,
                    last_seen=last_seen,
                )
            )
            journal.append(_entry(organization, now, events.missing, row, row.name, "", reason))
    return Settled(tuple(rows), tuple(journal), alive, frozenset(retired))


def _proof(
    row: Project | Repository, project: str, evidence: Evidence, retired_projects: AbstractSet[str]
) -> str:
    if project and project in retired_projects:
        return "Its project was deleted."
    if row.id in evidence.deleted:
        return (
            "Azure DevOps lists it among the deleted projects."
            if isinstance(row, Project)
            else "It is in its project's recycle bin."
        )
    return ""


DISABLED_ABSENCE = timedelta(days=30)
"""How long a disabled repository is missing before listings alone retire it.

Every call on a disabled repository fails as if it did not exist, so asking for it directly protects it from
nothing. The time is that for which a recycle bin would have shown it.
"""


def _second_absence(
    row: Project | Repository, evidence: Evidence, rights: RightsCheck, last_seen: datetime, now: datetime
) -> str:
    if row.missing_since is None or row.id in evidence.hidden or row.id not in evidence.readable:
        return ""
    if rights.of(last_seen)[0] is not Rights.UNCHANGED:
        return ""
    if isinstance(row, Repository) and row.is_disabled and now - row.missing_since < DISABLED_ABSENCE:
        return ""
    return "Two complete listings lacked it while the identity's rights were unchanged."


def _why_missing(
    row: Project | Repository,
    project: str,
    evidence: Evidence,
    rights: RightsCheck,
    last_seen: datetime,
    missing_projects: AbstractSet[str],
) -> str:
    if row.id in evidence.hidden:
        return f"Hidden by a lost right: {evidence.hidden[row.id]}"
    state, why = rights.of(last_seen)
    if state is Rights.LOST:
        return f"Hidden by a lost right: {why}"
    if project and project in missing_projects:
        return "Its project is missing too."
    if state is Rights.UNKNOWN:
        return f"A complete listing lacked it, and whether it is hidden or deleted could not be told. {why}"
    if isinstance(row, Repository) and row.is_disabled:
        return DISABLED_ABSENT
    return ONCE_ABSENT


def _entry(
    organization: OrganizationId,
    now: datetime,
    event: JournalEvent,
    item: ObservedProject | ObservedRepository | Project | Repository,
    before: str = "",
    after: str = "",
    reason: str = "",
) -> JournalEntry:
    return JournalEntry(
        at=now,
        event=event,
        organization=organization,
        subject=item.id,
        subject_name=item.name,
        before=before,
        after=after,
        reason=reason,
    )


def unknown_projects(
    repositories: Iterable[ObservedRepository],
    observed: Iterable[ObservedProject],
) -> tuple[ProjectId, ...]:
    """Projects that repositories name and the project listing lacks, each once, in order of id."""
    listed = {project.id for project in observed}
    return tuple(sorted({one.project_id for one in repositories if one.project_id not in listed}))
