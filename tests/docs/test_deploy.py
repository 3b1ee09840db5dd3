"""The pages on deploying hold: commands exist and take their options, choices are those of the templates."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cli.reference import commands
from tests.infra.bicep import INFRA, ROOT, template

PAGES = tuple(sorted((ROOT / "docs" / "deploy").glob("*.md")))
OPERATING = (
    ROOT / "docs" / "operate" / "README.md",
    ROOT / "docs" / "operate" / "state.md",
    *sorted((ROOT / "docs" / "operate" / "runbooks").glob("*.md")),
)
ON_THE_PATH = 'export PATH="$PWD/.venv/bin:$PATH"'
OF_AZD = {"AZURE_ENV_NAME", "AZURE_SUBSCRIPTION_ID"}
"""What azd knows by itself."""
WALK = (ROOT / "docs" / "deploy" / "README.md").read_text(encoding="utf-8")
COMMANDS: dict[str, click.Command] = dict(commands())
PARAMETERS = json.loads((INFRA / "main.parameters.json").read_text(encoding="utf-8"))["parameters"]
CHOICES: dict[str, str] = {
    found[1]: found[2]
    for one in PARAMETERS.values()
    if (found := re.fullmatch(r"\$\{(\w+)=(.*)\}", one["value"])) is not None
}
"""The variables of azd that have a value unless they are set, and that value."""


def code_of(page: Path) -> Iterator[str]:
    """What the page shows as code, a command each: spans, and the lines of blocks that a shell reads."""
    text = page.read_text(encoding="utf-8")
    for kind, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        lines = block.replace("\\\n", " ").splitlines()
        if kind == "console":
            yield from (line.removeprefix("$ ") for line in lines if line.startswith("$ "))
        elif kind in {"sh", "powershell"}:
            yield from lines
    for span in re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)):
        yield " ".join(span.split())


def words(line: str) -> list[str]:
    return shlex.split(line, comments=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_the_program_exists_and_takes_its_options(page: Path) -> None:
    seen = 0
    for line in code_of(page):
        found = re.match(r"(?:\.venv/bin/)?ado-connector (.+)", line)
        if found is None:
            continue
        given = words(found[1])
        name = max(
            (name for name in COMMANDS if given[: len(name.split())] == name.split()), key=len, default=""
        )
        assert name, f"{page.name}: there is no command {line}"
        known = {option for one in COMMANDS[name].params for option in (*one.opts, *one.secondary_opts)}
        assert [one for one in given if one.startswith("-") and one not in known] == [], (
            f"{page.name}: {line}"
        )
        seen += 1
    assert seen or page.name in {"costs.md", "pipelines.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_script_exists_and_takes_its_options(page: Path) -> None:
    for line in code_of(page):
        for found in re.finditer(r"(scripts/[\w-]+)([^|>)]*)", line):
            script = ROOT / found[1]
            assert script.stat().st_mode & 0o111, f"{page.name}: {line}"
            told = re.findall(r"--[a-z-]+", found[2])
            if told:
                asked = [str(script), *found[2].split()[: script.name == "deployment"], "--help"]
                ended = subprocess.run(asked, capture_output=True, text=True, check=True)  # noqa: S603 - ours
                assert [one for one in told if one not in ended.stdout] == [], f"{page.name}: {line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_azd_is_told_is_a_choice_of_the_templates(page: Path) -> None:
    for line in code_of(page):
        for name in re.findall(r"azd env set ([A-Z_]+)", line):
            assert name == "NAME" or name in CHOICES, f"{page.name}: {line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_variables_that_a_shell_reads_are_what_azd_tells(page: Path) -> None:
    told = {*template("main").outputs, *CHOICES, *OF_AZD, "PATH", "PWD"}
    for line in code_of(page):
        told |= set(re.findall(r"^(?:read -rs |(?=\w+=\"\$\())([A-Z]+)\b", line))
        if "GITHUB" not in line and not line.startswith("$"):
            assert set(re.findall(r"\$([A-Z][A-Z_]+)", line)) <= told, f"{page.name}: {line}"


@pytest.mark.parametrize("page", [*PAGES, *OPERATING], ids=lambda page: page.name)
def test_the_program_is_written_as_a_new_terminal_finds_it_or_the_page_says_how(page: Path) -> None:
    bare = [line for line in code_of(page) if line.startswith("ado-connector ")]
    text = page.read_text(encoding="utf-8")
    said = ON_THE_PATH in text or re.search(r"\((?:\.\./)?README\.md#type-the-commands\)", text)
    assert not bare or said, bare


def test_every_choice_is_told_with_what_it_is_at_first() -> None:
    table = WALK.partition("\n## Choices\n")[2].partition("\n## ")[0]
    told: dict[str, str] = {}
    for row in re.findall(r"^\| (`.+?) \|.*\| (.+?) \|$", table, re.MULTILINE):
        names = re.findall(r"`([A-Z_]+)`", row[0])
        # What is in no code is told in words: nothing is set.
        values = [one.strip("` ") if "`" in one else "" for one in row[1].split(",")]
        told |= dict(zip(names, values * len(names) if len(values) == 1 else values, strict=True))
    assert told == CHOICES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_table_of_commands_says_what_is_printed_and_how_it_is_undone(page: Path) -> None:
    for table in re.findall(r"(?:^\|.*\n)+", page.read_text(encoding="utf-8"), re.MULTILINE):
        header, _, *rows = table.splitlines()
        if not header.startswith("| command |"):
            continue
        width = header.count(" | ") + 1
        assert "prints" in header
        for row in rows:
            cells = [cell.strip() for cell in row.strip("|").split(" | ")]
            assert len(cells) == width, row
            assert all(cells), row
