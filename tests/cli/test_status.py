"""`status`: 0 all is well, 1 something needs a person, 2 something is not known."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli import keys
from cli.output import instant
from local.ado_simulator import Fault, Simulator
from shared.model.failure import Failure, FailureKind
from shared.model.ids import OrganizationId, TenantId
from shared.model.organization import Organization
from shared.model.work import Work, WorkKind
from shared.ports import State
from shared.queue import open_queue
from shared.wiring.clock import SystemClock
from tests.cli.conftest import CommandLine


def test_nothing_there_is_not_known(ado: CommandLine) -> None:
    told = ado.json("status", code=2)
    assert told["verdict"] == "unknown"
    assert "no connector" in told["findings"][0]["reason"]


def test_a_connector_that_never_looked_is_not_known(ado: CommandLine) -> None:
    ado("connector", "create", "--name", "one")
    told = ado.json("status", code=2)
    assert told["connectors"][0]["provisioningState"] == "Pending"


def test_all_is_well(ado: CommandLine, simulator: Simulator) -> None:
    assert simulator.url
    ado("connector", "create", "--name", "one")
    ado("run", "--once", code=None)
    told = ado.json("status")
    assert list(told) == list(keys.STATUS)
    assert told["verdict"] == "fine"
    assert told["organizations"]["Onboarded"] == 2
    assert told["organizations"]["NotOnboarded"] == 0
    assert told["work"] == told["findings"] == told["stuck"] == []
    assert list(told["queues"][0]) == list(keys.QUEUE)
    assert "All is well" in ado("status").out
    assert "Nothing is stuck." in ado("status").out


def test_work_that_failed_is_told_with_since_when_and_why(ado: CommandLine, simulator: Simulator) -> None:
    name = simulator.world.organizations[0].name
    simulator.add_fault(Fault("trouble", organization=name, path="git/repositories", status=500))
    ado("connector", "create", "--name", "one")
    ado("run", "--once", code=2)
    told = ado.json("status", code=2)
    (work,) = told["work"]
    assert list(work) == list(keys.WORK)
    assert (work["organization"], work["kind"], work["state"]) == (name, "inventory", "failed")
    assert work["since"].endswith("Z")
    assert work["notBefore"] > work["since"]
    assert work["reason"]
    assert "failed" in ado("status", code=2).out


def test_a_throttle_is_told(ado: CommandLine, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGEST_SLEEP", "0s")
    name = simulator.world.organizations[0].name
    simulator.add_fault(Fault("blocked", organization=name, path="git/repositories", retry_after=900))
    ado("connector", "create", "--name", "one")
    ado("run", "--once", "--wait", "0", code=2)
    told = ado.json("status", code=2)
    assert "throttled" in {one["state"] for one in told["work"]}


def test_missing_prerequisites_need_a_person(ado: CommandLine, simulator: Simulator) -> None:
    simulator.world.organizations[0].set_licence("stakeholder")
    ado("connector", "create", "--name", "one")
    ado("run", "--once", code=None)
    told = ado.json("status", code=1)
    assert told["verdict"] == "needsPerson"
    assert list(told["findings"][0]) == list(keys.FINDING)
    assert "needs a person" in ado("status", code=1).out


def test_dead_letters_need_a_person(ado: CommandLine, simulator: Simulator) -> None:
    assert simulator.url
    ado("connector", "create", "--name", "one")
    ado("queue", "send", "onboarding", "--body", "no json")
    ado("run", "--once", code=2)
    told = ado.json("status", code=1)
    assert told["deadLetters"] == 1
    assert "dead-letters list" in told["findings"][-1]["reason"]
    assert told["findings"][-1]["reason"].startswith("1 message could not be handled.")


# --- what is stuck ----------------------------------------------------------------------------------------


def stuck(ado: CommandLine, what: str) -> list[dict[str, str]]:
    rows = [one for one in ado.json("status", code=None)["stuck"] if one["what"] == what]
    assert all(list(one) == list(keys.STUCK) for one in rows)
    return rows


def test_dead_letters_are_told_with_their_reason(ado: CommandLine, simulator: Simulator) -> None:
    assert simulator.url
    ado("connector", "create", "--name", "one")
    ado("queue", "send", "onboarding", "--body", "no json")
    ado("run", "--once", code=2)
    (letter,) = stuck(ado, "deadLetter")
    assert letter["subject"] == "message onboarding/1"
    assert "MessageRefused" in letter["why"]
    assert "replay onboarding/1" in letter["next"]
    assert letter["since"].endswith("Z")
    told = ado("status", code=1).out
    assert "Stuck:" in told
    assert f"s ago ({letter['since']})" in told


def test_a_dead_letter_of_work_that_went_on_without_it_is_not_stuck(
    ado: CommandLine, known: State, settings: Path, due: Work
) -> None:
    """It can be listed, and needs nobody."""
    ended = done_once(known, due)
    body = {"version": 1, "organizationId": ended.organization, "kind": "inventory"}
    for revision in (ended.revision - 1, ended.revision):
        ado("queue", "send", "inventory", "--body", json.dumps({**body, "revision": revision}))
    with open_queue(f"sqlite:///{settings}", SystemClock()) as queue:
        for delivery in queue.receive("inventory", max_messages=2):
            queue.dead_letter(delivery, reason="Bug", description=str(delivery.sequence_number))
    (letter,) = stuck(ado, "deadLetter")
    assert letter["why"].startswith("Bug: 2")


def test_a_discovery_that_fails_is_told(ado: CommandLine, simulator: Simulator) -> None:
    simulator.world.expire_token()
    ado("connector", "create", "--name", "one")
    ado("run", "--once", code=2)
    (connector,) = stuck(ado, "discoveryFails")
    assert connector["subject"] == "connector one"
    assert connector["why"]


def test_a_pause_is_told_with_its_end(
    ado: CommandLine, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGEST_SLEEP", "0s")
    name = simulator.world.organizations[0].name
    simulator.add_fault(Fault("blocked", organization=name, path="git/repositories", retry_after=900))
    ado("connector", "create", "--name", "one")
    ado("run", "--once", "--wait", "0", code=2)
    assert {one["subject"] for one in stuck(ado, "throttled")} == {name}
    assert "goes on by itself at" in stuck(ado, "throttled")[0]["next"]


HOUR = timedelta(hours=1)


@pytest.fixture
def due() -> Work:
    """Due now, as the test begins: tests may be collected long before."""
    return Work(OrganizationId("o1"), WorkKind.INVENTORY, due_at=datetime.now(UTC))


@pytest.fixture
def known(state: State, due: Work) -> State:
    state.put_organization(
        Organization(due.organization, TenantId("t"), "contoso", first_seen=due.due_at - 100 * HOUR)
    )
    return state


def done_once(state: State, ended: Work) -> Work:
    """Store the work as a run leaves it."""
    work = state.ensure_work(ended.organization, ended.kind, ended.due_at)
    lease = state.lease_work(
        work.organization, work.kind, work.revision, owner="box,b,n/1/1", now=ended.due_at, until=ended.due_at
    )
    assert lease is not None
    return state.finish_work(lease, ended)


def test_work_that_fails_again_and_again_is_told_from_its_first_failure(
    ado: CommandLine, known: State, due: Work
) -> None:
    failure = Failure(FailureKind.TRANSIENT, "Timeout", "It timed out.", "Wait.")
    since = due.due_at - 5 * HOUR
    failing = replace(due, last_failure=failure, last_failure_at=due.due_at, failing_since=since)
    done_once(known, replace(failing, failures_in_a_row=1))
    assert stuck(ado, "failing") == []
    done_once(known, replace(failing, failures_in_a_row=7))
    (row,) = stuck(ado, "failing")
    assert (row["subject"], row["kind"]) == ("contoso", "inventory")
    assert row["since"] == instant(since)
    assert "7 times in a row: It timed out." in row["why"]
    assert "5 h ago" in ado("status", code=None).out


def test_work_that_was_begun_and_not_ended_is_told(ado: CommandLine, known: State, due: Work) -> None:
    work = known.ensure_work(due.organization, due.kind, due.due_at)
    then = due.due_at - HOUR
    known.lease_work(
        work.organization, work.kind, work.revision, owner="box,b,n/1/1", now=then, until=then + HOUR / 6
    )
    (row,) = stuck(ado, "abandoned")
    assert row["since"] == instant(then + HOUR / 6)
    assert "begun by box and" in row["why"]


def test_work_whose_message_was_not_taken_is_told(ado: CommandLine, known: State, due: Work) -> None:
    work = known.ensure_work(due.organization, due.kind, due.due_at - HOUR)
    assert known.mark_queued(work, due.due_at - HOUR)
    (row,) = stuck(ado, "notTaken")
    assert row["since"] == instant(due.due_at - HOUR)


def test_work_that_is_overdue_by_more_than_its_interval_is_told(
    ado: CommandLine, known: State, due: Work
) -> None:
    known.ensure_work(due.organization, due.kind, due.due_at - HOUR / 2)
    assert stuck(ado, "overdue") == []
    known.bring_forward(due.organization, due.kind, due.due_at - 2 * HOUR)
    (row,) = stuck(ado, "overdue")
    assert row["since"] == instant(due.due_at - 2 * HOUR)
