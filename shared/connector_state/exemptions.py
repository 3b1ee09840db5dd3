"""Exemptions: people's decisions, so their writes are durable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shared.connector_state.codec import Document
from shared.connector_state.database import Part
from shared.connector_state.journal import write_journal
from shared.model.exemption import Exemption
from shared.model.journal import JournalEntry

_DOCUMENT = Document(Exemption)


class ExemptionsPart(Part):
    """Findings that somebody answers for."""

    def exemptions(self) -> tuple[Exemption, ...]:
        with self._database.read() as connection:
            rows = connection.execute("SELECT document FROM exemptions ORDER BY id").fetchall()
        return tuple(_DOCUMENT.load(document) for (document,) in rows)

    def change_exemptions(
        self,
        exemptions: Sequence[Exemption],
        removed: Iterable[str] = (),
        journal: Sequence[JournalEntry] = (),
    ) -> None:
        with self._database.write(durable=True) as connection:
            connection.executemany("DELETE FROM exemptions WHERE id = ?", [(one,) for one in removed])
            connection.executemany(
                "INSERT OR REPLACE INTO exemptions (id, document) VALUES (?, ?)",
                [(one.id, _DOCUMENT.dump(one)) for one in exemptions],
            )
            write_journal(connection, journal)
