"""Entry point of `ado-connector`. Light, so that Ctrl-C while the program still loads leaves no traceback."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the program and exit with its code."""
    try:
        from cli.program import main as program  # noqa: PLC0415 - loading it takes a while
    except KeyboardInterrupt:
        sys.exit(130)
    program()


if __name__ == "__main__":
    main()
