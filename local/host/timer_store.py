"""What a timer remembers when the host is not running, as `use_monitor` has it in Azure.

A row tells when the timer ran, when it is next, and which process runs it now: so that an occurrence that was
missed is made up for once, and no timer runs twice at a time, in however many processes. A process that
died in the middle of a run has not moved `next` on: the run is made up for as well.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from local.host.schedule import Schedule
from shared.ports import StateUnavailable

_BUSY_SECONDS = 20.0
_TABLE = """
CREATE TABLE IF NOT EXISTS timers (
    name TEXT PRIMARY KEY,
    schedule TEXT NOT NULL,
    last TEXT,
    next TEXT NOT NULL,
    last_updated TEXT NOT NULL,
    running_by TEXT NOT NULL DEFAULT ''
)
"""


@dataclass(frozen=True, slots=True)
class TimerStatus:
    """When a timer ran last (None before its first run), when it is next, and when that was written."""

    last: datetime | None
    next: datetime
    last_updated: datetime


class TimerStore:
    """Timer rows in a SQLite file; without a file they last as long as the process."""

    def __init__(
        self, path: Path | None, *, owner: str = "", is_alive: Callable[[str], bool] = lambda _: True
    ) -> None:
        self._owner = owner
        self._is_alive = is_alive
        self._lock = threading.Lock()
        if path is not None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._connection = sqlite3.connect(
            path or ":memory:", timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        # Whoever made it need not close it; Python warns of connections that are left open.
        self._finalizer = weakref.finalize(self, self._connection.close)
        with self._transaction() as connection:
            connection.execute(_TABLE)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._finalizer()

    def open(self, name: str, schedule: Schedule, now: datetime) -> TimerStatus:
        """The timer's status, made when it is new, and counted anew when its schedule was changed."""
        with self._transaction() as connection:
            row = connection.execute("SELECT schedule FROM timers WHERE name = ?", (name,)).fetchone()
            if row is None:
                connection.execute(
                    "INSERT INTO timers (name, schedule, next, last_updated) VALUES (?, ?, ?, ?)",
                    (name, schedule.text, _text(schedule.next_after(now)), _text(now)),
                )
            elif row[0] != schedule.text:
                since = self._status(connection, name).last_updated
                connection.execute(
                    "UPDATE timers SET schedule = ?, next = ? WHERE name = ?",
                    (schedule.text, _text(schedule.next_after(since)), name),
                )
            return self._status(connection, name)

    def status(self, name: str) -> TimerStatus:
        """The status of a timer that was opened."""
        with self._transaction() as connection:
            return self._status(connection, name)

    def claim(self, name: str, now: datetime) -> TimerStatus | None:
        """The status to run it with, if it is due and nobody runs it; then it is ours until `finish`."""
        with self._transaction() as connection:
            status = self._status(connection, name)
            (running_by,) = connection.execute(
                "SELECT running_by FROM timers WHERE name = ?", (name,)
            ).fetchone()
            if status.next > now or (running_by and self._may_run(running_by)):
                return None
            connection.execute("UPDATE timers SET running_by = ? WHERE name = ?", (self._owner, name))
            return status

    def correct(self, name: str, following: datetime) -> None:
        """The next occurrence is earlier than was noted: the clock has gone back since."""
        with self._transaction() as connection:
            connection.execute("UPDATE timers SET next = ? WHERE name = ?", (_text(following), name))

    def finish(self, name: str, last: datetime, following: datetime, now: datetime) -> None:
        """The run is over, whether or not it went well."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE timers SET last = ?, next = ?, last_updated = ?, running_by = '' WHERE name = ?",
                (_text(last), _text(following), _text(now), name),
            )

    def _may_run(self, owner: str) -> bool:
        return owner != self._owner and self._is_alive(owner)

    @staticmethod
    def _status(connection: sqlite3.Connection, name: str) -> TimerStatus:
        last, following, updated = connection.execute(
            "SELECT last, next, last_updated FROM timers WHERE name = ?", (name,)
        ).fetchone()
        return TimerStatus(
            last=datetime.fromisoformat(last) if last else None,
            next=datetime.fromisoformat(following),
            last_updated=datetime.fromisoformat(updated),
        )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                raise StateUnavailable(f"The timers' file does not answer: {error}.") from error
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
