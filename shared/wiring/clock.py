"""The real clock."""

from __future__ import annotations

import threading
from datetime import UTC, datetime


class SystemClock:
    """UTC now, and a sleep that a stopping process can cut short."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait so long, or until `stop` is called."""
        if seconds > 0:
            self._stop.wait(seconds)

    def stop(self) -> None:
        """Wake every sleeper and let none sleep again: the process is ending."""
        self._stop.set()
