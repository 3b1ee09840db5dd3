"""A whole app against a simulated Azure DevOps: real HTTP, real SQLite, real queue; only time is ours."""

from __future__ import annotations

import itertools
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

import function_app
from local.ado_simulator import Simulator, World
from local.host import Host
from shared import wiring
from shared.model.connector import (
    AuthKind,
    Connector,
    ConnectorOptions,
    DiscoveryMode,
    IdentityReference,
)
from shared.model.ids import ConnectorId, TenantId
from shared.model.inventory import Project, Repository
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.organization import Enrollment, Organization
from shared.model.prerequisite import Prerequisite, PrerequisiteName
from shared.model.work import Work, WorkKind
from shared.wiring.metrics import Meters
from shared.wiring.runtime import OpenStores, Runtime, build_runtime
from shared.wiring.settings import Settings

PATIENCE = 60.0
"""Seconds for what takes no time, but on a machine that stands still for a while."""


class ManualClock:
    """Stands still until it is moved, by any thread; sleeping moves it."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC).replace(microsecond=0)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The time that was set."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Nobody waits in a test."""
        self.advance(seconds=seconds)

    def advance(self, **units: float) -> datetime:
        """Let time pass; returns what time it is then."""
        with self._lock:
            self.time += timedelta(**units)
            return self.time


class Bench:
    """The app, its world, and the questions that tests ask."""

    def __init__(
        self,
        world: World,
        simulator: Simulator,
        folder: Path,
        *,
        stores: OpenStores | None = None,
        meters: Meters | None = None,
        **settings: Any,
    ) -> None:
        self.world = world
        self.simulator = simulator
        self.clock = ManualClock()
        self.runtime: Runtime = build_runtime(
            Settings(
                **{
                    "state_url": f"sqlite:///{folder / 'state.db'}",
                    "ado_pat": SecretStr(world.token),
                    "ado_gateway_url": simulator.url,
                    **settings,
                }
            ),
            clock=self.clock,
            stores=stores,
            meters=meters,
        )
        wiring.use(self.runtime)
        self.host = Host(function_app.app, self.runtime)
        self._numbers = itertools.count(1)

    @property
    def state(self) -> Any:
        """The connector state."""
        return self.runtime.state

    def connect(
        self,
        mode: DiscoveryMode = DiscoveryMode.EXISTING_AND_FUTURE,
        *,
        name: str = "",
        options: ConnectorOptions | None = None,
        **changes: Any,
    ) -> Connector:
        """Create a connector."""
        number = next(self._numbers)
        connector = Connector(
            id=ConnectorId(f"{number:08d}-0000-4000-8000-000000000000"),
            name=name or f"connector-{number}",
            tenant=TenantId("tenant"),
            mode=mode,
            identity=IdentityReference(AuthKind.PAT, secret_setting="ADO_PAT"),
            created_at=self.clock.now(),
            options=options or ConnectorOptions(),
        )
        created: Connector = self.state.put_connector(replace(connector, **changes))
        return created

    def run(self, **units: float) -> None:
        """Let time pass (a day unless told), fire every timer, and deliver every message."""
        self.clock.advance(**(units or {"days": 1}))
        for timer in (
            "discover_organizations",
            "refresh_prerequisites",
            "refresh_inventory",
            "refresh_extensions",
            "refresh_posture",
            "refresh_images",
        ):
            self.host.fire(timer)
            self.host.drain()

    def organization(self, name: str) -> Organization:
        """The record of an organization by its present name."""
        (found,) = [one for one in self.state.organizations() if one.name == name]
        return found  # type: ignore[no-any-return]

    def enrollment(self, name: str, connector: Connector | None = None) -> Enrollment:
        """What a connector (the only one unless told) makes of an organization."""
        (found,) = self.state.enrollments(
            organization=self.organization(name).id, connector=connector.id if connector else None
        )
        return found  # type: ignore[no-any-return]

    def projects(self, name: str) -> dict[str, Project]:
        """Every project row of an organization by its id."""
        return {row.id: row for row in self.state.projects(self.organization(name).id)}

    def repositories(self, name: str) -> dict[str, Repository]:
        """Every repository row of an organization by its id."""
        return {row.id: row for row in self.state.repositories(self.organization(name).id)}

    def alive(self, name: str) -> dict[str, Repository]:
        """Repositories that are neither missing nor retired."""
        return {
            key: row
            for key, row in self.repositories(name).items()
            if row.retired_at is None and row.missing_since is None
        }

    def prerequisite(self, name: str, which: PrerequisiteName) -> Prerequisite:
        """One prerequisite of the only connector's."""
        organization = self.organization(name)
        (connector,) = self.state.connectors()
        (found,) = [
            one for one in self.state.prerequisites(organization.id, connector.id) if one.name is which
        ]
        return found  # type: ignore[no-any-return]

    def work(self, name: str, kind: WorkKind) -> Work:
        """The work of a kind on an organization."""
        (found,) = self.state.work(organization=self.organization(name).id, kind=kind)
        return found  # type: ignore[no-any-return]

    def journal(self, *events: JournalEvent) -> list[JournalEntry]:
        """Journal entries of these events, in order."""
        return [entry for entry in self.state.journal(limit=100_000) if entry.event in events]

    def equals_the_world(self, name: str) -> bool:
        """Whether the inventory says exactly what the world holds."""
        truth = self.world.organization(name)
        repositories = {
            one.id: (one.name, one.project.id, one.is_disabled)
            for project in truth.projects.values()
            for one in project.repositories.values()
        }
        mine = {key: (row.name, row.project_id, row.is_disabled) for key, row in self.alive(name).items()}
        projects = {one.id: (one.name, one.visibility, one.state) for one in truth.projects.values()}
        mine_projects = {
            key: (row.name, row.visibility, row.state)
            for key, row in self.projects(name).items()
            if row.retired_at is None and row.missing_since is None
        }
        return repositories == mine and projects == mine_projects
