"""Help teaches: every command has examples, and the examples are right."""

from __future__ import annotations

import click
import pytest

from cli.command import Command, Group
from cli.program import PROGRAM, root
from cli.reference import commands
from tests.cli.conftest import CommandLine, words

COMMANDS = dict(commands())
GROUPS = (
    "",
    "connector",
    "organizations",
    "inventory",
    "recommendations",
    "exemptions",
    "journal",
    "queue",
    "queue dead-letters",
)


def examples() -> list[str]:
    found = list(root.examples)
    for command in COMMANDS.values():
        found.extend(command.examples)
    return found


@pytest.mark.parametrize("path", COMMANDS)
def test_help_of_every_command_has_examples_options_and_json_keys(path: str, ado: CommandLine) -> None:
    command = COMMANDS[path]
    told = ado(*path.split(), "--help").out
    assert "Examples:" in told
    for example in command.examples:
        assert example in told
        assert example.startswith((f"{PROGRAM} {path}", " "))
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
    assert command.answer is not None
    assert "JSON: " in told


@pytest.mark.parametrize("path", GROUPS)
def test_help_of_every_group_lists_its_commands(path: str, ado: CommandLine) -> None:
    told = ado(*path.split(), "--help").out
    group: click.Command = root
    for name in path.split():
        assert isinstance(group, Group)
        group = group.commands[name]
    assert isinstance(group, Group)
    assert "Examples:" in told
    for name in group.commands:
        assert f"\n  {name}" in told


@pytest.mark.parametrize("example", [one for one in examples() if one.startswith(PROGRAM)])
def test_examples_name_commands_and_options_that_exist(example: str) -> None:
    arguments = words(example)[1:]
    command: click.Command = root
    while isinstance(command, Group):
        command = command.commands[arguments.pop(0)]
    assert isinstance(command, Command)
    if example.endswith("\\"):
        return
    with command.make_context("example", arguments) as context:
        assert context.params is not None


def test_h_is_help_everywhere(ado: CommandLine) -> None:
    assert ado("connector", "create", "-h").out == ado("connector", "create", "--help").out


def test_a_group_alone_shows_its_help_and_is_wrong_usage(ado: CommandLine) -> None:
    assert "Commands:" in ado("queue", code=2).err
