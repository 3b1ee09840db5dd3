"""Organizations that do not fit into one time slice, or into what the rate limit allows at a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from local.ado_simulator import Fault, World, generate_world
from shared.model.failure import FailureKind
from shared.model.journal import JournalEvent
from shared.model.work import Work, WorkKind
from shared.reconcile.listing import OLDEST
from tests.scenarios.bench import Bench, ManualClock
from tests.scenarios.conftest import MakeBench

PAGES = 8
PROJECTS = r"/_apis/projects\?"


class BusyClock(ManualClock):
    """Goes on by itself, a little each time that somebody looks: work takes time."""

    pace = timedelta(0)

    def now(self) -> datetime:
        return self.advance(seconds=self.pace.total_seconds())


@pytest.fixture
def world() -> World:
    """One organization of eight pages."""
    return generate_world(seed=11, organizations=1, projects=40, repositories=2)


@pytest.fixture
def checked(make_bench: MakeBench, name: str) -> Bench:
    """A bench whose organization is onboarded, and is to be listed for the first time."""
    return ready_to_list(make_bench, name)


def ready_to_list(make_bench: MakeBench, name: str) -> Bench:
    bench = make_bench(page_size=5, time_slice="30s", inventory_interval="1d")
    bench.clock.__class__ = BusyClock
    bench.connect()
    bench.simulator.add_fault(Fault("blocked", path=PROJECTS, organization=name, retry_after=60, times=1))
    bench.run(seconds=0)
    assert bench.work(name, WorkKind.INVENTORY).last_failure is not None
    bench.clock.advance(seconds=70)
    bench.simulator.reset_requests()
    return bench


def slow(bench: Bench, seconds: float) -> None:
    """From now on, looking at the clock takes so long."""
    bench.clock.pace = timedelta(seconds=seconds)  # type: ignore[attr-defined]


def pages_read(bench: Bench) -> list[int]:
    """The offsets of the pages of projects, in the order in which they were asked for."""
    asked = [one for one in bench.simulator.requests if urlsplit(one.path).path.endswith("/_apis/projects")]
    queries = [parse_qs(one.query) for one in asked]
    return [
        int(query.get("continuationToken", ["0"])[0]) for query in queries if "all" in query["stateFilter"]
    ]


def work(bench: Bench) -> Work:
    (found,) = bench.state.work(kind=WorkKind.INVENTORY)
    assert isinstance(found, Work)
    return found


def test_a_listing_is_cut_where_its_slice_ends_and_goes_on_there(checked: Bench, name: str) -> None:
    before = work(checked).revision
    slow(checked, 2)
    checked.host.drain()
    slow(checked, 0)
    assert checked.equals_the_world(name)
    assert pages_read(checked) == [5 * page for page in range(PAGES)]
    assert work(checked).revision - before > 2
    assert work(checked).checkpoint == ""
    assert checked.organization(name).last_complete_listing is not None


def test_what_the_rate_limit_cuts_goes_on_when_it_allows(checked: Bench, name: str) -> None:
    checked.simulator.add_fault(
        Fault("blocked", path=PROJECTS, organization=name, retry_after=3000, after=3, times=1)
    )
    checked.host.drain()
    assert pages_read(checked) == [0, 5, 10, 15]
    waiting = work(checked)
    assert waiting.last_failure is not None
    assert waiting.last_failure.kind is FailureKind.THROTTLED
    assert checked.projects(name) == {}

    checked.clock.advance(seconds=3010)
    checked.host.drain()
    assert pages_read(checked)[4:] == [15, 20, 25, 30, 35]
    assert checked.equals_the_world(name)


def test_an_hourly_cap_below_what_a_listing_takes_only_makes_it_slow(
    make_bench: MakeBench, name: str
) -> None:
    bench = make_bench(page_size=5, hourly_request_cap=8)
    bench.connect()
    for _ in range(8):
        bench.run(hours=1)
    listings = bench.simulator.requests.count(organization=name, path="/_apis/projects")
    assert listings >= PAGES
    assert bench.equals_the_world(name)


def test_a_slice_that_died_leaves_a_listing_that_is_read_again(checked: Bench, name: str) -> None:
    checked.simulator.add_fault(
        Fault("blocked", path=PROJECTS, organization=name, retry_after=600, after=3, times=1)
    )
    checked.host.drain()
    cut = work(checked)
    assert cut.checkpoint
    checked.clock.advance(seconds=610)
    now = checked.clock.now()
    dead = checked.state.lease_work(
        cut.organization, cut.kind, cut.revision, owner="dead", now=now, until=now + timedelta(minutes=1)
    )
    assert dead is not None
    first = checked.world.organization(name).ordered_projects()[0]
    first.delete()
    checked.clock.advance(minutes=2)
    checked.simulator.reset_requests()
    checked.run(seconds=0)
    assert pages_read(checked)[:PAGES] == [5 * page for page in range(PAGES)]
    assert checked.equals_the_world(name)
    assert first.id not in checked.projects(name)


@pytest.mark.parametrize("why", ["old", "foreign"])
def test_a_listing_that_is_not_to_be_trusted_is_read_again(checked: Bench, name: str, why: str) -> None:
    wait = OLDEST + timedelta(minutes=1) if why == "old" else timedelta(minutes=10)
    checked.simulator.add_fault(
        Fault(
            "blocked",
            path=PROJECTS,
            organization=name,
            retry_after=int(wait.total_seconds()),
            after=3,
            times=1,
        )
    )
    checked.host.drain()
    cut = work(checked)
    assert cut.checkpoint
    if why == "foreign":
        now = checked.clock.now()
        held = checked.state.lease_work(
            cut.organization, cut.kind, cut.revision, owner="x", now=now, until=now + timedelta(minutes=1)
        )
        checked.state.put_partial(held, b"of somebody else")
        checked.state.finish_work(held, cut)
    checked.clock.advance(seconds=wait.total_seconds() + 60)
    checked.simulator.reset_requests()
    checked.run(seconds=0)
    assert 0 in pages_read(checked)
    assert checked.equals_the_world(name)


def test_a_continuation_that_is_refused_is_read_from_the_beginning(checked: Bench, name: str) -> None:
    checked.simulator.add_fault(
        Fault("blocked", path=PROJECTS, organization=name, retry_after=600, after=3, times=1)
    )
    checked.host.drain()
    checked.simulator.add_fault(
        Fault("status", path=PROJECTS + ".*continuationToken=15", organization=name, status=400, times=1)
    )
    checked.clock.advance(seconds=610)
    checked.simulator.reset_requests()
    checked.host.drain()
    assert pages_read(checked)[0] == 15
    assert 0 in pages_read(checked)
    assert checked.equals_the_world(name)


def test_what_is_deleted_between_two_slices_is_not_kept_alive(checked: Bench, name: str) -> None:
    checked.simulator.add_fault(
        Fault("blocked", path=PROJECTS, organization=name, retry_after=600, after=3, times=1)
    )
    checked.host.drain()
    gone = checked.world.organization(name).ordered_projects()[0]
    gone.delete()
    late = checked.world.organization(name).ordered_projects()[-1]
    checked.clock.advance(seconds=610)
    checked.host.drain()
    assert late.id in checked.projects(name)
    checked.run()
    checked.run()
    assert checked.equals_the_world(name)
    assert checked.projects(name)[gone.id].retired_at is not None


def test_an_unchanged_listing_is_read_ahead_without_a_request_more(checked: Bench, name: str) -> None:
    checked.host.drain()
    checked.simulator.reset_requests()
    checked.run()
    assert sorted(pages_read(checked)) == [5 * page for page in range(PAGES)]
    assert checked.journal(JournalEvent.PROJECT_MISSING) == []
    assert checked.equals_the_world(name)


def test_writing_is_cut_as_well_and_ends_with_what_was_listed(make_bench: MakeBench, world: World) -> None:
    world.become(generate_world(seed=12, organizations=1, projects=12, repositories=400))
    name = world.organizations[0].name
    bench = make_bench(time_slice="30s", inventory_interval="1d")
    bench.clock.__class__ = BusyClock
    bench.connect()
    slow(bench, 3)
    bench.run(seconds=0)
    slow(bench, 0)
    assert bench.equals_the_world(name)
    assert bench.simulator.requests.count(organization=name, path="/_apis/git/repositories") > 1
    assert len(pages_read(bench)) == 1
    discovered = bench.journal(JournalEvent.REPOSITORY_DISCOVERED)
    assert len(discovered) == len({one.subject for one in discovered}) == len(bench.alive(name))
