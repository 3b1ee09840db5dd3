"""Organizations, what each connector makes of them, and what was found out about them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from shared.connector_state.codec import Cell, Document, Documents
from shared.connector_state.database import Part
from shared.connector_state.journal import write_journal
from shared.connector_state.leases import check_lease
from shared.model.extension import ExtensionState
from shared.model.ids import ConnectorId, OrganizationId, ProjectId, TenantId
from shared.model.journal import JournalEntry
from shared.model.organization import Enrollment, Organization
from shared.model.prerequisite import Prerequisite
from shared.model.work import Lease
from shared.ports import StateConflict

_ORGANIZATION = Document(Organization)
_ENROLLMENT = Document(Enrollment)
_PREREQUISITES = Documents(Prerequisite)
_EXTENSION = Document(ExtensionState)


class OrganizationsPart(Part):
    """Organization records and enrollments (durable: they hold people's decisions), and checks' results."""

    def put_organization(
        self, organization: Organization, journal: Sequence[JournalEntry] = ()
    ) -> Organization:
        with self._database.write(durable=True) as connection:
            written = _write_organization(connection, organization)
            write_journal(connection, journal)
        return written

    def get_organization(self, organization: OrganizationId) -> Organization | None:
        with self._database.read() as connection:
            return _read_organization(connection, organization)

    def organizations(self, tenant: TenantId | None = None) -> tuple[Organization, ...]:
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT document FROM organizations WHERE merged = 0 AND tenant = coalesce(?, tenant)",
                (tenant,),
            ).fetchall()
        found = (_ORGANIZATION.load(document) for (document,) in rows)
        return tuple(sorted(found, key=lambda one: (one.name.casefold(), one.id)))

    def finish_listing(
        self,
        lease: Lease,
        *,
        listed_at: datetime | None,
        projects: int,
        repositories: int,
        by_project: Mapping[ProjectId, int] | None = None,
    ) -> None:
        with self._database.write() as connection:
            check_lease(connection, lease)
            organization = _read_organization(connection, lease.organization)
            if organization is None:
                raise StateConflict(f"There is no organization {lease.organization}.")
            listed = listed_at if listed_at is not None else organization.last_complete_listing
            _write_organization(
                connection,
                replace(
                    organization, last_complete_listing=listed, projects=projects, repositories=repositories
                ),
            )
            if by_project is not None:
                connection.execute(
                    "INSERT INTO repository_counts (organization, document) VALUES (?, ?) ON CONFLICT"
                    " DO UPDATE SET document = excluded.document WHERE document <> excluded.document",
                    (lease.organization, json.dumps(by_project, sort_keys=True)),
                )

    def repository_counts(self, organization: OrganizationId) -> Mapping[ProjectId, int]:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT document FROM repository_counts WHERE organization = ?", (organization,)
            ).fetchone()
        return {} if row is None else {ProjectId(one): count for one, count in json.loads(row[0]).items()}

    def put_enrollment(self, enrollment: Enrollment, journal: Sequence[JournalEntry] = ()) -> Enrollment:
        written = replace(enrollment, revision=enrollment.revision + 1)
        document = _ENROLLMENT.dump(written)
        with self._database.write(durable=True) as connection:
            if enrollment.revision == 0:
                done = connection.execute(
                    "INSERT INTO enrollments (connector, organization, revision, document)"
                    " VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (written.connector, written.organization, written.revision, document),
                )
            else:
                done = connection.execute(
                    "UPDATE enrollments SET revision = ?, document = ?"
                    " WHERE connector = ? AND organization = ? AND revision = ?",
                    (
                        written.revision,
                        document,
                        written.connector,
                        written.organization,
                        enrollment.revision,
                    ),
                )
            if done.rowcount != 1:
                raise StateConflict("The enrollment was changed by somebody else meanwhile.")
            write_journal(connection, journal)
        return written

    def enrollments(
        self, *, connector: ConnectorId | None = None, organization: OrganizationId | None = None
    ) -> tuple[Enrollment, ...]:
        conditions = ["1"]
        values: list[Cell] = []
        if connector is not None:
            conditions.append("connector = ?")
            values.append(connector)
        if organization is not None:
            conditions.append("organization = ?")
            values.append(organization)
        query = (
            f"SELECT document FROM enrollments WHERE {' AND '.join(conditions)}"  # noqa: S608 - constants
            " ORDER BY organization, connector"
        )
        with self._database.read() as connection:
            rows = connection.execute(query, values).fetchall()
        return tuple(_ENROLLMENT.load(document) for (document,) in rows)

    def put_prerequisites(
        self,
        organization: OrganizationId,
        connector: ConnectorId,
        prerequisites: Sequence[Prerequisite],
        journal: Sequence[JournalEntry] = (),
    ) -> None:
        document = _PREREQUISITES.dump(prerequisites)
        with self._database.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO prerequisites (organization, connector, document) VALUES (?, ?, ?)",
                (organization, connector, document),
            )
            write_journal(connection, journal)

    def prerequisites(self, organization: OrganizationId, connector: ConnectorId) -> tuple[Prerequisite, ...]:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT document FROM prerequisites WHERE organization = ? AND connector = ?",
                (organization, connector),
            ).fetchone()
        return () if row is None else _PREREQUISITES.load(row[0])

    def put_extension(
        self, lease: Lease, extension: ExtensionState, journal: Sequence[JournalEntry] = ()
    ) -> None:
        document = _EXTENSION.dump(extension)
        with self._database.write() as connection:
            check_lease(connection, lease)
            connection.execute(
                "INSERT OR REPLACE INTO extensions (organization, document) VALUES (?, ?)",
                (lease.organization, document),
            )
            write_journal(connection, journal)

    def extension(self, organization: OrganizationId) -> ExtensionState | None:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT document FROM extensions WHERE organization = ?", (organization,)
            ).fetchone()
        return None if row is None else _EXTENSION.load(row[0])


INSERT_ORGANIZATION = (
    "INSERT INTO organizations (tenant, name_key, instance_key, account_key, merged, revision, document, id)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


def organization_row(organization: Organization) -> tuple[Cell, ...]:
    """The record with the columns that its uniqueness rests on."""
    return (
        organization.tenant,
        organization.name.casefold().encode(errors="backslashreplace").decode(),
        organization.instance_id.lower(),
        organization.account_id.lower(),
        organization.merged_into is not None,
        organization.revision,
        _ORGANIZATION.dump(organization),
        organization.id,
    )


def _read_organization(connection: sqlite3.Connection, organization: OrganizationId) -> Organization | None:
    row = connection.execute("SELECT document FROM organizations WHERE id = ?", (organization,)).fetchone()
    return None if row is None else _ORGANIZATION.load(row[0])


def _write_organization(connection: sqlite3.Connection, organization: Organization) -> Organization:
    """Conditional on the revision; the unique indexes refuse a second record of the same organization."""
    written = replace(organization, revision=organization.revision + 1)
    row = organization_row(written)
    try:
        if organization.revision == 0:
            done = connection.execute(INSERT_ORGANIZATION, row)
        else:
            done = connection.execute(
                "UPDATE organizations SET tenant = ?, name_key = ?, instance_key = ?, account_key = ?,"
                " merged = ?, revision = ?, document = ? WHERE id = ? AND revision = ?",
                (*row, organization.revision),
            )
    except sqlite3.IntegrityError as error:
        raise StateConflict(f"There is another record of organization {organization.name}.") from error
    if done.rowcount != 1:
        raise StateConflict(f"Organization {organization.name} was changed by somebody else meanwhile.")
    return written
