"""What each alert waits for happens here, and is told under the documented name with what its query reads."""

from __future__ import annotations

import json
import logging
import operator
import re
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

import function_app
from handlers.report_status import report_status
from local.ado_simulator import World
from shared import wiring
from shared.model.command import DoWork
from shared.model.event import EVENTS
from shared.model.organization import OnboardingState
from shared.model.prerequisite import PrerequisiteStatus
from shared.model.work import ONBOARDING_QUEUE, WorkKind
from shared.queue.messages import encode
from shared.views.status import GAUGES, WORK_DURATION
from tests.infra.bicep import INFRA
from tests.operate.conftest import MakeWatched
from tests.operate.kusto import answer

ALERTS = {one["name"]: one for one in json.loads((INFRA / "alerts.json").read_text("utf-8"))}

OF_OTHERS = (
    "Executing 'Functions.report_status' (Reason='Timer fired')",
    '"queue.late"',
    "17",
    "null",
    "[]",
    "{}",
)
"""What the host and libraries log between our own lines."""


def fires(alert: str, *told: dict[str, Any], metrics: Iterable[str] = ()) -> bool:
    """Whether the rule fires for what was told within its window: its query is run, its rows are counted.

    What it counts apart, and what it shows, has to be there in each event that it finds.
    """
    rule = ALERTS[alert]
    rows = answer(
        rule["query"],
        {
            "traces": [
                *({"timestamp": one.get("timestamp", "now"), "message": json.dumps(one)} for one in told),
                *({"timestamp": "now", "message": one} for one in OF_OTHERS),
            ],
            "customMetrics": [{"timestamp": "now", "name": name} for name in metrics],
        },
    )
    assert [row for row in rows for value in row.values() if value in {None, ""}] == []
    dimensions = [one["name"] for one in rule["dimensions"]]
    counts = Counter(tuple(row[name] for name in dimensions) for row in rows)
    # Where nothing is counted apart, no row at all is a count, too.
    values = [*counts.values()] or ([] if dimensions else [0])
    passes = {"GreaterThan": operator.gt, "LessThan": operator.lt}[rule["operator"]]
    return any(passes(count, rule["threshold"]) for count in values)


def test_where_all_is_well_nothing_is_told_but_numbers(make_watched: MakeWatched, world: World) -> None:
    watched = make_watched()
    # Requests are counted by the clock hour: it must not turn between the work and the telling.
    watched.bench.clock.time = watched.bench.clock.time.replace(minute=1)
    connector = watched.bench.connect()
    watched.bench.run(minutes=1)
    watched.bench.run(minutes=1)
    watched.bench.clock.advance(minutes=1)
    assert watched.report() == []
    metrics = watched.metrics()
    assert {one.name for one in (*GAUGES, WORK_DURATION)} - set(metrics) == {"ado_connector.budget.left"}
    names = [one.name for one in world.organizations]
    assert metrics["ado_connector.organizations"][connector.name, "Onboarded"] == len(names)
    assert metrics["ado_connector.organizations"][connector.name, "NotOnboarded"] == 0
    assert {key for (key,) in metrics["ado_connector.projects"]} == set(names)
    for name in names:
        assert metrics["ado_connector.projects"][name,] == len(watched.bench.projects(name))
        assert metrics["ado_connector.repositories"][name,] == len(watched.bench.repositories(name))
        assert metrics["ado_connector.requests"][name,] > 0
        assert metrics["ado_connector.throttled"][name,] == 0
    assert metrics["ado_connector.discovery.lag"][connector.name,] == 60
    unknown = [
        one
        for organization in watched.bench.state.organizations()
        for one in watched.bench.state.prerequisites(organization.id, connector.id)
        if one.status is PrerequisiteStatus.UNKNOWN
    ]
    assert metrics["ado_connector.prerequisites.unknown"][connector.name,] == len(unknown)
    assert {key: value for key, value in metrics["ado_connector.dead_letters"].items() if value} == {}
    assert {key for (key,) in metrics["ado_connector.queue.age"]} == {kind.value for kind in WorkKind}
    inventory = metrics["ado_connector.work.duration"]["inventory", "done"]
    assert inventory.count == 2


def test_an_authorisation_that_ended_is_told_at_each_discovery(
    make_watched: MakeWatched, world: World
) -> None:
    watched = make_watched()
    connector = watched.bench.connect()
    watched.bench.run(minutes=1)
    assert watched.named("authorization.ended") == []
    world.revoke_token()
    told: list[dict[str, Any]] = []
    for times in (1, 2, 3):
        watched.bench.clock.advance(minutes=15)
        watched.bench.host.fire("discover_organizations")
        watched.bench.host.drain()
        told = watched.named("authorization.ended")
        assert [one["connector"] for one in told] == [connector.name] * times
    assert fires("authorization-ended", told[-1])
    assert told[-1]["level"] == "error"
    assert told[-1]["code"]
    assert told[-1]["reason"]
    failed = watched.named("discovery.failed")
    assert [one["connector"] for one in failed] == [connector.name] * 3
    assert fires("discovery-late", *failed)
    assert not fires("discovery-late", *failed[1:])  # an outage of half an hour passes by itself


def test_a_discovery_that_does_not_come_is_late(make_watched: MakeWatched) -> None:
    watched = make_watched(discovery_late_after=timedelta(hours=2))
    connector = watched.bench.connect()
    watched.bench.clock.advance(hours=2)
    assert watched.report() == []
    watched.bench.clock.advance(seconds=1)
    (told,) = watched.report()
    assert fires("discovery-late", told)
    assert (told["event"], told["connector"], told["seconds"]) == ("discovery.late", connector.name, 7201)
    assert watched.metrics()["ado_connector.discovery.lag"][connector.name,] == 7201
    watched.bench.host.fire("discover_organizations")
    watched.bench.host.drain()
    assert watched.report() == []


def test_messages_that_were_given_up_are_told(make_watched: MakeWatched) -> None:
    watched = make_watched()
    watched.bench.runtime.queue.send_raw(ONBOARDING_QUEUE, b"no command")
    for _ in range(10):
        watched.bench.host.drain()
    (told,) = watched.report()
    assert fires("dead-letters", told)
    assert (told["event"], told["queue"], told["messages"]) == ("queue.deadLetters", ONBOARDING_QUEUE, 1)
    assert watched.metrics()["ado_connector.dead_letters"][ONBOARDING_QUEUE,] == 1


def test_an_app_tells_what_its_silence_is_known_by(make_watched: MakeWatched) -> None:
    """Even one that has nothing to do. The alert fires where this is not told."""
    watched = make_watched()
    (asked,) = re.findall(r'name == "([^"]+)"', ALERTS["app-silent"]["query"])
    assert watched.metrics() == {}
    assert fires("app-silent")
    watched.report()
    told = watched.metrics()
    assert len(told[asked]) == len(WorkKind)
    assert not fires("app-silent", metrics=told)


def test_queues_that_do_not_tell_are_not_taken_for_empty(make_watched: MakeWatched) -> None:
    watched = make_watched()
    assert watched.report() == []
    watched.metrics()
    watched.bench.runtime.queue.close()
    report_status(wiring.dependencies(), function_app._reporting())
    assert [one["event"] for one in watched.events()] == ["queue.unread"]
    assert "ado_connector.dead_letters" not in watched.metrics()


def test_work_that_nobody_takes_is_late(make_watched: MakeWatched, world: World) -> None:
    watched = make_watched(discovery_late_after=timedelta(days=8))
    connector = watched.bench.connect()
    watched.bench.run(minutes=1)
    watched.bench.clock.advance(hours=2)  # inventory was due an hour ago, and no timer ran
    assert watched.report() == []
    watched.bench.clock.advance(minutes=1)
    (told,) = watched.report()
    assert fires("queue-late", told)
    assert (told["event"], told["queue"]) == ("queue.late", "inventory")
    assert told["seconds"] == 3660
    ids = {watched.bench.organization(one.name).id: one.name for one in world.organizations}
    assert ids[told["organization_id"]] == told["organization"]
    assert told["connector"] == connector.name
    assert watched.metrics()["ado_connector.queue.age"]["inventory",] == 3660


def test_an_organization_of_which_nothing_is_learnt_for_a_day_is_unknown(
    make_watched: MakeWatched, world: World
) -> None:
    watched = make_watched()
    connector = watched.bench.connect()
    watched.bench.run(minutes=1)
    lost, fine = world.organizations
    lost.deny_capability("projects")
    told: list[dict[str, Any]] = []
    for _ in range(5):
        watched.bench.run(hours=6)
        told = watched.report()
    known = [one for one in told if one["event"] == "organization.unknown"]
    assert [one["organization"] for one in known] == [lost.name]
    assert fires("organization-unknown", known[0])
    assert known[0]["connector"] == connector.name
    assert known[0]["reason"]
    assert known[0]["organization_id"] == watched.bench.organization(lost.name).id
    assert fine.name not in str(told)


def test_a_required_prerequisite_that_cannot_be_told_for_a_day_is_unknown(
    make_watched: MakeWatched, world: World
) -> None:
    """The check itself succeeds, so that no failure tells of it."""
    watched = make_watched()
    connector = watched.bench.connect()
    unclear, _ = world.organizations
    unclear.deny_capability("permissions")
    watched.bench.run(minutes=1)
    assert watched.bench.enrollment(unclear.name).state is OnboardingState.NOT_ONBOARDED
    for _ in range(4):
        watched.bench.run(hours=6)
        assert [one for one in watched.report() if one["event"] == "organization.unknown"] == []
    watched.bench.run(hours=1)
    (told,) = (one for one in watched.report() if one["event"] == "organization.unknown")
    assert fires("organization-unknown", told)
    assert (told["organization"], told["connector"]) == (unclear.name, connector.name)
    assert (told["kind"], told["code"]) == ("prerequisites", "projectCollectionAdministrator")
    assert "effective permission" in told["reason"]
    unclear.allow_capability("permissions")
    watched.bench.run(hours=6)
    assert [one for one in watched.report() if one["event"] == "organization.unknown"] == []


def test_what_is_known_to_be_missing_is_not_unknown(make_watched: MakeWatched, world: World) -> None:
    watched = make_watched()
    watched.bench.connect()
    refused, _ = world.organizations
    refused.set_pca("none")
    refused.deny_capability("entitlements")
    for _ in range(6):
        watched.bench.run(hours=6)
    assert watched.bench.enrollment(refused.name).state is OnboardingState.NOT_ONBOARDED
    assert [one for one in watched.report() if one["event"] == "organization.unknown"] == []


def test_a_budget_that_is_used_up_is_told(make_watched: MakeWatched, world: World) -> None:
    watched = make_watched(hourly_request_cap=20)
    connector = watched.bench.connect()
    watched.bench.clock.time = watched.bench.clock.time.replace(minute=1)
    watched.bench.run(minutes=1)
    at_once = watched.named("budget.exhausted")  # the hour may be over before the timer tells of it
    again = [one for one in watched.report() if one["event"] == "budget.exhausted"]
    names = {one.name for one in world.organizations}
    assert {one["organization"] for one in at_once} == {one["organization"] for one in again} <= names
    assert len(again) == len({one["organization"] for one in again}) > 0
    for told in (at_once[0], again[0]):
        assert fires("budget-exhausted", told)
        assert "20 requests" in told["reason"]
        assert told["until"].endswith(":00+00:00")
        assert told["connector"] == connector.name
    left = watched.metrics()["ado_connector.budget.left"]
    assert left[again[0]["organization"],] < 0.3
    watched.bench.clock.advance(hours=1)
    later = [one["until"] for one in watched.report() if one["event"] == "budget.exhausted"]
    assert again[0]["until"] not in later  # the next hour has a budget of its own


@pytest.mark.parametrize("alert", ALERTS)
def test_no_alert_fires_for_what_does_not_concern_it(alert: str) -> None:
    others = [one for one in EVENTS if f'"{one.name}"' not in ALERTS[alert]["query"]]
    told = [{"event": one.name} | dict.fromkeys(one.fields, "1") for one in others]
    assert len(told) > 30
    assert not fires(alert, *told, metrics=["ado_connector.queue.age"])


def test_events_of_work_name_the_work(make_watched: MakeWatched) -> None:
    watched = make_watched(log_level="info")
    connector = watched.bench.connect()
    watched.bench.run(minutes=1)
    done = watched.named("work.done")
    assert {one["kind"] for one in done} >= {"inventory", "prerequisites"}
    for one in done:
        organization = watched.bench.organization(one["organization"])
        assert one["organization_id"] == organization.id
        assert one["work"].startswith(f"{organization.id}/{one['kind']}/")
        assert one["connector"] == connector.name


def test_events_carry_the_trace_that_a_message_came_with(make_watched: MakeWatched) -> None:
    watched = make_watched(log_level="info")
    watched.bench.connect()
    watched.bench.run(minutes=1)
    (one, *_) = watched.bench.state.work(kind=WorkKind.INVENTORY)
    body = encode(DoWork(one.organization, one.kind, one.revision + 7))
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    told = []
    for properties in ({"traceparent": trace}, {"Diagnostic-Id": trace}, {"traceparent": "a secret"}, {}):
        watched.clear()
        watched.bench.runtime.queue.send_raw("inventory", body, properties=properties)
        watched.bench.host.drain()
        (event,) = watched.named("work.outdated")
        told.append(event.get("trace"))
    assert told[:2] == [trace, trace]
    others = told[2:]
    assert all(re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", str(one)) for one in others)
    assert len({trace, *others}) == 3  # a run that nobody traces has a trace of its own


def test_a_trace_goes_from_a_timer_to_the_work_that_it_queued(make_watched: MakeWatched) -> None:
    watched = make_watched(log_level="info")
    watched.bench.connect()
    watched.bench.host.fire("discover_organizations")
    (discovered,) = watched.named("discovery.done")
    watched.bench.host.drain()
    done = watched.named("work.done")
    assert {one["kind"] for one in done} >= {"inventory", "prerequisites"}
    assert {one["trace"] for one in done} == {discovered["trace"]}


def test_every_event_tells_where_it_belongs(
    make_watched: MakeWatched, caplog: pytest.LogCaptureFixture
) -> None:
    """Also those of threads that a piece of work starts."""
    caplog.set_level(logging.DEBUG, logger="ado_connector")
    watched = make_watched(log_level="debug")
    connector = watched.bench.connect()
    watched.bench.run(minutes=1)
    watched.bench.host.fire("report_status")
    names = ("ado_connector", "ado_connector.ado")
    told = [json.loads(one.getMessage()) for one in caplog.records if one.name in names]
    assert [one["event"] for one in told if not one.get("trace")] == []
    requests = [one for one in told if one["event"] == "ado.request" and one["organization"]]
    assert len(requests) > 40
    assert [one["path"] for one in requests if not one.get("work") or not one.get("organization_id")] == []
    of_work = [one for one in told if one["event"].startswith(("work.", "posture."))]
    assert {(one["connector"], bool(one["organization"])) for one in of_work} == {(connector.name, True)}
