"""`connector apply`: make a connector what a document says; twice is once."""

from __future__ import annotations

import click

from cli import keys
from cli.command import Answer, Command, invocation
from cli.connector_files import name_of, read_document
from cli.connector_rows import connector_row
from cli.output import OutputFormat, note, write_line, write_object
from cli.session import opened


@click.command(
    cls=Command,
    answer=Answer(keys.CONNECTOR),
    examples=(
        "ado-connector connector apply -f contoso.yaml",
        "ado-connector connector apply -f contoso.yaml --dry-run",
        "ado-connector connector apply -f - --yes",
    ),
)
@click.option("-f", "--file", "file", required=True, metavar="FILE", help="The document; - for stdin.")
@click.option("--dry-run", is_flag=True, help="Show the plan and the review, and write nothing.")
@click.option("--yes", is_flag=True, help="Do not ask, on a terminal.")
@click.option(
    "--device-code/--browser",
    "device_code",
    default=None,
    help="How a person signs in, where the document names one who has not.  [default: the browser where "
    "there is one]",
)
def apply(file: str, dry_run: bool, yes: bool, device_code: bool | None) -> None:
    """Create the connector that a document describes, or change it to that.

    The connector is the one of the document's name in its resource group. A change is shown before it is
    made; a document that changes nothing writes nothing.
    """
    from cli.connector_document import load  # noqa: PLC0415 - heavy
    from cli.connector_flow import (  # noqa: PLC0415
        Manner,
        apply_to,
        create_from,
        existing_like,
        is_interactive,
        say_created,
        take_stock,
    )

    document = load(read_document(file), name_of(file))
    person_there = is_interactive() and file != "-"
    manner = Manner(
        dry_run=dry_run,
        review=dry_run or person_there,
        confirm=person_there and not yes,
        authorize=not dry_run and (person_there or device_code is not None),
        device_code=device_code,
    )
    with opened() as runtime:
        existing = existing_like(document, runtime)
        if existing is None:
            created = create_from(document, runtime, manner)
            if created is not None:
                say_created(take_stock(created, runtime))
            return
        changed = apply_to(document, existing, runtime, manner)
        if changed is None:
            return
        if changed is not existing:
            changed = take_stock(changed, runtime)
    if invocation().output is OutputFormat.JSON:
        write_object(connector_row(changed))
    elif changed.revision == existing.revision:
        write_line(f'Connector "{changed.name}" is what the document says: nothing to change.')
    else:
        write_line(f'Changed connector "{changed.name}".')
        note('The next "ado-connector run" goes by it.')
