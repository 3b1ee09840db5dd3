"""`connector export`: a connector as the document that describes it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cli import keys
from cli.command import Answer, Command, invocation
from cli.connector_files import write_document
from cli.output import OutputFormat, note, to_json
from cli.problems import CannotTell
from cli.session import find_connector, opened


@click.command(
    cls=Command,
    answer=Answer(keys.CONNECTOR_DOCUMENT),
    examples=(
        "ado-connector connector export contoso",
        "ado-connector connector export contoso --output-file contoso.yaml",
    ),
)
@click.argument("wanted", metavar="CONNECTOR")
@click.option(
    "--output-file",
    type=click.Path(path_type=Path),
    default=None,
    metavar="FILE",
    help="File to write instead of stdout; one that is there is replaced.",
)
def export(wanted: str, output_file: Path | None) -> None:
    """Write a connector, given by its name or id, as a document: YAML or, with --output json, JSON.

    It says what the connector was told, not what it found, and holds no secret. The same connector always
    gives the same bytes.
    """
    from cli.connector_document import as_written, document_of, dump  # noqa: PLC0415 - heavy
    from cli.connector_problems import InvalidDocument  # noqa: PLC0415

    with opened() as runtime:
        found = find_connector(runtime.state, wanted)
    try:
        document = document_of(found)
    except InvalidDocument as invalid:
        raise CannotTell(
            f'Connector "{found.name}" is of an earlier version, and holds what a document may not:\n'
            f"{invalid.message}"
        ) from None
    as_json = invocation().output is OutputFormat.JSON
    text = f"{to_json(as_written(document))}\n" if as_json else dump(document)
    if output_file is None:
        sys.stdout.write(text)
        return
    write_document(output_file, text)
    note(f'Wrote connector "{found.name}" to {output_file}.')
