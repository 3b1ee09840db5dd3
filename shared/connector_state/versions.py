"""How old a state is, without opening it: whoever opens one brings it up to date."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass

from shared.connector_state.database import version_of as version_of_database
from shared.connector_state.place import file_of
from shared.connector_state.schema import MIGRATIONS
from shared.connector_state.tables.account import account_of, is_tables
from shared.ports import StateUnavailable


@dataclass(frozen=True, slots=True)
class Versions:
    """Of a state's schema."""

    stored: int | None
    """Of what is kept; None where nothing is."""
    own: int
    """That this program makes of it as it opens it."""


def versions(url: str, *, setting: str = "STATE_URL") -> Versions:
    """Read the version of the state that the URL names, and change nothing.

    Raises `StateUrlError` when the URL names no place, `StateUnavailable` when the place does not answer.
    """
    if is_tables(url):
        from shared.connector_state.tables.catalog import CATALOG  # noqa: PLC0415 - only what the URL needs
        from shared.connector_state.tables.migrations import (  # noqa: PLC0415
            VERSION,
            VERSION_ROW,
            version_of,
        )
        from shared.connector_state.tables.table import Table  # noqa: PLC0415

        with closing(Table(account_of(url, setting), setting=setting)) as table:
            row = table.get(CATALOG, VERSION_ROW)
            return Versions(None if row is None else version_of(row), VERSION)
    path = file_of(url, setting)
    if not path.is_file():
        return Versions(None, len(MIGRATIONS))
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return Versions(version_of_database(connection) or None, len(MIGRATIONS))
    except sqlite3.Error as error:
        raise StateUnavailable(f"The connector state in {path} does not answer: {error}.") from error


def is_new(url: str, *, setting: str = "STATE_URL") -> bool:
    """Whether nothing was ever kept in the place: opening it would make a state there.

    Raises as `versions` does.
    """
    if is_tables(url):
        return versions(url, setting=setting).stored is None
    path = file_of(url, setting)
    return not path.exists() or (path.is_file() and path.stat().st_size == 0)
