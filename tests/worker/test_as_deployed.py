"""The package as Azure runs it: settings as the templates write them, an identity, no keys, read-only.

The Functions worker is real, and so are the clients of storage, Service Bus and identities in it. Names of
Azure are answered by stand-ins over TLS: Azurite, which asks for tokens; the AMQP broker; the endpoint of
managed identities. What the Functions host does (take messages, fire timers, hand on requests) tests do.
"""

from __future__ import annotations

import base64
import hashlib
import json
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local.ado_simulator import Simulator, World, generate_world
from local.pipeline_issuer import PipelineIssuer
from shared.connector_state import open_state
from shared.model.command import OnboardOrganization
from shared.model.connector import AuthKind, Connector, DiscoveryMode, IdentityReference
from shared.model.ids import ConnectorId, TenantId
from shared.model.journal import JournalEvent
from shared.model.organization import OnboardingState
from shared.ports import State
from shared.queue.receiver import QUEUES, Queues
from shared.wiring.clock import SystemClock
from tests.amqp_broker.broker import Broker
from tests.amqp_broker.client import patient_queue
from tests.azure.certificates import write_certificate_of_azure
from tests.azure.identity import AZURE_DEVOPS, SERVICE_BUS, STORAGE, IdentityEndpoint
from tests.azure.relay import Relay
from tests.azure.tables import TableFront
from tests.azurite.server import start as start_azurite
from tests.infra.test_settings import CLIENT_ID, deployed
from tests.views.bench import DEVOPS_VERSION, GROUP, SUBSCRIPTION, path_of
from tests.worker.test_end_to_end import equals, host
from tests.worker.worker import Outcome, Worker, obey_modes, unpack_into

pytestmark = [pytest.mark.python_313, pytest.mark.timeout(600)]

ONBOARDED = OnboardingState.ONBOARDED
OBJECT_ID = "99999999-8888-7777-6666-555555555555"
SETTINGS = {**deployed(), "HOURLY_REQUEST_CAP": "0"}
"""With the one number that its stand-in for numbers would spoil as the template has it at first."""
ACCOUNT = SETTINGS["AzureWebJobsStorage__accountName"]
NAMESPACE = SETTINGS["ServiceBusConnection__fullyQualifiedNamespace"]


@dataclass
class Azure:
    """What the app finds around it, and what it left behind."""

    package: Path
    python: Path
    scratch: Path
    world: World
    issuer: PipelineIssuer
    simulator: Simulator
    emulator: str
    tables: TableFront
    broker: Broker
    relay: Relay
    identity: IdentityEndpoint
    state: State
    queues: Queues
    authority: Path

    def worker(self, **changes: str) -> Worker:
        """The app with the settings that the templates write, and what the platform adds to them."""
        network = {
            "ports": {
                f"{ACCOUNT}.table.core.windows.net:443": self.tables.port,
                f"{NAMESPACE}:5671": self.relay.port,
            },
            "authority": str(self.authority),
        }
        platform = {
            **self.identity.environment,
            "WEBSITE_AUTH_ENABLED": "True",
            "HOME": str(self.package),
            "TMPDIR": str(self.scratch),
        }
        # The host resolves references; these secrets are not asked for here. Where telemetry goes is no place
        # that this network has, and Azure DevOps is behind a gateway.
        chosen = {
            name: value
            for name, value in SETTINGS.items()
            if name not in {"ADO_PAT", "AZURE_CLIENT_SECRET", "APPLICATIONINSIGHTS_CONNECTION_STRING"}
        }
        own = {"ADO_GATEWAY_URL": self.simulator.url, "STAND_INS": json.dumps(network), "LOG_LEVEL": "debug"}
        settings = {**chosen, **platform, **own, **changes}
        return Worker(self.package, self.python, settings, log=self.scratch)

    def connect(self, identity: IdentityReference | None = None) -> Connector:
        """A connector that reads as the app's own identity, which cannot list organizations."""
        return self.state.put_connector(
            Connector(
                ConnectorId("c0000000-0000-4000-8000-000000000001"),
                "main",
                TenantId(self.world.tenant),
                DiscoveryMode.SELECTED,
                identity or IdentityReference(AuthKind.MANAGED_IDENTITY, client_id=CLIENT_ID),
                created_at=datetime.now(UTC),
                subscription=SUBSCRIPTION,
                resource_group=GROUP,
                organizations=tuple(one.name for one in self.world.organizations),
            )
        )


@pytest.fixture
def azure(worker_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    world = generate_world(seed=5, organizations=2, projects=3, repositories=2)
    application = world.add_service_principal("application-token")
    application.origin_id = OBJECT_ID
    for organization in world.organizations:
        organization.add_member(application, pca="direct")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    certificate, key = write_certificate_of_azure(tmp_path)
    # For this process, which is no part of what is tested.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    package = unpack_into(tmp_path / "wwwroot")
    issuer = PipelineIssuer()
    with ExitStack() as stack:
        identity = stack.enter_context(IdentityEndpoint(CLIENT_ID, OBJECT_ID, world.tenant))
        azurite = start_azurite(ACCOUNT, (certificate, key))
        stack.callback(azurite.stop)
        tables = stack.enter_context(TableFront(azurite, certificate, key))
        broker = stack.enter_context(Broker(QUEUES))
        relay = stack.enter_context(Relay(broker.port, certificate, key))
        simulator = stack.enter_context(Simulator(world, token_issuer=issuer, bearer_tokens=identity))
        state = stack.enter_context(open_state(azurite.connection_string))
        queues = stack.enter_context(patient_queue(broker.connection_string, SystemClock()))
        make_read_only(package)
        stack.callback(make_writable, package)
        yield Azure(
            package,
            worker_python,
            scratch,
            world,
            issuer,
            simulator,
            azurite.table_endpoint,
            tables,
            broker,
            relay,
            identity,
            state,
            queues,
            certificate,
        )


def make_read_only(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))


def make_writable(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        path.chmod(path.stat().st_mode | stat.S_IWUSR)


def content(folder: Path) -> Mapping[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def reader(*roles: str) -> dict[str, str]:
    """What App Service Authentication tells of who has signed in."""
    claims = [{"typ": "roles", "val": one} for one in roles]
    document = {"auth_typ": "aad", "name_typ": "name", "role_typ": "roles", "claims": claims}
    return {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(document).encode()).decode()}


def answer(outcome: Outcome) -> tuple[int, str]:
    assert outcome.is_success, outcome
    assert outcome.answer is not None
    return outcome.answer["status"], outcome.answer["body"]


def test_a_timer_a_forced_onboarding_and_requests_do_their_work(azure: Azure) -> None:
    """All in one: each of them is of use only with what came before."""
    before = content(azure.package)
    azure.connect()
    first, second = azure.world.organizations
    azure.identity.knows -= {STORAGE, SERVICE_BUS}
    with azure.worker() as worker:
        # While the identity gets no tokens it says by which setting it got nowhere, and loses nothing.
        refused = worker.fire("discover_organizations")
        assert not refused.is_success
        assert f"STATE_URL: there is no token for table adoconnector of {ACCOUNT}" in refused.message
        azure.identity.knows.add(STORAGE)
        azure.tables.refuses = 403
        refused = worker.fire("discover_organizations")
        assert not refused.is_success
        assert "Storage Table Data Contributor" in refused.message
        azure.tables.refuses = 0
        refused = worker.fire("discover_organizations")
        assert not refused.is_success
        assert f"of {NAMESPACE}: there is no token for it" in refused.message
        assert "ServiceBusConnection__clientId" in refused.message
        assert sum(azure.broker.accepted.values()) == 0
        azure.identity.knows.add(SERVICE_BUS)

        # A timer finds the organizations, and queues what they need.
        told = worker.fire("discover_organizations")
        assert (told.status, told.message) == ("Success", "")
        assert {one.name for one in azure.state.organizations()} == {first.name, second.name}
        assert {one.message for one in host(worker, azure.queues, azure.broker)} == {""}
        states = {one.organization: one.state for one in azure.state.enrollments()}
        (waiting,) = [one for one in azure.state.organizations() if states[one.id] is not ONBOARDED]

        # A message onboards, now, the one whose message could not be sent.
        asked = OnboardOrganization(waiting.name, requested_by="ana", reason="audit", connector="main")
        azure.queues.send(asked)
        azure.queues.send_raw("onboarding", b"poison")
        assert [one for one in host(worker, azure.queues, azure.broker) if not one.is_success]
        (dead,) = azure.queues.dead_letters("onboarding")
        assert dead.body == b"poison"
        assert {one.state for one in azure.state.enrollments()} == {ONBOARDED}
        requested = [one.event for one in azure.state.journal(limit=10_000) if one.requested_by == "ana"]
        assert JournalEvent.ONBOARDING_REQUESTED in requested
        assert equals(azure.state, azure.world)

        check_requests(azure, worker, first.name)
        log = worker.log.read_text()

    check_tokens(azure, log)
    # Nothing was written beside the state.
    assert content(azure.package) == before
    left = [path for path in azure.scratch.rglob("*") if path.is_file() and path.suffix != ".log"]
    assert left == []


def check_requests(azure: Azure, worker: Worker, name: str) -> None:
    """Whether it is healthy, pages, the API, and a report of a pipeline."""
    status, body = answer(worker.request("read_health", b"", {}, method="GET", path="/api/health"))
    assert (status, json.loads(body)) == (200, {"status": "healthy"})
    assert answer(page(worker, {}))[0] in {302, 401}
    status, body = answer(page(worker, reader("SecurityReader")))
    assert status == 200
    assert name in body
    status, body = answer(api(worker, reader("SecurityReader")))
    assert (status, json.loads(body)["name"]) == (200, name)
    assert answer(api(worker, {}))[0] == 401
    status, body = answer(report(azure, worker, name))
    assert status < 300, body


def check_tokens(azure: Azure, log: str) -> None:
    """Each went where it was meant for, as the identity that the settings name, and none was told."""
    issued = azure.identity.issued
    assert {client for client, _ in azure.identity.asked} == {CLIENT_ID}
    assert {resource for _, resource in azure.identity.asked} == {STORAGE, SERVICE_BUS, AZURE_DEVOPS}
    assert azure.relay.server_names == {NAMESPACE}
    to_bus = {str(one["token"]) for one in azure.broker.tokens if str(one["token"]) in issued}
    assert {issued[one] for one in to_bus} == {SERVICE_BUS}
    to_tables = {one.removeprefix("Bearer ") for one in azure.tables.authorizations}
    assert {issued[one] for one in to_tables} == {STORAGE}
    assert not [token for token in issued if token in log]
    assert azure.identity.header not in log


def page(worker: Worker, headers: Mapping[str, str]) -> Outcome:
    return worker.request("show_page", b"", headers, method="GET", path="/security", params={"path": ""})


def api(worker: Worker, headers: Mapping[str, str]) -> Outcome:
    path = path_of("contoso")
    return worker.request(
        "read_defender_api",
        b"",
        headers,
        method="GET",
        path=f"{path}?api-version={DEVOPS_VERSION}",
        params={"path": path.removeprefix("/subscriptions/")},
    )


def report(azure: Azure, worker: Worker, name: str) -> Outcome:
    (truth,) = [one for one in azure.world.organizations if one.name == name]
    told = {
        "dockerVersion": "Docker version 26.1.3",
        "dockerEvents": ["ID=contoso.azurecr.io/web:42"],
        "dockerImages": [f"CreatedAt=now::Repo=contoso.azurecr.io/web::Tag=42::Digest=sha256:{'a1' * 32}"],
    }
    token = azure.issuer.token(truth.instance_id)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    return worker.request("receive_container_mapping", json.dumps(told).encode(), headers)


def test_the_folder_of_the_app_cannot_be_written_to(azure: Azure) -> None:
    """What the tests above rest on: modes hold for the worker, whoever runs the tests."""
    done = subprocess.run(
        [sys.executable, "-c", "import pathlib; pathlib.Path('new').write_text('x')"],
        cwd=azure.package,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=obey_modes if sys.platform == "linux" else None,
    )
    assert "PermissionError" in done.stderr


@pytest.mark.parametrize("where", ["in Azure", "on emulators"])
def test_settings_of_the_host_alone_are_enough(azure: Azure, where: str) -> None:
    """Who says where storage and queues are, and as whom, has said where the state and the messages are."""
    azure.connect()
    emulators = {
        "AzureWebJobsStorage__accountName": "",
        "AzureWebJobsStorage__tableServiceUri": azure.emulator,
        "ServiceBusConnection__fullyQualifiedNamespace": f"127.0.0.1:{azure.broker.port}",
    }
    with azure.worker(STATE_URL="", **(emulators if where == "on emulators" else {})) as worker:
        told = worker.fire("discover_organizations")
        assert (told.status, told.message) == ("Success", "")
        assert {one.message for one in host(worker, azure.queues, azure.broker)} == {""}
    assert equals(azure.state, azure.world)
    issued = azure.identity.issued
    assert set(azure.identity.asked) == {(CLIENT_ID, one) for one in (STORAGE, SERVICE_BUS, AZURE_DEVOPS)}
    assert {issued[str(one["token"])] for one in azure.broker.tokens if str(one["token"]) in issued} == {
        SERVICE_BUS
    }
    assert bool(azure.relay.server_names) == bool(azure.tables.authorizations) == (where == "in Azure")


def test_without_a_place_for_the_state_nothing_goes_to_a_file(azure: Azure) -> None:
    """Messages wait until somebody says where it is."""
    nowhere = {"STATE_URL": "", "AzureWebJobsStorage__accountName": "", "WEBSITE_SITE_NAME": "func-contoso"}
    azure.queues.send(OnboardOrganization("contoso", requested_by="ana"))
    with azure.worker(**nowhere) as worker:
        refused = worker.fire("discover_organizations")
        assert not refused.is_success
        assert "Set STATE_URL=tables://ACCOUNT?client_id=ID" in refused.message
        (put_off,) = host(worker, azure.queues, azure.broker)
        assert put_off.is_success
    assert azure.queues.counts()["onboarding"].scheduled == 1
    assert not list(azure.state.organizations())


def test_a_client_id_of_no_identity_is_told_by_its_setting(azure: Azure) -> None:
    azure.connect()
    with azure.worker(STATE_URL=f"tables://{ACCOUNT}?client_id={OBJECT_ID}") as worker:
        refused = worker.fire("discover_organizations")
    with azure.worker(STATE_URL=f"tables://{ACCOUNT}") as worker:
        none = worker.fire("discover_organizations")
    assert "have client_id name the client id of its user-assigned identity" in none.message
    assert not refused.is_success
    assert f"STATE_URL: there is no token for table adoconnector of {ACCOUNT}" in refused.message
    assert f"the managed identity {OBJECT_ID}, which client_id names" in refused.message
    assert not list(azure.state.organizations())


def test_a_reference_that_azure_could_not_resolve_is_told_by_its_setting(azure: Azure) -> None:
    azure.connect(IdentityReference(AuthKind.PAT, secret_setting="ADO_PAT"))
    with azure.worker(ADO_PAT=SETTINGS["ADO_PAT"]) as worker:
        assert worker.fire("discover_organizations").is_success
        host(worker, azure.queues, azure.broker)
        (connector,) = azure.state.connectors()
    assert connector.provisioning_message.startswith("ADO_PAT: Key Vault did not give the secret")
    assert "Key Vault Secrets User" in connector.provisioning_message
