"""Rate-limit records, shared between instances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shared.connector_state.codec import Document
from shared.connector_state.database import Part
from shared.ports import StateConflict, ThrottleRecord

_DOCUMENT = Document(ThrottleRecord)


class ThrottlesPart(Part):
    """One record per organization and identity."""

    def throttle(self, key: str) -> ThrottleRecord:
        with self._database.read() as connection:
            row = connection.execute("SELECT document FROM throttles WHERE key = ?", (key,)).fetchone()
        return ThrottleRecord() if row is None else _DOCUMENT.load(row[0])

    def put_throttle(self, key: str, record: ThrottleRecord) -> ThrottleRecord:
        written = replace(record, revision=record.revision + 1)
        document = _DOCUMENT.dump(written)
        with self._database.write() as connection:
            if record.revision == 0:
                done = connection.execute(
                    "INSERT INTO throttles (key, revision, document) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                    (key, written.revision, document),
                )
            else:
                done = connection.execute(
                    "UPDATE throttles SET revision = ?, document = ? WHERE key = ? AND revision = ?",
                    (written.revision, document, key, record.revision),
                )
            if done.rowcount != 1:
                raise StateConflict(f"The rate-limit record {key} was changed by somebody else meanwhile.")
        return written

    def throttles(self) -> Mapping[str, ThrottleRecord]:
        with self._database.read() as connection:
            rows = connection.execute("SELECT key, document FROM throttles ORDER BY key").fetchall()
        return {key: _DOCUMENT.load(document) for key, document in rows}
