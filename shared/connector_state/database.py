"""A SQLite file shared by threads and processes: connections, transactions, migrations, errors."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from shared.connector_state.place import StateUrlError
from shared.connector_state.schema import APPLICATION_ID, MIGRATIONS, VERSION_TABLE
from shared.ports import StateUnavailable

BUSY_SECONDS = 20.0
"""How long to wait for another process's write. The longest write of ours takes a second or two."""

_OURS = ("schema_version", "queue_schema_version")
"""Either table shows that a file is ours: state and queue may share one."""

_BACKUP = 'The last backup can be brought into a new file: "ado-connector state import"'

_inherited: list[sqlite3.Connection] = []
"""Connections of a parent process. SQLite forbids even closing them here, so they are kept and left alone."""


class Database:
    """Pooled connections to one file.

    A connection is used by one thread at a time and goes back to the pool, so that neither short-lived
    threads leave connections behind nor a reader in the middle of a listing holds up anybody. Readers never
    wait (WAL). Writers of this process queue on a lock, which is fair and wakes at once; writers of other
    processes wait in SQLite's own busy handler.
    """

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
        self._pid = os.getpid()
        self._writer = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        weakref.finalize(self, _close_all, self._idle)
        self._prepare(migrations)

    def close(self) -> None:
        """Close every connection; one that is in use closes as soon as it is not."""
        self._closed = True
        _close_all(self._idle)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A consistent snapshot for as long as the block lasts."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                _roll_back(connection)

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """All of the block's writes, or none.

        A killed process loses nothing that was committed. Losing power may undo the last commits, together
        and in order, but never breaks the file: that is enough for whatever Azure DevOps tells again on the
        next run, since work, inventory and journal fall back as one. What only a person could tell again is
        written `durable`: it is on the disk when the block has ended.
        """
        self._after_fork()
        with self._writer, self._connection() as connection:
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                _roll_back(connection)

    def compact(self) -> tuple[int, int]:
        """Give back what was freed; bytes of the file before and after.

        Writers wait meanwhile; readers do not. Needs as much free space as the file takes.
        """
        self._after_fork()
        with self._writer:
            try:
                connection = self._connect()
                try:
                    # The copy that it makes is as large as the file: it does not belong into memory.
                    connection.execute("PRAGMA temp_store = FILE")
                    before = _bytes_of(connection)
                    connection.execute("VACUUM")
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                    return before, _bytes_of(connection)
                finally:
                    connection.close()
            except sqlite3.Error as error:
                raise self._unavailable(error) from error

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        self._after_fork()
        if self._closed:
            raise StateUnavailable("The connector state is closed.")
        connection = self._take()
        taken_by = os.getpid()
        try:
            yield connection
        except sqlite3.OperationalError as error:
            connection.close()
            raise self._unavailable(error) from error
        except sqlite3.DatabaseError as error:
            connection.close()
            if type(error) is sqlite3.DatabaseError:  # malformed, or no database any more
                raise self._unavailable(error) from error
            raise
        except BaseException:
            self._give_back(connection, taken_by)
            raise
        else:
            self._give_back(connection, taken_by)

    def _take(self) -> sqlite3.Connection:
        with suppress(IndexError):
            return self._idle.pop()
        try:
            return self._connect()
        except sqlite3.Error as error:
            raise self._unavailable(error) from error

    def _give_back(self, connection: sqlite3.Connection, taken_by: int) -> None:
        if taken_by != os.getpid():  # forked in the middle of a listing
            _inherited.append(connection)
            return
        self._idle.append(connection)
        if self._closed:
            _close_all(self._idle)

    def _after_fork(self) -> None:
        if self._pid != os.getpid():
            _inherited.extend(self._idle)
            self._idle.clear()
            self._writer = threading.Lock()
            self._pid = os.getpid()

    def _unavailable(self, error: sqlite3.Error) -> StateUnavailable:
        if type(error) is sqlite3.DatabaseError:
            return StateUnavailable(
                f"The connector state in {self.path} is damaged ({error}). Set STATE_URL to a new file, and "
                'bring the last backup into it: "ado-connector state import".'
            )
        return StateUnavailable(f"The connector state in {self.path} does not answer: {error}.")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path,
            timeout=self._busy_seconds,
            isolation_level=None,  # transactions are begun and ended here, by name
            check_same_thread=False,  # the pool sees to it that only one thread uses it at a time
            cached_statements=256,
        )
        try:
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("PRAGMA cache_size = -16000")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    # --- opening ------------------------------------------------------------------------------------------

    def _prepare(self, migrations: Sequence[str]) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(f"its folder cannot be created ({error.strerror})") from error
        if self.path.is_dir():
            raise self._unusable("that is a folder")
        try:
            connection = self._connect()
        except sqlite3.Error as error:
            raise self._unopened(error) from error
        try:
            self._check_ours(connection)
            _write_ahead(connection, self._busy_seconds)
            self._migrate(connection, migrations)
        except sqlite3.OperationalError as error:
            connection.close()
            if "locked" in str(error) or "busy" in str(error):
                raise self._unavailable(error) from error
            raise self._unusable(f"the file cannot be used ({error})") from error
        except sqlite3.DatabaseError as error:
            connection.close()
            raise self._unopened(error) from error
        except BaseException:
            connection.close()
            raise
        self._give_back(connection, self._pid)

    def _unopened(self, error: sqlite3.Error) -> StateUrlError:
        if type(error) is sqlite3.DatabaseError:  # malformed, or no database at all
            return self._unusable(f"the file is damaged, or no SQLite database ({error}). {_BACKUP}")
        return self._unusable(f"the file cannot be opened ({error})")

    def _unusable(self, why: str) -> StateUrlError:
        return StateUrlError(
            f"{self._setting}: {self.path}: {why}. Name a file that this user may write, on a disk "
            f"of this machine, such as {self._setting}=sqlite:////var/lib/ado-connector/state.db"
        )

    def _check_ours(self, connection: sqlite3.Connection) -> None:
        """Refuse a database of another program before anything is written to it."""
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        names = {
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        if application not in {0, APPLICATION_ID}:
            raise self._unusable("it is the database of another program")
        if names and names.isdisjoint(_OURS):
            if application == APPLICATION_ID:
                raise self._unusable(f"its table schema_version is not there. {_BACKUP}")
            raise self._unusable("it is the database of another program")
        if application == APPLICATION_ID and not names:
            # A new one gets mark and tables at once: an empty state must not take its place unnoticed.
            raise self._unusable(f"it is a state of this program, and all of its tables are gone. {_BACKUP}")

    def _migrate(self, connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
        if version_of(connection) == len(migrations):
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Asked again under the lock: another process may have come first.
            version = version_of(connection)
            if version > len(migrations):
                raise self._unusable(
                    f"it was written by a newer version of this program (schema {version}; this one knows "
                    f"{len(migrations)}): update the program"
                )
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"CREATE TABLE IF NOT EXISTS {VERSION_TABLE} (version INTEGER NOT NULL)")
            for number, script in enumerate(migrations[version:], start=version + 1):
                for statement in statements(script):
                    self._migrate_by(connection, statement, version)
                connection.execute(f"INSERT INTO {VERSION_TABLE} (version) VALUES (?)", (number,))  # noqa: S608
            connection.execute("COMMIT")
        finally:
            _roll_back(connection)

    def _migrate_by(self, connection: sqlite3.Connection, statement: str, version: int) -> None:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            if "already exists" not in str(error) and "duplicate column" not in str(error):
                raise
            raise self._unusable(
                f"its table {VERSION_TABLE} tells version {version}, and the rest is of a later one "
                f"({error}): it was changed by hand. {_BACKUP}"
            ) from error


def version_of(connection: sqlite3.Connection) -> int:
    """The version of the schema that a database has; 0 where it has none."""
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (VERSION_TABLE,)).fetchone()
    if known is None:
        return 0
    (version,) = connection.execute(f"SELECT max(version) FROM {VERSION_TABLE}").fetchone()  # noqa: S608
    return int(version or 0)


def statements(script: str) -> Iterator[str]:
    """One statement at a time: `executescript` would commit in the middle of the migration."""
    pending = ""
    for part in script.split(";")[:-1]:
        pending += f"{part};"
        if sqlite3.complete_statement(pending):  # else the semicolon was in a text or a comment
            yield pending
            pending = ""


def _bytes_of(connection: sqlite3.Connection) -> int:
    (pages,), (size,) = (
        connection.execute(f"PRAGMA {one}").fetchone() for one in ("page_count", "page_size")
    )
    return int(pages * size)


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
    with suppress(IndexError):  # several threads may come to close at once
        while True:
            connections.pop().close()


class Part:
    """One part of the state's methods, on the database that all parts share."""

    def __init__(self, database: Database) -> None:
        self._database = database
