"""Where the state, the queues and the timers' file of a process are, by its settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from shared.wiring.connections import SERVICE_BUS, service_bus, storage
from shared.wiring.settings import (
    Settings,
    SettingsError,
    default_configuration_directory,
    default_state_directory,
)

_FILE = "sqlite:///"

_IN_AZURE = "WEBSITE_SITE_NAME"
"""What App Service tells every app, and nobody else does."""


def is_file(url: str) -> bool:
    """Whether the URL names a file of this machine, which only processes of this machine share."""
    return url.startswith(_FILE)


def state_setting(settings: Settings, environment: Mapping[str, str] = os.environ) -> str:
    """The name of the setting that says where the state is."""
    return "STATE_URL" if "state_url" in settings.model_fields_set else storage(environment)[1] or "STATE_URL"


def queue_place(
    settings: Settings, environment: Mapping[str, str] = os.environ, *, hosted: bool = False
) -> tuple[str, str]:
    """The URL of the queues, and the name of the setting that gives it.

    Without `QUEUE_URL`, a state in a file has the queues beside it, in the same file. A state elsewhere goes
    with the Service Bus that the Functions host listens to, and so does any state where that host runs this
    process (`hosted`): messages must be sent where they are taken from. Raises `SettingsError` when neither
    is there.
    """
    if settings.queue_url:
        return settings.queue_url, "QUEUE_URL"
    listened_to = service_bus(environment)
    if is_file(settings.state_url) and not (hosted and listened_to[0]):
        return settings.state_url, "STATE_URL"
    if listened_to[0]:
        return listened_to
    if hosted:
        raise SettingsError(
            f"{SERVICE_BUS}__fullyQualifiedNamespace: is not set. Messages are sent to where the "
            "Functions host takes them from: set it to NAMESPACE.servicebus.windows.net, and "
            f"{SERVICE_BUS}__clientId to the client id of the app's identity."
        )
    raise SettingsError(
        "QUEUE_URL: is not set, and STATE_URL is no file in which the queues could be kept as well. Set it "
        "to where messages are kept, such as QUEUE_URL=sqlite:////var/lib/ado-connector/queue.db; in Azure, "
        f"{SERVICE_BUS} or {SERVICE_BUS}__fullyQualifiedNamespace takes its place."
    )


def check_kept(settings: Settings, environment: Mapping[str, str] = os.environ) -> None:
    """Raise `SettingsError` where the state would be in a file only because nothing was said, in Azure.

    There a file is gone with its instance, and no other instance sees it.
    """
    if "state_url" in settings.model_fields_set or not is_file(settings.state_url):
        return
    if environment.get(_IN_AZURE):
        raise SettingsError(
            "STATE_URL: is not set, and in Azure a file would be lost with its instance. Set "
            "STATE_URL=tables://ACCOUNT?client_id=ID, with the storage account that keeps the state and the "
            "client id of the app's identity."
        )


def timers_file(settings: Settings) -> Path:
    """Where a local host remembers its timers: beside the first of queues and state that is a file."""
    for url in (settings.queue_url, settings.state_url):
        if is_file(url):
            return Path(url.removeprefix(_FILE)).expanduser().with_suffix(".timers.db")
    return default_state_directory() / "host.timers.db"


def token_key_file(settings: Settings) -> Path | None:
    """Where the key for people's sign-ins is by default; None where a file would not do.

    Apart from the state, so that a copy of the one is of no use without the other. A state that is no file is
    shared by machines, which need a key that they share as well.
    """
    if not is_file(settings.state_url):
        return None
    return default_configuration_directory() / "token.key"
