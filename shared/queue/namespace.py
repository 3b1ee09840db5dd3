"""How an Azure Service Bus namespace is reached: by the identity of the app, or by a connection string."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from azure.servicebus import ServiceBusClient

from shared.azure_sign_in import SignIn, sign_in
from shared.queue.receiver import QueueUrlError

_HOST = re.compile(
    r"(?=.{4,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+", re.IGNORECASE
)

_LOCAL = re.compile(r"(?:127\.0\.0\.1|localhost)(:[0-9]{1,5})?", re.IGNORECASE)

RETRIES = 3
BACKOFF_SECONDS = 0.25
BACKOFF_MOST_SECONDS = 2.0
"""A request is tried four times, after 0.5, 1 and 2 seconds: long enough for a throttled moment, and short
enough for whoever waits for the answer."""

TRY_SECONDS = 10.0
"""How long one attempt may take."""


def open_client(url: str, setting: str = "QUEUE_URL") -> ServiceBusClient:
    """The client of the namespace that the URL or connection string names. Connects to nothing yet.

    Raises `QueueUrlError`, which repeats nothing of a connection string.
    """
    url = url.strip()
    if url.lower().startswith("endpoint="):
        return _by_key(url, setting)
    return _by_identity(url, setting)


def identity_of(url: str) -> SignIn | None:
    """As whom the namespace is asked; None where a connection string holds a key."""
    if url.strip().lower().startswith("endpoint="):
        return None
    return sign_in(parse_qs(urlsplit(url.strip()).query).get("client_id", [""])[0])


def options() -> dict[str, Any]:
    """What the client is told about trying again."""
    return {
        "retry_total": RETRIES,
        "retry_backoff_factor": BACKOFF_SECONDS,
        "retry_backoff_max": BACKOFF_MOST_SECONDS,
        "try_timeout": TRY_SECONDS,
    }


def _by_key(text: str, setting: str) -> ServiceBusClient:
    parts = {
        name.strip().lower(): value for name, _, value in (one.partition("=") for one in text.split(";"))
    }
    problem = ""
    if not parts.get("endpoint", "").lower().startswith("sb://") or not urlsplit(parts["endpoint"]).hostname:
        problem = "Endpoint is not sb://NAMESPACE"
    elif "entitypath" in parts:
        problem = "EntityPath limits it to one queue"
    elif "sharedaccesssignature" not in parts and not (
        parts.get("sharedaccesskeyname") and parts.get("sharedaccesskey")
    ):
        problem = "SharedAccessKeyName or SharedAccessKey is missing"
    if not problem:
        try:
            return ServiceBusClient.from_connection_string(text, **options())
        except ValueError:
            problem = "it cannot be read"
    raise QueueUrlError(
        f"{setting}: is a Service Bus connection string, and {problem}. Copy that of the namespace, not a "
        "queue's: Endpoint=sb://NAMESPACE.servicebus.windows.net;SharedAccessKeyName=…;SharedAccessKey=…"
    )


def _by_identity(url: str, setting: str) -> ServiceBusClient:
    parts = urlsplit(url)
    asked = parse_qs(parts.query, keep_blank_values=True)
    plain = parts.path in {"", "/"} and not parts.fragment and not set(asked) - {"client_id"}
    local = _LOCAL.fullmatch(parts.netloc)
    if not plain or "@" in parts.netloc or not (local or _HOST.fullmatch(parts.netloc)):
        raise QueueUrlError(
            f"{setting}: is not the address of a Service Bus namespace. Write {setting}={_example(setting)}"
        )
    # An emulator has a port of its own, and no TLS; with TLS the client knows no port but 5671.
    return ServiceBusClient(
        parts.netloc, sign_in(asked.get("client_id", [""])[0]), use_tls=not (local and local[1]), **options()
    )


def _example(setting: str) -> str:
    connection, by_identity, _ = setting.partition("__")
    if by_identity:
        return (
            "NAMESPACE.servicebus.windows.net, without anything before or behind it; a user-assigned "
            f"identity is named by {connection}__clientId."
        )
    return (
        "servicebus://NAMESPACE.servicebus.windows.net, for a user-assigned identity with ?client_id=ID at "
        "its end."
    )
