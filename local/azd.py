"""What the Azure Developer CLI keeps of an environment: choices, and the names of what it made."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping

from local.azure_cli import SetupProblem, sentence

_LINE = re.compile(r'^([A-Za-z_]\w*)=(?:"((?:[^"\\]|\\.)*)"|(.*))$')


def values(environment: str) -> Mapping[str, str]:
    """All values of an environment, of the chosen one where the name is empty. Raises `SetupProblem`."""
    program = shutil.which("azd")
    if program is None:
        raise SetupProblem(
            "The Azure Developer CLI (azd) is not on the path. Install it: docs/deploy/README.md."
        )
    named = ["--environment", environment] if environment else []
    done = subprocess.run(  # noqa: S603 - a program of the operator's
        [program, "env", "get-values", *named, "--no-prompt"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        told = (done.stderr.strip() or done.stdout.strip()).splitlines()
        last = told[-1] if told else f"exit code {done.returncode}"
        raise SetupProblem(f"azd env get-values: {sentence(last)} See what there is with: azd env list.")
    return read(done.stdout)


def read(text: str) -> Mapping[str, str]:
    """The values in lines of NAME="VALUE"; other lines are what azd says besides."""
    found = {}
    for line in text.splitlines():
        if one := _LINE.match(line.strip()):
            quoted, plain = one[2], one[3]
            found[one[1]] = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
    return found
