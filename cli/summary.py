"""What a run or the demo says at its end."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from cli.connector_rows import connector_row
from cli.findings import EXEMPTED, UNTOLD_STATUSES, Finding, find_all, posture_findings, unfinished
from cli.organization_rows import organization_row
from cli.organizations import COLUMNS
from cli.output import Column, OutputFormat, Row, console, instant, many, write_line, write_object, write_rows
from cli.queues import dead_letter_count
from shared.model.assessment import AssessmentStatus
from shared.model.work import WorkKind
from shared.views.organizations import views

if TYPE_CHECKING:
    from shared.wiring.runtime import Runtime

_SHOWN = (AssessmentStatus.UNHEALTHY.value, EXEMPTED, *UNTOLD_STATUSES, AssessmentStatus.HEALTHY.value)


def _findings_in_short(row: Row) -> str:
    counts = row["recommendations"]
    if not isinstance(counts, dict):
        return "-"
    return ", ".join(f"{counts[one]} {one}" for one in _SHOWN if counts[one]) or "none"


_SUMMARY_COLUMNS = (
    *(column for column in COLUMNS if column.heading not in {"LAST SYNC", "REASON"}),
    Column("FINDINGS", _findings_in_short),
    *(column for column in COLUMNS if column.heading == "REASON"),
)


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything there is to say after a pass."""

    started: datetime
    finished: datetime
    connectors: Sequence[Mapping[str, object]]
    organizations: Sequence[Mapping[str, object]]
    recommendations: Mapping[str, int]
    dead_letters: int
    findings: Sequence[Finding]

    @property
    def untold(self) -> tuple[Finding, ...]:
        """What could not be told."""
        return tuple(one for one in self.findings if one.is_untold)

    def total(self, key: str) -> int:
        """Sum over organizations; one that several connectors see counts once."""
        counts = {one["id"]: one[key] for one in self.organizations}
        return sum(value for value in counts.values() if isinstance(value, int))

    def row(self) -> dict[str, object]:
        """The JSON of it."""
        onboarded = {one["id"] for one in self.organizations if one["onboardingState"] == "Onboarded"}
        return {
            "startedAt": instant(self.started),
            "finishedAt": instant(self.finished),
            "seconds": round((self.finished - self.started).total_seconds(), 3),
            "connectors": list(self.connectors),
            "organizations": list(self.organizations),
            "totals": {
                "organizations": len({one["id"] for one in self.organizations}),
                "onboarded": len(onboarded),
                "projects": self.total("projects"),
                "repositories": self.total("repositories"),
            },
            "recommendations": dict(self.recommendations),
            "deadLetters": self.dead_letters,
            "couldNotTell": [one.row() for one in self.untold],
            "needsPerson": [one.row() for one in self.findings if not one.is_untold and one.needs_person],
        }


def summarize(
    runtime: Runtime, started: datetime, *, dead_letters_before: int = 0, failed: Sequence[str] = ()
) -> Summary:
    """Read it from the state. Work that is due and was not done since the start counts as untold."""
    from shared.posture.catalogue import RULES  # noqa: PLC0415 - loads every rule

    state, now = runtime.state, runtime.clock.now()
    counts, posture = posture_findings(state, RULES, runtime.dependencies.intervals, now)
    findings = find_all(state, now)
    unassessed = {
        work.organization
        for work in state.work(kind=WorkKind.POSTURE)
        if work.last_failure is not None and work.last_success is None
    }
    names = {one.id: one.name for one in state.organizations()}
    unassessed_names = {names[one] for one in unassessed if one in names}
    findings += [one for one in posture if one.subject not in unassessed_names]
    findings += unfinished(state, now, started)
    findings += [
        Finding(
            f"timer {timer}",
            "It failed; the log says how. Set LOG_LEVEL=debug to see where.",
            is_untold=True,
            needs_person=True,
        )
        for timer in failed
    ]
    dead_letters = dead_letter_count(runtime.queue)
    if dead_letters > dead_letters_before:
        findings.append(
            Finding(
                "queue",
                f"{many(dead_letters - dead_letters_before, 'message')} could not be handled. "
                'See why: "ado-connector queue dead-letters list".',
                is_untold=True,
                needs_person=True,
            )
        )
    return Summary(
        started=started,
        finished=now,
        connectors=[
            connector_row(one) for one in sorted(state.connectors(), key=lambda one: one.name.casefold())
        ],
        organizations=[
            {
                **organization_row(view, now),
                "recommendations": _by_status(counts.get(view.organization.id, Counter()))
                if view.is_onboarded
                else None,
            }
            for view in views(state)
        ],
        recommendations=_by_status(sum(counts.values(), Counter())),
        dead_letters=dead_letters,
        findings=findings,
    )


def _by_status(counts: Counter[str]) -> dict[str, int]:
    return {one: counts[one] for one in (*(status.value for status in AssessmentStatus), EXEMPTED)}


def write_summary(summary: Summary, output: OutputFormat, more: Mapping[str, object] | None = None) -> None:
    """To stdout, as a table with what it means below, or as one JSON object."""
    if output is OutputFormat.JSON:
        write_object({**summary.row(), **(more or {})})
        return
    write_rows(summary.organizations, _SUMMARY_COLUMNS, output, empty="No organization is known.")
    write_line()
    organizations = len({one["id"] for one in summary.organizations})
    seconds = (summary.finished - summary.started).total_seconds()
    projects, repositories = summary.total("projects"), summary.total("repositories")
    write_line(
        f"{many(organizations, 'organization')}, {many(projects, 'project')}, "
        f"{many(repositories, 'repository')}, in {seconds:.1f} s"
    )
    told = ", ".join(f"{number} {status}" for status, number in summary.recommendations.items() if number)
    write_line(f"Findings: {told or 'nothing has been assessed'}")
    _section("Could not be told:", summary.untold)
    _section("Needs a person:", [one for one in summary.findings if not one.is_untold and one.needs_person])


def _section(title: str, findings: Sequence[Finding]) -> None:
    if not findings:
        return
    write_line()
    if sys.stdout.isatty():
        console(sys.stdout).print(title, style="bold")
    else:
        write_line(title)
    for one in findings:
        write_line(f"- {one.subject}: {one.reason}")
