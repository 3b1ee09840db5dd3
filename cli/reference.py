"""Writes `docs/cli.md` from the commands themselves: `python -m cli.reference`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from cli.command import Answer, Command, Group
from cli.keys import Keys
from cli.program import PROGRAM, root

PAGE = Path(__file__).parent.parent / "docs" / "cli.md"

_INTRODUCTION = f"""# Command line

`{PROGRAM}` reads and writes through the same settings as the app, so it also serves a deployed one.
Settings are environment variables or, with `--settings FILE`, lines of a file; see [settings](settings.md).

- Data goes to stdout; progress, notes and logs go to stderr.
- `--output table` (the default) is for reading, `--output json` for programs. Both `--output` and
  `--settings` are taken before and after the command. Keys of the JSON are only ever added. Times are
  ISO 8601 in UTC. What is not known is null, never left out.
- Colours and live progress are for terminals only, and never where `NO_COLOR` is set.

## Exit codes

| code | meaning |
| --- | --- |
| `0` | done |
| `1` | something was found that needs a person, or what was asked for was refused |
| `2` | something could not be told, or the command was called wrongly; stderr says what and how to mend it |
| `130` | interrupted by Ctrl-C or SIGTERM |

This page is written by `python -m cli.reference`; a test keeps it in step.
"""


def commands(group: Group = root, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Command]]:
    """Every command with its path, such as `connector create`."""
    for name, command in group.commands.items():
        if isinstance(command, Group):
            yield from commands(command, (*path, name))
        elif isinstance(command, Command):
            yield " ".join((*path, name)), command


def page() -> str:
    """The whole page."""
    return _INTRODUCTION + "".join(_section(path, command) for path, command in commands())


def _section(path: str, command: Command) -> str:
    context = command.make_context(f"{PROGRAM} {path}", [], resilient_parsing=True)
    usage = " ".join(command.collect_usage_pieces(context))
    parts = [
        f"\n## `{path}`\n",
        f"{_unwrapped(command.help or '')}\n",
        f"```sh\n{PROGRAM} {path} {usage}\n```\n",
        _options(command, context),
        "Examples:\n\n```sh\n" + "\n".join(command.examples) + "\n```\n",
    ]
    if command.answer is not None:
        parts.append(_answer(command.answer))
    return "\n".join(part for part in parts if part)


def _unwrapped(text: str) -> str:
    paragraphs = text.strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _options(command: Command, context: click.Context) -> str:
    rows = []
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if isinstance(parameter, click.Option) and record is not None:
            rows.append((record[0], record[1]))
    return _table(("option", "meaning"), rows)


def _answer(answer: Answer) -> str:
    shape = "an array of objects" if answer.rows else "an object"
    parts = [f"JSON: {shape} with these keys.\n", _keys(answer.keys)]
    for name, keys in answer.parts.items():
        parts.extend((f"In `{name}`:\n", _keys(keys)))
    return "\n".join(parts)


def _keys(keys: Keys) -> str:
    return _table(("key", "meaning"), list(keys.items()))


def _table(headings: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    lines = [f"| {headings[0]} | {headings[1]} |", "| --- | --- |"]
    for name, meaning in rows:
        told = " ".join(meaning.split()).replace("|", "\\|").replace("*", "\\*")
        lines.append(f"| `{name.replace('|', chr(92) + '|')}` | {told} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
