"""Builds everything a process needs from its settings."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from shared.ado.factory import AdoOptions, AzureDevOpsFactory
from shared.ado.pipeline_tokens import PipelineTokenVerifier
from shared.ado.user import Entra, SignIns
from shared.cloud.factory import CloudFactory
from shared.connector_state import StateUrlError, open_state
from shared.model.assessment import Severity
from shared.model.connector import Connector
from shared.model.work import WorkKind
from shared.ports import (
    AzureDevOps,
    Clock,
    Dependencies,
    Intake,
    Intervals,
    Log,
    Notifications,
    SecretUnavailable,
    State,
    Urgency,
    Viewers,
)
from shared.queue import QueueUrlError, open_queue
from shared.views.sheets import Sheets
from shared.webhook.sender import SecretError, Webhook, signing_key
from shared.wiring.clock import SystemClock
from shared.wiring.metrics import Meters, open_meters
from shared.wiring.places import (
    check_kept,
    is_file,
    queue_place,
    state_setting,
    timers_file,
    token_key_file,
)
from shared.wiring.principals import LocalViewers
from shared.wiring.process import gone, is_alive, process_owner
from shared.wiring.reporters import KnownOrganizations, ReportRate
from shared.wiring.settings import Settings, SettingsError
from shared.wiring.telemetry import configure_logging
from shared.wiring.token_key import open_token_keys
from shared.wiring.traced_sender import TracedSender

if TYPE_CHECKING:
    from shared.queue.receiver import Queues

OpenStores = Callable[[Settings, Clock], "tuple[State, Queues]"]

_REFERENCE = "@microsoft.keyvault("
"""What Azure hands to the app, unchanged, where it could not read a secret from Key Vault."""

_NOT_GIVEN = (
    "{setting}: Key Vault did not give the secret that it refers to. Check that the vault can be reached, "
    "that the secret exists and is enabled, and that the app's identity has the role Key Vault Secrets User; "
    "then restart the app, or wait until Azure looks again."
)

_LEASE_FACTOR = 3
"""A lease outlasts the slice by so much that a worker near its deadline does not lose it."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """One process's settings and adapters, and what its handlers are given."""

    settings: Settings
    state: State
    queue: Queues
    clock: Clock
    dependencies: Dependencies
    factory: AzureDevOpsFactory
    cloud: CloudFactory
    intake: Intake
    tokens: PipelineTokenVerifier
    sign_ins: SignIns
    """Where people's sign-ins are kept."""
    viewers: Viewers
    """How those who look are known."""
    meters: Meters
    """Where metrics go."""
    sheets: Sheets
    """What pages know of organizations."""
    timers_file: Path
    """Where a local host remembers its timers."""

    def close(self) -> None:
        """Note the last request counts, then close connections and stores."""
        self.factory.close()
        self.cloud.close()
        self.tokens.close()
        self.queue.close()
        self.state.close()
        self.meters.close()


def intervals(settings: Settings) -> Intervals:
    """The intervals that the settings ask for."""
    return Intervals(
        work={
            WorkKind.PREREQUISITES: settings.prerequisites_interval,
            WorkKind.INVENTORY: settings.inventory_interval,
            WorkKind.EXTENSION: settings.extension_interval,
            WorkKind.POSTURE: settings.posture_interval,
            WorkKind.NOTIFICATIONS: settings.posture_interval,
            WorkKind.IMAGES: settings.images_interval,
        },
        not_onboarded_recheck=settings.not_onboarded_interval,
        lease=settings.time_slice * _LEASE_FACTOR,
        slice=settings.time_slice,
        requeue_after=settings.requeue_after,
        history=settings.history_retention,
        journal=settings.journal_retention,
        posture_full=settings.posture_full_interval,
    )


def build_runtime(
    settings: Settings,
    *,
    clock: Clock | None = None,
    stream_logs: bool = False,
    stores: OpenStores | None = None,
    look_only: bool = False,
    viewers: Viewers | None = None,
    meters: Meters | None = None,
) -> Runtime:
    """Open the stores (with `stores`, where that is told) and wire the handlers' dependencies.

    Unless `viewers` are told, they are those of a workstation. With `look_only` even the leases of the dead
    are left as they are.

    Raises `SettingsError` on unusable places, `StateUnavailable` when they do not answer now.
    """
    notifications = _notifications(settings, clock or SystemClock())
    meters = open_meters(os.environ) if meters is None else meters
    log: Log = configure_logging(settings.log_level, stream=stream_logs, measure=meters.measure)
    clock = clock or SystemClock()
    state, queue = (stores or open_stores)(settings, clock)
    try:
        if not look_only:
            _free_what_the_dead_hold(settings, state)
    except BaseException:
        queue.close()
        state.close()
        raise
    sign_ins = SignIns(
        state,
        open_token_keys(settings.token_key, token_key_file(settings), settings.azure_authority_host),
        Entra(settings.azure_authority_host, process_owner()),
    )
    options = ado_options(settings)
    factory = AzureDevOpsFactory(options, state, clock, sign_ins)
    cloud = CloudFactory(options.gateway_url, options.timeout, options.secrets, sign_ins.entra, clock)
    tokens = PipelineTokenVerifier(settings.ado_gateway_url, clock)

    def connect(
        connector: Connector, *, discovering: bool = False, urgency: Urgency = Urgency.NORMAL
    ) -> AzureDevOps:
        identity = connector.identity
        if discovering and connector.discover_as is not None:
            identity = connector.discover_as
        return factory.connect(identity, connector.tenant, urgency)

    return Runtime(
        settings=settings,
        state=state,
        queue=queue,
        clock=clock,
        factory=factory,
        cloud=cloud,
        intake=Intake(
            tokens=tokens,
            connected=KnownOrganizations(state),
            rate=ReportRate(settings.mapping_reports_per_minute, clock),
            graph=state,
            is_on=settings.mapping_intake == "on",
        ),
        tokens=tokens,
        sign_ins=sign_ins,
        viewers=viewers or LocalViewers(),
        meters=meters,
        sheets=Sheets(),
        timers_file=timers_file(settings),
        dependencies=Dependencies(
            state=state,
            sender=TracedSender(queue),
            connect=connect,
            graph=state,
            cloud=cloud,
            clock=clock,
            log=log,
            intervals=intervals(settings),
            notifications=notifications,
            owner=process_owner(),
            concurrency=settings.requests_at_once,
            thresholds=settings.thresholds,
        ),
    )


def open_stores(settings: Settings, clock: Clock, *, hosted: bool = False) -> tuple[State, Queues]:
    """Open state and queues; `hosted` says that the Functions host runs this process.

    Raises `SettingsError` on unusable places, `StateUnavailable` when they do not answer now.
    """
    if hosted:
        check_kept(settings)
    url, setting = queue_place(settings, hosted=hosted)
    for name, place in ((state_setting(settings), settings.state_url), (setting, url)):
        if _is_reference(place):
            raise SettingsError(_NOT_GIVEN.format(setting=name))
    try:
        state = open_state(settings.state_url, setting=state_setting(settings))
        try:
            queue = open_queue(url, clock, owner=process_owner(), is_alive=is_alive, setting=setting)
        except BaseException:
            state.close()
            raise
    except (StateUrlError, QueueUrlError) as error:
        raise SettingsError(str(error)) from None
    return state, queue


def _free_what_the_dead_hold(settings: Settings, state: State) -> None:
    """Free the leases of processes of this machine that do not run any more: they need not run out first."""
    among_machines = not is_file(settings.state_url)
    state.release_leases_of(gone((work.leased_by for work in state.work()), among_machines=among_machines))


_SHORTEST_SECRET = 16


def _notifications(settings: Settings, clock: Clock) -> Notifications | None:
    """Who is told of changes. Raises `SettingsError` for a webhook without a secret that is one."""
    if not settings.notification_url:
        return None
    secret = settings.notification_secret
    text = secret.get_secret_value() if secret is not None else ""
    try:
        key = signing_key(text)
    except SecretError as error:
        raise SettingsError(f"NOTIFICATION_SECRET: {error}. Example: whsec_ and base64, or text.") from None
    if len(key) < _SHORTEST_SECRET:
        raise SettingsError(
            f"NOTIFICATION_SECRET: {'is too short' if text else 'is missing'}: messages to NOTIFICATION_URL "
            f"are signed. Set it to at least {_SHORTEST_SECRET} random characters (behind whsec_ the base64 "
            f"of as many bytes), and tell the receiver."
        )
    webhook = Webhook(
        settings.notification_url,
        lambda: _secret("NOTIFICATION_SECRET", secret) or "",
        clock,
        timeout=min(settings.request_timeout.total_seconds(), _WEBHOOK_MOST),
    )
    return Notifications(webhook, Severity(settings.notification_severity))


_WEBHOOK_MOST = 30.0
"""Seconds that a webhook may take to answer."""


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
            "ADO_PAT": lambda: _secret("ADO_PAT", settings.ado_pat),
            "AZURE_CLIENT_SECRET": lambda: _secret("AZURE_CLIENT_SECRET", settings.azure_client_secret),
            "AZURE_CLIENT_CERTIFICATE_PATH": lambda: settings.azure_client_certificate_path or None,
            "AZURE_FEDERATED_TOKEN_FILE": lambda: settings.azure_federated_token_file or None,
        },
    )


def _secret(setting: str, secret: SecretStr | None) -> str | None:
    """The secret. Raises `SecretUnavailable` when Azure left the reference to it in its place."""
    value = secret.get_secret_value() if secret is not None else None
    if value is not None and _is_reference(value):
        raise SecretUnavailable(_NOT_GIVEN.format(setting=setting))
    return value


def _is_reference(value: str) -> bool:
    return value.lower().startswith(_REFERENCE)
