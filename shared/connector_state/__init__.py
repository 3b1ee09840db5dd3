"""The one shared state of all connectors; `open_state` gives the store that a URL names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.connector_state.place import StateUrlError, file_of
from shared.connector_state.tables.account import account_of, is_tables

if TYPE_CHECKING:
    from shared.ports import State

__all__ = ["StateUrlError", "open_state"]


def open_state(url: str, *, setting: str = "STATE_URL", importing: bool = False) -> State:
    """Open the state that the URL names, creating or upgrading it where needed.

    `sqlite:///PATH` is a SQLite file (four slashes for an absolute path). `tables://ACCOUNT` is a table of an
    Azure storage account, signed in to by identity, and so is the account's connection string, by its key.
    `setting` is the name by which an error calls the URL. Raises `StateUrlError` when the place cannot be
    used, and `StateUnavailable` when it can but not now. Who is
    `importing` may open one that an import left half-way, which is refused to everybody else.
    """
    if is_tables(url):
        from shared.connector_state.tables.state import TablesConnectorState  # noqa: PLC0415

        return TablesConnectorState(account_of(url, setting), setting=setting, importing=importing)
    path = file_of(url, setting)
    from shared.connector_state.sqlite import SqliteConnectorState  # noqa: PLC0415 - only what the URL needs

    return SqliteConnectorState(path, setting=setting)
