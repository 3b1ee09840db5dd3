"""`version`."""

from __future__ import annotations

import platform
from importlib import metadata

import click

from cli import keys
from cli.command import Answer, Command, invocation
from cli.output import OutputFormat, write_line, write_object


def program_version() -> str:
    """The version of this program."""
    try:
        return metadata.version("ado-connector")
    except metadata.PackageNotFoundError:
        return "not installed"


@click.command(
    cls=Command,
    answer=Answer(keys.VERSION),
    examples=("ado-connector version", "ado-connector version --output json"),
)
def version() -> None:
    """Show the version of the program, of Python, and of the state it keeps."""
    from shared.connector_state.schema import MIGRATIONS  # noqa: PLC0415 - nothing else of the state is needed

    own = program_version()
    answer = {"version": own, "python": platform.python_version(), "stateSchema": len(MIGRATIONS)}
    if invocation().output is OutputFormat.JSON:
        write_object(answer)
        return
    write_line(f"ado-connector {own}")
    write_line(f"Python {answer['python']}")
    write_line(f"state schema {len(MIGRATIONS)}")
