"""`connector schema`: the JSON Schema of connector documents, for editors."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cli import keys
from cli.command import Answer, Command
from cli.connector_files import write_document
from cli.output import note


@click.command(
    cls=Command,
    answer=Answer(keys.SCHEMA),
    examples=(
        "ado-connector connector schema",
        "ado-connector connector schema --output-file connector.schema.json",
    ),
)
@click.option(
    "--output-file",
    type=click.Path(path_type=Path),
    default=None,
    metavar="FILE",
    help="File to write instead of stdout; editors find connector.schema.json beside a document.",
)
def schema(output_file: Path | None) -> None:
    """Write the JSON Schema of connector documents, by which editors complete and check them."""
    from cli.connector_schema import page  # noqa: PLC0415 - heavy

    if output_file is None:
        sys.stdout.write(page())
        return
    write_document(output_file, page())
    note(f"Wrote the JSON Schema to {output_file}.")
