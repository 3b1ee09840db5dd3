"""The kind of command and group that every part of the command line is made of."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from cli.keys import Keys
from cli.output import OutputFormat

_TENANT = "AZURE_TENANT_ID"
HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
"""How every command shows its help."""


@dataclass(slots=True)
class Invocation:
    """What the options say that every command takes."""

    output: OutputFormat = OutputFormat.TABLE
    settings_file: Path | None = None


def invocation() -> Invocation:
    """The options of the running command; given on the command they win over those before it."""
    return click.get_current_context().ensure_object(Invocation)


def _remember_output(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.ensure_object(Invocation).output = OutputFormat(value)


def _remember_settings(context: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None:
        context.ensure_object(Invocation).settings_file = value
        _take_tenant(value)


def _take_tenant(file: Path) -> None:
    """AZURE_TENANT_ID is no setting of ours: Azure's clients and `--tenant` read it in the environment."""
    from dotenv import dotenv_values  # noqa: PLC0415 - only where there is a file

    from shared.wiring.settings import SettingsError, check_file  # noqa: PLC0415 - slow to load

    if os.environ.get(_TENANT):
        return
    tenant = None
    with suppress(SettingsError):  # what is wrong with the file is told where all of it is read
        check_file(file)
        tenant = dotenv_values(file).get(_TENANT)
    if tenant:
        os.environ[_TENANT] = tenant


def _common_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--output", "-o"],
            type=click.Choice([one.value for one in OutputFormat]),
            expose_value=False,
            callback=_remember_output,
            help="How to answer: a table to read, or JSON for programs.  [default: table]",
        ),
        click.Option(
            ["--settings"],
            metavar="FILE",
            type=click.Path(path_type=Path),
            expose_value=False,
            callback=_remember_settings,
            is_eager=True,
            help="File of NAME=value lines with settings; the environment wins over it.",
        ),
    ]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command writes as JSON: an object with these keys or, with `rows`, an array of such objects.

    `parts` are the keys of objects inside, by the key that holds them.
    """

    keys: Keys
    rows: bool = False
    parts: Mapping[str, Keys] = field(default_factory=dict)


class _Teaching(click.Command):
    """Takes the options that all commands take, and ends its help with examples."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - click's own
        examples: Sequence[str] = (),
        answer: Answer | None = None,
        **more: Any,  # noqa: ANN401 - click's own
    ) -> None:
        more.setdefault("context_settings", HELP)
        super().__init__(*args, **more)
        self.examples = tuple(examples)
        self.answer = answer
        self.params.extend(_common_options())

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        if self.answer is not None:
            shape = "JSON: an array of objects with" if self.answer.rows else "JSON: an object with"
            with formatter.section(shape):
                formatter.write_text(", ".join(self.answer.keys))
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


class Command(_Teaching):
    """A command."""


class Group(_Teaching, click.Group):
    """A group of commands."""

    command_class = Command
    group_class = type

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a person needs them."""
        del ctx
        return list(self.commands)
