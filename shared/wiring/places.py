"""Where the state, the queues and the timers' file of a process are, by its settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from shared.wiring.settings import (
    Settings,
    SettingsError,
    default_configuration_directory,
    default_state_directory,
)

SERVICE_BUS = "ServiceBusConnection"
"""The app setting by which the Functions host finds the queues that set functions off."""

_FILE = "sqlite:///"


def is_file(url: str) -> bool:
    """Whether the URL names a file of this machine, which only processes of this machine share."""
    return url.startswith(_FILE)


def queue_place(settings: Settings, environment: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """The URL of the queues, and the name of the setting that gives it.

    Without `QUEUE_URL`, a state in a file has the queues beside it, in the same file. A state elsewhere goes
    with the Service Bus that the Functions host listens to: messages must be sent where they are taken from.
    Raises `SettingsError` when neither is there.
    """
    if settings.queue_url:
        return settings.queue_url, "QUEUE_URL"
    if is_file(settings.state_url):
        return settings.state_url, "STATE_URL"
    connection = environment.get(SERVICE_BUS, "").strip()
    if connection:
        return connection, SERVICE_BUS
    namespace = environment.get(f"{SERVICE_BUS}__fullyQualifiedNamespace", "").strip()
    if namespace:
        client_id = environment.get(f"{SERVICE_BUS}__clientId", "").strip()
        whose = f"?client_id={client_id}" if client_id else ""
        return f"servicebus://{namespace}{whose}", f"{SERVICE_BUS}__fullyQualifiedNamespace"
    raise SettingsError(
        "QUEUE_URL: is not set, and STATE_URL is no file in which the queues could be kept as well. Set it "
        "to where messages are kept, such as QUEUE_URL=sqlite:////var/lib/ado-connector/queue.db; in Azure, "
        f"{SERVICE_BUS} or {SERVICE_BUS}__fullyQualifiedNamespace takes its place."
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
