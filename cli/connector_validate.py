"""`connector validate`: is a file a connector document, and if not, everything that is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli import keys
from cli.command import Answer, Command, invocation
from cli.connector_files import name_of, read_document
from cli.output import OutputFormat, many, write_line, write_object
from cli.problems import ExitCode
from cli.session import redact

if TYPE_CHECKING:
    from cli.connector_problems import InvalidDocument


@click.command(
    cls=Command,
    answer=Answer(keys.VALIDATION, parts={"problems": keys.PROBLEM}),
    examples=(
        "ado-connector connector validate -f connector.yaml",
        "ado-connector connector validate -f - --output json < connector.yaml",
    ),
)
@click.option(
    "--file",
    "-f",
    "file",
    required=True,
    metavar="FILE",
    help="Document to check, as YAML or JSON; - reads it from stdin.",
)
def validate(file: str) -> int:
    """Check a connector document, and tell everything that is wrong with it.

    Nothing but the file is read: no state, no settings, no network. Exit codes: 0 it is valid, 2 it is not.
    """
    from cli.connector_document import load  # noqa: PLC0415 - heavy
    from cli.connector_problems import InvalidDocument  # noqa: PLC0415

    source = name_of(file)
    try:
        document = load(read_document(file), source)
    except InvalidDocument as invalid:
        _tell(invalid)
        return ExitCode.UNKNOWN
    if invocation().output is OutputFormat.JSON:
        write_object({"source": source, "valid": True, "name": document.name, "problems": []})
    else:
        write_line(f'{source} describes connector "{document.name}", and nothing is wrong with it.')
    return ExitCode.DONE


def _tell(invalid: InvalidDocument) -> None:
    if invocation().output is OutputFormat.JSON:
        problems = [
            {"field": redact(one.field), "line": one.line, "problem": redact(one.problem), "fix": one.fix}
            for one in invalid.problems
        ]
        write_object({"source": invalid.source, "valid": False, "name": None, "problems": problems})
        return
    for sentence in invalid.sentences():
        write_line(redact(sentence))
    write_line(f"{many(len(invalid.problems), 'problem')} in {invalid.source}.")
