"""Builds everything a process needs from its settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.ado.factory import AdoOptions, AzureDevOpsFactory
from shared.connector_state import StateUrlError, open_state
from shared.model.connector import Connector
from shared.model.work import WorkKind
from shared.ports import AzureDevOps, Clock, Dependencies, Intervals, Log
from shared.queue import QueueUrlError, open_queue
from shared.wiring.clock import SystemClock
from shared.wiring.process import gone, is_alive, process_owner
from shared.wiring.settings import Settings, SettingsError
from shared.wiring.telemetry import configure_logging

if TYPE_CHECKING:
    from shared.connector_state.sqlite import SqliteConnectorState
    from shared.queue.embedded import EmbeddedQueue

_LEASE_FACTOR = 3
"""A lease outlasts the slice by so much that a worker near its deadline does not lose it."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """One process's settings and adapters, and what its handlers are given."""

    settings: Settings
    state: SqliteConnectorState
    queue: EmbeddedQueue
    clock: Clock
    dependencies: Dependencies
    factory: AzureDevOpsFactory

    def close(self) -> None:
        """Note the last request counts, then close connections and stores."""
        self.factory.close()
        self.queue.close()
        self.state.close()


def intervals(settings: Settings) -> Intervals:
    """The intervals that the settings ask for."""
    return Intervals(
        work={
            WorkKind.PREREQUISITES: settings.prerequisites_interval,
            WorkKind.INVENTORY: settings.inventory_interval,
            WorkKind.EXTENSION: settings.extension_interval,
            WorkKind.POSTURE: settings.posture_interval,
        },
        not_onboarded_recheck=settings.not_onboarded_interval,
        lease=settings.time_slice * _LEASE_FACTOR,
        slice=settings.time_slice,
        requeue_after=settings.requeue_after,
    )


def build_runtime(settings: Settings, *, clock: Clock | None = None, stream_logs: bool = False) -> Runtime:
    """Open the stores and wire the handlers' dependencies. Raises `SettingsError` on unusable places."""
    log: Log = configure_logging(settings.log_level, stream=stream_logs)
    clock = clock or SystemClock()
    state, queue = _open_stores(settings, clock)
    factory = AzureDevOpsFactory(ado_options(settings), state, clock)

    def connect(connector: Connector, *, discovering: bool = False) -> AzureDevOps:
        identity = connector.identity
        if discovering and connector.discover_as is not None:
            identity = connector.discover_as
        return factory.connect(identity, connector.tenant)

    return Runtime(
        settings=settings,
        state=state,
        queue=queue,
        clock=clock,
        factory=factory,
        dependencies=Dependencies(
            state=state,
            sender=queue,
            connect=connect,
            clock=clock,
            log=log,
            intervals=intervals(settings),
            owner=process_owner(),
            concurrency=settings.requests_at_once,
        ),
    )


def _open_stores(settings: Settings, clock: Clock) -> tuple[SqliteConnectorState, EmbeddedQueue]:
    """Open state and queue, and free what processes of this machine held that do not run any more."""
    try:
        state = open_state(settings.state_url)
        queue = open_queue(
            settings.queue_url or settings.state_url,
            clock,
            owner=process_owner(),
            is_alive=is_alive,
            setting="QUEUE_URL" if settings.queue_url else "STATE_URL",
        )
    except (StateUrlError, QueueUrlError) as error:
        raise SettingsError(str(error)) from None
    state.release_leases_of(gone(work.leased_by for work in state.work()))
    return state, queue


def ado_options(settings: Settings) -> AdoOptions:
    """What the Azure DevOps client is told; secrets are handed over as functions, read when needed."""
    return AdoOptions(
        gateway_url=settings.ado_gateway_url,
        timeout=settings.request_timeout.total_seconds(),
        concurrency=settings.requests_at_once,
        free_share=settings.rate_limit_free_share,
        hourly_cap=settings.hourly_request_cap,
        sleep_most=settings.longest_sleep.total_seconds(),
        secrets={
            "ADO_PAT": lambda: settings.ado_pat.get_secret_value() if settings.ado_pat else None,
            "AZURE_CLIENT_SECRET": lambda: (
                settings.azure_client_secret.get_secret_value() if settings.azure_client_secret else None
            ),
        },
    )
