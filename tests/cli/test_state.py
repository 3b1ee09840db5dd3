"""`state`: export and import as a person calls them."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from shared.connector_state import open_state
from tests.azurite.server import Azurite
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
        (b"", "Line 1: the file is empty"),
        (b"\xef\xbb\xbf{}\n", "Line 1: it begins with a byte order mark"),
        (b"\x1f\x8b\x08\x00\n", "Line 1: the file is compressed"),
        (b'{"format":"ado-connector-state","version":1}\r\n', "Line 1: it ends as lines of Windows do"),
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


@pytest.mark.usefixtures("simulator")
def test_what_stands_behind_the_end_is_refused_before_anything_is_written(
    ado: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(ado)
    file = tmp_path / "state.jsonl"
    ado("state", "export", str(file))
    with file.open("ab") as out:
        out.write(b"{}\n")
    monkeypatch.setenv("STATE_URL", f"sqlite:///{tmp_path}/moved.db")
    refused = ado("state", "import", str(file), code=2).err
    assert f"Line {len(file.read_bytes().splitlines())}: it stands behind the end of the file." in refused
    assert not (tmp_path / "moved.db").exists()


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
    assert ado("state", "verify", code=1).out.endswith("\n1 finding: left to a person, as told above.\n")


@pytest.mark.usefixtures("simulator")
def test_what_contradicts_itself_is_told_and_mended(ado: CommandLine, tmp_path: Path) -> None:
    fill(ado)
    assert ado("state", "verify").out == "Nothing contradicts itself.\n"
    with sqlite3.connect(tmp_path / "state" / "state.db") as connection:
        (name,) = connection.execute("SELECT id FROM organizations").fetchone()
        connection.execute(
            "UPDATE organizations SET document = json_set(document, '$.repositories', 99) WHERE id = ?",
            (name,),
        )
    connection.close()
    told = ado("state", "verify", code=1).out
    assert f"counts-differ: Organization {name} tells" in told
    assert "1 finding. Mend them: ado-connector state verify --repair" in told
    found = ado.json("state", "verify", code=1)
    assert [(one["code"], one["outcome"]) for one in found["findings"]] == [("counts-differ", "found")]
    assert "1 finding: 1 mended, 0 due now." in ado("state", "verify", "--repair").out
    assert ado("state", "verify").out == "Nothing contradicts itself.\n"
    (entry,) = ado.json("journal", "list", "--event", "state.mended")
    assert (entry["subject"], bool(entry["requestedBy"])) == ("counts-differ", True)


@pytest.mark.usefixtures("simulator")
def test_what_was_forgotten_is_given_back(ado: CommandLine, tmp_path: Path) -> None:
    fill(ado)
    file = tmp_path / "state" / "state.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE forgotten (content BLOB)")
        connection.execute("INSERT INTO forgotten VALUES (randomblob(5000000))")
        connection.execute("DROP TABLE forgotten")
    connection.close()
    before = ado.json("inventory", "list")
    told = ado.json("state", "compact")
    assert told["bytesBefore"] - told["bytesAfter"] > 4_900_000
    assert file.stat().st_size == told["bytesAfter"]
    assert ado.json("inventory", "list") == before
    assert " MB before, " in ado("state", "compact").out
    assert ado("state", "verify").out == "Nothing contradicts itself.\n"


def test_in_table_storage_there_is_nothing_to_give_back(
    ado: CommandLine, azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_URL", azurite.url())
    assert ado.json("state", "compact") == {"bytesBefore": None, "bytesAfter": None}


def test_where_nothing_is_kept_nothing_is_made_and_told_to_be_right(
    ado: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mistyped.db"
    monkeypatch.setenv("STATE_URL", f"sqlite:///{file}")
    for option in ((), ("--repair",)):
        assert "nothing is kept in" in ado("state", "verify", *option, code=2).err
    assert not file.exists()
    file.touch()
    assert "nothing is kept in" in ado("state", "verify", code=2).err
    assert file.stat().st_size == 0


@pytest.mark.usefixtures("simulator")
def test_a_damaged_file_is_told_as_one(
    ado: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "damaged.db"
    monkeypatch.setenv("STATE_URL", f"sqlite:///{file}")
    fill(ado)
    whole = file.read_bytes()
    for content in (whole[: len(whole) // 2], b"x" * 100 + whole[100:]):
        file.write_bytes(content)
        told = ado("state", "verify", code=2).err
        assert "is damaged" in told
        assert "state import" in told
        assert file.read_bytes() == content
