"""`connector`: create, list, show and delete connectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli import keys
from cli.command import Answer, Group, invocation
from cli.connector_apply import apply
from cli.connector_authorize import authorize
from cli.connector_create import create
from cli.connector_export import export
from cli.connector_rows import connector_row
from cli.connector_schema_command import schema
from cli.connector_validate import validate
from cli.output import Column, OutputFormat, note, shown, write_line, write_object, write_rows
from cli.problems import Refused
from cli.session import find_connector, opened, person
from shared.model.journal import JournalEntry, JournalEvent

if TYPE_CHECKING:
    from shared.model.connector import Connector
    from shared.wiring.runtime import Runtime

_COLUMNS = (
    Column("NAME", "name"),
    Column("TENANT", "tenant"),
    Column("MODE", "mode"),
    Column("AUTH", "auth"),
    Column("ORGANIZATIONS", "organizations"),
    Column("EXCLUDED", "excluded"),
    Column("PROVISIONING", "provisioningState"),
    Column("AUTHORIZATION", "authorization"),
    Column("MESSAGE", "provisioningMessage"),
)


@click.group(
    cls=Group,
    examples=(
        "ado-connector connector create --name contoso --mode existing-and-future",
        "ado-connector connector list",
        "ado-connector connector delete contoso",
    ),
)
def connector() -> None:
    """Connectors: which organizations to connect, as whom, and how."""


connector.add_command(create)
connector.add_command(apply)
connector.add_command(authorize)


@connector.command(
    "list",
    answer=Answer(keys.CONNECTOR, rows=True),
    examples=("ado-connector connector list", "ado-connector connector list --output json"),
)
def list_() -> None:
    """List all connectors, by name."""
    with opened() as runtime:
        connectors = sorted(runtime.state.connectors(), key=lambda one: (one.name.casefold(), one.id))
        write_rows(
            (connector_row(one) for one in connectors),
            _COLUMNS,
            invocation().output,
            empty='There is no connector yet. Create one: "ado-connector connector create --help".',
        )


@connector.command(
    answer=Answer(keys.CONNECTOR),
    examples=("ado-connector connector show contoso", "ado-connector connector show contoso --output json"),
)
@click.argument("wanted", metavar="CONNECTOR")
def show(wanted: str) -> None:
    """Show everything about one connector, given by its name or id."""
    with opened() as runtime:
        row = connector_row(find_connector(runtime.state, wanted))
    if invocation().output is OutputFormat.JSON:
        write_object(row)
        return
    for key, value in row.items():
        write_line(f"{key:<22} {shown(value)}")


@connector.command(
    answer=Answer(keys.CONNECTOR),
    examples=(
        "ado-connector connector delete contoso",
        "ado-connector connector delete contoso --dry-run",
    ),
)
@click.argument("wanted", metavar="CONNECTOR")
@click.option("--dry-run", is_flag=True, help="Tell what would be released and left behind; write nothing.")
@click.option("--yes", is_flag=True, help="Do not ask, on a terminal.")
def delete(wanted: str, dry_run: bool, yes: bool) -> None:
    """Delete a connector: its organizations become free for others, their inventory is kept."""
    from cli.connector_flow import is_interactive  # noqa: PLC0415 - heavy

    with opened() as runtime:
        found = find_connector(runtime.state, wanted)
        _say_what_is_left(found, runtime)
        row = connector_row(found)
        if dry_run:
            note("Nothing was written.")
        else:
            if is_interactive() and not yes and not click.confirm("Delete it?", default=False, err=True):
                raise Refused("Nothing was written.")
            entry = JournalEntry(
                at=runtime.clock.now(),
                event=JournalEvent.CONNECTOR_DELETED,
                connector=found.id,
                subject=found.id,
                subject_name=found.name,
                before=found.name,
                requested_by=person(),
            )
            runtime.state.delete_connector(found, [entry])
            for identity in (found.identity, found.discover_as):
                if identity is not None and identity.sign_in:
                    runtime.state.drop_sign_in(identity.sign_in)
            note(f'Deleted connector "{found.name}". The inventory of its organizations is kept.')
    if invocation().output is OutputFormat.JSON:
        write_object(row)


def _say_what_is_left(connector: Connector, runtime: Runtime) -> None:
    """What deleting it gives up, and what it leaves behind."""
    claims = runtime.state.claims()
    held = {organization for organization, holder in claims.items() if holder == connector.id}
    names = [one.name for one in runtime.state.organizations(connector.tenant) if one.id in held]
    note(f"Released: {', '.join(names) or 'no organization'}.")
    note("Left behind: inventory, assessments and journal, which nothing refreshes any more.")
    if connector.options.install_extension:
        note("Left behind in Azure DevOps: the Container Mapping extension, where it was installed.")
    if any(one is not None and one.sign_in for one in (connector.identity, connector.discover_as)):
        note(
            "The kept sign-in is forgotten here. The consent in Microsoft Entra stays until it is taken "
            "back: My Account > Apps."
        )


for _command in (export, validate, schema):
    connector.add_command(_command)
