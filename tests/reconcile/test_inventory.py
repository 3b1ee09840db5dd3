"""Reconciling projects and repositories: convergence, idempotence, and that absence alone retires nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.failure import Failure, FailureKind
from shared.model.ids import OrganizationId, ProjectId, RepositoryId
from shared.model.inventory import ObservedProject, ObservedRepository, Project, Repository
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.observation import Observation
from shared.model.prerequisite import Prerequisite, PrerequisiteName, PrerequisiteStatus
from shared.reconcile.inventory import (
    DISABLED_ABSENCE,
    DISABLED_ABSENT,
    RIGHTS,
    Comparison,
    Evidence,
    Rights,
    RightsCheck,
    compare_projects,
    compare_repositories,
    settle,
    unknown_projects,
)

T0 = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ORGANIZATION = OrganizationId("11111111-1111-1111-1111-111111111111")
BROKE = Failure(FailureKind.TRANSIENT, "Timeout", "A page failed.")

identifiers = st.integers(0, 12).map(lambda n: f"{n:08d}-0000-0000-0000-000000000000")
names = st.sampled_from(["web", "api", "日本語", "a  b", "Ünïcode", "x" * 64])
observed_repositories = st.lists(
    st.builds(
        ObservedRepository,
        id=identifiers.map(RepositoryId),
        name=names,
        project_id=identifiers.map(ProjectId),
        project_name=names,
        default_branch=st.sampled_from([None, "refs/heads/main", "refs/heads/dev"]),
        is_disabled=st.booleans(),
        is_fork=st.booleans(),
        url=st.just("https://dev.azure.com/contoso/p/_git/r"),
    ),
    unique_by=lambda one: one.id,
).map(tuple)


def rights(status: PrerequisiteStatus = PrerequisiteStatus.MET, since: datetime = T0 - HOUR) -> RightsCheck:
    """The same rights before and now, held since the given time."""
    held = tuple(
        Prerequisite(name, status, "evidence", "fix", checked_at=since, since=since) for name in RIGHTS
    )
    return RightsCheck(stored=held, now=held, previous_listing=T0)


def apply(known: Iterable[Repository], comparison: Comparison[Repository]) -> tuple[Repository, ...]:
    """Write the rows of a comparison, as the state would."""
    table = {row.id: row for row in known}
    table.update({row.id: row for row in comparison.rows})
    return tuple(sorted(table.values(), key=lambda row: row.id))


def listed(row: Repository) -> Repository:
    """What the state reads back for a present row: last seen at the last complete listing."""
    return replace(row, last_seen=T0)


def repository(number: int = 1, **changes: object) -> Repository:
    """A known repository."""
    row = Repository(
        id=RepositoryId(f"{number:08d}-0000-0000-0000-000000000000"),
        name="web",
        project_id=ProjectId("aaaaaaaa-0000-0000-0000-000000000000"),
        default_branch="refs/heads/main",
        is_disabled=False,
        is_fork=False,
        url="https://dev.azure.com/contoso/p/_git/r",
        first_seen=T0 - HOUR,
        last_seen=T0,
    )
    return replace(row, **changes)  # type: ignore[arg-type]


def observed(row: Repository, **changes: object) -> ObservedRepository:
    """The row as a listing tells it."""
    item = ObservedRepository(
        row.id, row.name, row.project_id, "p", row.default_branch, row.is_disabled, row.is_fork, row.url
    )
    return replace(item, **changes)  # type: ignore[arg-type]


@given(observed_repositories, observed_repositories)
def test_a_complete_listing_makes_the_inventory_equal_to_it(
    first: tuple[ObservedRepository, ...], second: tuple[ObservedRepository, ...]
) -> None:
    known: tuple[Repository, ...] = ()
    known = apply(known, compare_repositories(ORGANIZATION, known, Observation.whole(first), T0))
    comparison = compare_repositories(ORGANIZATION, map(listed, known), Observation.whole(second), T0 + HOUR)
    known = apply(known, comparison)
    alive = {row.id: row for row in known if row.id not in {gone.id for gone in comparison.vanished}}
    assert set(alive) == {item.id for item in second}
    for item in second:
        row = alive[item.id]
        assert (row.name, row.project_id, row.is_disabled, row.is_fork) == (
            item.name,
            item.project_id,
            item.is_disabled,
            item.is_fork,
        )
    assert comparison.present == len(second)


@given(observed_repositories)
def test_the_same_listing_again_changes_nothing(items: tuple[ObservedRepository, ...]) -> None:
    known = apply((), compare_repositories(ORGANIZATION, (), Observation.whole(items), T0))
    again = compare_repositories(ORGANIZATION, map(listed, known), Observation.whole(items), T0 + HOUR)
    assert again.rows == ()
    assert again.journal == ()
    assert again.vanished == ()


@given(observed_repositories, observed_repositories)
def test_a_partial_listing_never_makes_anything_vanish(
    first: tuple[ObservedRepository, ...], second: tuple[ObservedRepository, ...]
) -> None:
    known = apply((), compare_repositories(ORGANIZATION, (), Observation.whole(first), T0))
    partial = compare_repositories(
        ORGANIZATION, map(listed, known), Observation.partial(second, BROKE), T0 + HOUR
    )
    assert partial.vanished == ()
    assert all(row.missing_since is None and row.retired_at is None for row in apply(known, partial))
    assert partial.present == len({item.id for item in (*first, *second)})


def test_what_vanished_once_is_missing_and_not_retired() -> None:
    row = repository()
    settled = settle(ORGANIZATION, [row], Evidence(readable={row.id}), rights(), T0 + HOUR)
    (missing,) = settled.rows
    assert missing.missing_since == T0 + HOUR
    assert missing.retired_at is None
    assert missing.last_seen == T0
    assert [entry.event for entry in settled.journal] == [JournalEvent.REPOSITORY_MISSING]


def test_a_second_absence_under_unchanged_rights_retires() -> None:
    row = repository(missing_since=T0, missing_reason="lacked", last_seen=T0 - HOUR / 2)
    settled = settle(ORGANIZATION, [row], Evidence(readable={row.id}), rights(), T0 + HOUR)
    assert settled.retired == {row.id}
    assert settled.rows[0].retired_at == T0 + HOUR
    assert settled.rows[0].missing_since == T0


def test_a_second_absence_does_not_retire_without_proof_that_the_thing_could_be_seen() -> None:
    row = repository(missing_since=T0, missing_reason="lacked", last_seen=T0 - HOUR / 2)
    assert settle(ORGANIZATION, [row], Evidence(), rights(), T0 + HOUR).retired == frozenset()


def test_a_disabled_repository_is_not_retired_for_want_of_an_answer_that_it_cannot_give() -> None:
    row = repository(is_disabled=True, missing_since=T0, missing_reason="lacked", last_seen=T0 - HOUR / 2)
    readable = Evidence(readable={row.id})
    early = settle(ORGANIZATION, [row], readable, rights(), T0 + DISABLED_ABSENCE - HOUR)
    assert early.retired == frozenset()
    assert early.rows[0].missing_reason == DISABLED_ABSENT
    assert settle(ORGANIZATION, [row], readable, rights(), T0 + DISABLED_ABSENCE).retired == {row.id}
    binned = Evidence(deleted={row.id})
    assert settle(ORGANIZATION, [row], binned, rights(), T0 + HOUR).retired == {row.id}


def test_a_second_absence_does_not_retire_what_a_right_hides() -> None:
    row = repository(missing_since=T0, missing_reason="lacked", last_seen=T0 - HOUR / 2)
    hidden = Evidence(hidden={row.id: "no Read"}, readable={row.id})
    settled = settle(ORGANIZATION, [row], hidden, rights(), T0 + HOUR)
    assert settled.retired == frozenset()
    assert settled.rows[0].missing_reason == "Hidden by a lost right: no Read"


def test_rights_lost_since_it_was_last_seen_are_the_reason_however_often_it_is_absent() -> None:
    row = repository(missing_since=T0, missing_reason="lacked", last_seen=T0 - 2 * HOUR)
    lost = rights(PrerequisiteStatus.NOT_MET, since=T0 - HOUR)
    settled = settle(ORGANIZATION, [row], Evidence(readable={row.id}), lost, T0 + HOUR)
    assert settled.retired == frozenset()
    assert settled.rows[0].missing_reason.startswith("Hidden by a lost right: Not met:")
    again = settle(ORGANIZATION, settled.rows, Evidence(readable={row.id}), lost, T0 + 9 * HOUR)
    assert again.rows == ()
    assert again.journal == ()


def test_rights_that_never_were_full_but_did_not_change_still_allow_retirement() -> None:
    row = repository(missing_since=T0, missing_reason="lacked", last_seen=T0 - HOUR / 2)
    least = rights(PrerequisiteStatus.NOT_MET, since=T0 - 2 * HOUR)
    assert settle(ORGANIZATION, [row], Evidence(readable={row.id}), least, T0 + HOUR).retired == {row.id}


def test_after_rights_came_back_two_full_listings_are_needed() -> None:
    row = repository(missing_since=T0 - HOUR, missing_reason="hidden", last_seen=T0 - 2 * HOUR)
    regained = replace(rights(since=T0 + HOUR / 2), previous_listing=T0)
    assert not settle(ORGANIZATION, [row], Evidence(readable={row.id}), regained, T0 + HOUR).retired
    later = replace(regained, previous_listing=T0 + HOUR)
    assert settle(ORGANIZATION, [row], Evidence(readable={row.id}), later, T0 + 2 * HOUR).retired == {row.id}


def test_another_identity_is_a_change_of_rights_even_where_it_passes() -> None:
    row = repository(missing_since=T0, missing_reason="lacked", last_seen=T0 - HOUR / 2)
    same = rights()
    other = tuple(
        replace(one, evidence="Signed in as somebody else.", since=T0 + HOUR, checked_at=T0 + HOUR)
        if one.name is PrerequisiteName.MEMBERSHIP
        else one
        for one in same.now
    )
    changed = RightsCheck(stored=same.stored, now=other, previous_listing=T0)
    assert not settle(ORGANIZATION, [row], Evidence(readable={row.id}), changed, T0 + HOUR).retired


@given(st.sampled_from(list(PrerequisiteStatus)), st.booleans(), st.booleans())
def test_a_recycle_bin_is_proof_whatever_the_rights(
    status: PrerequisiteStatus, readable: bool, missing_before: bool
) -> None:
    row = repository(missing_since=T0 if missing_before else None)
    evidence = Evidence(deleted={row.id}, readable={row.id} if readable else frozenset())
    assert settle(ORGANIZATION, [row], evidence, rights(status), T0 + HOUR).retired == {row.id}


def test_a_deleted_project_takes_its_repositories_along() -> None:
    row = repository()
    settled = settle(ORGANIZATION, [row], Evidence(), rights(), T0 + HOUR, retired_projects={row.project_id})
    assert settled.retired == {row.id}


def test_a_missing_project_keeps_its_repositories_missing() -> None:
    row = repository(missing_since=T0, missing_reason="lacked", last_seen=T0 - HOUR / 2)
    settled = settle(
        ORGANIZATION,
        [row],
        Evidence(readable={row.id}),
        rights(),
        T0 + HOUR,
        missing_projects={row.project_id},
    )
    assert settled.retired == frozenset()
    assert settled.rows[0].missing_reason == "Its project is missing too."


def test_what_answers_directly_is_alive_although_the_listing_lacked_it() -> None:
    row = repository(missing_since=T0, missing_reason="lacked")
    settled = settle(ORGANIZATION, [row], Evidence(alive={row.id}), rights(), T0 + HOUR)
    assert settled.alive == 1
    assert settled.rows[0].missing_since is None
    assert [entry.event for entry in settled.journal] == [JournalEvent.REPOSITORY_BACK]


def test_a_rename_keeps_identity_and_history() -> None:
    row = repository()
    listing = Observation.whole((observed(row, name="shop"),))
    comparison = compare_repositories(ORGANIZATION, [row], listing, T0 + HOUR)
    (renamed,) = comparison.rows
    assert (renamed.id, renamed.first_seen, renamed.name) == (row.id, row.first_seen, "shop")
    (entry,) = comparison.journal
    assert (entry.event, entry.before, entry.after) == (JournalEvent.REPOSITORY_RENAMED, "web", "shop")


def test_a_move_between_projects_is_a_move_and_not_a_deletion() -> None:
    row = repository()
    other = ProjectId("bbbbbbbb-0000-0000-0000-000000000000")
    comparison = compare_repositories(
        ORGANIZATION, [row], Observation.whole((observed(row, project_id=other),)), T0 + HOUR
    )
    assert [entry.event for entry in comparison.journal] == [JournalEvent.REPOSITORY_MOVED]
    assert comparison.rows[0].project_id == other
    assert comparison.rows[0].first_seen == row.first_seen
    assert comparison.vanished == ()


def test_the_same_name_under_a_new_id_is_a_new_thing() -> None:
    old, new = repository(1), repository(2)
    comparison = compare_repositories(ORGANIZATION, [old], Observation.whole((observed(new),)), T0 + HOUR)
    assert [row.id for row in comparison.rows] == [new.id]
    assert [row.id for row in comparison.vanished] == [old.id]


def test_a_tombstone_that_is_listed_again_is_restored_with_its_history() -> None:
    row = repository(missing_since=T0, retired_at=T0, missing_reason="deleted")
    comparison = compare_repositories(ORGANIZATION, [row], Observation.whole((observed(row),)), T0 + HOUR)
    (restored,) = comparison.rows
    assert (restored.retired_at, restored.missing_since, restored.first_seen) == (None, None, row.first_seen)
    assert [entry.event for entry in comparison.journal] == [JournalEvent.REPOSITORY_RESTORED]


def test_a_tombstone_that_stays_away_is_left_alone() -> None:
    row = repository(missing_since=T0, retired_at=T0, missing_reason="deleted")
    comparison = compare_repositories(ORGANIZATION, [row], Observation.whole(()), T0 + HOUR)
    assert (comparison.rows, comparison.vanished, comparison.journal) == ((), (), ())


def test_disabling_is_told_and_a_branch_left_out_meanwhile_is_not_forgotten() -> None:
    row = repository()
    item = observed(row, is_disabled=True, default_branch=None)
    comparison = compare_repositories(ORGANIZATION, [row], Observation.whole((item,)), T0 + HOUR)
    assert comparison.rows[0].default_branch == "refs/heads/main"
    assert [(entry.before, entry.after) for entry in comparison.journal] == [("enabled", "disabled")]


def test_an_id_listed_twice_is_one_row() -> None:
    row = repository()
    twice = Observation.whole((observed(row), observed(row, name="later")))
    comparison = compare_repositories(ORGANIZATION, [], twice, T0)
    assert [one.name for one in comparison.rows] == ["later"]
    assert comparison.present == 1


def test_projects_tell_state_and_visibility_changes() -> None:
    row = Project(ProjectId("p"), "Shop", "createPending", "private", first_seen=T0, last_seen=T0)
    item = ObservedProject(row.id, "Shop 2", "wellFormed", "public")
    comparison = compare_projects(ORGANIZATION, [row], Observation.whole((item,)), T0 + HOUR)
    assert [(entry.event, entry.before, entry.after) for entry in comparison.journal] == [
        (JournalEvent.PROJECT_RENAMED, "Shop", "Shop 2"),
        (JournalEvent.PROJECT_CHANGED, "createPending", "wellFormed"),
        (JournalEvent.PROJECT_CHANGED, "private", "public"),
    ]


def test_a_retired_project_says_deleted() -> None:
    row = Project(ProjectId("p"), "Shop", "wellFormed", "private", first_seen=T0, last_seen=T0)
    settled = settle(ORGANIZATION, [row], Evidence(deleted={"p"}), rights(), T0 + HOUR)
    assert settled.rows[0].state == "deleted"


def test_unknown_projects_are_named_once_in_order() -> None:
    projects = [ObservedProject(ProjectId("a"), "A", "wellFormed", "private")]
    repositories = [
        observed(repository(n), project_id=ProjectId(p)) for n, p in enumerate(["c", "a", "b", "c"])
    ]
    assert unknown_projects(repositories, projects) == ("b", "c")


def project(number: int = 1, **changes: object) -> Project:
    """A known project."""
    row = Project(
        ProjectId(f"{number:08d}-0000-0000-0000-00000000000p"),
        "web",
        "wellFormed",
        "private",
        T0 - HOUR,
        last_seen=T0,
    )
    return replace(row, **changes)  # type: ignore[arg-type]


def told(row: Project, **changes: object) -> ObservedProject:
    """The project as a listing tells it."""
    item = ObservedProject(row.id, row.name, row.state, row.visibility)
    return replace(item, **changes)  # type: ignore[arg-type]


def an_entry(event: JournalEvent, row: Project, **told: object) -> JournalEntry:
    entry = JournalEntry(T0 + HOUR, event, organization=ORGANIZATION, subject=row.id, subject_name=row.name)
    return replace(entry, **told)  # type: ignore[arg-type]


def test_a_project_that_is_new_is_a_row_and_a_line_of_the_journal() -> None:
    row = project()
    found = compare_projects(ORGANIZATION, (), Observation.whole((told(row),)), T0 + HOUR)
    assert found.rows == (replace(row, first_seen=T0 + HOUR, last_seen=None),)
    assert found.journal == (an_entry(JournalEvent.PROJECT_DISCOVERED, row, after="web"),)
    assert (found.vanished, found.present) == ((), 1)


def test_a_project_as_it_was_is_no_news() -> None:
    row = project()
    found = compare_projects(ORGANIZATION, [row], Observation.whole((told(row),)), T0 + HOUR)
    assert (found.rows, found.journal, found.vanished, found.present) == ((), (), (), 1)


@pytest.mark.parametrize(
    ("change", "event", "before", "after", "reason"),
    [
        ({"name": "shop"}, JournalEvent.PROJECT_RENAMED, "web", "shop", ""),
        ({"state": "deleting"}, JournalEvent.PROJECT_CHANGED, "wellFormed", "deleting", "state"),
        ({"visibility": "public"}, JournalEvent.PROJECT_CHANGED, "private", "public", "visibility"),
    ],
)
def test_each_change_of_a_project_is_written_and_told(
    change: dict[str, str], event: JournalEvent, before: str, after: str, reason: str
) -> None:
    row = project()
    found = compare_projects(ORGANIZATION, [row], Observation.whole((told(row, **change),)), T0 + HOUR)
    assert found.rows == (replace(row, **change),)  # type: ignore[arg-type]
    name = change.get("name", "web")
    assert found.journal == (
        an_entry(event, row, subject_name=name, before=before, after=after, reason=reason),
    )


def test_a_project_that_is_listed_again_is_told_as_back_or_restored() -> None:
    missing = project(1, missing_since=T0, missing_reason="It was not listed.")
    retired = project(2, missing_since=T0, retired_at=T0, state="deleted")
    listing = Observation.whole((told(missing), told(retired, state="wellFormed")))
    found = compare_projects(ORGANIZATION, [missing, retired], listing, T0 + HOUR)
    assert found.rows == (project(1, last_seen=None), project(2, last_seen=None))
    again = "It is listed again."
    assert found.journal == (
        an_entry(JournalEvent.PROJECT_BACK, missing, reason=again),
        an_entry(JournalEvent.PROJECT_RESTORED, retired, reason=again),
    )


def test_a_project_that_is_not_listed_has_vanished_only_from_a_complete_listing() -> None:
    row, missing, retired = project(1), project(2, missing_since=T0), project(3, retired_at=T0)
    whole = compare_projects(ORGANIZATION, [row, missing, retired], Observation.whole(()), T0 + HOUR)
    assert (whole.vanished, whole.present, whole.rows) == ((row, missing), 0, ())
    broke: Observation[ObservedProject] = Observation.partial((), BROKE)
    partial = compare_projects(ORGANIZATION, [row, missing, retired], broke, T0 + HOUR)
    assert (partial.vanished, partial.present, partial.rows, partial.journal) == ((), 1, (), ())


def test_rights_tell_since_when_they_hold_and_why_not() -> None:
    now = rights().now
    nobody = RightsCheck(stored=(), now=now[1:], previous_listing=T0)
    assert nobody.of(T0) == (Rights.UNKNOWN, "The identity's rights could not be read.")
    assert rights().of(T0 - HOUR) == (Rights.UNCHANGED, "")
    # Held for longer than they are known: the stored time counts, where they are the same.
    fresh = tuple(replace(one, since=T0 + HOUR) for one in now)
    assert RightsCheck(stored=now, now=fresh, previous_listing=None).of(T0) == (Rights.UNCHANGED, "")
    changed = "The identity or its rights changed since it was last seen."
    assert RightsCheck(stored=(), now=fresh, previous_listing=None).of(T0) == (Rights.UNKNOWN, changed)
    assert RightsCheck(stored=(), now=fresh, previous_listing=T0).of(T0) == (Rights.UNKNOWN, changed)
    later = RightsCheck(stored=(), now=fresh, previous_listing=T0 + HOUR)
    assert later.of(T0) == (Rights.UNCHANGED, "")


def test_rights_that_were_lost_before_it_was_last_seen_do_not_explain_an_absence() -> None:
    lost = rights(PrerequisiteStatus.NOT_MET, since=T0)
    assert lost.of(T0)[0] is Rights.UNCHANGED
    assert lost.of(T0 - HOUR)[0] is Rights.LOST
    assert lost.of(T0 - HOUR)[1].endswith("evidence fix")
    unknown = rights(PrerequisiteStatus.UNKNOWN)
    assert unknown.of(T0)[0] is Rights.UNKNOWN
    assert "evidence" in unknown.of(T0)[1]
