"""What listings that were cut have read so far."""

from __future__ import annotations

from shared.connector_state.database import Part
from shared.connector_state.leases import check_lease
from shared.model.ids import OrganizationId
from shared.model.work import Lease, WorkKind


class PartialsPart(Part):
    """One for each organization and kind of work."""

    def put_partial(self, lease: Lease, content: bytes) -> None:
        with self._database.write() as connection:
            check_lease(connection, lease)
            connection.execute(
                "INSERT OR REPLACE INTO partials (organization, kind, content) VALUES (?, ?, ?)",
                (lease.organization, lease.kind.value, content),
            )

    def partial(self, organization: OrganizationId, kind: WorkKind) -> bytes:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT content FROM partials WHERE organization = ? AND kind = ?", (organization, kind.value)
            ).fetchone()
        return b"" if row is None else bytes(row[0])
