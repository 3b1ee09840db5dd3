"""Assessments: one row per resource, and when each project was last judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from shared.connector_state.codec import Cell, Document, time_of, time_text
from shared.connector_state.database import Part
from shared.connector_state.journal import write_journal
from shared.connector_state.leases import check_lease
from shared.model.assessment import AssessmentChange, ResourceAssessments
from shared.model.ids import OrganizationId, ProjectId
from shared.model.work import Lease

_DOCUMENT = Document(ResourceAssessments)


class AssessmentsPart(Part):
    """What the rules said of each resource."""

    def apply_assessments(
        self, lease: Lease, project: ProjectId | None, change: AssessmentChange, assessed_at: datetime
    ) -> None:
        scope = project or ""
        rows = [
            (
                lease.organization,
                row.resource.kind.value,
                row.resource.id,
                row.resource.project or "",
                _DOCUMENT.dump(row),
            )
            for row in change.rows
        ]
        with self._database.write() as connection:
            check_lease(connection, lease)
            # Only what is still of this project is dropped: a repository may have moved to another meanwhile.
            connection.executemany(
                "DELETE FROM assessments"
                " WHERE organization = ? AND resource_kind = ? AND resource_id = ? AND project = ?",
                [(lease.organization, kind, identifier, scope) for kind, identifier in change.dropped],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO assessments"
                " (organization, resource_kind, resource_id, project, document) VALUES (?, ?, ?, ?, ?)",
                rows,
            )
            connection.execute(
                "INSERT OR REPLACE INTO assessed (organization, project, at) VALUES (?, ?, ?)",
                (lease.organization, scope, time_text(assessed_at)),
            )
            write_journal(connection, change.journal)

    def assessments(
        self, organization: OrganizationId, project: ProjectId | None = None
    ) -> Iterator[ResourceAssessments]:
        query = "SELECT document FROM assessments WHERE organization = ?"
        values: list[Cell] = [organization]
        if project is not None:
            query += " AND project = ?"
            values.append(project)
        with self._database.read() as connection:
            for (document,) in connection.execute(f"{query} ORDER BY resource_kind, resource_id", values):
                yield _DOCUMENT.load(document)

    def assessed_at(self, organization: OrganizationId) -> Mapping[str, datetime]:
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT project, at FROM assessed WHERE organization = ?", (organization,)
            ).fetchall()
        return {project: time_of(at) for project, at in rows}
