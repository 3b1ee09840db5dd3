"""Messages and the queues that carry them; `open_queue` gives the queues that a URL names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from shared.queue.receiver import QueueUrlError

if TYPE_CHECKING:
    from shared.ports import Clock
    from shared.queue.embedded import EmbeddedQueue

__all__ = ["QueueUrlError", "open_queue"]

_PREFIX = "sqlite:///"


def open_queue(
    url: str,
    clock: Clock,
    *,
    owner: str = "",
    is_alive: Callable[[str], bool] | None = None,
    setting: str = "QUEUE_URL",
) -> EmbeddedQueue:
    """Open the queues that the URL names, creating or upgrading them where needed.

    `sqlite:///PATH` is a SQLite file (four slashes for an absolute path), which may be that of the connector
    state. `owner` names this process in its locks, and `is_alive` says of such a name whether its process
    still runs: without them, the locks of a killed process last until they run out. `setting` is the name by
    which an error calls the URL. Raises `QueueUrlError` when the place cannot be used.
    """
    path = _file_of(url, setting)
    from shared.queue.embedded import EmbeddedQueue  # noqa: PLC0415 - only what the URL needs

    return EmbeddedQueue(path, clock, owner=owner, is_alive=is_alive, setting=setting)


def _file_of(url: str, setting: str) -> Path:
    """The file that the URL names. The URL is not echoed: another scheme's may hold a key."""
    name = url.removeprefix(_PREFIX)
    usable = name.strip() and not name.startswith(":memory:") and "\0" not in name and not name.endswith("/")
    if not url.startswith(_PREFIX) or not usable:
        raise QueueUrlError(
            f"{setting}: is not the URL of a queue file. Supported: sqlite:///PATH, with four slashes for an "
            f"absolute path, such as {setting}=sqlite:////var/lib/ado-connector/queue.db"
        )
    return Path(name).expanduser()
