"""Notifying: one message for a run, none for an unchanged one, and no change told twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from handlers.notify_organization import EVENT_TYPE, notify_organization
from local.ado_simulator import Simulator, World
from shared.model.assessment import Severity
from shared.model.exemption import Exemption, ExemptionKind, ExemptionScope, ExemptionTarget
from shared.model.failure import ServiceError, Transient
from shared.model.notification import Notified
from shared.model.work import WorkKind
from shared.ports import Notifications
from shared.webhook.sender import Webhook
from tests.posture.bench import CLASSIC, HOUR, Bench, a_bare_project, a_good_project
from tests.webhook.receiver import SECRET, Receiver, receiving

RULE = "ADO-PROJ-001"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def bench(tmp_path: Path, receiver: Receiver) -> Iterator[Bench]:
    world = World()
    with Simulator(world) as simulator:
        running = Bench(world, simulator, tmp_path)
        webhook = Webhook(receiver.url, lambda: SECRET, running.clock)
        running.deps = replace(running.deps, notifications=Notifications(webhook, Severity.HIGH))
        yield running
        running.close()


def notify(bench: Bench) -> None:
    """One run of the work, as a message would start it."""
    lease = bench._lease(WorkKind.NOTIFICATIONS)
    try:
        deadline = bench.clock.now() + HOUR
        assert notify_organization(lease, bench.deps, bench.connector, bench.organization, deadline) == ""
    finally:
        bench.state.finish_work(lease, bench._work(WorkKind.NOTIFICATIONS))


def look(bench: Bench) -> None:
    bench.clock.time += HOUR
    bench.assess()


def is_queued(bench: Bench) -> bool:
    return any(
        one.queued_at is not None and one.leased_until is None
        for one in bench.state.work(kind=WorkKind.NOTIFICATIONS)
    )


def test_a_run_is_one_message_however_much_was_found(bench: Bench, receiver: Receiver) -> None:
    for number in range(40):
        a_bare_project(bench.truth, f"bare {number:02}")
    bench.sync()
    look(bench)
    assert is_queued(bench)
    notify(bench)
    (message,) = receiver.received
    assert message.is_signed()
    event = message.event
    assert (event["specversion"], event["type"]) == ("1.0", EVENT_TYPE)
    assert event["source"] == f"/ado-connector/organizations/{bench.organization.id}"
    assert message.headers["webhook-id"] == event["id"]
    data = event["data"]
    assert data["counts"]["unhealthy"] == len(data["unhealthy"])
    classic = [one for one in data["unhealthy"] if one["rule"] == RULE]
    assert len(classic) == 40
    assert {(one["before"], one["after"], one["exemptionEnded"]) for one in classic} == {
        (None, "unhealthy", False)
    }
    assert data["recovered"] == []


def test_an_unchanged_run_sends_nothing_and_queues_nothing(bench: Bench, receiver: Receiver) -> None:
    a_bare_project(bench.truth, "bare")
    bench.sync()
    look(bench)
    notify(bench)
    before = bench.state.notified(bench.organization.id)
    for _ in range(3):
        look(bench)
        assert not is_queued(bench)
        notify(bench)
    assert len(receiver.received) == 1
    assert bench.state.notified(bench.organization.id) == before


def test_a_recovery_is_told_and_so_is_what_breaks_again(bench: Bench, receiver: Receiver) -> None:
    project = a_good_project(bench.truth, "web")
    bench.sync()
    look(bench)
    notify(bench)
    assert [one["data"]["unhealthy"] for one in receiver.events if one["data"]["unhealthy"]] == []
    seen = len(receiver.received)
    for value, key in ((False, "unhealthy"), (True, "recovered"), (False, "unhealthy")):
        for name in CLASSIC:
            project.set_setting(name, value=value)
        look(bench)
        notify(bench)
        data = receiver.events[-1]["data"]
        assert [one["rule"] for one in data[key]] == [RULE]
        assert data["recovered" if key == "unhealthy" else "unhealthy"] == []
    assert len(receiver.received) == seen + 3


def test_what_failed_is_sent_again_as_the_same_message(bench: Bench, receiver: Receiver) -> None:
    a_bare_project(bench.truth, "one")
    bench.sync()
    look(bench)
    receiver.status = 503
    with pytest.raises(Transient):
        notify(bench)
    # More is found before it is tried again: that is another message.
    a_bare_project(bench.truth, "two")
    bench.sync()
    look(bench)
    with pytest.raises(Transient):
        notify(bench)
    receiver.status = 200
    notify(bench)
    assert len({one.body for one in receiver.received}) == 1
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
    notify(bench)
    assert len(receiver.received) == 4
    told = [one["resourceName"] for one in receiver.events[-1]["data"]["unhealthy"] if one["rule"] == RULE]
    assert told == ["two"]
    notify(bench)
    assert len(receiver.received) == 4


def test_a_message_that_arrived_though_its_answer_was_lost_has_the_same_id(
    bench: Bench, receiver: Receiver
) -> None:
    a_bare_project(bench.truth, "one")
    bench.sync()
    look(bench)
    receiver.status = 500  # it was received; who sent it does not know
    with pytest.raises(ServiceError):
        notify(bench)
    receiver.status = 200
    notify(bench)
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


def test_what_is_exempted_is_not_told_until_its_exemption_ends(bench: Bench, receiver: Receiver) -> None:
    a_bare_project(bench.truth, "bare")
    bench.sync()
    ends = bench.clock.now() + timedelta(days=1)
    exemption = Exemption(
        id="e1",
        scope=ExemptionScope("*"),
        target=ExemptionTarget(),
        kind=ExemptionKind.WAIVER,
        reason="A test.",
        by="ana",
        created_at=bench.clock.now(),
        expires_at=ends,
    )
    bench.state.change_exemptions([exemption])
    look(bench)
    notify(bench)
    assert receiver.received == []
    assert bench.state.notified(bench.organization.id).told > 0
    bench.clock.time = ends
    notify(bench)
    (event,) = receiver.events
    assert [one["rule"] for one in event["data"]["unhealthy"]].count(RULE) == 1
    assert all(one["exemptionEnded"] for one in event["data"]["unhealthy"])
    notify(bench)
    look(bench)
    notify(bench)
    assert len(receiver.received) == 1


def test_nobody_is_told_where_nobody_is_named(bench: Bench, receiver: Receiver) -> None:
    bench.deps = replace(bench.deps, notifications=None)
    a_bare_project(bench.truth, "bare")
    bench.sync()
    look(bench)
    assert bench.state.work(kind=WorkKind.NOTIFICATIONS) == ()
    notify(bench)
    assert receiver.received == []
    assert bench.state.notified(bench.organization.id) == Notified()
