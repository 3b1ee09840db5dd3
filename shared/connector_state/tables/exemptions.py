"""Exemptions: one row each, beside the other decisions of people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from shared.connector_state.codec import Document
from shared.connector_state.tables.catalog import CATALOG
from shared.connector_state.tables.journal import Part
from shared.connector_state.tables.keys import key, pack, prefix, unpack
from shared.connector_state.tables.table import BATCH_MOST, Delete, Operation, Put, Refused
from shared.model.exemption import Exemption
from shared.model.journal import JournalEntry

_DOCUMENT = Document(Exemption)
_KIND: Final = "exemption"


class ExemptionsPart(Part):
    """Findings that somebody answers for."""

    def exemptions(self) -> tuple[Exemption, ...]:
        found = (_DOCUMENT.load(unpack(one.values)) for one in self._table.query(CATALOG, prefix(_KIND)))
        return tuple(sorted(found, key=lambda one: one.id))

    def change_exemptions(
        self,
        exemptions: Sequence[Exemption],
        removed: Iterable[str] = (),
        journal: Sequence[JournalEntry] = (),
    ) -> None:
        chunks = self._journal.chunks.of(journal)
        puts = {key(_KIND, one.id): pack(_DOCUMENT.dump(one)) for one in exemptions}
        gone = dict.fromkeys(key(_KIND, one) for one in removed)
        # What is told comes first: a change that dies half-way is made again, and then tells only the rest.
        operations: list[Operation] = [
            *(one.operation for one in chunks),
            *(Put(row, values) for row, values in puts.items()),
        ]
        operations += [Delete(row) for row in self._kept(gone) if row not in puts]
        for start in range(0, len(operations), BATCH_MOST):
            some = operations[start : start + BATCH_MOST]
            try:
                self._table.transact(CATALOG, some)
            except Refused:  # somebody else removed some of them, or our own first try did
                self._one_by_one(some)
        self._journal.deliver(CATALOG, chunks)

    def _kept(self, rows: Iterable[str]) -> list[str]:
        """Those of the rows that are there: a transaction must not delete any other."""
        wanted = set(rows)
        if not wanted:
            return []
        found = self._table.query(CATALOG, prefix(_KIND), select=("RowKey",))
        return [one.row for one in found if one.row in wanted]

    def _one_by_one(self, operations: Iterable[Operation]) -> None:
        for one in operations:
            if isinstance(one, Delete):
                self._table.delete(CATALOG, one.row)
            else:
                self._table.transact(CATALOG, [one])
