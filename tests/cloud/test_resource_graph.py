"""What Azure Resource Graph tells of running images, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from local.ado_simulator import Fault, SimulatedAzure, Simulator, World
from shared.ado.transport import Gateway
from shared.ado.user import Entra
from shared.cloud.resource_graph import ResourceGraph
from shared.cloud.tokens import AzureTokens
from shared.cloud.web import Web
from shared.model.connector import AuthKind, IdentityReference
from shared.model.container import CloudResource
from shared.model.failure import FailureKind
from shared.model.ids import TenantId

S = "11111111-1111-4111-8111-111111111111"


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def simulator(world: World) -> Iterator[Simulator]:
    with Simulator(world) as simulator:
        yield simulator


@pytest.fixture
def azure(world: World) -> SimulatedAzure:
    return world.add_azure()


@pytest.fixture
def graph(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[ResourceGraph]:
    """As an app of Azure signs in: by the endpoint of its managed identity."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{simulator.url}/managed-identity/token")
    monkeypatch.setenv("IDENTITY_HEADER", "header")
    web = Web(Gateway(simulator.url), Clock(), timeout=60)
    identity = IdentityReference(AuthKind.PAT, secret_setting="ADO_PAT")
    yield ResourceGraph(web, AzureTokens(identity, TenantId("tenant"), {}, Entra(), Clock()))
    web.close()


def read(graph: ResourceGraph) -> dict[str, CloudResource]:
    listed = graph.container_resources(S)
    assert listed.failure is None
    return {one.name: one for one in listed.items}


IMAGE = "contoso.azurecr.io/shop/web:1.0"


@pytest.mark.parametrize(
    ("type_", "kind", "properties", "told"),
    [
        ("Microsoft.App/containerApps", "", {"template": {"containers": [{"image": IMAGE}]}}, "containerApp"),
        (
            "Microsoft.App/jobs",
            "",
            {"template": {"initContainers": None, "containers": [{"image": IMAGE}]}},
            "containerAppJob",
        ),
        (
            "Microsoft.ContainerInstance/containerGroups",
            "",
            {"containers": [{"name": "a", "properties": {"image": IMAGE}}]},
            "containerInstance",
        ),
        (
            "Microsoft.Web/sites",
            "app,linux,container",
            {"siteConfig": {"linuxFxVersion": f"DOCKER|{IMAGE}"}},
            "webApp",
        ),
        (
            "Microsoft.Web/sites",
            "functionapp,linux,container",
            {
                "siteConfig": None,
                "siteProperties": {"properties": [{"name": "LinuxFxVersion", "value": f"DOCKER|{IMAGE}"}]},
            },
            "functionApp",
        ),
    ],
)
def test_each_kind(
    azure: SimulatedAzure, graph: ResourceGraph, type_: str, kind: str, properties: dict[str, Any], told: str
) -> None:
    resource_id = azure.add(S, type_, "one", properties, kind)
    found = read(graph)["one"]
    assert (found.id, found.kind.value, found.images, found.unknown) == (resource_id, told, (IMAGE,), "")
    assert (found.subscription, found.resource_group, found.location) == (S, "production", "westeurope")


@pytest.mark.parametrize(
    ("type_", "properties"),
    [
        ("Microsoft.ContainerService/managedClusters", {}),
        ("Microsoft.Kubernetes/connectedClusters", {}),
        ("Microsoft.Web/sites", {"siteConfig": {"linuxFxVersion": "COMPOSE|dmVyc2lvbg=="}}),
        ("Microsoft.Web/sites", {"siteConfig": {"linuxFxVersion": "sitecontainers"}}),
        ("Microsoft.App/containerApps", {}),
    ],
)
def test_what_resource_graph_does_not_tell_is_said(
    azure: SimulatedAzure, graph: ResourceGraph, type_: str, properties: dict[str, Any]
) -> None:
    azure.add(S, type_, "one", properties)
    found = read(graph)["one"]
    assert found.images == ()
    assert "Resource Graph does not tell" in found.unknown


def test_web_apps_without_containers_are_left_out(azure: SimulatedAzure, graph: ResourceGraph) -> None:
    azure.add(S, "Microsoft.Web/sites", "one", {"siteConfig": {"linuxFxVersion": "PYTHON|3.13"}})
    assert read(graph) == {}


def test_every_page_is_read_with_one_token(
    azure: SimulatedAzure, graph: ResourceGraph, simulator: Simulator
) -> None:
    azure.page_size = 2
    for number in range(5):
        azure.add_container_app(S, f"app{number}", IMAGE)
    azure.add_container_app("other", "not asked for", IMAGE)
    assert sorted(read(graph)) == [f"app{number}" for number in range(5)]
    assert simulator.requests.count(path="ResourceGraph") == 3
    assert simulator.requests.count(path="token") == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault("status", status=403, path="ResourceGraph"), FailureKind.DENIED),
        (Fault("status", status=429, path="ResourceGraph"), FailureKind.THROTTLED),
        (Fault("trouble", status=503, path="ResourceGraph"), FailureKind.TRANSIENT),
        (Fault("malformed", path="ResourceGraph"), FailureKind.UNREADABLE),
        (Fault("status", status=400, host="managed-identity"), FailureKind.DENIED),
        (
            Fault("mutate", path="ResourceGraph", mutate=lambda body: body | {"$skipToken": "0"}),
            FailureKind.UNREADABLE,
        ),
        (
            Fault("mutate", path="ResourceGraph", mutate=lambda body: body | {"resultTruncated": "true"}),
            FailureKind.UNREADABLE,
        ),
        (
            Fault("mutate", path="ResourceGraph", mutate=lambda body: body | {"data": [7]}),
            FailureKind.UNREADABLE,
        ),
    ],
)
def test_an_unread_subscription_says_why(
    azure: SimulatedAzure, graph: ResourceGraph, simulator: Simulator, fault: Fault, kind: FailureKind
) -> None:
    azure.add_container_app(S, "app", IMAGE)
    simulator.add_fault(fault)
    listed = graph.container_resources(S)
    assert not listed.complete
    assert listed.failure is not None
    assert listed.failure.kind is kind
    assert S in listed.failure.reason
    assert "simulated-entra-token" not in repr(listed)
