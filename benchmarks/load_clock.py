"""A clock that runs faster than the real one, the same in every process of a run."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


class FastClock:
    """UTC that runs `speed` times as fast since `began` (seconds since 1970); so do those who sleep by it."""

    def __init__(self, began: float, speed: float) -> None:
        self._began = began
        self._speed = speed
        self._stop = threading.Event()

    def now(self) -> datetime:
        """The present of the run."""
        return self.at(time.time())

    def at(self, real: float) -> datetime:
        """What this clock shows at a real moment."""
        return datetime.fromtimestamp(self._began + (real - self._began) * self._speed, UTC)

    def sleep(self, seconds: float) -> None:
        """Wait so long by this clock, or until `stop` is called."""
        if seconds > 0:
            self._stop.wait(seconds / self._speed)

    def stop(self) -> None:
        """Wake every sleeper and let none sleep again."""
        self._stop.set()
