"""The app on the local host, its HTTP, a connected organization, and an issuer of tokens."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import function_app
from local.ado_simulator import Simulator, World
from local.host import Host
from local.pipeline_issuer import PipelineIssuer
from shared import wiring
from shared.model.connector import AuthKind, Connector, DiscoveryMode, IdentityReference
from shared.model.ids import ConnectorId, OrganizationId, TenantId
from shared.model.mapping import Direction, Edge, NodeId, NodeKind
from shared.model.organization import Enrollment, OnboardingState, Organization
from shared.wiring.runtime import Runtime, build_runtime
from shared.wiring.settings import Settings

PATIENCE = 60.0
PATH = "/api/container-mappings"
CONTOSO = OrganizationId("c0000000-0000-4000-8000-0000000000a1")
CONTOSO_ID = "0ca3ddd9-0000-4000-8000-000000000001"
FABRIKAM_ID = "0ca3ddd9-0000-4000-8000-000000000002"
"""Known here, but not onboarded."""
DIGEST = f"sha256:{'a1' * 32}"

_BASE_IMAGE = (
    "CreatedAt=2026-02-01 00:00:00 +0000 UTC::Repo=mcr.microsoft.com/dotnet/sdk::Tag=8.0::Digest="
    f"sha256:{'b2' * 32}"
)


@dataclass(frozen=True)
class Answered:
    status: int
    document: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def code(self) -> str:
        return str(self.document.get("error", {}).get("code", ""))


class Moved:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC).replace(microsecond=0)

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    def advance(self, **units: float) -> None:
        self.time += timedelta(**units)


def report(
    *tags: str, digest: str = DIGEST, repository: str = "contoso.azurecr.io/web", **more: Any
) -> dict[str, Any]:
    """What the task sends after a job that pushed these tags."""
    return {
        "dockerVersion": "Docker version 26.1.3, build b72abbb",
        "dockerEvents": [f"ID={repository}:{tag}" for tag in tags],
        "dockerImages": [
            *(
                f"CreatedAt=2026-03-01 11:58:02 +0000 UTC::Repo={repository}::Tag={tag}::Digest={digest}"
                for tag in tags
            ),
            _BASE_IMAGE,
        ],
        **more,
    }


class Bench:
    """The app, and the ways to send something to it."""

    def __init__(self, runtime: Runtime, clock: Moved, simulator: Simulator, issuer: PipelineIssuer) -> None:
        self.runtime = runtime
        self.clock = clock
        self.simulator = simulator
        self.issuer = issuer
        self.host = Host(function_app.app, runtime, http_port=0)
        connector = Connector(
            id=ConnectorId("c0000000-0000-4000-8000-000000000001"),
            name="main",
            tenant=TenantId("tenant"),
            mode=DiscoveryMode.EXISTING_AND_FUTURE,
            identity=IdentityReference(AuthKind.PAT, secret_setting="ADO_PAT"),
            created_at=clock.now(),
        )
        runtime.state.put_connector(connector)
        self.enroll(connector, CONTOSO, "contoso", CONTOSO_ID, OnboardingState.ONBOARDED)
        self.enroll(connector, OrganizationId("f1"), "fabrikam", FABRIKAM_ID, OnboardingState.NOT_ONBOARDED)

    def enroll(
        self,
        connector: Connector,
        organization: OrganizationId,
        name: str,
        identifier: str,
        state: OnboardingState,
    ) -> None:
        now = self.clock.now()
        self.runtime.state.put_organization(
            Organization(organization, connector.tenant, name, now, instance_id=identifier)
        )
        self.runtime.state.put_enrollment(Enrollment(connector.id, organization, state, "", now, now))

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        done = threading.Event()
        thread = threading.Thread(target=lambda: self.host.run(until=done.is_set), daemon=True)
        thread.start()
        deadline = time.monotonic() + PATIENCE
        while not self.host.http_url:
            assert time.monotonic() < deadline
            assert thread.is_alive()
        try:
            yield
        finally:
            done.set()
            self.host.wake()
            thread.join(PATIENCE)
            assert not thread.is_alive()

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.host.http_url)
        return str(parts.hostname), int(parts.port or 0)

    def token(self, organization: str = CONTOSO_ID, **claims: Any) -> str:
        return self.issuer.token(organization, **{"now": self.clock.now().timestamp(), **claims})

    def send(
        self,
        body: object,
        token: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
        path: str = PATH,
    ) -> Answered:
        """As the task sends it. A body that is no bytes goes as JSON; None for a token takes a good one."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {"Content-Type": "application/json", **(headers or {})}
        if token != "":
            told.setdefault("Authorization", f"Bearer {self.token() if token is None else token}")
        connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE)
        try:
            # What is too large is answered before it is through; whoever sends it may be cut off.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, path, raw, told)
            return self._read(connection.getresponse())
        finally:
            connection.close()

    def send_raw(self, lines: list[str], body: bytes = b"") -> Answered:
        """A request as it stands, for what no library would send."""
        with socket.create_connection(self.address, PATIENCE) as connection:
            head = "\r\n".join([f"POST {PATH} HTTP/1.1", *lines, "", ""])
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(head.encode("latin-1") + body)
            response = http.client.HTTPResponse(connection)
            response.begin()
            return self._read(response)

    @staticmethod
    def _read(response: http.client.HTTPResponse) -> Answered:
        return Answered(response.status, json.loads(response.read()), dict(response.getheaders()))

    # --- what is kept -------------------------------------------------------------------------------------

    def edges(self, node: NodeId, direction: Direction = Direction.OUT) -> list[Edge]:
        return list(self.runtime.state.edges(node, direction).edges)

    def stored(self) -> int:
        """How many rows there are of nodes, edges and receipts."""
        path = self.runtime.settings.state_url.removeprefix("sqlite:///")
        with sqlite3.connect(path) as connection:
            tables = ("graph_nodes", "graph_edges", "report_receipts")
            counts = [
                connection.execute(f"SELECT count(*) FROM {one}").fetchone()[0]  # noqa: S608 - ours
                for one in tables
            ]
        connection.close()
        return sum(counts)

    def nodes(self, kind: NodeKind) -> list[str]:
        return [one.id.key for one in self.runtime.state.nodes(kind).nodes]


@contextlib.contextmanager
def opened(folder: Path, **settings: Any) -> Iterator[Bench]:
    """A bench that serves."""
    issuer = PipelineIssuer()
    with Simulator(World(), token_issuer=issuer) as simulator:
        clock = Moved()
        runtime = build_runtime(
            Settings(
                **{
                    "state_url": f"sqlite:///{folder / 'state.db'}",
                    "ado_gateway_url": simulator.url,
                    **settings,
                }
            ),
            clock=clock,
        )
        before = wiring._runtime
        wiring.use(runtime)
        try:
            bench = Bench(runtime, clock, simulator, issuer)
            with bench.running():
                yield bench
        finally:
            wiring.use(before)  # of a bench that serves a whole file, where there is one
            runtime.close()
