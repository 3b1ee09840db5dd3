"""`extension`: the state of the Container Mapping extension of each organization; check it, install it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli import keys
from cli.command import Answer, Group, invocation
from cli.organization_rows import NOT_CHECKED, extension_row
from cli.output import Column, OutputFormat, Row, instant, note, write_line, write_object, write_rows
from cli.problems import CannotTell, ExitCode, Refused
from cli.session import find_connector, find_organizations, opened, person
from shared.model.extension import ABSENT, ExtensionState
from shared.model.mapping import Direction, EdgeKind, NodeKind
from shared.model.organization import OnboardingState
from shared.model.work import WorkKind
from shared.tracing.extension_proof import PipelineProof, PipelineStatus, Works, judge, proof_of
from shared.views.organizations import failure_sentence, sentence, views

if TYPE_CHECKING:
    from datetime import datetime

    from handlers.check_container_mapping import Preview
    from shared.model.connector import Connector
    from shared.model.organization import Organization
    from shared.wiring.runtime import Runtime

COLUMNS = (
    Column("ORGANIZATION", "organization"),
    Column("CONNECTOR", "connector"),
    Column("STATE", "status"),
    Column("VERSION", "version"),
    Column("SINCE", "since"),
    Column("REASON", "reason"),
    Column("FIX", "fix"),
)


PIPELINE_COLUMNS = (
    Column("PIPELINE", lambda row: row["pipeline"] or row["pipelineId"]),
    Column("STATUS", "status"),
    Column("LAST PUSH", "lastPush"),
    Column("LAST REPORT", lambda row: row["lastReport"] or row["lastReportHere"]),
    Column("PROBLEM", "problem"),
)

_TROUBLE_FIRST = (
    PipelineStatus.FAILING,
    PipelineStatus.SILENT,
    PipelineStatus.IDLE,
    PipelineStatus.REPORTS_HERE,
    PipelineStatus.REPORTS,
)
_EXIT = {Works.WORKS: ExitCode.DONE, Works.DOUBTFUL: ExitCode.FINDINGS, Works.UNKNOWN: ExitCode.UNKNOWN}


@click.group(
    cls=Group,
    examples=(
        "ado-connector extension list",
        "ado-connector extension check contoso --wait",
        "ado-connector extension install contoso --dry-run",
    ),
)
def extension() -> None:
    """Container Mapping extension: where it is installed, where it is not and why, and what to do."""


@extension.command(
    "list",
    answer=Answer(keys.EXTENSION, rows=True, parts={"attempt": keys.EXTENSION_ATTEMPT}),
    examples=(
        "ado-connector extension list",
        "ado-connector extension list --organization contoso --output json",
    ),
)
@click.option("--organization", metavar="NAME", default=None, help="Only this organization: its name or id.")
@click.option("--connector", metavar="NAME", default=None, help="Only of this connector: its name or id.")
def list_(organization: str | None, connector: str | None) -> None:
    """List the extension's state in every onboarded organization, with the reason and what to do."""
    with opened() as runtime:
        chosen = find_organizations(runtime.state, organization)
        only = find_connector(runtime.state, connector, "--connector").id if connector else None
        rows = [
            extension_row(view)
            for view in views(runtime.state, chosen)
            if view.state is OnboardingState.ONBOARDED
            and view.connector is not None
            and (only is None or view.connector.id == only)
        ]
    write_rows(
        rows,
        COLUMNS,
        invocation().output,
        empty='No organization is onboarded yet. "ado-connector organizations list" tells why.',
    )


@extension.command(
    answer=Answer(keys.EXTENSION_PROOF, parts={"pipelines": keys.EXTENSION_PIPELINE}),
    examples=("ado-connector extension show contoso", "ado-connector extension show contoso --output json"),
)
@click.argument("name")
def show(name: str) -> int:
    """Show whether the extension works in one organization, pipeline by pipeline.

    That it is installed proves nothing: what counts is that its reports, and no errors of it, are seen.

    Exit codes: 0 it works, 1 something speaks against it, 2 unknown.
    """
    with opened() as runtime:
        organization, connector = _held(name, runtime)
        state = runtime.state.extension(organization.id)
        pipelines = _pipelines(organization, runtime)
    proof = judge(pipelines, reads_logs=connector.options.read_build_logs)
    rows = [_pipeline_row(one) for one in pipelines]
    if invocation().output is OutputFormat.JSON:
        write_object(
            {
                "organization": organization.name,
                "status": state.status.value if state else NOT_CHECKED,
                "works": proof.works.value,
                "reason": proof.reason,
                "fix": proof.fix or None,
                "pipelines": rows,
            }
        )
    else:
        write_line(sentence(f'"{organization.name}": {proof.works.value}', proof.reason, proof.fix))
        if rows:
            write_rows(rows, PIPELINE_COLUMNS, OutputFormat.TABLE, empty="")
    return _EXIT[proof.works]


def _pipelines(organization: Organization, runtime: Runtime) -> list[PipelineProof]:
    """Every pipeline of the organization of which something was seen, those with trouble first."""
    found: list[PipelineProof] = []
    after = ""
    while True:
        page = runtime.state.nodes(NodeKind.PIPELINE, after=after)
        for node in page.nodes:
            if node.id.key.startswith(f"{organization.id}/"):
                runs = runtime.state.edges(node.id, Direction.IN, EdgeKind.RUN_OF).edges
                proof = proof_of(node, runs)
                found += [proof] if proof is not None else []
        after = page.next
        if not after:
            order = list(_TROUBLE_FIRST)
            return sorted(found, key=lambda one: (order.index(one.status), one.name.casefold(), one.key))


def _pipeline_row(proof: PipelineProof) -> Row:
    return {
        "pipeline": proof.name or None,
        "pipelineId": int(proof.key.rpartition("/")[2]),
        "status": proof.status.value,
        "lastPush": instant(proof.pushed_at),
        "lastDecorated": instant(proof.decorated_at),
        "lastReport": instant(proof.reported_at),
        "lastReportHere": instant(proof.reported_here_at),
        "problem": proof.problem or None,
    }


@extension.command(
    answer=Answer(keys.EXTENSION_CHECK),
    examples=(
        "ado-connector extension check contoso",
        "ado-connector extension check contoso --wait",
        "ado-connector extension check contoso --dry-run",
    ),
)
@click.argument("name")
@click.option("--wait", is_flag=True, help="Do it here and now, and tell the answer.")
@click.option("--dry-run", is_flag=True, help="Ask Azure DevOps, tell what would be done, and write nothing.")
def check(name: str, wait: bool, dry_run: bool) -> int:
    """Check the extension of one organization, and install it where its connector may.

    Without --wait the check is queued for the deployed app or the next "ado-connector run".
    """
    from handlers.check_container_mapping import check_now  # noqa: PLC0415 - heavy
    from handlers.unit_of_work import bring_forward  # noqa: PLC0415

    with opened() as runtime:
        organization, connector = _held(name, runtime)
        if dry_run:
            return _preview(organization, connector, runtime, "")
        if not wait:
            bring_forward(runtime.dependencies, organization.id, (WorkKind.EXTENSION,))
            _write(organization, None, "queued", "")
            note('It takes effect when the deployed app or "ado-connector run" takes it from the queue.')
            return ExitCode.DONE
        asked_at = runtime.clock.now()
        done = check_now(runtime.dependencies, organization)
        state = _told(organization, runtime, asked_at, done=done)
        _write(organization, state, "checked", "")
    return ExitCode.DONE


@extension.command(
    answer=Answer(keys.EXTENSION_CHECK),
    examples=(
        "ado-connector extension install contoso",
        "ado-connector extension install contoso --dry-run",
    ),
)
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Ask Azure DevOps, tell what would be done, and write nothing.")
def install(name: str, dry_run: bool) -> int:
    """Install the extension in one organization now: a write to Azure DevOps, journalled as asked by you.

    It is for one that was removed, which the connector does not install again by itself more than once. The
    connector has to be allowed to install it; a disabled one is left as it is, and one that is not shared
    cannot be installed by anybody in the organization.
    """
    from handlers.check_container_mapping import check_now  # noqa: PLC0415 - heavy

    with opened() as runtime:
        organization, connector = _held(name, runtime)
        if not connector.options.install_extension:
            raise Refused(
                f'Connector "{connector.name}" is not allowed to install the extension. Set '
                '`installExtension: true` in its document and apply it with "ado-connector connector apply", '
                "or install it by hand: Organization settings > Extensions > Shared."
            )
        if dry_run:
            return _preview(organization, connector, runtime, person())
        asked_at = runtime.clock.now()
        done = check_now(runtime.dependencies, organization, person())
        state = _told(organization, runtime, asked_at, done=done)
        if state.status in ABSENT:
            raise Refused(f'It is not installed in "{organization.name}": {state.evidence} {state.fix}')
        installed = state.attempt is not None and state.attempt.at >= asked_at
        _write(organization, state, "installed" if installed else "unchanged", "")
    return ExitCode.DONE


def _held(name: str, runtime: Runtime) -> tuple[Organization, Connector]:
    """The organization, and the connector that has it."""
    from handlers.check_container_mapping import holder_of  # noqa: PLC0415 - heavy

    found = find_organizations(runtime.state, name, "NAME")
    for organization in found:
        connector = holder_of(runtime.dependencies, organization)
        if connector is not None:
            return organization, connector
    raise Refused(
        f'No connector has "{found[0].name}": its extension is looked at once it is onboarded. '
        f'See "ado-connector organizations list --organization {found[0].name}".'
    )


def _told(organization: Organization, runtime: Runtime, asked_at: datetime, *, done: bool) -> ExtensionState:
    """What the check stored. Raises `CannotTell` where it could not be made."""
    work = next(iter(runtime.state.work(organization=organization.id, kind=WorkKind.EXTENSION)), None)
    if work is not None and work.last_failure is not None:
        raise CannotTell(failure_sentence(work, runtime.clock.now()))
    state = runtime.state.extension(organization.id)
    if not done or state is None or state.checked_at < asked_at:
        raise CannotTell(
            f'The extension of "{organization.name}" is being checked by another process. Try again, or see '
            '"ado-connector extension list".'
        )
    return state


def _preview(organization: Organization, connector: Connector, runtime: Runtime, by: str) -> int:
    from handlers.check_container_mapping import preview  # noqa: PLC0415 - heavy
    from shared.model.failure import ServiceError  # noqa: PLC0415

    try:
        found: Preview = preview(runtime.dependencies, connector, organization, by)
    except ServiceError as error:
        raise CannotTell(error.failure.sentence()) from None
    outcome = "wouldInstall" if found.decision.install else "wouldLeave"
    _write(organization, found.state, outcome, found.decision.why)
    note("Nothing was written.")
    return ExitCode.DONE


_SAID = {
    "queued": "Queued: check the extension.",
    "wouldInstall": "It would be installed.",
    "wouldLeave": "It would be left as it is.",
    "installed": "It was installed.",
    "unchanged": "Nothing was installed.",
    "checked": "",
}


def _write(organization: Organization, state: ExtensionState | None, outcome: str, why: str) -> None:
    row: Row = {
        "organization": organization.name,
        "outcome": outcome,
        "why": why or None,
        "status": state.status.value if state else NOT_CHECKED,
        "reason": state.evidence if state else None,
        "fix": (state.fix or None) if state else None,
    }
    if invocation().output is OutputFormat.JSON:
        write_object(row)
        return
    if state is not None:
        write_line(sentence(f'"{organization.name}": {state.status.value}', state.evidence, state.fix))
    if _SAID[outcome]:
        write_line(sentence(_SAID[outcome], why))
