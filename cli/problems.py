"""What a command tells a person who cannot be served: one sentence on stderr, and an exit code."""

from __future__ import annotations

from enum import IntEnum

import click


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    FINDINGS = 1
    """Something was found that needs a person, or what was asked for was refused."""
    UNKNOWN = 2
    """Something could not be told, or the command was called wrongly."""
    INTERRUPTED = 130


class CannotTell(click.ClickException):
    """The command cannot answer. The message says what is wrong and what to do."""

    exit_code = ExitCode.UNKNOWN


class WrongOption(CannotTell):
    """An option or argument has a wrong value."""

    def __init__(self, option: str, problem: str, fix: str) -> None:
        super().__init__(f"{option}: {problem} {fix}")
        self.option = option
        self.problem = problem
        self.fix = fix


class Refused(click.ClickException):
    """What was asked for was understood and not done."""

    exit_code = ExitCode.FINDINGS
