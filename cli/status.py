"""`status`: is all well, and if not, what needs a person."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

import click

from cli import keys
from cli.command import Answer, Command, invocation
from cli.connector_rows import connector_row
from cli.findings import Finding, find_all
from cli.organization_rows import extension_row
from cli.output import Column, OutputFormat, Row, instant, many, write_line, write_object, write_rows
from cli.problems import ExitCode
from cli.queues import QUEUE_COLUMNS, queue_rows
from cli.session import opened
from cli.stuck import ago, stuck_rows
from shared.model.extension import ExtensionStatus
from shared.model.failure import FailureKind
from shared.model.organization import OnboardingState
from shared.model.work import Work
from shared.views.organizations import WORK_TITLES, views

if TYPE_CHECKING:
    from shared.wiring.runtime import Runtime

_CONNECTORS = (
    Column("CONNECTOR", "name"),
    Column("MODE", "mode"),
    Column("PROVISIONING", "provisioningState"),
    Column("MESSAGE", "provisioningMessage"),
    Column("CHECKED", "provisioningAt"),
)
_EXTENSIONS = (
    Column("EXTENSION OF", "organization"),
    Column("STATE", "status"),
    Column("SINCE", "since"),
    Column("REASON", "reason"),
    Column("FIX", "fix"),
)
_WORK = (
    Column("ORGANIZATION", "organization"),
    Column("WORK", "kind"),
    Column("STATE", "state"),
    Column("SINCE", "since"),
    Column("NEXT", "notBefore"),
    Column("REASON", "reason"),
)


@click.command(
    cls=Command,
    answer=Answer(
        keys.STATUS,
        parts={"work": keys.WORK, "queues": keys.QUEUE, "stuck": keys.STUCK, "findings": keys.FINDING},
    ),
    examples=("ado-connector status", "ado-connector status --output json"),
)
def status() -> int:
    """Show how the connectors, organizations, work and queues are doing.

    Exit codes: 0 all is well, 1 something needs a person, 2 something is not known (yet).
    """
    with opened() as runtime:
        now = runtime.clock.now()
        told = _read(runtime, now)
    findings = told.pop("_findings")
    if invocation().output is OutputFormat.JSON:
        write_object(told)
    else:
        _write(told, now)
    if not isinstance(findings, list):
        return ExitCode.UNKNOWN
    return _exit_code(findings)


def _exit_code(findings: list[Finding]) -> ExitCode:
    if any(one.needs_person for one in findings):
        return ExitCode.FINDINGS
    return ExitCode.UNKNOWN if findings else ExitCode.DONE


def _read(runtime: Runtime, now: datetime) -> dict[str, object]:
    state = runtime.state
    findings = find_all(state, now)
    connectors = sorted(state.connectors(), key=lambda one: one.name.casefold())
    if not connectors:
        findings.append(
            Finding("connectors", "There is no connector yet.", is_untold=True, needs_person=False)
        )
    counts = Counter(view.state.value for view in views(state) if view.enrollment is not None)
    queues = queue_rows(runtime.queue)
    dead = sum(one["deadLetters"] for one in queues if isinstance(one["deadLetters"], int))
    if dead:
        reason = f'{many(dead, "message")} could not be handled. See "ado-connector queue dead-letters list".'
        findings.append(Finding("queue", reason, is_untold=False, needs_person=True))
    work = _work_rows(runtime, now)
    findings += [
        Finding(str(one["organization"]), f"{one['reason']}", is_untold=True, needs_person=False)
        for one in work
        if one["state"] == "overdue"
    ]
    verdict = {ExitCode.DONE: "fine", ExitCode.FINDINGS: "needsPerson"}.get(_exit_code(findings), "unknown")
    return {
        "verdict": verdict,
        "connectors": [connector_row(one) for one in connectors],
        "organizations": {one.value: counts[one.value] for one in OnboardingState},
        "extensions": [extension_row(view) for view in views(state) if view.is_onboarded],
        "work": work,
        "queues": queues,
        "deadLetters": dead,
        "stuck": stuck_rows(runtime, now),
        "findings": [one.row() for one in findings],
        "_findings": findings,
    }


def _work_rows(runtime: Runtime, now: datetime) -> list[Row]:
    """Work that failed, that the rate limit holds back, or that is long overdue."""
    names = {one.id: one.name for one in runtime.state.organizations()}
    grace = runtime.dependencies.intervals.requeue_after
    rows: list[Row] = []
    for work in runtime.state.work():
        failure = work.last_failure
        if work.organization not in names:
            continue
        if failure is not None:
            state = "throttled" if failure.kind is FailureKind.THROTTLED else "failed"
            since, reason = work.last_failure_at, failure.sentence()
        elif work.due_at + grace < now:
            state, since = "overdue", work.due_at
            reason = (
                f"{WORK_TITLES[work.kind]} was due at {work.due_at:%Y-%m-%d %H:%M} UTC, and is not done. "
                'Is the app running? "ado-connector run" does it here.'
            )
        else:
            continue
        rows.append(_work_row(work, names[work.organization], state, since, reason))
    return sorted(rows, key=lambda one: (str(one["organization"]).casefold(), str(one["kind"])))


def _work_row(work: Work, name: str, state: str, since: datetime | None, reason: str) -> Row:
    return {
        "organization": name,
        "organizationId": work.organization,
        "kind": work.kind.value,
        "state": state,
        "since": instant(since),
        "dueAt": instant(work.due_at),
        "notBefore": instant(work.not_before),
        "failuresInARow": work.failures_in_a_row,
        "lastSuccess": instant(work.last_success),
        "code": work.last_failure.code if work.last_failure else None,
        "reason": reason,
    }


def _write_stuck(told: dict[str, object], now: datetime) -> None:
    rows = told["stuck"]
    write_line()
    if not isinstance(rows, list) or not rows:
        write_line("Nothing is stuck.")
        return
    write_line("Stuck:")
    columns = (
        Column("SUBJECT", "subject"),
        Column("WHAT", "what"),
        Column("KIND", "kind"),
        Column("SINCE", lambda row: ago(row["since"], now)),
        Column("WHY", "why"),
        Column("NEXT", "next"),
    )
    write_rows(rows, columns, OutputFormat.TABLE)


def _write(told: dict[str, object], now: datetime) -> None:
    table = OutputFormat.TABLE
    write_line(
        {"fine": "All is well.", "needsPerson": "Something needs a person."}.get(
            str(told["verdict"]), "Something is not known yet."
        )
    )
    for key, columns in (
        ("connectors", _CONNECTORS),
        ("extensions", _EXTENSIONS),
        ("work", _WORK),
        ("queues", QUEUE_COLUMNS),
    ):
        rows = told[key]
        if key == "extensions" and isinstance(rows, list):
            rows = [one for one in rows if one["status"] != ExtensionStatus.INSTALLED.value]
        if isinstance(rows, list) and rows:
            write_line()
            write_rows(rows, columns, table)
    _write_stuck(told, now)
    organizations = told["organizations"]
    write_line()
    if isinstance(organizations, dict):
        counts = ", ".join(f"{number} {name}" for name, number in organizations.items() if number)
        write_line(f"Organizations: {counts or 'none'}")
    findings = told["findings"]
    if isinstance(findings, list) and findings:
        write_line()
        for one in findings:
            write_line(f"- {one['subject']}: {one['reason']}")
