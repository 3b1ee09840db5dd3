"""Rows of the table that belong to nothing: names of records that are gone, copies without what they copy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.connector_state.tables.assessments import TOTAL_ROW
from shared.connector_state.tables.catalog import CATALOG, UNIQUE, CatalogPart, unique_keys
from shared.connector_state.tables.keys import prefix
from shared.connector_state.tables.rows import is_in_catalog, is_of_organization, is_work
from shared.connector_state.tables.work import WORK
from shared.model.storage import StorageProblem, StorageTrouble
from shared.ports import StateUnavailable

_ALL: Final = ("!", "~~")
_NO_RECORD: Final = "It is no record, and nothing reads it."
_AT: Final = "\n"
"""Between partition and row in the name of a problem; neither may hold it."""


class SoundnessPart(CatalogPart):
    """The table itself."""

    def storage_problems(self) -> Iterator[StorageProblem]:
        owned = self._names_of_records()
        totals = {
            one.text("PartitionKey")
            for one in self._table.query_partitions(
                prefix("organization"), (TOTAL_ROW, f"{TOTAL_ROW}!"), select=("PartitionKey",)
            )
        }
        for entity in self._table.query(CATALOG, _ALL):
            word, _, rest = entity.row.partition(":")
            if not is_in_catalog(entity.row):
                yield _stray(CATALOG, entity.row, _NO_RECORD)
            elif word == UNIQUE:
                owner = entity.text("organization")
                if owned is not None and owner not in owned.get(entity.row, ()):
                    why = f"It gives the name to {owner}, which does not have it."
                    yield _stray(CATALOG, entity.row, why)
            elif word == "posture" and f"organization:{rest}" not in totals:
                yield _stray(CATALOG, entity.row, "It is the copy of a sum that is not there.")
        for entity in self._table.query(WORK, _ALL, select=("PartitionKey",)):
            if not is_work(entity.row):
                yield _stray(WORK, entity.row, _NO_RECORD)
        for entity in self._table.query_partitions(prefix("organization"), _ALL, select=("PartitionKey",)):
            if not is_of_organization(entity.row):
                yield _stray(entity.text("PartitionKey"), entity.row, _NO_RECORD)

    def mend_storage(self, name: str) -> bool:
        partition, _, row = name.partition(_AT)
        self._table.delete(partition, row)
        return True

    def _names_of_records(self) -> dict[str, set[str]] | None:
        """Whose each name is; None where a record of an organization cannot be read, and may own some."""
        owned: dict[str, set[str]] = {}
        try:
            for one in self._every_organization():
                for name in unique_keys(one):
                    owned.setdefault(name, set()).add(one.id)
        except (StateUnavailable, ValueError, TypeError, KeyError):
            return None
        return owned


def _stray(partition: str, row: str, why: str) -> StorageProblem:
    what = f"The row {row} in partition {partition} belongs to nothing. {why}"
    return StorageProblem(StorageTrouble.STRAY, what, f"{partition}{_AT}{row}")
