"""Sealed sign-ins, shared between instances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from shared.connector_state.codec import Document
from shared.connector_state.tables.journal import Part
from shared.connector_state.tables.keys import Value, key, pack, unpack
from shared.connector_state.tables.table import Entity
from shared.model.sign_in import SignInRecord
from shared.ports import StateConflict

SIGN_IN: Final = "sign-in"

_DOCUMENT = Document(SignInRecord)
_REVISION: Final = "revision"


class SignInsPart(Part):
    """One record per sign-in, in a partition of their own."""

    def sign_in(self, name: str) -> SignInRecord:
        stored = self._table.get(SIGN_IN, _row(name))
        return SignInRecord() if stored is None else _DOCUMENT.load(unpack(stored.values))

    def put_sign_in(self, name: str, record: SignInRecord) -> SignInRecord:
        written = replace(record, revision=record.revision + 1)
        values = {**pack(_DOCUMENT.dump(written)), _REVISION: str(written.revision)}

        def decide(stored: Entity | None) -> Mapping[str, Value]:
            if (stored.number(_REVISION) if stored else 0) != record.revision:
                raise StateConflict("The sign-in was changed by somebody else meanwhile.")
            return values

        self._table.change(SIGN_IN, _row(name), decide)
        return written

    def drop_sign_in(self, name: str) -> None:
        self._table.delete(SIGN_IN, _row(name))


def _row(name: str) -> str:
    return key("of", name)
