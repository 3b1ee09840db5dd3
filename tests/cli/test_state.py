"""`state`: export and import as a person calls them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from shared.connector_state import open_state
from tests.cli.conftest import CommandLine


def fill(ado: CommandLine) -> None:
    ado(
        "connector",
        "create",
        "--name",
        "main",
        "--tenant",
        "contoso.onmicrosoft.com",
        "--mode",
        "existing-and-future",
    )
    ado("run", "--once", code=None)


@pytest.mark.usefixtures("simulator")
def test_a_state_moves_to_another_file(
    ado: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(ado)
    file = tmp_path / "state.jsonl"
    assert "Exported" in ado("state", "export", str(file)).err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = ado.json("inventory", "list")
    assert before
    monkeypatch.setenv("STATE_URL", f"sqlite:///{tmp_path}/moved.db")
    checked = ado.json("state", "import", str(file), "--check")
    assert not checked["imported"]
    told = ado.json("state", "import", str(file))
    assert told == {**checked, "imported": True}
    assert ado.json("inventory", "list") == before
    assert ado.process("state", "export").out.encode() == file.read_bytes()
    assert ado("status", code=None).out


@pytest.mark.usefixtures("simulator")
def test_into_a_state_that_is_in_use_nothing_is_imported(ado: CommandLine, tmp_path: Path) -> None:
    fill(ado)
    file = tmp_path / "state.jsonl"
    ado("state", "export", str(file))
    refused = ado("state", "import", str(file), code=1)
    assert "STATE_URL: the state is not empty" in refused.err
    assert not refused.out


def test_standard_input_and_output(ado: CommandLine, tmp_path: Path) -> None:
    out = ado.process("state", "export").out
    other = {"STATE_URL": f"sqlite:///{tmp_path}/other.db"}
    assert "Imported 0 records" in ado.process("state", "import", stdin=out.encode(), env=other).out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Line 1: "),
        (b"hello", "Line 1: it is cut off"),
        (b"[]\n", 'Line 1: format must be "ado-connector-state"'),
        (b'{"format":"ado-connector-state","version":1}\n', "Line 1: the file ends here"),
    ],
)
def test_a_file_that_is_none_changes_nothing(
    ado: CommandLine, tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_bytes(content)
    assert said in ado("state", "import", str(file), code=2).err


def test_files_that_cannot_be_used(ado: CommandLine, tmp_path: Path) -> None:
    assert "FILE: " in ado("state", "export", str(tmp_path / "no" / "file"), code=2).err
    assert "FILE: " in ado("state", "import", str(tmp_path / "none"), code=2).err


def test_a_record_that_cannot_be_read_is_not_left_out(
    ado: CommandLine, settings: Path, tmp_path: Path
) -> None:
    import sqlite3  # noqa: PLC0415

    settings.parent.mkdir()
    open_state(f"sqlite:///{settings}").close()
    with sqlite3.connect(settings) as connection:
        connection.execute("INSERT INTO exemptions VALUES ('e1', '{broken')")
    connection.close()
    file = tmp_path / "state.jsonl"
    refused = ado("state", "export", str(file), code=2)
    assert "A stored exemption (e1) cannot be read" in refused.err
    assert list(tmp_path.glob("*.jsonl*")) == []
