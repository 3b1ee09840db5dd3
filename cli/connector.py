"""`connector`: create, list, show and delete connectors."""

from __future__ import annotations

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
from cli.session import find_connector, opened, person
from shared.model.journal import JournalEntry, JournalEvent

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


@connector.command(answer=Answer(keys.CONNECTOR), examples=("ado-connector connector delete contoso",))
@click.argument("wanted", metavar="CONNECTOR")
def delete(wanted: str) -> None:
    """Delete a connector: its organizations become free for others, their inventory is kept."""
    with opened() as runtime:
        found = find_connector(runtime.state, wanted)
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
        row = connector_row(found)
    if invocation().output is OutputFormat.JSON:
        write_object(row)
    note(f'Deleted connector "{found.name}". The inventory of its organizations is kept.')


for _command in (export, validate, schema):
    connector.add_command(_command)
