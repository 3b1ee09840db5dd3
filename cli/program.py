"""`ado-connector`: the command line of the Azure DevOps connector."""

from __future__ import annotations

import io
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from cli.command import Group
from cli.connector import connector
from cli.demo import demo
from cli.doctor import doctor
from cli.exemptions import exemptions
from cli.extension import extension
from cli.inventory import inventory
from cli.journal import journal
from cli.mappings import mappings
from cli.organizations import organizations
from cli.output import note
from cli.problems import ExitCode
from cli.queues import queue
from cli.recommendations import recommendations
from cli.run import run
from cli.session import redact
from cli.state import state
from cli.status import status
from cli.version import version

PROGRAM = "ado-connector"


class _PipeClosed(Exception):
    """Whoever read our output has had enough."""


class _Root(Group):
    """Knows a closed pipe before click takes it for a failure."""

    def make_context(self, *args: Any, **more: Any) -> click.Context:  # noqa: ANN401 - click's own
        try:
            return super().make_context(*args, **more)
        except BrokenPipeError:
            raise _PipeClosed from None

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own
        try:
            answer = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            raise _PipeClosed from None
        return answer


@click.command(
    cls=_Root,
    examples=(
        "ado-connector demo --once",
        "ado-connector connector create --name contoso --mode existing-and-future",
        "ado-connector run --once",
        "ado-connector organizations list --output json",
        "ado-connector inventory list --organization contoso --kind repository",
    ),
)
def root() -> None:
    """Connect Azure DevOps organizations: find them, keep an inventory, check prerequisites and posture.

    Start with "demo", which needs nothing but this machine. Then create a connector, put a personal access
    token in ADO_PAT, and "run --once".

    Data is written to stdout, everything else to stderr. Exit codes: 0 done, 1 findings or a refusal,
    2 something could not be told or the command was called wrongly.
    """


for _command in (
    demo,
    run,
    status,
    doctor,
    connector,
    organizations,
    extension,
    inventory,
    recommendations,
    exemptions,
    mappings,
    journal,
    queue,
    state,
    version,
):
    root.add_command(_command)


def main() -> None:
    """Entry point of the console script."""
    sys.exit(execute(sys.argv[1:]))


def execute(arguments: Sequence[str]) -> int:
    """Run one command line; returns its exit code. No traceback ever gets out."""
    # What Azure's clients log of a failure is told in our own words; unheard, it would go to stderr as well.
    logging.getLogger("azure").addHandler(logging.NullHandler())
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        answer = root.main(args=list(arguments), prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
    except (_PipeClosed, BrokenPipeError):
        _abandon_stdout()
        return ExitCode.DONE
    except (click.Abort, KeyboardInterrupt):
        note("Interrupted.")
        return ExitCode.INTERRUPTED
    except click.ClickException as problem:
        told = io.StringIO()
        problem.show(told)
        sys.stderr.write(redact(told.getvalue()))
        return problem.exit_code
    except Exception as problem:  # noqa: BLE001 - the last resort: a person gets a sentence, not a traceback
        return _unexpected(problem)
    return answer if isinstance(answer, int) else ExitCode.DONE


def _abandon_stdout() -> None:
    """Point stdout to nowhere, so that the interpreter's last flush does not complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def _unexpected(problem: Exception) -> int:
    from shared.ports import SecretUnavailable, StateConflict, StateUnavailable  # noqa: PLC0415 - only needed when it went wrong
    from shared.queue.receiver import QueueUnavailable  # noqa: PLC0415
    from shared.wiring.settings import SettingsError  # noqa: PLC0415

    message = redact(str(problem)).strip()
    if isinstance(problem, SettingsError):
        for line in message.splitlines():
            note(f"Error: {line}")
        return ExitCode.UNKNOWN
    if isinstance(problem, QueueUnavailable):
        note(f"Error: the queues cannot be used: {message}")
    elif isinstance(problem, SecretUnavailable):
        note(f"Error: {message}")
    elif isinstance(problem, StateUnavailable):
        # A state in Azure names its setting and what to do, and has no folder.
        fix = "" if "STATE_URL" in message else " Check STATE_URL, and that its folder can be written to."
        note(f"Error: the state cannot be used: {message}{fix}")
    elif isinstance(problem, StateConflict):
        note("Error: something else changed the same record at the same time. Try again.")
    else:
        first = message.splitlines()[0] if message else "no message"
        note(
            f"Error: something unexpected happened ({type(problem).__name__}: {first}). "
            "Set LOG_LEVEL=debug to see where."
        )
    if os.environ.get("LOG_LEVEL", "").strip().lower() == "debug":
        sys.stderr.write(redact("".join(traceback.format_exception(problem))))
    return ExitCode.UNKNOWN
