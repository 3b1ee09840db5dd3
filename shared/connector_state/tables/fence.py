"""The fence: what is written under a lease cannot be written any more by who lost it.

Each kind of work has a row in its organization's partition that holds the lease's number (revision and
attempt, which only grow). Taking a lease raises it; every transaction under the lease replaces it, on the
condition that it is as this worker last saw it. So rows and fence change together or not at all, and a worker
that was overtaken is refused by the store itself, however late its write arrives.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from typing import Final

from shared.connector_state.tables.keys import Value, key
from shared.connector_state.tables.table import (
    BATCH_MOST,
    NONCE,
    Entity,
    Insert,
    Operation,
    Refused,
    Replace,
    Table,
)
from shared.model.ids import OrganizationId
from shared.model.work import Lease, WorkKind
from shared.ports import LeaseLost, StateUnavailable

FENCED_MOST: Final = BATCH_MOST - 1
"""Operations of one fenced transaction: the fence itself is one more."""

_CONFLICTS_MOST: Final = 60
_REVISION, _ATTEMPT = "revision", "attempt"

_Key = tuple[OrganizationId, WorkKind]


def partition_of(organization: OrganizationId) -> str:
    """The partition of everything that is written under leases on one organization."""
    return key("organization", organization)


class Fence:
    """The fences of all organizations, with the tags that this process last saw."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._lock = threading.Lock()
        self._turns: dict[_Key, threading.Lock] = {}
        self._tags: dict[_Key, tuple[tuple[int, int], str]] = {}

    def raise_for(self, lease: Lease) -> bool:
        """Let only this lease write from now on; False when a later one has come already."""
        partition, row = partition_of(lease.organization), _row(lease)
        values = self._values(lease)
        for _ in range(_CONFLICTS_MOST):
            stored = self._table.get(partition, row)
            if stored is not None and _number(stored) > (lease.revision, lease.attempt):
                return False
            if stored is not None and _number(stored) == (lease.revision, lease.attempt):
                self._remember(lease, stored.etag)
                return True
            first = Insert(row, values) if stored is None else Replace(row, values, stored.etag)
            try:
                tags = self._table.transact(partition, [first])
            except Refused:
                continue
            self._remember(lease, tags[row])
            return True
        raise StateUnavailable(
            f"The fence of {row} in {self._table.where} is changed by others all the time."
        )

    def write(self, lease: Lease, operations: Sequence[Operation]) -> None:
        """All of these or none, unless somebody else took the lease meanwhile: then `LeaseLost`.

        A lease that ended without being taken (finished, dropped) is not noticed here: the caller asks the
        work for that once, before its first write.
        """
        if len(operations) > FENCED_MOST:
            raise ValueError(f"a fenced transaction has at most {FENCED_MOST} operations")
        with self._turn(lease):
            self._write(lease, operations)

    def forget(self, lease: Lease) -> None:
        """The lease has ended."""
        with self._lock:
            self._tags.pop((lease.organization, lease.kind), None)
            self._turns.pop((lease.organization, lease.kind), None)

    def _write(self, lease: Lease, operations: Sequence[Operation]) -> None:
        partition, row = partition_of(lease.organization), _row(lease)
        values = self._values(lease)
        tag = self._remembered(lease)
        for _ in range(_CONFLICTS_MOST):
            if not tag:
                stored = self._table.get(partition, row)
                if stored is None or _number(stored) != (lease.revision, lease.attempt):
                    raise LeaseLost(
                        f"{lease.owner} no longer holds the {lease.kind.value} work of organization "
                        f"{lease.organization}."
                    )
                if stored.values.get(NONCE) == values[NONCE]:
                    # Our own first try took place; its answer was lost.
                    self._remember(lease, stored.etag)
                    return
                tag = stored.etag
            try:
                tags = self._table.transact(partition, [Replace(row, values, tag), *operations])
            except Refused:
                tag = ""
                continue
            self._remember(lease, tags[row])
            return
        raise StateUnavailable(
            f"The fence of {row} in {self._table.where} is changed by others all the time."
        )

    def _turn(self, lease: Lease) -> threading.Lock:
        """Threads that share a lease take turns, instead of refusing one another."""
        with self._lock:
            return self._turns.setdefault((lease.organization, lease.kind), threading.Lock())

    def _remembered(self, lease: Lease) -> str:
        with self._lock:
            number, tag = self._tags.get((lease.organization, lease.kind), ((0, 0), ""))
        return tag if number == (lease.revision, lease.attempt) else ""

    def _remember(self, lease: Lease, tag: str) -> None:
        with self._lock:
            self._tags[lease.organization, lease.kind] = (lease.revision, lease.attempt), tag

    @staticmethod
    def _values(lease: Lease) -> dict[str, Value]:
        return {
            _REVISION: str(lease.revision),
            _ATTEMPT: str(lease.attempt),
            NONCE: uuid.uuid4().hex,
        }


def _row(lease: Lease) -> str:
    return key("fence", lease.kind.value)


def _number(stored: Entity) -> tuple[int, int]:
    return stored.number(_REVISION), stored.number(_ATTEMPT)
