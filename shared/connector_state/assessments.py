"""Assessments: one row per resource, and when each project was last judged."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from shared.connector_state.codec import Cell, Document, slices_of_rows, time_of, time_text, to_cell
from shared.connector_state.database import Part
from shared.connector_state.journal import write_journal
from shared.connector_state.leases import check_lease
from shared.model.assessment import AssessmentChange, Findings, ResourceAssessments, StatusChange
from shared.model.ids import OrganizationId, ProjectId
from shared.model.notification import Notified
from shared.model.summary import (
    PostureSummary,
    ProjectSummary,
    ResourceStatuses,
    statuses_of,
    with_change,
)
from shared.model.work import Lease

_DOCUMENT = Document(ResourceAssessments)
_STATUSES = Document(ResourceStatuses)
_TOTAL = Document(PostureSummary)
_CHANGE = Document(StatusChange)
_NOTIFIED = Document(Notified)

_BEHIND_ALL = 2**62


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
        briefs = [
            (*row[:4], _STATUSES.dump(statuses_of(one))) for row, one in zip(rows, change.rows, strict=True)
        ]
        with self._database.write() as connection:
            check_lease(connection, lease)
            # Only what is still of this project is dropped: a repository may have moved to another meanwhile.
            for table, written in (("assessments", rows), ("statuses", briefs)):
                connection.executemany(
                    f"DELETE FROM {table}"  # noqa: S608 - one of two words
                    " WHERE organization = ? AND resource_kind = ? AND resource_id = ? AND project = ?",
                    [(lease.organization, kind, identifier, scope) for kind, identifier in change.dropped],
                )
                connection.executemany(
                    f"INSERT OR REPLACE INTO {table}"  # noqa: S608 - as above
                    " (organization, resource_kind, resource_id, project, document) VALUES (?, ?, ?, ?, ?)",
                    written,
                )
            before = _total(connection, lease.organization)
            _write_history(connection, lease.organization, change.history, before.changes)
            _write_sums(connection, before, ProjectSummary(project, change.findings, assessed_at), change)
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

    def statuses(self, organization: OrganizationId) -> Iterator[ResourceStatuses]:
        query = "SELECT document FROM statuses WHERE organization = ?"
        with self._database.read() as connection:
            for (document,) in connection.execute(query, (organization,)):
                yield _STATUSES.load(document)

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

    def confirm_assessments(
        self, lease: Lease, read_since: datetime | None, confirmed_at: datetime | None
    ) -> None:
        with self._database.write() as connection:
            check_lease(connection, lease)
            before = _total(connection, lease.organization)
            after = replace(before, read_since=read_since, confirmed_at=confirmed_at)
            if after != before:
                _write_total(connection, after)

    def put_facts(self, lease: Lease, project: ProjectId, content: bytes) -> None:
        with self._database.write() as connection:
            check_lease(connection, lease)
            if content:
                connection.execute(
                    "INSERT OR REPLACE INTO facts (organization, project, content) VALUES (?, ?, ?)",
                    (lease.organization, project, content),
                )
            else:
                connection.execute(
                    "DELETE FROM facts WHERE organization = ? AND project = ?", (lease.organization, project)
                )

    def facts(self, organization: OrganizationId, project: ProjectId) -> bytes:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT content FROM facts WHERE organization = ? AND project = ?", (organization, project)
            ).fetchone()
        return b"" if row is None else bytes(row[0])

    def status_changes(
        self,
        organization: OrganizationId,
        *,
        after: int = 0,
        since: datetime | None = None,
        resource: str = "",
    ) -> Iterator[StatusChange]:
        query = "SELECT sequence, document FROM status_changes WHERE organization = ? AND sequence > ?"
        values: list[Cell] = [organization, after]
        if since is not None:
            query += " AND at >= ?"
            values.append(time_text(since))
        if resource:
            query += " AND resource_id = ?"
            values.append(to_cell(resource))
        with self._database.read() as connection:
            for number, document in connection.execute(f"{query} ORDER BY sequence", values):
                yield replace(_CHANGE.load(document), sequence=number)

    def forget_status_changes(self, lease: Lease, before: datetime) -> None:
        with self._database.write() as connection:
            check_lease(connection, lease)
            # They are in order of time: only what is forgotten is looked through.
            row = connection.execute(
                "SELECT sequence FROM status_changes WHERE organization = ? AND at >= ?"
                " ORDER BY sequence LIMIT 1",
                (lease.organization, time_text(before)),
            ).fetchone()
            connection.execute(
                "DELETE FROM status_changes WHERE organization = ? AND sequence < ?",
                (lease.organization, row[0] if row else _BEHIND_ALL),
            )

    def notified(self, organization: OrganizationId) -> Notified:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT document FROM notified WHERE organization = ?", (organization,)
            ).fetchone()
        return Notified() if row is None else _NOTIFIED.load(row[0])

    def put_notified(self, lease: Lease, notified: Notified) -> None:
        with self._database.write() as connection:
            check_lease(connection, lease)
            connection.execute(
                "INSERT OR REPLACE INTO notified (organization, document) VALUES (?, ?)",
                (lease.organization, _NOTIFIED.dump(notified)),
            )


def _total(connection: sqlite3.Connection, organization: OrganizationId) -> PostureSummary:
    row = connection.execute(
        "SELECT document FROM posture_totals WHERE organization = ?", (organization,)
    ).fetchone()
    return PostureSummary(organization) if row is None else _TOTAL.load(row[0])


def _write_history(
    connection: sqlite3.Connection,
    organization: OrganizationId,
    history: Iterable[StatusChange],
    last: int,
) -> None:
    rows: list[tuple[Cell, ...]] = [
        (organization, number, time_text(one.at), one.resource.id, _CHANGE.dump(one))
        for number, one in enumerate(history, start=last + 1)
    ]
    for part in slices_of_rows(rows):
        connection.executemany(
            "INSERT INTO status_changes (organization, sequence, at, resource_id, document)"
            " VALUES (?, ?, ?, ?, ?)",
            part,
        )


def _write_sums(
    connection: sqlite3.Connection, total: PostureSummary, after: ProjectSummary, change: AssessmentChange
) -> None:
    """The project's counts, and the organization's by as much as they changed."""
    organization, scope = total.organization, after.project or ""
    stored = connection.execute(
        "SELECT findings FROM assessed WHERE organization = ? AND project = ?", (organization, scope)
    ).fetchone()
    summed = replace(
        total,
        findings=with_change(total.findings, _findings_of(stored[0]) if stored else {}, after.findings),
        projects=total.projects + (stored is None and after.project is not None),
        newest=after.assessed_at if total.newest is None else max(total.newest, after.assessed_at),
        changes=total.changes + len(change.history),
    )
    connection.execute(
        "INSERT OR REPLACE INTO assessed (organization, project, at, findings) VALUES (?, ?, ?, ?)",
        (organization, scope, time_text(after.assessed_at), json.dumps(after.findings)),
    )
    _write_total(connection, summed)


def _write_total(connection: sqlite3.Connection, total: PostureSummary) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO posture_totals (organization, document) VALUES (?, ?)",
        (total.organization, _TOTAL.dump(total)),
    )


def _findings_of(text: str) -> Findings:
    found: Findings = json.loads(text)
    return found
