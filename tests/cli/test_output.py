"""What reaches the terminal, the pipe and the program at its end."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from cli import session
from shared.ports import State, StateUnavailable
from tests.cli.conftest import ROOT, CommandLine, command
from tests.cli.test_inventory import fill, project, repository

ESCAPE = "\x1b"


def on_a_terminal(*arguments: str, env: dict[str, str] | None = None) -> str:
    """What the command writes to a terminal."""
    primary, secondary = pty.openpty()
    with subprocess.Popen(  # noqa: S603 - our own program
        command(arguments),
        stdin=subprocess.DEVNULL,
        stdout=secondary,
        stderr=secondary,
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", **(env or {})},
    ) as running:
        os.close(secondary)
        written = b""
        while True:
            try:
                part = os.read(primary, 65536)
            except OSError:
                break
            if not part:
                break
            written += part
        running.wait()
    os.close(primary)
    return written.decode()


def test_no_colour_and_no_drawing_where_it_is_no_terminal(ado: CommandLine) -> None:
    ado("connector", "create", "--name", "one")
    for arguments in (("connector", "list"), ("status",), ("journal", "list"), ("--help",)):
        told = ado.process(*arguments, code=None, env={"FORCE_COLOR": "1", "TERM": "xterm-256color"})
        assert ESCAPE not in told.out + told.err
        assert "\u2502" not in told.out


def test_colours_on_a_terminal(ado: CommandLine) -> None:
    ado("connector", "create", "--name", "one")
    told = on_a_terminal("connector", "list")
    assert ESCAPE in told
    assert "one" in told


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_where_it_is_not_wanted(ado: CommandLine, env: dict[str, str]) -> None:
    ado("connector", "create", "--name", "one")
    told = on_a_terminal("connector", "list", env=env)
    assert ESCAPE not in told
    assert "one" in told


def test_json_is_the_same_on_a_terminal(ado: CommandLine) -> None:
    created = ado.json("connector", "create", "--name", "one")
    told = on_a_terminal("connector", "list", "--output", "json")
    assert json.loads(told) == [created]


@pytest.mark.parametrize("before", [True, False])
def test_output_is_taken_before_and_after_the_command(ado: CommandLine, before: bool) -> None:
    option = ("--output", "json")
    told = ado(*option, "connector", "list") if before else ado("connector", "list", *option)
    assert told.json == []


def test_the_last_output_wins(ado: CommandLine) -> None:
    assert ado("--output", "table", "connector", "--output", "table", "list", "--output", "json").json == []
    assert ado("--output", "json", "version", "--output", "table").out.startswith("ado-connector ")


def test_a_reader_that_has_had_enough_is_no_error(state: State) -> None:
    fill(state, "big", (project(1, "one"),), tuple(repository(n, f"repo-{n}", 1) for n in range(5000)))
    with subprocess.Popen(  # noqa: S603 - our own program
        command(("inventory", "list", "--output", "json")),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == b"[\n"
        running.stdout.close()
        told = running.stderr.read()
        assert running.wait() == 0
    assert told == b""


def test_names_cannot_steer_the_terminal(ado: CommandLine, state: State) -> None:
    name = "red\x1b[31m\u202eevil [bold]x[/bold]"
    fill(state, "alpha", (project(1, name),), ())
    table = ado("inventory", "list").out
    assert ESCAPE not in table
    assert "\u202e" not in table
    assert "[bold]x[/bold]" in table
    assert ado.json("inventory", "list")[0]["name"] == name


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_json_is_json_in_every_encoding(state: State, encoding: str) -> None:
    name = "größe 第二 \U0001f600"
    fill(state, "alpha", (project(1, name),), ())
    told = subprocess.run(  # noqa: S603 - our own program
        command(("inventory", "list", "--output", "json")),
        capture_output=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert json.loads(told.stdout.decode(encoding))[0]["name"] == name
    table = subprocess.run(  # noqa: S603 - our own program
        command(("inventory", "list")),
        capture_output=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert b"gr" in table.stdout


def test_something_unexpected_is_one_line(ado: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADO_PAT", "very-secret-token")

    def broken() -> None:
        raise RuntimeError("no luck with very-secret-token\nand more")

    monkeypatch.setattr(session, "settings", broken)
    told = ado("connector", "list", code=2)
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert "RuntimeError" in told.err
    assert "LOG_LEVEL=debug" in told.err
    assert "very-secret-token" not in told.err


def test_the_traceback_at_debug_level_has_no_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from cli.program import execute  # noqa: PLC0415 - beside the one that refuses tracebacks

    monkeypatch.setenv("ADO_PAT", "very-secret-token")
    monkeypatch.setenv("LOG_LEVEL", "debug")

    def broken() -> None:
        raise RuntimeError("no luck with very-secret-token")

    monkeypatch.setattr(session, "settings", broken)
    assert execute(["connector", "list"]) == 2
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert "very-secret-token" not in told


def test_a_state_out_of_reach_says_what_to_look_at(ado: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise StateUnavailable("the disk is full.")

    monkeypatch.setattr(session, "settings", broken)
    told = ado("status", code=2)
    assert "the disk is full" in told.err
    assert "STATE_URL" in told.err


def test_a_settings_file_serves_every_command(ado: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    file.write_text(f"STATE_URL=sqlite:///{tmp_path}/elsewhere.db\n")
    told = ado.process("--settings", str(file), "connector", "create", "--name", "one", env={"STATE_URL": ""})
    assert "one" in told.out
    assert (tmp_path / "elsewhere.db").exists()
