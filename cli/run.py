"""`run`: the app on this machine, once or until Ctrl-C."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from cli import keys
from cli.command import Answer, Command, invocation
from cli.hosting import host_of
from cli.interrupt import interruptible
from cli.once import Pass
from cli.output import note
from cli.problems import ExitCode, WrongOption
from cli.progress import Progress
from cli.queues import dead_letter_count
from cli.session import no_connector, opened
from cli.summary import summarize, write_summary

if TYPE_CHECKING:
    from shared.wiring.runtime import Runtime


@click.command(
    cls=Command,
    answer=Answer(keys.SUMMARY, parts={"couldNotTell": keys.FINDING, "needsPerson": keys.FINDING}),
    examples=(
        "ado-connector run",
        "ado-connector run --once",
        "ado-connector run --once --now --output json",
        "ado-connector run --once --wait 30m",
    ),
)
@click.option(
    "--once", is_flag=True, help="Do all that is due, was refused or failed, print a summary, and end."
)
@click.option("--now", is_flag=True, help="With --once: treat all work as due, and read it in full.")
@click.option(
    "--wait",
    metavar="TIME",
    default="10m",
    show_default=True,
    help="With --once: how long to wait for pauses that the rate limit asks for, such as 90s or 1h.",
)
def run(once: bool, now: bool, wait: str) -> int:
    """Run the connector on this machine, with the triggers and schedules of the deployed app.

    With --once the exit code is 0 when everything could be told, and 2 when something could not; the summary
    then says what, why, and what to do. An organization that is not onboarded for a reason is told.
    """
    patience = _patience(wait)
    if now and not once:
        raise WrongOption("--now", "it means something with --once only.", "Add --once, or leave --now out.")
    with opened() as runtime:
        if not runtime.state.connectors():
            raise no_connector()
        return _once(runtime, patience, everything=now) if once else _on_and_on(runtime)


def _patience(wait: str) -> timedelta:
    from shared.wiring.settings import parse_duration  # noqa: PLC0415 - heavy

    try:
        told = parse_duration(wait)
    except (ValueError, OverflowError):
        told = None
    if not isinstance(told, timedelta):
        raise WrongOption(
            "--wait", f'"{wait}" is no span of time.', "Write 90s, 10m or 1h; 0 does not wait at all."
        )
    return told


def _in_full(runtime: Runtime) -> Runtime:
    """From now on whatever is refreshed is read in full: when it was read last is an interval, too."""
    from shared import wiring  # noqa: PLC0415 - heavy

    dependencies = runtime.dependencies
    intervals = replace(dependencies.intervals, posture_in_full=True)
    changed = replace(runtime, dependencies=replace(dependencies, intervals=intervals))
    wiring.use(changed)
    return changed


def _once(runtime: Runtime, patience: timedelta, *, everything: bool) -> int:
    runtime = _in_full(runtime) if everything else runtime

    dead_letters = dead_letter_count(runtime.queue)
    with interruptible(), Progress(runtime.state) as progress:
        todo = Pass(runtime, host_of(runtime), everything=everything, wait=patience, say=progress.doing)
        todo.run()
    summary = summarize(runtime, todo.started, dead_letters_before=dead_letters, failed=todo.failed)
    write_summary(summary, invocation().output)
    return ExitCode.UNKNOWN if summary.untold else ExitCode.DONE


def _on_and_on(runtime: Runtime) -> int:
    with interruptible():
        try:
            # Loads the app, before anybody is told of Ctrl-C: Python may lose one that comes while it loads.
            host = host_of(runtime, note)
            note("Running. Stop with Ctrl-C.")
            host.run()
        except KeyboardInterrupt:
            note("Stopped.")
    return ExitCode.DONE
