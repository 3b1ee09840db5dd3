"""Messages and the queues that carry them; `open_queue` gives the queues that a URL names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from shared.queue.receiver import QueueUrlError

if TYPE_CHECKING:
    from shared.ports import Clock
    from shared.queue.receiver import Queues

__all__ = ["QueueUrlError", "open_queue"]

_FILE = "sqlite:///"
_SERVICE_BUS = ("servicebus://", "endpoint=")


def open_queue(
    url: str,
    clock: Clock,
    *,
    owner: str = "",
    is_alive: Callable[[str], bool] | None = None,
    setting: str = "QUEUE_URL",
) -> Queues:
    """Open the queues that the URL names.

    `sqlite:///PATH` is a SQLite file (four slashes for an absolute path), which may be that of the connector
    state; it is created or upgraded where needed. `owner` names this process in its locks, and `is_alive`
    says of such a name whether its process still runs: without them, the locks of a killed process last
    until they run out.

    `servicebus://NAMESPACE.servicebus.windows.net` is an Azure Service Bus namespace, signed in to with the
    identity of the app (`?client_id=ID` for a user-assigned one); a connection string, which begins with
    `Endpoint=sb://`, is one signed in to with its key. The queues must exist there. Nothing is connected
    before the first use. `owner` and `is_alive` do not apply: locks of a killed process run out.

    `setting` is the name by which an error calls the URL. Raises `QueueUrlError` when the place cannot be
    used; no error repeats the URL, which may hold a key.
    """
    if url.strip().lower().startswith(_SERVICE_BUS):
        from shared.queue.namespace import identity_of, open_client  # noqa: PLC0415 - only what the URL needs, and heavy
        from shared.queue.servicebus import ServiceBusQueue  # noqa: PLC0415

        return ServiceBusQueue(open_client(url, setting), clock, setting=setting, identity=identity_of(url))
    path = _file_of(url, setting)
    from shared.queue.embedded import EmbeddedQueue  # noqa: PLC0415 - only what the URL needs

    return EmbeddedQueue(path, clock, owner=owner, is_alive=is_alive, setting=setting)


def _file_of(url: str, setting: str) -> Path:
    """The file that the URL names. The URL is not echoed: another scheme's may hold a key."""
    name = url.removeprefix(_FILE)
    usable = name.strip() and not name.startswith(":memory:") and "\0" not in name and not name.endswith("/")
    if not url.startswith(_FILE) or not usable:
        raise QueueUrlError(
            f"{setting}: is not the URL of a queue file. Supported: sqlite:///PATH, with four slashes for an "
            f"absolute path, such as {setting}=sqlite:////var/lib/ado-connector/queue.db; "
            "servicebus://NAMESPACE.servicebus.windows.net; and a Service Bus connection string, "
            "Endpoint=sb://…"
        )
    return Path(name).expanduser()
