"""All real parts at once: AMQP broker, Functions worker on Python 3.13, handlers, Azurite, journal."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from azure.servicebus import ServiceBusClient

from local.ado_simulator import Simulator, World, generate_world
from local.pipeline_issuer import PipelineIssuer
from shared.connector_state import open_state
from shared.model.command import OnboardOrganization
from shared.model.connector import AuthKind, Connector, DiscoveryMode, IdentityReference
from shared.model.ids import ConnectorId, TenantId
from shared.model.journal import JournalEvent
from shared.model.mapping import Direction, EdgeKind, NodeKind, run_node
from shared.model.organization import OnboardingState
from shared.model.work import LOOKING
from shared.ports import State
from shared.queue.messages import encode
from shared.queue.receiver import QUEUES, Queues
from shared.wiring.clock import SystemClock
from tests.amqp_broker.broker import Broker
from tests.amqp_broker.client import patient_queue
from tests.azurite.server import Azurite
from tests.worker.worker import Outcome, Worker

pytestmark = [pytest.mark.python_313, pytest.mark.timeout(600)]


@pytest.fixture
def world() -> World:
    return generate_world(seed=5, organizations=2, projects=3, repositories=2)


@pytest.fixture
def issuer() -> PipelineIssuer:
    return PipelineIssuer()


@pytest.fixture
def simulator(world: World, issuer: PipelineIssuer) -> Iterator[Simulator]:
    with Simulator(world, token_issuer=issuer) as running:
        yield running


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker(QUEUES) as running:
        yield running


@pytest.fixture
def queues(broker: Broker) -> Iterator[Queues]:
    with patient_queue(broker.connection_string, SystemClock()) as opened:
        yield opened


@pytest.fixture
def table(azurite: Azurite) -> str:
    return f"{azurite.connection_string};TableName=t{uuid.uuid4().hex}"


@pytest.fixture
def state(table: str) -> Iterator[State]:
    with open_state(table) as opened:
        yield opened


@pytest.fixture
def worker(
    package: Path, worker_python: Path, table: str, broker: Broker, simulator: Simulator, world: World
) -> Iterator[Worker]:
    """With its settings as Azure gives them: nothing but names and values."""
    settings = {
        "STATE_URL": table,
        "ServiceBusConnection": broker.connection_string,
        "ADO_GATEWAY_URL": simulator.url,
        "ADO_PAT": world.token,
    }
    with Worker(package, worker_python, settings) as running:
        yield running


def connector(mode: DiscoveryMode) -> Connector:
    return Connector(
        ConnectorId(str(uuid.uuid4())),
        "main",
        TenantId("tenant"),
        mode,
        IdentityReference(AuthKind.PAT, secret_setting="ADO_PAT"),
        created_at=datetime.now(UTC),
    )


def host(worker: Worker, queues: Queues, broker: Broker) -> list[Outcome]:
    """What the Functions host does: take a message, run its function, complete it or give it back.

    Queues with nothing in them are not asked: an empty one answers after a while only.
    """
    outcomes = []
    busy = True
    while busy:
        busy = False
        for name in [one for one in QUEUES if broker.entity(one).entries]:
            for delivery in queues.receive(name, max_messages=5):
                busy = True
                told = worker.deliver(delivery)
                outcomes.append(told)
                if told.is_success:
                    queues.complete(delivery)
                else:
                    queues.abandon(delivery)
    return outcomes


def equals(state: State, world: World) -> bool:
    for truth in world.organizations:
        (found,) = [one for one in state.organizations() if one.name == truth.name]
        projects = {one.id: one.name for one in truth.projects.values()}
        repositories = {
            one.id: one.name for project in truth.projects.values() for one in project.repositories.values()
        }
        if {row.id: row.name for row in state.projects(found.id)} != projects:
            return False
        if {row.id: row.name for row in state.repositories(found.id)} != repositories:
            return False
    return True


def test_from_a_timer_to_the_journal(
    worker: Worker, queues: Queues, state: State, world: World, broker: Broker
) -> None:
    state.put_connector(connector(DiscoveryMode.EXISTING_AND_FUTURE))
    assert worker.fire("discover_organizations").message == ""
    outcomes = host(worker, queues, broker)
    assert {one.message for one in outcomes} == {""}

    assert equals(state, world)
    assert {one.state for one in state.enrollments()} == {OnboardingState.ONBOARDED}
    assert {one.kind for one in state.work() if one.last_success is not None} == set(LOOKING)
    told = [one.event for one in state.journal(limit=10_000)]
    for event in (
        JournalEvent.ORGANIZATION_DISCOVERED,
        JournalEvent.ONBOARDING_CHANGED,
        JournalEvent.PROJECT_DISCOVERED,
        JournalEvent.REPOSITORY_DISCOVERED,
    ):
        assert event in told
    assert told.count(JournalEvent.REPOSITORY_DISCOVERED) == sum(
        one.repositories for one in state.organizations()
    )
    assert all(broker.entity(name, dead=True).entries == {} for name in QUEUES)


def test_a_forced_onboarding_and_a_poison_message_side_by_side(
    worker: Worker, queues: Queues, state: State, world: World, broker: Broker
) -> None:
    name = world.organizations[0].name
    state.put_connector(connector(DiscoveryMode.SELECTED))
    queues.send_raw("onboarding", b"poison")
    queues.send(OnboardOrganization(name, requested_by="ana", reason="audit", connector="main"))
    outcomes = host(worker, queues, broker)

    assert [one for one in outcomes if not one.is_success] != []
    (poison,) = queues.dead_letters("onboarding")
    assert (poison.body, poison.reason) == (b"poison", "MaxDeliveryCountExceeded")
    (enrollment,) = state.enrollments()
    assert (enrollment.state, enrollment.forced_by) == (OnboardingState.ONBOARDED, "ana")
    (organization,) = state.organizations()
    assert organization.repositories == len(list(state.repositories(organization.id))) > 0
    requested = [one for one in state.journal(limit=1_000) if one.requested_by == "ana"]
    assert JournalEvent.ONBOARDING_REQUESTED in {one.event for one in requested}
    assert broker.entity("onboarding").entries == {}


def test_a_report_of_an_onboarded_organization_becomes_a_mapping(
    worker: Worker, queues: Queues, state: State, world: World, issuer: PipelineIssuer, broker: Broker
) -> None:
    truth, other = world.organizations
    state.put_connector(connector(DiscoveryMode.SELECTED))
    queues.send(OnboardOrganization(truth.name, requested_by="ana", connector="main"))
    host(worker, queues, broker)
    (organization,) = state.organizations()

    def sent(identifier: str) -> dict[str, Any]:
        digest = f"sha256:{'a1' * 32}"
        told = {
            "dockerVersion": "Docker version 26.1.3",
            "dockerEvents": ["ID=contoso.azurecr.io/web:42"],
            "dockerImages": [f"CreatedAt=now::Repo=contoso.azurecr.io/web::Tag=42::Digest={digest}"],
        }
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {issuer.token(identifier)}",
        }
        outcome = worker.request("receive_container_mapping", json.dumps(told).encode(), headers)
        assert outcome.answer is not None, outcome
        return {**json.loads(outcome.answer["body"]), "status": outcome.answer["status"]}

    assert sent(other.instance_id)["error"]["code"] == "OrganizationUnknown"
    assert state.nodes(NodeKind.IMAGE).nodes == ()
    assert sent(truth.instance_id) == {"accepted": True, "repeated": False, "images": 1, "status": 200}
    (image,) = state.nodes(NodeKind.IMAGE).nodes
    (built,) = state.edges(image.id, Direction.OUT, EdgeKind.BUILT_BY).edges
    assert built.end == run_node(organization.id, 5)


def test_an_outage_of_the_table_puts_messages_off(
    package: Path, worker_python: Path, broker: Broker, queues: Queues, world: World, simulator: Simulator
) -> None:
    settings = {
        "STATE_URL": "tables://127.0.0.1:9/nowhere",
        "ServiceBusConnection": broker.connection_string,
        "ADO_GATEWAY_URL": simulator.url,
        "ADO_PAT": world.token,
    }
    with Worker(package, worker_python, settings) as running:
        body = encode(OnboardOrganization("contoso", requested_by="ana"))
        queues.send_raw("onboarding", body, message_id="m-9", properties={"tenant": "a", "deferrals": 2})
        outcomes = host(running, queues, broker)
    assert {one.message for one in outcomes} == {""}
    assert queues.counts()["onboarding"].scheduled == 1
    # What the sender said reaches the copy through the worker, or each deferral would count as the first.
    with (
        ServiceBusClient.from_connection_string(broker.connection_string) as client,
        client.get_queue_receiver("onboarding") as receiver,
    ):
        (copy,) = receiver.peek_messages()
    assert copy.application_properties == {b"tenant": b"a", b"deferrals": 3}
    assert copy.correlation_id == "m-9"
    assert queues.dead_letters("onboarding") == ()
