"""Records the demo as the picture in the README: `python -m local.demo_picture`."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "demo.svg"
WIDTH = 144

# The template loads its font from the network; a picture should not.
_WITHOUT_FONTS = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def main() -> None:
    """Run the demo and draw what it says, as a terminal would show it."""
    command = [sys.executable, "-m", "cli.main", "demo", "--once"]
    done = subprocess.run(  # noqa: S603 - our own module
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
    )
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text("$ scripts/demo --once", style="bold green"))
    console.print(Text(done.stdout.rstrip(), overflow="fold"))
    picture = console.export_svg(title="ado-connector", code_format=_WITHOUT_FONTS, unique_id="demo")
    PICTURE.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
