"""The check that stands before every leased write."""

from __future__ import annotations

import sqlite3

from shared.model.work import Lease
from shared.ports import LeaseLost


def check_lease(connection: sqlite3.Connection, lease: Lease) -> None:
    """Raise `LeaseLost` unless the worker still holds the work, in the transaction that then writes.

    A lease that ran out but was taken by nobody still holds: its worker was slow, not wrong. Its time is not
    compared, since a renewal on one copy must not end the others.
    """
    row = connection.execute(
        "SELECT 1 FROM work WHERE organization = ? AND kind = ? AND revision = ? AND attempt = ?"
        " AND leased_by = ? AND leased_until IS NOT NULL AND dropped = 0",
        (lease.organization, lease.kind.value, lease.revision, lease.attempt, lease.owner),
    ).fetchone()
    if row is None:
        raise LeaseLost(
            f"{lease.owner} no longer holds the {lease.kind.value} work of organization {lease.organization}."
        )
