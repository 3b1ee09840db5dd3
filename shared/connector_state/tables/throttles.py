"""Rate-limit records, shared between instances."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from shared.connector_state.codec import Document
from shared.connector_state.tables.journal import Part
from shared.connector_state.tables.keys import Value, key, pack, prefix, unpack
from shared.connector_state.tables.table import NONCE, Entity, Refused, Replace, Table
from shared.ports import StateConflict, ThrottleRecord

THROTTLE: Final = "throttle"

_DOCUMENT = Document(ThrottleRecord)
_KEY: Final = "key"
_REVISION: Final = "revision"


class ThrottlesPart(Part):
    """One record per organization and identity."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._tags: dict[str, tuple[int, str]] = {}

    def throttle(self, key: str) -> ThrottleRecord:
        stored = self._table.get(THROTTLE, _row(key))
        if stored is None:
            return ThrottleRecord()
        record = _DOCUMENT.load(unpack(stored.values))
        self._tags[key] = record.revision, stored.etag
        return record

    def put_throttle(self, key: str, record: ThrottleRecord) -> ThrottleRecord:
        written = replace(record, revision=record.revision + 1)
        values = {**pack(_DOCUMENT.dump(written)), _KEY: key, _REVISION: str(written.revision)}

        revision, tag = self._tags.pop(key, (0, ""))
        if tag and revision == record.revision:
            # Read by this process and, as a rule, changed by nobody since: one call instead of two.
            nonce = uuid.uuid4().hex
            with contextlib.suppress(Refused):
                tags = self._table.transact(THROTTLE, [Replace(_row(key), {**values, NONCE: nonce}, tag)])
                self._tags[key] = written.revision, tags[_row(key)]
                return written
            stored = self._table.get(THROTTLE, _row(key))
            if stored is not None and stored.values.get(NONCE) == nonce:
                return written  # the answer to our own first try was lost

        def decide(stored: Entity | None) -> Mapping[str, Value]:
            if (stored.number(_REVISION) if stored else 0) != record.revision:
                raise StateConflict(f"The rate-limit record {key} was changed by somebody else meanwhile.")
            return values

        self._table.change(THROTTLE, _row(key), decide)
        return written

    def throttles(self) -> Mapping[str, ThrottleRecord]:
        found = self._table.query(THROTTLE, prefix("of"))
        return {one.text(_KEY): _DOCUMENT.load(unpack(one.values)) for one in found}


def _row(name: str) -> str:
    return key("of", name)
