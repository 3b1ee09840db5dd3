"""The one shared state of all connectors; `open_state` gives the store that a URL names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.connector_state.place import StateUrlError, file_of

if TYPE_CHECKING:
    from shared.connector_state.sqlite import SqliteConnectorState

__all__ = ["StateUrlError", "open_state"]


def open_state(url: str, *, setting: str = "STATE_URL") -> SqliteConnectorState:
    """Open the state that the URL names, creating or upgrading it where needed.

    `sqlite:///PATH` is a SQLite file (four slashes for an absolute path). `setting` is the name by which an
    error calls the URL. Raises `StateUrlError` when the place cannot be used, and `StateUnavailable` when it
    can but not now.
    """
    path = file_of(url, setting)
    from shared.connector_state.sqlite import SqliteConnectorState  # noqa: PLC0415 - only what the URL needs

    return SqliteConnectorState(path, setting=setting)
