"""`queue`: send a message as any other system would; look at dead letters, replay or discard them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from cli import keys
from cli.command import Answer, Group, invocation
from cli.output import Column, OutputFormat, Row, instant, note, write_line, write_object, write_rows
from cli.problems import ExitCode, WrongOption
from cli.session import opened
from shared.model.work import ONBOARDING_QUEUE, WorkKind

if TYPE_CHECKING:
    from shared.queue.receiver import DeadLetter, Queues

QUEUES = (ONBOARDING_QUEUE, *(kind.value for kind in WorkKind))

QUEUE_COLUMNS = (
    Column("QUEUE", "queue"),
    Column("ACTIVE", "active", right=True),
    Column("SCHEDULED", "scheduled", right=True),
    Column("LOCKED", "locked", right=True),
    Column("DEAD LETTERS", "deadLetters", right=True),
)
_DEAD_LETTERS = (
    Column("ID", "id"),
    Column("DEAD-LETTERED", "deadLetteredAt"),
    Column("DELIVERIES", "deliveries", right=True),
    Column("REASON", "reason"),
    Column("DESCRIPTION", "description"),
    Column("BODY", "body"),
)


@click.group(
    cls=Group,
    examples=(
        "ado-connector queue list",
        "ado-connector queue dead-letters list",
        'ado-connector queue send onboarding --body \'{"version": 1, "organization": "contoso"}\'',
    ),
)
def queue() -> None:
    """Queues: how full they are, sending, dead letters."""


@queue.command(
    "list",
    answer=Answer(keys.QUEUE, rows=True),
    examples=("ado-connector queue list", "ado-connector queue list --output json"),
)
def list_queues() -> None:
    """Show how many messages each queue holds."""
    with opened() as runtime:
        write_rows(queue_rows(runtime.queue), QUEUE_COLUMNS, invocation().output)


def queue_rows(queues: Queues) -> list[dict[str, object]]:
    """How many messages each queue holds."""
    return [
        {
            "queue": name,
            "active": one.active,
            "scheduled": one.scheduled,
            "locked": one.locked,
            "deadLetters": one.dead_lettered,
        }
        for name, one in queues.counts().items()
    ]


def dead_letter_count(queues: Queues) -> int:
    """How many messages were given up."""
    return sum(one.dead_lettered for one in queues.counts().values())


@queue.command(
    answer=Answer(keys.SENT),
    examples=(
        'ado-connector queue send onboarding --body \'{"version": 1, "organization": "contoso"}\'',
        "ado-connector queue send onboarding < message.json",
    ),
)
@click.argument("name", metavar="QUEUE", type=click.Choice(QUEUES))
@click.option("--body", default=None, help="The message. Without it, standard input is sent.")
def send(name: str, body: str | None) -> None:
    """Send a message to a queue, byte for byte, as any other system would.

    It is not looked at here: one that cannot be read ends up with the dead letters, with the reason.
    """
    if body is None and sys.stdin.isatty():
        note("Type the message, and Ctrl-D on a line of its own at its end.")
    content = sys.stdin.buffer.read() if body is None else body.encode("utf-8", "surrogateescape")
    if not content.strip():
        raise WrongOption("--body", "there is no message.", "Give it with --body, or on standard input.")
    from shared.queue.receiver import MessageTooLarge  # noqa: PLC0415 - heavy

    with opened() as runtime:
        try:
            number = runtime.queue.send_raw(name, content)
        except MessageTooLarge as error:
            raise WrongOption("--body", "the message is too large.", str(error)) from None
    if invocation().output is OutputFormat.JSON:
        write_object({"queue": name, "sequenceNumber": number})
    else:
        write_line(f"Sent to {name}." if number is None else f"Sent to {name} as message {number}.")
    note('The deployed app or "ado-connector run" takes it from the queue.')


@queue.group(
    "dead-letters",
    examples=(
        "ado-connector queue dead-letters list",
        "ado-connector queue dead-letters replay --queue inventory",
        "ado-connector queue dead-letters discard onboarding/12",
    ),
)
def dead_letters() -> None:
    """Dead letters: messages that could not be handled, with why."""


_queue_option = click.option(
    "--queue", "name", type=click.Choice(QUEUES), default=None, help="Only this queue."
)
_ids_argument = click.argument("ids", metavar="[ID]...", nargs=-1)
_all_option = click.option("--all", "every", is_flag=True, help="All of them (of --queue, if that is given).")


@dead_letters.command(
    "list",
    answer=Answer(keys.DEAD_LETTER, rows=True),
    examples=(
        "ado-connector queue dead-letters list",
        "ado-connector queue dead-letters list --queue onboarding --output json",
    ),
)
@_queue_option
@click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    metavar="N",
    default=100,
    show_default=True,
    help="At most so many of a queue.",
)
def list_dead_letters(name: str | None, limit: int) -> None:
    """List dead letters, by queue, oldest first."""
    with opened() as runtime:
        queues = runtime.queue

        def rows() -> Iterator[Row]:
            for one in _chosen_queues(name):
                yield from (_row(letter) for letter in queues.dead_letters(one, limit=limit))

        write_rows(rows(), _DEAD_LETTERS, invocation().output, empty="There are no dead letters.")


@dead_letters.command(
    answer=Answer(keys.REPLAYED),
    examples=(
        "ado-connector queue dead-letters replay onboarding/12 inventory/31",
        "ado-connector queue dead-letters replay --all",
    ),
)
@_ids_argument
@_queue_option
@_all_option
def replay(ids: tuple[str, ...], name: str | None, every: bool) -> int:
    """Send dead letters to their queues again: those with these ids, or all."""
    with opened() as runtime:
        done = 0
        for one, numbers in _chosen(ids, name, every=every).items():
            done += runtime.queue.replay(one, numbers)
    return _report("replayed", done, ids)


@dead_letters.command(
    answer=Answer(keys.DISCARDED),
    examples=(
        "ado-connector queue dead-letters discard onboarding/12",
        "ado-connector queue dead-letters discard --queue onboarding --all",
    ),
)
@_ids_argument
@_queue_option
@_all_option
def discard(ids: tuple[str, ...], name: str | None, every: bool) -> int:
    """Throw dead letters away for good: those with these ids, or all."""
    with opened() as runtime:
        done = 0
        for one, numbers in _chosen(ids, name, every=every).items():
            done += runtime.queue.discard(one, numbers)
    return _report("discarded", done, ids)


def _report(what: str, done: int, ids: tuple[str, ...]) -> int:
    if invocation().output is OutputFormat.JSON:
        write_object({what: done})
    else:
        write_line(f"{what.capitalize()}: {done}")
    if done < len(set(ids)):
        note(f"{len(set(ids)) - done} of the ids are no dead letters (any more).")
        return ExitCode.FINDINGS
    return ExitCode.DONE


def _chosen_queues(name: str | None) -> tuple[str, ...]:
    return QUEUES if name is None else (name,)


def _chosen(ids: tuple[str, ...], name: str | None, *, every: bool) -> dict[str, list[int] | None]:
    """Sequence numbers by queue; None stands for all."""
    if bool(ids) == every:
        raise WrongOption(
            "ID",
            "say which dead letters are meant.",
            "Give their ids as the list shows them, or --all, not both.",
        )
    if every:
        return dict.fromkeys(_chosen_queues(name))
    chosen: dict[str, list[int] | None] = {}
    for identifier in ids:
        one, _, number = identifier.rpartition("/")
        one = one or name or ""
        if one not in QUEUES or not number.isdecimal() or (name is not None and one != name):
            raise WrongOption(
                "ID",
                f'"{identifier}" is no id of a dead letter.',
                'Give one as "ado-connector queue dead-letters list" shows it, such as onboarding/12.',
            )
        numbers = chosen.setdefault(one, [])
        if numbers is not None:
            numbers.append(int(number))
    return chosen


def _row(letter: DeadLetter) -> Row:
    return {
        "id": f"{letter.queue}/{letter.sequence_number}",
        "queue": letter.queue,
        "sequenceNumber": letter.sequence_number,
        "messageId": letter.message_id,
        "enqueuedAt": instant(letter.enqueued_time),
        "deadLetteredAt": instant(letter.dead_lettered_at),
        "deliveries": letter.delivery_count,
        "reason": letter.reason,
        "description": letter.description or None,
        "body": letter.body.decode("utf-8", "backslashreplace"),
    }
