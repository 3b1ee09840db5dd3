"""What a concurrency test runs in another process: `python -m tests.contract.workers JOB URL ...`.

Each worker says when it is ready, waits for a line, and then races.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from shared.connector_state import open_state
from shared.model.ids import ConnectorId, OrganizationId
from shared.ports import InventoryChange, StateConflict
from shared.queue import open_queue
from shared.queue.receiver import Delivery
from shared.wiring.process import is_alive, process_owner
from tests.contract.adapters import START, FakeClock, Queue
from tests.contract.records import (
    INVENTORY,
    TENANT,
    enrollment,
    entry,
    lease,
    organization,
    project,
    repository,
)

LATER = START + timedelta(hours=1)


def ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()


def tell(result: object) -> None:
    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()


def queue_of(url: str) -> Queue:
    """The queue that several workers take from."""
    if url.startswith("Endpoint="):
        from tests.amqp_broker.client import RACING, patient_queue  # noqa: PLC0415 - heavy

        return patient_queue(url, FakeClock(), wait_seconds=RACING)
    return open_queue(url, FakeClock(), owner=process_owner(), is_alive=is_alive)


def received(queue: Queue) -> Sequence[Delivery]:
    """What comes next. None when the queue is empty: a broker may be slow to give what is there."""
    deliveries = queue.receive("inventory")
    while not deliveries and queue.next_available_at("inventory") is not None:
        deliveries = queue.receive("inventory")
    return deliveries


def claim(url: str, name: str, count: str) -> None:
    """Claim so many organizations for the connector of that name."""
    state = open_state(url)
    ready()
    tell([state.claim(TENANT, OrganizationId(f"o{n}"), ConnectorId(name)) for n in range(int(count))])


def take_leases(url: str, name: str, count: str) -> None:
    """Take the lease of so many pieces of work."""
    state = open_state(url)
    ready()
    won = []
    for n in range(int(count)):
        taken = state.lease_work(OrganizationId(f"o{n}"), INVENTORY, 1, owner=name, now=START, until=LATER)
        if taken is not None:
            won.append(n)
    tell(won)


def discover(url: str, name: str, count: str) -> None:
    """Record so many organizations, each with an instance id that every worker knows."""
    state = open_state(url)
    ready()
    won = []
    for n in range(int(count)):
        try:
            state.put_organization(organization(f"{name}-{n}", f"name-{n}", instance_id=f"i{n}"))
        except StateConflict:
            continue
        won.append(n)
    tell(won)


def add_up(url: str, _name: str, count: str) -> None:
    """Raise one record's counter so many times, by read, change and conditional write."""
    state = open_state(url)
    ready()
    for _ in range(int(count)):
        while True:
            record = state.throttle("shared")
            try:
                state.put_throttle("shared", replace(record, requests=record.requests + 1))
            except StateConflict:
                continue
            break
    tell([])


def tell_journal(url: str, name: str, count: str) -> None:
    """Append so many entries, one by one."""
    state = open_state(url)
    ready()
    for n in range(int(count)):
        state.append_journal([entry(f"{name}-{n}")])
    tell([])


def work_off(url: str, _name: str, _count: str) -> None:
    """Receive, lease and do whatever the queue names, like a handler; each doing is one journal entry."""
    state_url, queue_url = url.split()
    state = open_state(state_url)
    queue = queue_of(queue_url)
    ready()
    done = 0
    while deliveries := received(queue):
        for delivery in deliveries:
            message = json.loads(delivery.body)
            organization_id = OrganizationId(message["organizationId"])
            taken = state.lease_work(
                organization_id,
                INVENTORY,
                message["revision"],
                owner=process_owner(),
                now=START,
                until=LATER,
            )
            if taken is not None:
                (work,) = state.work(organization=organization_id, kind=INVENTORY)
                state.finish_work(taken, replace(work, due_at=LATER), [entry(organization_id)])
                done += 1
            queue.complete(delivery)
    tell(done)


def receive_all(url: str, _name: str, _count: str) -> None:
    """Receive and complete until the queue is empty; tells what was received."""
    queue = queue_of(url)
    ready()
    seen = []
    while deliveries := received(queue):
        for delivery in deliveries:
            seen.append(int(delivery.body))
            queue.complete(delivery)
    tell(seen)


def hold(url: str, _name: str, _count: str) -> None:
    """Take a lease and a message, and keep both until killed."""
    state = open_state(url)
    queue = open_queue(url, FakeClock(), owner=process_owner())
    lease(state, owner=process_owner())
    queue.receive("inventory", max_messages=5)
    tell(process_owner())
    sys.stdin.readline()


def write_for_ever(url: str, _name: str, _count: str) -> None:
    """Write slices of rows with their journal, each slice a new generation, until killed."""
    state = open_state(url)
    held = lease(state)
    generation = 0
    while True:
        generation += 1
        name = f"generation-{generation}"
        state.apply_inventory(
            held,
            InventoryChange(
                tuple(replace(project(n), name=name) for n in range(200)),
                tuple(replace(repository(n), name=name) for n in range(200)),
                tuple(
                    replace(entry(one.id), after=name)
                    for n in range(200)
                    for one in (project(n), repository(n))
                ),
            ),
        )
        tell(generation)


def create(url: str, _name: str, _count: str) -> None:
    """Open a store that is not there yet."""
    ready()
    open_state(url).close()
    tell([])


def fork(url: str, _name: str, _count: str) -> None:
    """Use one state in a process and in its child."""
    state = open_state(url)
    state.claims()
    child = os.fork()
    who = ConnectorId("parent" if child else "child")
    state.claim(TENANT, OrganizationId(who), who)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    tell(sorted(state.claims()))
    state.close()


class DeadlyEvent:
    """Kills the process when the store asks for its value."""

    @property
    def value(self) -> str:
        os._exit(9)


def die_while_writing(url: str, _name: str, _count: str) -> None:
    """Die in the middle of a transaction, when half of the journal has been written."""

    state = open_state(url)
    held = lease(state)
    state.put_enrollment(enrollment())
    told = entry("told")
    deadly = replace(told, event=DeadlyEvent())  # type: ignore[arg-type]
    tell("dying")
    rows = tuple(project(n) for n in range(6_000))
    state.apply_inventory(held, InventoryChange(rows, journal=(*(told,) * 3, deadly)))


JOBS: dict[str, Callable[[str, str, str], None]] = {
    job.__name__: job
    for job in (
        claim,
        take_leases,
        discover,
        add_up,
        tell_journal,
        work_off,
        receive_all,
        hold,
        write_for_ever,
        create,
        fork,
        die_while_writing,
    )
}

if __name__ == "__main__":
    JOBS[sys.argv[1]](*sys.argv[2:])
