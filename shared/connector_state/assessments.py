"""Assessments: one row per resource, and when each project was last judged."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import datetime

from shared.connector_state.codec import Cell, Document, time_of, time_text
from shared.connector_state.database import Part
from shared.connector_state.journal import write_journal
from shared.connector_state.leases import check_lease
from shared.model.assessment import AssessmentChange, Findings, ResourceAssessments
from shared.model.ids import OrganizationId, ProjectId
from shared.model.summary import PostureSummary, ProjectSummary, with_change
from shared.model.work import Lease

_DOCUMENT = Document(ResourceAssessments)
_TOTAL = Document(PostureSummary)


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
            _write_sums(connection, lease.organization, project, change.findings, assessed_at)
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

    def project_summaries(self, organization: OrganizationId) -> tuple[ProjectSummary, ...]:
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT project, findings, at FROM assessed WHERE organization = ? ORDER BY project",
                (organization,),
            ).fetchall()
        return tuple(
            ProjectSummary(ProjectId(project) if project else None, _findings_of(findings), time_of(at))
            for project, findings, at in rows
        )

    def posture_summaries(self) -> Mapping[OrganizationId, PostureSummary]:
        with self._database.read() as connection:
            rows = connection.execute("SELECT document FROM posture_totals").fetchall()
        found = (_TOTAL.load(document) for (document,) in rows)
        return {one.organization: one for one in found}


def _write_sums(
    connection: sqlite3.Connection,
    organization: OrganizationId,
    project: ProjectId | None,
    findings: Findings,
    assessed_at: datetime,
) -> None:
    """The project's counts, and the organization's by as much as they changed."""
    scope = project or ""
    stored = connection.execute(
        "SELECT findings FROM assessed WHERE organization = ? AND project = ?", (organization, scope)
    ).fetchone()
    row = connection.execute(
        "SELECT document FROM posture_totals WHERE organization = ?", (organization,)
    ).fetchone()
    total = PostureSummary(organization) if row is None else _TOTAL.load(row[0])
    summed = PostureSummary(
        organization,
        with_change(total.findings, _findings_of(stored[0]) if stored else {}, findings),
        total.projects + (stored is None and project is not None),
        assessed_at if total.newest is None else max(total.newest, assessed_at),
    )
    connection.execute(
        "INSERT OR REPLACE INTO assessed (organization, project, at, findings) VALUES (?, ?, ?, ?)",
        (organization, scope, time_text(assessed_at), json.dumps(findings)),
    )
    connection.execute(
        "INSERT OR REPLACE INTO posture_totals (organization, document) VALUES (?, ?)",
        (organization, _TOTAL.dump(summed)),
    )


def _findings_of(text: str) -> Findings:
    found: Findings = json.loads(text)
    return found
