"""The inventory through everything that happens to projects and repositories."""

from __future__ import annotations

import math

import pytest

from local.ado_simulator import Fault, World, generate_world
from shared.model.journal import JournalEvent
from tests.scenarios.bench import Bench
from tests.scenarios.conftest import MakeBench

REPOSITORIES = r"/_apis/git/repositories\b"


@pytest.fixture
def ready(bench: Bench) -> Bench:
    """A bench whose first sync is done."""
    bench.connect()
    bench.run()
    return bench


def test_a_sync_that_finds_no_change_writes_no_inventory_row(ready: Bench, name: str) -> None:
    before = (ready.projects(name), ready.repositories(name))
    entries = len(ready.state.journal(limit=100_000))
    listed = ready.organization(name).last_complete_listing
    ready.run()
    later = ready.organization(name).last_complete_listing
    assert later is not None
    assert listed is not None
    assert later > listed
    after = (ready.projects(name), ready.repositories(name))
    assert [rows.keys() for rows in after] == [rows.keys() for rows in before]
    assert {row.last_seen for row in after[0].values()} == {later}
    assert {row.last_seen for row in after[1].values()} == {later}
    assert len(ready.state.journal(limit=100_000)) == entries


def test_renames_keep_id_first_seen_and_history(ready: Bench, name: str) -> None:
    project = ready.world.organization(name).ordered_projects()[0]
    repository = project.add_repository("before")
    ready.run()
    first_seen = ready.repositories(name)[repository.id].first_seen
    repository.rename("after")
    project.rename("Renamed Project")
    ready.run()
    row = ready.repositories(name)[repository.id]
    assert (row.name, row.first_seen) == ("after", first_seen)
    assert ready.projects(name)[project.id].name == "Renamed Project"
    (renamed,) = ready.journal(JournalEvent.REPOSITORY_RENAMED)
    assert (renamed.before, renamed.after) == ("before", "after")
    assert ready.equals_the_world(name)


def test_a_move_between_projects_is_no_deletion(ready: Bench, name: str) -> None:
    source, target = ready.world.organization(name).ordered_projects()[:2]
    repository = source.add_repository("mover")
    ready.run()
    repository.move(target)
    ready.run()
    row = ready.repositories(name)[repository.id]
    assert (row.project_id, row.retired_at, row.missing_since) == (target.id, None, None)
    assert len(ready.journal(JournalEvent.REPOSITORY_MOVED)) == 1


def test_delete_and_recreate_under_the_same_name_is_two_things(ready: Bench, name: str) -> None:
    project = ready.world.organization(name).ordered_projects()[0]
    old = project.add_repository("twice")
    ready.run()
    old.delete()
    new = project.add_repository("twice")
    ready.run()
    rows = ready.repositories(name)
    assert rows[old.id].retired_at is not None
    assert "recycle bin" in rows[old.id].missing_reason
    assert rows[new.id].retired_at is None
    assert rows[new.id].first_seen > rows[old.id].first_seen
    assert ready.equals_the_world(name)


def test_a_restored_repository_is_the_same_again(ready: Bench, name: str) -> None:
    repository = ready.world.organization(name).ordered_projects()[0].add_repository("phoenix")
    ready.run()
    first_seen = ready.repositories(name)[repository.id].first_seen
    repository.delete()
    ready.run()
    repository.restore()
    ready.run()
    row = ready.repositories(name)[repository.id]
    assert (row.retired_at, row.missing_since, row.first_seen) == (None, None, first_seen)
    assert len(ready.journal(JournalEvent.REPOSITORY_RESTORED)) == 1


def test_a_deleted_project_takes_its_repositories_along(ready: Bench, name: str) -> None:
    project = ready.world.organization(name).add_project("Doomed")
    repository = project.add_repository("doomed")
    ready.run()
    project.delete()
    ready.run()
    assert ready.projects(name)[project.id].retired_at is not None
    assert ready.projects(name)[project.id].state == "deleted"
    assert [entry.subject for entry in ready.journal(JournalEvent.PROJECT_RETIRED)] == [project.id]
    assert ready.repositories(name)[repository.id].retired_at is not None
    assert ready.equals_the_world(name)


def test_a_destroyed_repository_is_retired_on_the_second_absence(ready: Bench, name: str) -> None:
    repository = ready.world.organization(name).ordered_projects()[0].add_repository("purged")
    ready.run()
    repository.delete()
    repository.destroy()
    ready.run()
    first = ready.repositories(name)[repository.id]
    assert first.missing_since is not None
    assert first.retired_at is None
    ready.run()
    second = ready.repositories(name)[repository.id]
    assert second.retired_at is not None
    assert second.missing_since == first.missing_since


def test_without_recycle_bin_and_single_permissions_an_administrator_retires_on_the_second_absence(
    ready: Bench, name: str
) -> None:
    repository = ready.world.organization(name).ordered_projects()[0].add_repository("gone")
    ready.run()
    repository.delete()
    ready.simulator.add_fault(Fault("not-found-plain", path="recycleBin|permissions/2e9eb7ed"))
    ready.run()
    assert ready.repositories(name)[repository.id].retired_at is None
    ready.run()
    assert ready.repositories(name)[repository.id].retired_at is not None


@pytest.mark.parametrize("denial", [403, 404])
def test_a_repository_hidden_by_a_lost_right_is_said_to_be_and_never_retired(
    ready: Bench, name: str, denial: int
) -> None:
    organization = ready.world.organization(name)
    organization.direct_denial = denial
    repository = organization.ordered_projects()[0].add_repository("hidden")
    ready.run()
    organization.deny_read(repository)
    for _ in range(4):
        ready.run()
    row = ready.repositories(name)[repository.id]
    assert row.retired_at is None
    assert row.missing_since is not None
    assert row.missing_reason.startswith("Hidden by a lost right:")
    organization.allow_read(repository)
    ready.run()
    back = ready.repositories(name)[repository.id]
    assert (back.missing_since, back.missing_reason) == (None, "")
    assert ready.equals_the_world(name)


def test_a_project_hidden_by_a_lost_right_keeps_its_repositories(ready: Bench, name: str) -> None:
    organization = ready.world.organization(name)
    project = organization.add_project("Secret")
    repository = project.add_repository("secret")
    ready.run()
    organization.deny_read(project)
    for _ in range(4):
        ready.run()
    assert ready.projects(name)[project.id].retired_at is None
    assert ready.projects(name)[project.id].missing_reason.startswith("Hidden by a lost right:")
    assert [entry.subject for entry in ready.journal(JournalEvent.PROJECT_MISSING)] == [project.id]
    assert ready.repositories(name)[repository.id].retired_at is None
    organization.allow_read(project)
    ready.run()
    assert ready.equals_the_world(name)


def test_nothing_is_retired_while_administrator_rights_are_gone(ready: Bench, name: str) -> None:
    organization = ready.world.organization(name)
    repository = organization.ordered_projects()[0].add_repository("purged")
    ready.run()
    organization.set_pca("none")
    repository.delete()
    repository.destroy()
    for _ in range(4):
        ready.run()
    row = ready.repositories(name)[repository.id]
    assert row.retired_at is None
    assert "Project Collection Administrator" in row.missing_reason
    organization.set_pca("direct")
    for _ in range(3):
        ready.run()
    assert ready.repositories(name)[repository.id].retired_at is not None


def test_a_licence_that_hides_all_repositories_hides_no_inventory(ready: Bench, name: str) -> None:
    before = ready.alive(name)
    ready.world.organization(name).set_licence("stakeholder")
    for _ in range(3):
        ready.run()
    assert ready.alive(name).keys() == before.keys()
    assert "Basic access level" in ready.enrollment(name).reason
    ready.world.organization(name).set_licence("basic")
    ready.run()
    assert ready.equals_the_world(name)


def test_projects_being_created_and_deleted_are_told_as_such(ready: Bench, name: str) -> None:
    project = ready.world.organization(name).add_project("Young")
    project.set_state("createPending")
    ready.run()
    assert ready.projects(name)[project.id].state == "createPending"
    project.set_state("wellFormed")
    ready.run()
    assert ready.projects(name)[project.id].state == "wellFormed"
    project.set_state("deleting")
    ready.run()
    assert ready.projects(name)[project.id].state == "deleting"
    assert ready.projects(name)[project.id].retired_at is None


def test_a_new_repository_is_assessed_at_once(ready: Bench, name: str) -> None:
    repository = ready.world.organization(name).ordered_projects()[0].add_repository("fresh")
    ready.run(hours=2)
    assessed = {row.resource.id for row in ready.state.assessments(ready.organization(name).id)}
    assert repository.id in assessed


def test_a_new_project_is_assessed_at_once_though_the_listing_broke_off(ready: Bench, name: str) -> None:
    added = ready.world.organization(name).add_project("late-project")
    ready.simulator.add_fault(Fault("trouble", path=REPOSITORIES, organization=name, status=500))
    ready.run(hours=2)
    ready.simulator.clear_faults()
    ready.run(hours=2)
    assert added.id in ready.state.assessed_at(ready.organization(name).id)


def test_disabling_and_emptiness_are_attributes(ready: Bench, name: str) -> None:
    project = ready.world.organization(name).ordered_projects()[0]
    empty = project.add_repository("empty", default_branch=None)
    ready.run()
    assert ready.repositories(name)[empty.id].default_branch is None
    empty.disable()
    ready.run()
    assert ready.repositories(name)[empty.id].is_disabled
    changed = ready.journal(JournalEvent.REPOSITORY_CHANGED)
    assert [(entry.before, entry.after) for entry in changed] == [("enabled", "disabled")]


def test_the_number_of_requests_is_what_is_documented(make_bench: MakeBench, world: World) -> None:
    big = generate_world(seed=3, organizations=1, projects=45, repositories=2).organizations[0]
    world.become(generate_world(seed=3, organizations=1, projects=45, repositories=2))
    name = world.organizations[0].name
    del big
    bench = make_bench(page_size=10)
    bench.connect()
    bench.run()
    bench.simulator.reset_requests()
    bench.run()
    listings = [
        request
        for request in bench.simulator.requests
        if request.path.rstrip("/").endswith(("/_apis/projects", "/_apis/git/repositories"))
        and request.organization == name
    ]
    projects = len(world.organization(name).projects)
    assert len(listings) <= math.ceil(projects / 10) + 1
    assert bench.equals_the_world(name)
