"""Connectors, claims, organizations, enrollments: in one partition, so that they can change together.

Its rows are `connector:ID`, `connector-deleting:ID` (one that is being deleted), `organization:ID`,
`unique:TENANT:KIND:NAME` (whose record has this name), `claim:TENANT:ORGANIZATION`,
`enrollment:ORGANIZATION:CONNECTOR`, `prerequisites:ORGANIZATION:CONNECTOR`, `posture:ORGANIZATION` and
`exemption:ID`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from shared.connector_state.codec import Document, Documents
from shared.connector_state.tables.journal import Part
from shared.connector_state.tables.keys import Value, key, pack, prefix, unpack
from shared.connector_state.tables.table import (
    BATCH_MOST,
    NONCE,
    Delete,
    Entity,
    Insert,
    Operation,
    Put,
    Refused,
    Replace,
)
from shared.model.connector import Connector
from shared.model.ids import ConnectorId, OrganizationId, TenantId
from shared.model.journal import JournalEntry
from shared.model.organization import Enrollment, Organization
from shared.model.prerequisite import Prerequisite
from shared.ports import StateConflict

CATALOG: Final = "catalog"

_CONNECTOR = Document(Connector)
_ORGANIZATION = Document(Organization)
_ENROLLMENT = Document(Enrollment)
_PREREQUISITES = Documents(Prerequisite)

REVISION: Final = "revision"
UNIQUE: Final = "unique"


class CatalogPart(Part):
    """People's decisions, and which organizations there are."""

    # --- connectors ---------------------------------------------------------------------------------------

    def put_connector(self, connector: Connector, journal: Sequence[JournalEntry] = ()) -> Connector:
        written = replace(connector, revision=connector.revision + 1)
        self._put_revision(
            key("connector", connector.id),
            connector.revision,
            {**pack(_CONNECTOR.dump(written)), REVISION: str(written.revision)},
            journal,
            f"Connector {connector.name} was changed by somebody else meanwhile.",
        )
        return written

    def get_connector(self, connector: ConnectorId) -> Connector | None:
        stored = self._table.get(CATALOG, key("connector", connector))
        return None if stored is None else _CONNECTOR.load(unpack(stored.values))

    def connectors(self) -> tuple[Connector, ...]:
        found = []
        for entity in self._table.query(CATALOG, ("connector-", prefix("connector")[1])):
            if entity.row.startswith("connector-deleting:"):
                # Whoever deleted it died half-way.
                self._sweep(entity.text("connector"), entity.row)
            else:
                found.append(_CONNECTOR.load(unpack(entity.values)))
        return tuple(sorted(found, key=lambda one: (one.name.casefold(), one.id)))

    def delete_connector(self, connector: Connector, journal: Sequence[JournalEntry] = ()) -> None:
        row, marker = key("connector", connector.id), key("connector-deleting", connector.id)
        chunks = self._journal.chunks.of(journal)
        nonce = uuid.uuid4().hex
        while True:
            stored = self._table.get(CATALOG, row)
            if stored is None or stored.number(REVISION) != connector.revision:
                mark = self._table.get(CATALOG, marker)
                if mark is None or mark.values.get(NONCE) != nonce:
                    raise StateConflict(f"Connector {connector.name} was changed by somebody else meanwhile.")
                break
            deleting = Put(marker, {"connector": connector.id, NONCE: nonce})
            try:
                self._table.transact(
                    CATALOG, [Delete(row, stored.etag), deleting, *(one.operation for one in chunks)]
                )
            except Refused:
                continue
            break
        self._sweep(connector.id, marker)
        self._journal.deliver(CATALOG, chunks)

    def _sweep(self, connector: str, marker: str) -> None:
        """Delete what a deleted connector leaves: its enrollments, its claims and its checks."""
        for kind in ("enrollment", "claim", "prerequisites"):
            rows = [
                entity.row
                for entity in self._table.query(CATALOG, prefix(kind), select=("connector",))
                if entity.text("connector") == connector
            ]
            for start in range(0, len(rows), BATCH_MOST):
                some = rows[start : start + BATCH_MOST]
                try:
                    self._table.transact(CATALOG, [Delete(row) for row in some])
                except Refused:  # another process sweeps too
                    for row in some:
                        self._table.delete(CATALOG, row)
        self._table.delete(CATALOG, marker)

    # --- claims -------------------------------------------------------------------------------------------

    def claim(self, tenant: TenantId, organization: OrganizationId, connector: ConnectorId) -> ConnectorId:
        values = claim_values(organization, connector)
        row = key("claim", tenant, organization)
        while True:
            holder = self.holder(tenant, organization)
            if holder is not None:
                return holder
            try:
                self._table.transact(CATALOG, [Insert(row, values)])
            except Refused:
                continue  # somebody was faster, or the answer to our own first try was lost
            return connector

    def release(self, tenant: TenantId, organization: OrganizationId, connector: ConnectorId) -> bool:
        row = key("claim", tenant, organization)
        tried = False
        while True:
            stored = self._table.get(CATALOG, row)
            if stored is None:
                return tried
            if stored.text("connector") != connector:
                return False
            try:
                self._table.transact(CATALOG, [Delete(row, stored.etag)])
            except Refused:
                tried = True
                continue
            return True

    def move_claim(
        self, tenant: TenantId, organization: OrganizationId, before: ConnectorId, after: ConnectorId
    ) -> ConnectorId | None:
        row = key("claim", tenant, organization)
        while True:
            stored = self._table.get(CATALOG, row)
            if stored is None:
                return None
            holder = ConnectorId(stored.text("connector"))
            if holder != before:
                return holder
            try:
                self._table.transact(CATALOG, [Replace(row, claim_values(organization, after), stored.etag)])
            except Refused:
                continue
            return after

    def holder(self, tenant: TenantId, organization: OrganizationId) -> ConnectorId | None:
        stored = self._table.get(CATALOG, key("claim", tenant, organization))
        return None if stored is None else ConnectorId(stored.text("connector"))

    def claims(self) -> Mapping[OrganizationId, ConnectorId]:
        return {
            OrganizationId(one.text("organization")): ConnectorId(one.text("connector"))
            for one in self._table.query(CATALOG, prefix("claim"))
        }

    # --- organizations ------------------------------------------------------------------------------------

    def put_organization(
        self, organization: Organization, journal: Sequence[JournalEntry] = ()
    ) -> Organization:
        written = replace(organization, revision=organization.revision + 1)
        row = key("organization", organization.id)
        unique = unique_keys(written)
        nonce = uuid.uuid4().hex
        chunks = self._journal.chunks.of(journal)
        values: dict[str, Value] = {
            **pack(_ORGANIZATION.dump(written)),
            REVISION: str(written.revision),
            UNIQUE: json.dumps(unique),
            NONCE: nonce,
        }
        while True:
            stored = self._table.get(CATALOG, row)
            if stored is not None and stored.values.get(NONCE) == nonce:
                break
            if (stored.number(REVISION) if stored else 0) != organization.revision:
                raise StateConflict(
                    f"Organization {organization.name} was changed by somebody else meanwhile."
                )
            before = set(json.loads(stored.text(UNIQUE))) if stored else set()
            mine = {"organization": organization.id}
            operations: list[Operation] = [
                Insert(row, values) if stored is None else Replace(row, values, stored.etag),
                *(Insert(one, mine) for one in unique if one not in before),
                *(Delete(one) for one in sorted(before - set(unique))),
                *(one.operation for one in chunks),
            ]
            try:
                self._table.transact(CATALOG, operations)
            except Refused:
                if self._is_taken([one for one in unique if one not in before], organization.id):
                    raise StateConflict(
                        f"There is another record of organization {organization.name}."
                    ) from None
                continue
            break
        self._journal.deliver(CATALOG, chunks)
        return written

    def _is_taken(self, unique: Sequence[str], organization: OrganizationId) -> bool:
        """Whether one of these names is another record's."""
        owners = (self._table.get(CATALOG, one) for one in unique)
        return any(one is not None and one.text("organization") != organization for one in owners)

    def get_organization(self, organization: OrganizationId) -> Organization | None:
        stored = self._table.get(CATALOG, key("organization", organization))
        return None if stored is None else _ORGANIZATION.load(unpack(stored.values))

    def organizations(self, tenant: TenantId | None = None) -> tuple[Organization, ...]:
        kept = [
            one
            for one in self._every_organization()
            if one.merged_into is None and tenant in {None, one.tenant}
        ]
        return tuple(sorted(kept, key=lambda one: (one.name.casefold(), one.id)))

    def _every_organization(self) -> Iterator[Organization]:
        """Merged ones too."""
        for entity in self._table.query(CATALOG, prefix("organization")):
            yield _ORGANIZATION.load(unpack(entity.values))

    def _change_organization(
        self, organization: OrganizationId, change: Callable[[Organization], Organization]
    ) -> None:
        """Change what nobody else decides on: its names stay, and so do the unique keys."""

        def decide(stored: Entity | None) -> Mapping[str, Value]:
            if stored is None:
                raise StateConflict(f"There is no organization {organization}.")
            before = _ORGANIZATION.load(unpack(stored.values))
            after = replace(change(before), revision=before.revision + 1)
            return {
                **pack(_ORGANIZATION.dump(after)),
                REVISION: str(after.revision),
                UNIQUE: stored.text(UNIQUE),
            }

        self._table.change(CATALOG, key("organization", organization), decide)

    # --- enrollments and prerequisites --------------------------------------------------------------------

    def put_enrollment(self, enrollment: Enrollment, journal: Sequence[JournalEntry] = ()) -> Enrollment:
        written = replace(enrollment, revision=enrollment.revision + 1)
        self._put_revision(
            key("enrollment", enrollment.organization, enrollment.connector),
            enrollment.revision,
            {
                **pack(_ENROLLMENT.dump(written)),
                REVISION: str(written.revision),
                "connector": enrollment.connector,
            },
            journal,
            "The enrollment was changed by somebody else meanwhile.",
        )
        return written

    def enrollments(
        self, *, connector: ConnectorId | None = None, organization: OrganizationId | None = None
    ) -> tuple[Enrollment, ...]:
        rows = prefix("enrollment") if organization is None else prefix("enrollment", organization)
        found = (
            _ENROLLMENT.load(unpack(entity.values))
            for entity in self._table.query(CATALOG, rows)
            if connector in {None, entity.text("connector")}
        )
        return tuple(sorted(found, key=lambda one: (one.organization, one.connector)))

    def put_prerequisites(
        self,
        organization: OrganizationId,
        connector: ConnectorId,
        prerequisites: Sequence[Prerequisite],
        journal: Sequence[JournalEntry] = (),
    ) -> None:
        chunks = self._journal.chunks.of(journal)
        values = {**pack(_PREREQUISITES.dump(prerequisites)), "connector": connector}
        row = key("prerequisites", organization, connector)
        self._table.transact(CATALOG, [Put(row, values), *(one.operation for one in chunks)])
        self._journal.deliver(CATALOG, chunks)

    def prerequisites(self, organization: OrganizationId, connector: ConnectorId) -> tuple[Prerequisite, ...]:
        stored = self._table.get(CATALOG, key("prerequisites", organization, connector))
        return () if stored is None else _PREREQUISITES.load(unpack(stored.values))

    def _put_revision(
        self,
        row: str,
        revision: int,
        values: Mapping[str, Value],
        journal: Sequence[JournalEntry],
        conflict: str,
    ) -> None:
        """Write a record that must still have this revision (0: must not be there), with its journal."""
        chunks = self._journal.chunks.of(journal)

        def decide(stored: Entity | None) -> Mapping[str, Value]:
            if (stored.number(REVISION) if stored else 0) != revision:
                raise StateConflict(conflict)
            return values

        self._table.change(CATALOG, row, decide, [one.operation for one in chunks])
        self._journal.deliver(CATALOG, chunks)


def claim_values(organization: OrganizationId, connector: ConnectorId) -> dict[str, Value]:
    """What a claim's row holds."""
    return {**pack(connector), "connector": connector, "organization": organization}


def unique_keys(organization: Organization) -> list[str]:
    """The keys of which one record alone may hold each: as the port says of `put_organization`."""
    if organization.merged_into is not None:
        return []
    tenant = organization.tenant
    keys = [
        key(UNIQUE, tenant, kind, identifier.lower())
        for kind, identifier in (("instance", organization.instance_id), ("account", organization.account_id))
        if identifier
    ]
    return keys or [key(UNIQUE, tenant, "name", organization.name.casefold())]
