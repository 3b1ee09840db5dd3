"""Opening: URL forms, places that cannot be used, files that are not ours."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.connector_state import StateUrlError, open_state
from shared.queue import QueueUrlError, open_queue
from tests.contract.adapters import FakeClock


def open_both(url: str) -> None:
    """The queue judges places as the state does."""
    with pytest.raises(QueueUrlError, match=r"^QUEUE_URL: "):
        open_queue(url, FakeClock())
    open_state(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "state.db",
        "/var/lib/state.db",
        "postgresql://me:hunter2@host/db",
        "tables://account?key=hunter2",
        "sqlite:/state.db",
        "sqlite://state.db",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///folder/",
        "sqlite:///nul\0byte",
    ],
)
def test_other_urls_are_refused_with_an_example_and_without_their_secrets(url: str) -> None:
    told = r"^STATE_URL: .*(STATE_URL=sqlite:////|tables://ACCOUNT)"
    with pytest.raises(StateUrlError, match=told) as refusal:
        open_both(url)
    assert "hunter2" not in str(refusal.value)


def test_the_setting_is_called_as_the_caller_calls_it() -> None:
    with pytest.raises(StateUrlError, match=r"^--state: .*--state=sqlite:////"):
        open_state("nonsense", setting="--state")


def test_four_slashes_are_an_absolute_path(tmp_path: Path) -> None:
    open_state(f"sqlite:///{tmp_path}/state.db").close()
    assert (tmp_path / "state.db").is_file()


def test_three_slashes_are_a_path_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    open_state("sqlite:///here/state.db").close()
    open_queue("sqlite:///here/queue.db", FakeClock()).close()
    assert {one.name for one in (tmp_path / "here").iterdir()} == {"state.db", "queue.db"}


def test_a_tilde_is_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    open_state("sqlite:///~/state.db").close()
    assert (tmp_path / "state.db").is_file()


@pytest.mark.parametrize("name", ["with space.db", "名前.db", "100%.db", "a?b#c.db", "quote'.db"])
def test_a_path_is_taken_as_it_is(tmp_path: Path, name: str) -> None:
    if sys.platform == "win32" and "?" in name:
        pytest.skip("Windows has no such file names")
    open_state(f"sqlite:///{tmp_path / name}").close()
    assert (tmp_path / name).is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no mode on Windows")
def test_missing_folders_are_created_for_this_user_alone(tmp_path: Path) -> None:
    open_state(f"sqlite:///{tmp_path}/a/b/state.db").close()
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(StateUrlError, match="that is a folder"):
        open_both(f"sqlite:///{tmp_path}")


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    with pytest.raises(StateUrlError, match="folder cannot be created"):
        open_both(f"sqlite:///{tmp_path}/file/state.db")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a place that nobody may write")
def test_a_place_where_nobody_may_write_is_refused() -> None:
    with pytest.raises(StateUrlError, match=r"^STATE_URL: /proc/self/"):
        open_both("sqlite:////proc/self/state.db")


@pytest.fixture
def of_another_user() -> Iterator[Path]:
    """A folder that this process may enter and read, but not write; root becomes nobody for the test."""
    folder = Path(tempfile.mkdtemp())
    open_state(f"sqlite:///{folder}/old.db").close()
    (folder / "old.db").chmod(0o444)
    folder.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield folder
    os.seteuid(user)
    folder.chmod(0o700)


@pytest.mark.skipif(sys.platform == "win32", reason="users and modes are of POSIX")
@pytest.mark.parametrize("name", ["new.db", "old.db", "sub/new.db"])
def test_a_place_without_permission_is_refused(of_another_user: Path, name: str) -> None:
    with pytest.raises(StateUrlError, match=r"^STATE_URL: .*\.db: .*may write"):
        open_both(f"sqlite:///{of_another_user}/{name}")


@pytest.mark.parametrize(
    "content", [b"this is a text file, and a rather long one at that\n" * 100, b"\0" * 4096]
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(content)
    with pytest.raises(StateUrlError, match=r"^STATE_URL: .*notes.txt: .*database"):
        open_both(f"sqlite:///{file}")
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE photos (id INTEGER)", "PRAGMA application_id = 252006674"]
)
def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path: Path, statement: str) -> None:
    file = tmp_path / "photos.db"
    other = sqlite3.connect(file)
    other.execute(statement)
    other.commit()
    other.close()
    content = file.read_bytes()
    with pytest.raises(StateUrlError, match="the database of another program"):
        open_both(f"sqlite:///{file}")
    assert file.read_bytes() == content


def test_an_empty_file_becomes_the_state(tmp_path: Path) -> None:
    (tmp_path / "state.db").touch()
    with open_state(f"sqlite:///{tmp_path}/state.db") as state:
        assert state.connectors() == ()


@pytest.mark.parametrize("table", ["schema_version", "queue_schema_version"])
def test_a_newer_schema_is_refused(tmp_path: Path, table: str) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    open_state(url).close()
    open_queue(url, FakeClock()).close()
    newer = sqlite3.connect(tmp_path / "state.db")
    newer.execute(f"INSERT INTO {table} VALUES (99)")  # noqa: S608
    newer.commit()
    newer.close()
    with pytest.raises(
        (StateUrlError, QueueUrlError), match=r"newer version .*99; this one knows \d.*update"
    ):
        (open_state(url) if table == "schema_version" else open_queue(url, FakeClock())).close()


@pytest.mark.parametrize("first", ["state", "queue"])
def test_state_and_queue_share_a_file(tmp_path: Path, first: str) -> None:
    url = f"sqlite:///{tmp_path}/both.db"
    if first == "queue":
        open_queue(url, FakeClock()).close()
    with open_state(url) as state, open_queue(url, FakeClock()) as queue:
        queue.send_raw("inventory", b"1")
        assert state.connectors() == ()
        assert queue.counts()["inventory"].active == 1
    open_state(url).close()
    with open_queue(url, FakeClock()) as queue:
        assert queue.counts()["inventory"].active == 1
