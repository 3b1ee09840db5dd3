"""Threads and processes at once: one winner each, nothing lost, nothing half-done."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.connector_state import open_state
from shared.model.command import DoWork
from shared.model.ids import ConnectorId, OrganizationId
from shared.model.inventory import Project, Repository
from shared.model.work import Lease
from shared.ports import InventoryChange, LeaseLost, StateConflict
from shared.queue.receiver import QueueCounts
from tests.contract.adapters import START, Queue, QueuePlace, State, StatePlace
from tests.contract.processes import answer, pipe, race_processes, race_threads, worker
from tests.contract.records import (
    INVENTORY,
    ORGANIZATION,
    TENANT,
    entry,
    lease,
    organization,
    project,
    subjects,
)

COUNT = 100
LATER = START + timedelta(hours=1)


def test_a_hundred_raced_claims_have_one_holder_each(state: State, state_place: StatePlace) -> None:
    told = race_processes("claim", state_place.url, count=COUNT)
    held = state.claims()
    assert len(held) == COUNT
    expected = [held[OrganizationId(f"o{n}")] for n in range(COUNT)]
    assert told == [expected] * len(told)


def test_claims_raced_by_threads_have_one_holder_each(state: State) -> None:
    told = race_threads(
        lambda number: [
            state.claim(TENANT, OrganizationId(f"o{n}"), ConnectorId(f"c{number}")) for n in range(COUNT)
        ]
    )
    held = state.claims()
    assert list(told) == [[held[OrganizationId(f"o{n}")] for n in range(COUNT)]] * len(told)


def test_a_raced_lease_has_one_holder(state: State, state_place: StatePlace) -> None:
    for n in range(COUNT):
        state.ensure_work(OrganizationId(f"o{n}"), INVENTORY, START)
    won = race_processes("take_leases", state_place.url, count=COUNT)
    assert sorted(n for numbers in won if isinstance(numbers, list) for n in numbers) == list(range(COUNT))
    assert {work.attempt for work in state.work()} == {1}


def test_an_organization_that_many_discover_is_recorded_once(state: State, state_place: StatePlace) -> None:
    won = race_processes("discover", state_place.url, count=40)
    assert sorted(n for numbers in won if isinstance(numbers, list) for n in numbers) == list(range(40))
    assert sorted(one.instance_id for one in state.organizations()) == sorted(f"i{n}" for n in range(40))


def test_no_conditional_write_is_lost(state: State, state_place: StatePlace) -> None:
    race_processes("add_up", state_place.url, count=50)
    record = state.throttle("shared")
    assert (record.requests, record.revision) == (200, 200)


def test_no_conditional_write_of_a_thread_is_lost(state: State) -> None:
    def add(_: int) -> None:
        for _ in range(25):
            while True:
                record = state.throttle("shared")
                try:
                    state.put_throttle("shared", replace(record, requests=record.requests + 1))
                except StateConflict:
                    continue
                break

    race_threads(add)
    assert state.throttle("shared").requests == 200


def test_journal_ids_are_one_growing_sequence(state: State, state_place: StatePlace) -> None:
    race_processes("tell_journal", state_place.url, count=50)
    entries = state.journal(limit=1_000)
    ids = [one.id for one in entries]
    assert len(entries) == 200
    assert ids == sorted(set(ids))
    for number in range(4):
        ours = [one.subject for one in entries if one.subject.startswith(f"w{number}-")]
        assert ours == [f"w{number}-{n}" for n in range(50)]


def test_due_work_is_queued_by_one_of_many_threads(state: State) -> None:
    seen = [state.ensure_work(OrganizationId(f"o{n}"), INVENTORY, START) for n in range(50)]
    marked = race_threads(
        lambda _: [work.organization for work in seen if state.mark_queued(work, LATER) is not None]
    )
    assert sorted(one for part in marked for one in part) == sorted(work.organization for work in seen)


def test_a_message_is_delivered_to_one_receiver(queue: Queue, queue_place: QueuePlace) -> None:
    for n in range(COUNT):
        queue.send_raw("inventory", str(n).encode())
    told = race_processes("receive_all", queue_place.url, count=0)
    assert sorted(n for seen in told if isinstance(seen, list) for n in seen) == list(range(COUNT))


def test_a_message_is_delivered_to_one_thread(queue: Queue) -> None:
    for n in range(COUNT):
        queue.send_raw("inventory", str(n).encode())

    def receive(_: int) -> list[int]:
        seen = []
        while deliveries := queue.receive("inventory", max_messages=3):
            for delivery in deliveries:
                seen.append(int(delivery.body))
                queue.complete(delivery)
        return seen

    told = race_threads(receive)
    assert sorted(n for seen in told for n in seen) == list(range(COUNT))


def test_duplicates_of_a_message_take_effect_once(
    state: State, state_place: StatePlace, queue: Queue, queue_place: QueuePlace
) -> None:
    for n in range(30):
        work = state.ensure_work(OrganizationId(f"o{n}"), INVENTORY, START)
        for _ in range(4):
            queue.send(DoWork(work.organization, work.kind, work.revision))
    told = race_processes("work_off", f"{state_place.url} {queue_place.url}", count=0)
    assert sum(one for one in told if isinstance(one, int)) == 30
    assert sorted(subjects(state)) == sorted(f"o{n}" for n in range(30))
    assert {work.revision for work in state.work()} == {2}
    assert queue.counts()["inventory"] == QueueCounts()


def test_a_lease_that_a_dead_worker_left_behind_runs_out(state: State, state_place: StatePlace) -> None:
    with worker("write_for_ever", state_place.url) as process:
        answer(process)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
    (held,) = state.work()
    assert held.leased_until is not None
    again = lease(state, owner="next", now=held.leased_until)
    assert again.attempt == 2


@pytest.mark.parametrize("generations", [1, 3])
def test_a_kill_in_mid_write_leaves_whole_rows_and_tells_of_each(
    state: State, state_place: StatePlace, generations: int
) -> None:
    state.put_organization(organization())
    with worker("write_for_ever", state_place.url) as process:
        last = [answer(process) for _ in range(generations)][-1]
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
        assert isinstance(last, int)
        told = [json.loads(line) for line in pipe(process.stdout).readlines() if line.endswith("\n")]
    again = lease(state, owner="next", now=LATER)
    rows: list[Project | Repository] = [
        *state.projects(ORGANIZATION),
        *state.repositories(ORGANIZATION),
    ]
    assert len(rows) == 400
    reached = {int(one.name.removeprefix("generation-")) for one in rows}
    # What was told was written; one more may have been under way.
    assert reached <= {max([last, *told]), max([last, *told]) + 1}
    entries = {(one.subject, one.after) for one in state.journal(limit=100_000)}
    assert entries >= {(one.id, one.name) for one in rows}
    state.apply_inventory(again, InventoryChange((project(999),), journal=(entry("next"),)))
    assert subjects(state)[-1] == "next"


def test_a_worker_that_was_overtaken_changes_nothing(state: State, state_place: StatePlace) -> None:
    old = lease(state, owner="slow", minutes=1)
    other = open_state(state_place.url)
    new = other.lease_work(ORGANIZATION, INVENTORY, 1, owner="fast", now=LATER, until=LATER)
    assert new is not None
    change = InventoryChange((project(1),), journal=(entry("late"),))
    outcomes = race_threads(lambda number: _applied(state, old if number % 2 else new, change))
    assert [bool(number % 2) for number in range(8)] == [outcome == "lost" for outcome in outcomes]
    assert len(state.journal()) == 4
    other.close()


def _applied(state: State, held: Lease, change: InventoryChange) -> str:
    try:
        state.apply_inventory(held, change)
    except LeaseLost:
        return "lost"
    return "written"
