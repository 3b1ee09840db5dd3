"""Notifying: one message for a run, none for an unchanged one, and no change told twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from handlers.notify_organization import EVENT_TYPE, notify_organization
from local.ado_simulator import Simulator, World
from shared.model.assessment import AssessmentChange, Severity
from shared.model.exemption import Exemption, ExemptionKind, ExemptionScope, ExemptionTarget
from shared.model.failure import ServiceError, Transient
from shared.model.notification import Notified
from shared.model.work import WorkKind
from shared.ports import LeaseLost, Notifications, Notifier
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
    assert RULE not in {one["rule"] for one in receiver.events[-1]["data"]["unhealthy"]}
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


class Killed(BaseException):
    """The process dies."""


@dataclass
class Around:
    """The webhook, with something that happens before a message is sent, or after it was taken."""

    webhook: Notifier
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None

    def send(self, identifier: str, body: bytes, at: datetime) -> None:
        self.before()
        self.webhook.send(identifier, body, at)
        self.after()


def die() -> None:
    raise Killed


@contextmanager
def around(bench: Bench, **happens: Callable[[], None]) -> Iterator[None]:
    """For as long as that lasts, something happens around each message."""
    told = bench.deps.notifications
    assert told is not None
    bench.deps = replace(bench.deps, notifications=replace(told, notifier=Around(told.notifier, **happens)))
    try:
        yield
    finally:
        bench.deps = replace(bench.deps, notifications=told)


@pytest.mark.parametrize(("when", "arrived"), [("before", 0), ("after", 1)])
def test_whoever_dies_around_a_message_leaves_one_that_is_the_same(
    bench: Bench, receiver: Receiver, when: str, arrived: int
) -> None:
    a_bare_project(bench.truth, "one")
    bench.sync()
    look(bench)
    with around(bench, **{when: die}), pytest.raises(Killed):
        notify(bench)
    assert len(receiver.received) == arrived
    a_bare_project(bench.truth, "two")
    bench.sync()
    look(bench)
    notify(bench)
    assert len(receiver.received) == arrived + 1
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
    assert len({one.body for one in receiver.received}) == 1
    notify(bench)
    notify(bench)
    assert len(receiver.received) == arrived + 2
    assert not named(receiver.events[-1], "one")
    assert named(receiver.events[-1], "two")


def named(event: dict[str, Any], project: str) -> bool:
    return any(one["resourceName"].startswith(project) for one in event["data"]["unhealthy"])


def test_two_that_tell_at_once_send_the_same_message(bench: Bench, receiver: Receiver) -> None:
    a_bare_project(bench.truth, "one")
    bench.sync()
    look(bench)
    slow = bench._lease(WorkKind.NOTIFICATIONS)
    theirs = bench.deps

    def overtaken() -> None:
        bench.clock.time += 2 * HOUR
        ours, bench.deps = bench.deps, theirs
        notify(bench)
        bench.deps = ours

    with around(bench, before=overtaken), pytest.raises(LeaseLost):
        notify_organization(slow, bench.deps, bench.connector, bench.organization, bench.clock.now())
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
    assert [one.body for one in receiver.received] == [receiver.received[0].body] * 2
    notify(bench)
    assert len(receiver.received) == 2


def test_a_run_in_slices_is_one_message_at_its_end(bench: Bench, receiver: Receiver) -> None:
    for number in range(4):
        a_bare_project(bench.truth, f"bare {number}")
    bench.sync()
    slices = 0
    while bench.assess(seconds=0):
        slices += 1
        assert not is_queued(bench)
        notify(bench)
        assert receiver.received == []
    assert slices >= 3
    assert is_queued(bench)
    notify(bench)
    (event,) = receiver.events
    assert all(named(event, f"bare {number}") for number in range(4))


def test_while_a_run_is_under_way_nothing_is_told_but_what_was_on_its_way(
    bench: Bench, receiver: Receiver
) -> None:
    a_bare_project(bench.truth, "one")
    bench.sync()
    look(bench)
    receiver.status = 503
    with pytest.raises(Transient):
        notify(bench)
    receiver.status = 200
    a_bare_project(bench.truth, "two")
    bench.sync()
    look(bench)
    running = bench._lease(WorkKind.POSTURE)
    notify(bench)
    assert len(receiver.received) == 2
    notify(bench)
    assert len(receiver.received) == 2
    bench.state.finish_work(running, bench._work(WorkKind.POSTURE))
    notify(bench)
    assert len(receiver.received) == 3
    assert named(receiver.events[-1], "two")


def test_a_run_that_does_not_end_is_told_in_part(bench: Bench, receiver: Receiver) -> None:
    for name in ("one", "two"):
        a_bare_project(bench.truth, name)
    bench.sync()
    while not any(one.resource.project for one in bench.state.status_changes(bench.organization.id)):
        assert bench.assess(seconds=0)
    bench.clock.time += 8 * HOUR
    notify(bench)
    assert receiver.received == []
    bench.clock.time += HOUR
    notify(bench)
    assert len(receiver.received) == 1
    while bench.assess(seconds=0):
        pass
    notify(bench)
    first, second = receiver.events
    assert {named(first, "one"), named(second, "one")} == {True, False}
    assert {named(first, "two"), named(second, "two")} == {True, False}


def test_a_message_stays_small_and_counts_what_it_does_not_list(bench: Bench, receiver: Receiver) -> None:
    a_bare_project(bench.truth, "one")
    bench.sync()
    look(bench)
    lease = bench._lease(WorkKind.POSTURE)
    name = "<script>alert(1)</script>\ud800" + "\u20ac" * 1_000
    change = next(one for one in bench.state.status_changes(bench.organization.id) if one.rule == RULE)
    project = change.resource.project
    assert project is not None
    history = tuple(
        replace(change, resource=replace(change.resource, id=f"many-{number:05}", name=name))
        for number in range(5_000)
    )
    bench.state.apply_assessments(lease, project, AssessmentChange(history=history), bench.clock.now())
    bench.state.finish_work(lease, bench._work(WorkKind.POSTURE))
    notify(bench)
    (message,) = receiver.received
    assert len(message.body) < 1_001_000
    data = message.event["data"]
    assert data["counts"]["unhealthy"] >= 5_000
    assert 100 < len(data["unhealthy"]) < 1_000
    assert data["notListed"] == {
        "unhealthy": data["counts"]["unhealthy"] - len(data["unhealthy"]),
        "recovered": 0,
    }
    (told,) = {one["resourceName"] for one in data["unhealthy"] if one["resourceId"].startswith("many-")}
    assert told == name.replace("\ud800", "\N{REPLACEMENT CHARACTER}")


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
