"""Files of connector documents: how they are read and written."""

from __future__ import annotations

import sys
from pathlib import Path

from cli.problems import WrongOption

STDIN = "-"


def name_of(file: str) -> str:
    """What messages call the file."""
    return "stdin" if file == STDIN else file


def read_document(file: str, option: str = "--file") -> bytes:
    """The bytes of the file, or of stdin for `-`; not many more of them than a document may have.

    Raises `WrongOption`.
    """
    from cli.yaml_text import MAX_BYTES  # noqa: PLC0415 - heavy

    if file == STDIN:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        with Path(file).open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise WrongOption(option, _why(error), "Give a readable file, or - for stdin.") from None


def write_document(file: Path, text: str, option: str = "--output-file") -> None:
    """Write the file as UTF-8, with line ends that are the same everywhere. Raises `WrongOption`."""
    try:
        file.write_text(text, encoding="utf-8", newline="\n")
    except (OSError, ValueError) as error:
        raise WrongOption(option, _why(error), "Give a file in a folder that can be written to.") from None


def _why(error: OSError | ValueError) -> str:
    told = error.strerror if isinstance(error, OSError) else None
    return f"the file cannot be used: {told or 'its name is none'}."
