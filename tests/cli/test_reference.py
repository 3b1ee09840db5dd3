"""`docs/cli.md` says what the command line does, no more and no less."""

from __future__ import annotations

import re

import click

from cli.problems import ExitCode
from cli.reference import PAGE, commands, page

COMMANDS = dict(commands())


def test_the_page_is_what_the_commands_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m cli.reference"


def test_every_command_and_no_other_has_a_section() -> None:
    assert re.findall(r"^## `(.+)`$", PAGE.read_text(encoding="utf-8"), re.MULTILINE) == list(COMMANDS)


def test_every_option_and_no_other_is_in_its_section() -> None:
    for path, section in sections().items():
        documented = set(re.findall(r"^\| `(?:-\w, )?(--[\w-]+)", section, re.MULTILINE))
        existing = {
            one.opts[-1] if one.opts[-1].startswith("--") else one.opts[0]
            for one in COMMANDS[path].params
            if isinstance(one, click.Option)
        }
        assert documented == {name if name.startswith("--") else "--output" for name in existing}, path


def test_every_exit_code_is_documented() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for code in ExitCode:
        assert f"| `{code.value}` |" in text


def sections() -> dict[str, str]:
    parts = re.split(r"^## `(.+)`$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))
