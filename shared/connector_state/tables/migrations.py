"""Numbered steps that make the rows of an earlier version into those of this one.

A step may be run by several instances at once, and again after one that died: it changes rows on the
condition that they are as they were read, and the version is raised when all of them are done. An instance of
the earlier version that is still at work may add rows of the old form behind the step: those are read all the
same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Final

from shared.connector_state.codec import Document
from shared.connector_state.tables.assessments import BRIEF, brief
from shared.connector_state.tables.catalog import CATALOG
from shared.connector_state.tables.keys import Value, prefix, unpack
from shared.connector_state.tables.table import (
    BATCH_MOST,
    BYTES_MOST,
    Entity,
    Refused,
    Replace,
    Table,
    weight_of,
)
from shared.model.assessment import ResourceAssessments

VERSION_ROW: Final = "version"
_VERSION: Final = "version"

_ASSESSMENTS = Document(ResourceAssessments)


def version_of(row: Entity) -> int:
    """The version that the rows of a table have, by its row that tells."""
    return row.number(_VERSION)


def version_row(number: int) -> Mapping[str, Value]:
    """What the row that tells the version holds."""
    return {_VERSION: number}


def migrate(table: Table, stored: int) -> None:
    """Make the rows of this version, one step after the other, into those of the present one."""
    for number, step in enumerate(MIGRATIONS[stored - 1 :], start=stored + 1):
        step(table)
        table.change(CATALOG, VERSION_ROW, _raised(number))


def _raised(number: int) -> Callable[[Entity | None], Mapping[str, Value] | None]:
    def decide(row: Entity | None) -> Mapping[str, Value] | None:
        if row is None or version_of(row) >= number:
            return None
        return {**row.values, **version_row(number)}

    return decide


def _keep_statuses_apart(table: Table) -> None:
    """Beside each assessment its statuses alone, which lists are made from."""
    found = table.query_partitions(prefix("organization"), prefix("assessment"))
    for partition, rows in groupby(found, lambda one: one.text("PartitionKey")):
        batch: list[Entity] = []
        size = 0
        for row in rows:
            if BRIEF in row.values:
                continue
            weight = weight_of(row.values)
            if batch and (len(batch) == BATCH_MOST or size + weight > BYTES_MOST):
                _add_statuses(table, partition, batch)
                batch, size = [], 0
            batch.append(row)
            size += weight
        _add_statuses(table, partition, batch)


def _add_statuses(table: Table, partition: str, rows: Sequence[Entity]) -> None:
    try:
        table.transact(partition, [Replace(one.row, _with_statuses(one), one.etag) for one in rows])
    except Refused:  # one of them was changed or dropped meanwhile, so each by itself
        for one in rows:
            table.change(partition, one.row, _statuses_unless_there)


def _statuses_unless_there(row: Entity | None) -> Mapping[str, Value] | None:
    return None if row is None or BRIEF in row.values else _with_statuses(row)


def _with_statuses(row: Entity) -> Mapping[str, Value]:
    return {**row.values, BRIEF: brief(_ASSESSMENTS.load(unpack(row.values)))}


MIGRATIONS: Final[tuple[Callable[[Table], None], ...]] = (_keep_statuses_apart,)
"""From version 1 to 2, and so on. A step that was released is never changed; a new one is added."""

VERSION: Final = 1 + len(MIGRATIONS)
"""Of what the rows mean. A newer one is not touched."""
