"""The SQLite file behind the embedded queue: one connection per process, transactions, migrations, errors."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from shared.queue.receiver import QueueUnavailable, QueueUrlError
from shared.queue.schema import APPLICATION_ID, MIGRATIONS, VERSION_TABLE

BUSY_SECONDS = 20.0
"""How long to wait for another process's write, of the connector state too where both share the file."""

_OURS = ("schema_version", "queue_schema_version")
"""Either table shows that a file is ours."""

_inherited: list[sqlite3.Connection] = []
"""Connections of a parent process. SQLite forbids even closing them here, so they are kept and left alone."""


class Store:
    """One connection that the threads of a process share by turns: every use of it is short."""

    def __init__(
        self,
        path: Path,
        *,
        setting: str,
        busy_seconds: float = BUSY_SECONDS,
        migrations: Sequence[str] = MIGRATIONS,
    ) -> None:
        self.path = path
        self._busy_seconds = busy_seconds
        self._setting = setting
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._closed = False
        self._open: list[sqlite3.Connection] = []
        weakref.finalize(self, _close_all, self._open)
        self._prepare(migrations)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._closed = True
            _close_all(self._open)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """The block sees one moment."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                _roll_back(connection)

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """All of the block's writes, or none.

        A sent message is written `durable`, on the disk when the block has ended. For the others the death of
        the process loses nothing, and a loss of power at worst forgets that a message was taken or completed:
        it is delivered again, which is what "at least once" allows.
        """
        with self._connection() as connection:
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                _roll_back(connection)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        if self._pid != os.getpid():
            _inherited.extend(self._open)
            self._open.clear()
            self._lock = threading.Lock()
            self._pid = os.getpid()
        with self._lock:
            if self._closed:
                raise QueueUnavailable("The queue is closed.")
            try:
                if not self._open:
                    self._open.append(self._connect())
                yield self._open[0]
            except sqlite3.DatabaseError as error:
                _close_all(self._open)
                if isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError:
                    raise self._unavailable(error) from error
                raise

    def _unavailable(self, error: sqlite3.Error) -> QueueUnavailable:
        return QueueUnavailable(f"The queue in {self.path} does not answer: {error}.")

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self.path,
            timeout=self._busy_seconds,
            isolation_level=None,  # transactions are begun and ended here, by name
            check_same_thread=False,  # the lock sees to it that only one thread uses it at a time
        )

    # --- opening ------------------------------------------------------------------------------------------

    def _prepare(self, migrations: Sequence[str]) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(f"its folder cannot be created ({error.strerror})") from error
        if self.path.is_dir():
            raise self._unusable("that is a folder")
        try:
            self._open.append(self._connect())
            connection = self._open[0]
            self._check_ours(connection)
            _write_ahead(connection, self._busy_seconds)
            self._migrate(connection, migrations)
        except sqlite3.DatabaseError as error:
            _close_all(self._open)
            if "locked" in str(error) or "busy" in str(error):
                raise self._unavailable(error) from error
            raise self._unusable(f"the file cannot be used ({error})") from error
        except BaseException:
            _close_all(self._open)
            raise

    def _unusable(self, why: str) -> QueueUrlError:
        return QueueUrlError(
            f"{self._setting}: {self.path}: {why}. Name a file that this user may write, on a disk of this "
            f"machine, such as {self._setting}=sqlite:////var/lib/ado-connector/queue.db"
        )

    def _check_ours(self, connection: sqlite3.Connection) -> None:
        """Refuse a database of another program before anything is written to it."""
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        names = {
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        if application not in {0, APPLICATION_ID} or (names and names.isdisjoint(_OURS)):
            raise self._unusable("it is the database of another program")

    def _migrate(self, connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
        if _version(connection) == len(migrations):
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Asked again under the lock: another process may have come first.
            version = _version(connection)
            if version > len(migrations):
                raise self._unusable(
                    f"it was written by a newer version of this program (schema {version}; this one knows "
                    f"{len(migrations)}): update the program"
                )
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"CREATE TABLE IF NOT EXISTS {VERSION_TABLE} (version INTEGER NOT NULL)")
            for number, script in enumerate(migrations[version:], start=version + 1):
                for statement in _statements(script):
                    connection.execute(statement)
                connection.execute(f"INSERT INTO {VERSION_TABLE} (version) VALUES (?)", (number,))  # noqa: S608
            connection.execute("COMMIT")
        finally:
            _roll_back(connection)


def _version(connection: sqlite3.Connection) -> int:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (VERSION_TABLE,)).fetchone()
    if known is None:
        return 0
    (version,) = connection.execute(f"SELECT max(version) FROM {VERSION_TABLE}").fetchone()  # noqa: S608
    return int(version or 0)


def _statements(script: str) -> Iterator[str]:
    """One statement at a time: `executescript` would commit in the middle of the migration."""
    pending = ""
    for part in script.split(";")[:-1]:
        pending += f"{part};"
        if sqlite3.complete_statement(pending):  # else the semicolon was in a text or a comment
            yield pending
            pending = ""


def _write_ahead(connection: sqlite3.Connection, patience: float) -> None:
    """Switch to WAL once. SQLite does not wait for others here by itself, so several openers take turns."""
    deadline = time.monotonic() + patience
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
            if mode != "wal":
                connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


def _close_all(connections: list[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()
