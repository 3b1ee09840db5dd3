"""Sealed sign-ins, shared between instances."""

from __future__ import annotations

from dataclasses import replace

from shared.connector_state.codec import Document
from shared.connector_state.database import Part
from shared.model.sign_in import SignInRecord
from shared.ports import StateConflict

_DOCUMENT = Document(SignInRecord)


class SignInsPart(Part):
    """One record per sign-in. A lost one costs a person's time, so its writes are durable."""

    def sign_in(self, name: str) -> SignInRecord:
        with self._database.read() as connection:
            row = connection.execute("SELECT document FROM sign_ins WHERE name = ?", (name,)).fetchone()
        return SignInRecord() if row is None else _DOCUMENT.load(row[0])

    def put_sign_in(self, name: str, record: SignInRecord) -> SignInRecord:
        written = replace(record, revision=record.revision + 1)
        document = _DOCUMENT.dump(written)
        with self._database.write(durable=True) as connection:
            if record.revision == 0:
                done = connection.execute(
                    "INSERT INTO sign_ins (name, revision, document) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                    (name, written.revision, document),
                )
            else:
                done = connection.execute(
                    "UPDATE sign_ins SET revision = ?, document = ? WHERE name = ? AND revision = ?",
                    (written.revision, document, name, record.revision),
                )
            if done.rowcount != 1:
                raise StateConflict("The sign-in was changed by somebody else meanwhile.")
        return written

    def drop_sign_in(self, name: str) -> None:
        with self._database.write(durable=True) as connection:
            connection.execute("DELETE FROM sign_ins WHERE name = ?", (name,))
