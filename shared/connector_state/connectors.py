"""Connectors, and the claims by which they hold organizations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shared.connector_state.codec import Document
from shared.connector_state.database import Part
from shared.connector_state.journal import write_journal
from shared.model.connector import Connector
from shared.model.ids import ConnectorId, OrganizationId, TenantId
from shared.model.journal import JournalEntry
from shared.ports import StateConflict

_DOCUMENT = Document(Connector)


class ConnectorsPart(Part):
    """Connectors and claims. Both are people's decisions, so their writes are durable."""

    def put_connector(self, connector: Connector, journal: Sequence[JournalEntry] = ()) -> Connector:
        written = replace(connector, revision=connector.revision + 1)
        document = _DOCUMENT.dump(written)
        with self._database.write(durable=True) as connection:
            if connector.revision == 0:
                done = connection.execute(
                    "INSERT INTO connectors (id, revision, document) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                    (written.id, written.revision, document),
                )
            else:
                done = connection.execute(
                    "UPDATE connectors SET revision = ?, document = ? WHERE id = ? AND revision = ?",
                    (written.revision, document, written.id, connector.revision),
                )
            if done.rowcount != 1:
                raise StateConflict(f"Connector {connector.name} was changed by somebody else meanwhile.")
            write_journal(connection, journal)
        return written

    def get_connector(self, connector: ConnectorId) -> Connector | None:
        with self._database.read() as connection:
            row = connection.execute("SELECT document FROM connectors WHERE id = ?", (connector,)).fetchone()
        return None if row is None else _DOCUMENT.load(row[0])

    def connectors(self) -> tuple[Connector, ...]:
        with self._database.read() as connection:
            rows = connection.execute("SELECT document FROM connectors").fetchall()
        found = (_DOCUMENT.load(document) for (document,) in rows)
        return tuple(sorted(found, key=lambda one: (one.name.casefold(), one.id)))

    def delete_connector(self, connector: Connector, journal: Sequence[JournalEntry] = ()) -> None:
        with self._database.write(durable=True) as connection:
            done = connection.execute(
                "DELETE FROM connectors WHERE id = ? AND revision = ?", (connector.id, connector.revision)
            )
            if done.rowcount != 1:
                raise StateConflict(f"Connector {connector.name} was changed by somebody else meanwhile.")
            connection.execute("DELETE FROM enrollments WHERE connector = ?", (connector.id,))
            connection.execute("DELETE FROM claims WHERE connector = ?", (connector.id,))
            connection.execute("DELETE FROM prerequisites WHERE connector = ?", (connector.id,))
            write_journal(connection, journal)

    def claim(self, tenant: TenantId, organization: OrganizationId, connector: ConnectorId) -> ConnectorId:
        with self._database.write(durable=True) as connection:
            connection.execute(
                "INSERT INTO claims (tenant, organization, connector) VALUES (?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (tenant, organization, connector),
            )
            (holder,) = connection.execute(
                "SELECT connector FROM claims WHERE tenant = ? AND organization = ?", (tenant, organization)
            ).fetchone()
        return ConnectorId(holder)

    def release(self, tenant: TenantId, organization: OrganizationId, connector: ConnectorId) -> bool:
        with self._database.write(durable=True) as connection:
            done = connection.execute(
                "DELETE FROM claims WHERE tenant = ? AND organization = ? AND connector = ?",
                (tenant, organization, connector),
            )
        return done.rowcount == 1

    def move_claim(
        self, tenant: TenantId, organization: OrganizationId, before: ConnectorId, after: ConnectorId
    ) -> ConnectorId | None:
        with self._database.write(durable=True) as connection:
            connection.execute(
                "UPDATE claims SET connector = ? WHERE tenant = ? AND organization = ? AND connector = ?",
                (after, tenant, organization, before),
            )
            row = connection.execute(
                "SELECT connector FROM claims WHERE tenant = ? AND organization = ?", (tenant, organization)
            ).fetchone()
        return None if row is None else ConnectorId(row[0])

    def holder(self, tenant: TenantId, organization: OrganizationId) -> ConnectorId | None:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT connector FROM claims WHERE tenant = ? AND organization = ?", (tenant, organization)
            ).fetchone()
        return None if row is None else ConnectorId(row[0])

    def claims(self) -> Mapping[OrganizationId, ConnectorId]:
        with self._database.read() as connection:
            rows = connection.execute("SELECT organization, connector FROM claims").fetchall()
        return {OrganizationId(organization): ConnectorId(connector) for organization, connector in rows}
