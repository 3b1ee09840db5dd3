"""`organizations`: list them, onboard one by force, take one out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli import keys
from cli.command import Answer, Command, Group, invocation
from cli.hosting import host_of
from cli.organization_rows import NOT_CHECKED, organization_row
from cli.output import Column, OutputFormat, Row, note, shown, write_line, write_object, write_rows
from cli.problems import CannotTell, ExitCode, Refused, WrongOption
from cli.session import find_connector, find_organizations, no_connector, opened, person
from shared.model.command import OnboardOrganization
from shared.model.journal import JournalEvent
from shared.model.organization import OnboardingState
from shared.model.prerequisite import INFORMATIONAL
from shared.views.organizations import sentence, views

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model.connector import Connector
    from shared.wiring.runtime import Runtime

_SHORT = {
    "organizationMembership": "member",
    "projectCollectionAdministrator": "administrator",
    "accessLevel": "access",
    "thirdPartyApplicationAccess": "oauth",
}
_ANSWERS = {JournalEvent.ONBOARDING_CHANGED, JournalEvent.ONBOARDING_REFUSED}


def prerequisites_in_short(row: Row) -> str:
    """One word where all that is required is met, else what is not."""
    prerequisites = row["prerequisites"]
    if not isinstance(prerequisites, dict):
        return "-"
    wrong = [
        f"{_SHORT.get(name, name)} {one['status']}"
        for name, one in prerequisites.items()
        if one["status"] != "met"
        and (one["required"] or (one["status"] != NOT_CHECKED and name not in INFORMATIONAL))
    ]
    if all(one["status"] == NOT_CHECKED for one in prerequisites.values()):
        return NOT_CHECKED
    return ", ".join(wrong) or "met"


COLUMNS = (
    Column("NAME", "name"),
    Column("CONNECTOR", "connector"),
    Column("STATE", "onboardingState"),
    Column("PROJECTS", "projects", right=True),
    Column("REPOSITORIES", "repositories", right=True),
    Column("LAST SYNC", "lastSync"),
    Column("EXTENSION", "extension"),
    Column("PREREQUISITES", prerequisites_in_short),
    Column("REASON", "reason"),
)


@click.group(
    cls=Group,
    examples=(
        "ado-connector organizations list",
        "ado-connector organizations onboard contoso",
        "ado-connector organizations remove contoso",
    ),
)
def organizations() -> None:
    """Organizations: which are there, which are onboarded, and why the others are not."""


@organizations.command(
    "list",
    answer=Answer(keys.ORGANIZATION, rows=True, parts={"prerequisites": keys.PREREQUISITE}),
    examples=(
        "ado-connector organizations list",
        "ado-connector organizations list --organization contoso --output json",
    ),
)
@click.option("--organization", metavar="NAME", default=None, help="Only this organization: its name or id.")
@click.option(
    "--connector", metavar="NAME", default=None, help="Only as this connector sees them: its name or id."
)
def list_(organization: str | None, connector: str | None) -> None:
    """List organizations, one row for each connector that sees one."""
    with opened() as runtime:
        chosen = find_organizations(runtime.state, organization)
        now = runtime.clock.now()
        only = find_connector(runtime.state, connector, "--connector").id if connector else None
        rows = (
            organization_row(view, now)
            for view in views(runtime.state, chosen)
            if only is None or (view.connector is not None and view.connector.id == only)
        )
        look = "run --once" if runtime.state.connectors() else "connector create"
        write_rows(
            rows,
            COLUMNS,
            invocation().output,
            empty=f'No organization is known yet. "ado-connector {look}" looks for them.',
        )


@organizations.command(
    answer=Answer(keys.ORGANIZATION, parts={"prerequisites": keys.PREREQUISITE}),
    examples=(
        "ado-connector organizations show contoso",
        "ado-connector organizations show contoso --connector prod --output json",
    ),
)
@click.argument("name")
@click.option("--connector", metavar="NAME", default=None, help="As this connector sees it: its name or id.")
def show(name: str, connector: str | None) -> None:
    """Show all that is known of one organization: why it is as it is, and what to do."""
    with opened() as runtime:
        chosen = find_organizations(runtime.state, name, "NAME")
        only = find_connector(runtime.state, connector, "--connector").id if connector else None
        found = [
            view
            for view in views(runtime.state, chosen)
            if only is None or (view.connector is not None and view.connector.id == only)
        ]
        # Several connectors may see it: the one that has it tells most.
        found.sort(key=lambda view: not view.is_onboarded)
        if not found:
            raise CannotTell(f'Connector "{connector}" does not see "{name}".')
        row = organization_row(found[0], runtime.clock.now())
    if invocation().output is OutputFormat.JSON:
        write_object(row)
        return
    width = max(len(key) for key in (*row, *(which for which, _ in _prerequisites(row))))
    for key, value in row.items():
        if key != "prerequisites":
            write_line(f"{key:<{width}}  {shown(value)}")
    for which, one in _prerequisites(row):
        told = sentence(str(one["evidence"] or ""), str(one["fix"] or ""))
        write_line(f"{which:<{width}}  {one['status']}  {told}".rstrip())


def _prerequisites(row: Row) -> list[tuple[str, dict[str, object]]]:
    prerequisites = row["prerequisites"]
    return list(prerequisites.items()) if isinstance(prerequisites, dict) else []


@organizations.command(
    answer=Answer(keys.ONBOARD),
    examples=(
        "ado-connector organizations onboard contoso",
        "ado-connector organizations onboard contoso --connector prod --reason 'audit 42'",
        "ado-connector organizations onboard contoso --wait",
    ),
)
@click.argument("name")
@click.option(
    "--connector", metavar="NAME", default="", help="Connector that should take it, if there are several."
)
@click.option("--reason", default="", help="Why, for the journal.")
@click.option("--wait", is_flag=True, help="Do it here and now, and tell the answer.")
@click.option("--dry-run", is_flag=True, help="Tell whether it could be onboarded, and write nothing.")
def onboard(name: str, connector: str, reason: str, wait: bool, dry_run: bool) -> int:
    """Onboard one organization whatever the connector's mode, or refresh it.

    An exclusion still wins, and so do missing prerequisites. Without --wait the request is queued for the
    deployed app or the next "ado-connector run"; its answer is in the journal.
    """
    from handlers.onboard_organization import choose_connector  # noqa: PLC0415 - heavy

    by = person()
    wanted = _checked(name, by, reason)
    with opened() as runtime:
        chosen, refusal = choose_connector(connector, wanted, runtime.dependencies)
        if chosen is None:
            raise CannotTell(refusal)
        if dry_run:
            return _would_onboard(wanted, chosen, runtime)
        asked_at = runtime.clock.now()
        runtime.dependencies.sender.send(
            OnboardOrganization(organization=wanted, requested_by=by, reason=reason, connector=chosen.id)
        )
        asked: dict[str, object] = {
            "organization": wanted,
            "connector": chosen.name,
            "requestedBy": by,
            "status": "queued",
            "reason": None,
        }
        if wait:
            return _answer(asked, asked_at, runtime)
    if invocation().output is OutputFormat.JSON:
        write_object(asked)
    else:
        write_line(f'Queued: onboard "{wanted}" by connector "{chosen.name}".')
    note(
        'It takes effect when the deployed app or "ado-connector run" takes it from the queue. '
        f'See the answer: "ado-connector journal list --organization {wanted} --event onboarding".'
    )
    return ExitCode.DONE


def _would_onboard(name: str, connector: Connector, runtime: Runtime) -> int:
    from cli.connector_survey import survey_one  # noqa: PLC0415 - heavy

    found = survey_one(name, connector, runtime, forced_by=person())
    told = f"{found.reason} {found.fix}".strip()
    onboarded = found.state is OnboardingState.ONBOARDED
    if invocation().output is OutputFormat.JSON:
        asked = {"organization": name, "connector": connector.name, "requestedBy": person()}
        write_object({**asked, "status": "wouldOnboard" if onboarded else "refused", "reason": told or None})
    elif onboarded:
        write_line(f'Connector "{connector.name}" would onboard "{name}".')
    if not onboarded:
        raise Refused(f'Connector "{connector.name}" would not onboard "{name}": {told}')
    note("Nothing was written.")
    return ExitCode.DONE


def _checked(name: str, by: str, reason: str) -> str:
    """The organization's name, from its name or address, as every sender of such a message may give it."""
    from shared.queue.messages import MessageRefused, decode, encode  # noqa: PLC0415 - heavy

    try:
        message = OnboardOrganization(organization=name, requested_by=by, reason=reason)
        command = decode(message.queue, encode(message))
    except MessageRefused as error:
        option = "NAME" if error.field == "organization" else f"--{error.field}"
        raise WrongOption(option, f"it {error.problem}.", "Give a name such as contoso.") from None
    if not isinstance(command, OnboardOrganization):
        raise TypeError(type(command).__name__)
    return command.organization


def _answer(asked: dict[str, object], asked_at: datetime, runtime: Runtime) -> int:
    name = str(asked["organization"])
    host_of(runtime).drain()
    entries = runtime.state.journal(since=asked_at, limit=1000)
    answers = [
        one for one in entries if one.event in _ANSWERS and one.subject_name.casefold() == name.casefold()
    ]
    if not answers:
        raise CannotTell(
            f'There is no answer for "{name}" yet. See "ado-connector status" for what it waits for, and '
            f'"ado-connector journal list --organization {name} --event onboarding".'
        )
    last = answers[-1]
    onboarded = last.event is JournalEvent.ONBOARDING_CHANGED and last.after == "Onboarded"
    if invocation().output is OutputFormat.JSON:
        status = "onboarded" if onboarded else "refused"
        write_object({**asked, "status": status, "reason": last.reason or None})
    elif onboarded:
        write_line(f'"{name}" is onboarded. {last.reason}'.rstrip())
    if not onboarded:
        raise Refused(f'"{name}" is not onboarded: {last.reason}')
    return ExitCode.DONE


@organizations.command(
    answer=Answer(keys.REMOVE),
    examples=(
        "ado-connector organizations remove contoso",
        "ado-connector organizations remove contoso --connector prod",
    ),
)
@click.argument("name")
@click.option(
    "--connector", metavar="NAME", default="", help="Connector to take it out of, if there are several."
)
@click.option("--dry-run", is_flag=True, help="Tell what would be given up, and write nothing.")
def remove(name: str, connector: str, dry_run: bool) -> None:
    """Take an organization out of its connector, until it is onboarded again. Its inventory is kept."""
    from handlers.onboard_organization import remove_organization  # noqa: PLC0415 - heavy

    with opened() as runtime:
        refusal = remove_organization(
            name.strip(), connector, person(), runtime.dependencies, dry_run=dry_run
        )
        if refusal:
            raise Refused(refusal)
    if dry_run:
        if invocation().output is OutputFormat.JSON:
            write_object({"organization": name.strip(), "status": "wouldRemove"})
        else:
            write_line(f'"{name.strip()}" would be given up: no further checks or listings.')
            note("Its inventory and history would be kept; an installed extension stays installed.")
        note("Nothing was written.")
        return
    if invocation().output is OutputFormat.JSON:
        write_object({"organization": name.strip(), "status": "removed"})
    else:
        write_line(f'Removed "{name.strip()}". Its inventory is kept.')
    note(f'To take it back: "ado-connector organizations onboard {name.strip()}".')


organizations.add_command(
    Command(
        "add",
        params=[one for one in onboard.params if one.name not in {"output", "settings"}],
        callback=onboard.callback,
        help=onboard.help,
        answer=Answer(keys.ONBOARD),
        examples=(
            "ado-connector organizations add contoso",
            "ado-connector organizations add contoso --connector prod --dry-run",
        ),
    )
)


@organizations.command(
    answer=Answer(keys.MOVE),
    examples=(
        "ado-connector organizations move contoso --to prod",
        "ado-connector organizations move contoso --to prod --dry-run",
    ),
)
@click.argument("name")
@click.option("--to", "to", required=True, metavar="CONNECTOR", help="Connector that is to have it.")
@click.option("--dry-run", is_flag=True, help="Tell whether it could be moved, and write nothing.")
def move(name: str, to: str, dry_run: bool) -> None:
    """Give an organization from the connector that holds it to another one, with its inventory and history.

    The other connector's identity is tried first: where it may not onboard the organization, nothing changes.
    """
    from handlers.move_organization import move_organization  # noqa: PLC0415 - heavy

    wanted = _checked(name, person(), "")
    with opened() as runtime:
        target = find_connector(runtime.state, to, "--to")
        moved = move_organization(wanted, target, person(), runtime.dependencies, dry_run=dry_run)
        if moved.refusal or moved.source is None or moved.record is None:
            raise Refused(moved.refusal)
        name = moved.record.name
    if invocation().output is OutputFormat.JSON:
        status = "wouldMove" if dry_run else "moved"
        write_object({"organization": name, "from": moved.source.name, "to": target.name, "status": status})
    else:
        verb = "would be moved" if dry_run else "was moved"
        write_line(f'"{name}" {verb} from connector "{moved.source.name}" to "{target.name}".')
    if dry_run:
        note("Nothing was written.")


@organizations.command(
    answer=Answer(keys.AVAILABLE, rows=True),
    examples=(
        "ado-connector organizations available",
        "ado-connector organizations available --connector prod --output json",
    ),
)
@click.option("--connector", metavar="NAME", default=None, help="Only what this connector's identity sees.")
def available(connector: str | None) -> int:
    """List every organization that the connectors' identities can see now, onboarded or not, and why not.

    Azure DevOps is asked; nothing is written.
    """
    from cli.connector_survey import available_rows  # noqa: PLC0415 - heavy

    with opened() as runtime:
        every = runtime.state.connectors()
        chosen = [find_connector(runtime.state, connector, "--connector")] if connector else list(every)
        if not chosen:
            raise no_connector()
        rows, untold = available_rows(chosen, runtime)
        write_rows(
            rows,
            (
                Column("ORGANIZATION", "organization"),
                Column("CONNECTOR", "connector"),
                Column("STATE", "onboardingState"),
                Column("REASON", "reason"),
            ),
            invocation().output,
            empty="No organization is seen.",
        )
    for told in untold:
        note(told)
    return ExitCode.UNKNOWN if untold else ExitCode.DONE
