"""The Azure CLI, as the scripts for deployments speak through it, and how they end."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

BROKEN_OFF = 130
"""What a program ends with that Ctrl-C ended."""


class SetupProblem(Exception):
    """What is wrong, and what to do."""


def ended(work: Callable[[], object]) -> int:
    """Do the work; returns the exit code, and says in a line why it did not come to its end."""
    try:
        work()
    except SetupProblem as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Broken off. The same command again goes on.\n")
        return BROKEN_OFF
    return 0


def sentence(text: str) -> str:
    """What another program said, so that a sentence of ours can follow."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def az(*words: str) -> Any:  # noqa: ANN401 - whatever the CLI answers
    """The Azure CLI's answer. Raises `SetupProblem`."""
    program = shutil.which("az")
    if program is None:
        raise SetupProblem(
            "The Azure CLI (az) is not on the path. Install it (docs/deploy/README.md), then run: az login."
        )
    done = subprocess.run(  # noqa: S603 - a program of the operator's
        [program, *words, "--only-show-errors", "--output", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        told = (done.stderr.strip() or done.stdout.strip()).splitlines()
        last = told[-1] if told else f"exit code {done.returncode}"
        raise SetupProblem(
            f"az {' '.join(words[:3])}: {sentence(last)} If you are not signed in, run: az login."
        )
    try:
        return json.loads(done.stdout) if done.stdout.strip() else None
    except ValueError:
        raise SetupProblem(
            f"az {' '.join(words[:3])}: its answer is not JSON. Update the Azure CLI."
        ) from None
