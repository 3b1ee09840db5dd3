"""The connector state in one table of Azure Table Storage: for many instances, wherever they run."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from shared.connector_state.place import StateUrlError
from shared.connector_state.tables.account import Account
from shared.connector_state.tables.catalog import CATALOG
from shared.connector_state.tables.exemptions import ExemptionsPart
from shared.connector_state.tables.journal import JournalPart
from shared.connector_state.tables.migrations import (
    VERSION,
    VERSION_ROW,
    migrate,
    version_of,
    version_row,
)
from shared.connector_state.tables.records import IMPORTING, RecordsPart
from shared.connector_state.tables.sign_ins import SignInsPart
from shared.connector_state.tables.soundness import SoundnessPart
from shared.connector_state.tables.table import Insert, Refused, Table
from shared.connector_state.tables.throttles import ThrottlesPart
from shared.connector_state.tables.work import WORK


class TablesConnectorState(
    RecordsPart, SoundnessPart, ExemptionsPart, ThrottlesPart, SignInsPart, JournalPart
):
    """`shared.ports.State` on one table.

    A record is changed by a conditional write; what belongs together is written in one transaction of its
    partition. Larger changes take several, each whole in itself, and are completed by the next run.
    """

    def __init__(self, account: Account, *, setting: str = "STATE_URL", importing: bool = False) -> None:
        table = Table(account, setting=setting)
        super().__init__(table)
        table.create()
        self._check_version(setting, importing=importing)
        for partition in (CATALOG, WORK):
            self._journal.deliver_left(partition)

    @property
    def where(self) -> str:
        """Table and host, for people."""
        return self._table.where

    def close(self) -> None:
        """Close the connections."""
        self._table.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_version(self, setting: str, *, importing: bool) -> None:
        stored = self._table.get(CATALOG, VERSION_ROW)
        if stored is None:
            try:
                self._table.transact(CATALOG, [Insert(VERSION_ROW, version_row(VERSION))])
            except Refused:  # another instance came first
                stored = self._table.get(CATALOG, VERSION_ROW)
        if stored is None:
            return
        if version_of(stored) > VERSION:
            raise StateUrlError(
                f"{setting}: {self.where} was written by a newer version of this program (version "
                f"{version_of(stored)}; this one knows {VERSION}): update the program."
            )
        if stored.text(IMPORTING) and not importing:
            raise StateUrlError(
                f"{setting}: an import into {self.where} was broken off, so part of it is missing. Run "
                '"ado-connector state import" with the same file again: it goes on.'
            )
        migrate(self._table, version_of(stored))
