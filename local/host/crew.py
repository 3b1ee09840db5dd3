"""The threads that run functions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

Task = Callable[[], None]


class Crew:
    """As many threads as there were tasks at once. They are reused: what a thread keeps open, it keeps.

    Daemons, so that a second Ctrl-C ends the process whatever they do.
    """

    def __init__(self) -> None:
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._busy = 0

    def start(self, task: Task) -> None:
        """Run the task on a thread that is free, or on a new one."""
        with self._lock:
            self._busy += 1
            if self._busy > self._threads:
                self._threads += 1
                threading.Thread(target=self._work, name=f"function-{self._threads}", daemon=True).start()
        self._tasks.put(task)

    def dismiss(self) -> None:
        """Let each thread end when its task is done."""
        with self._lock:
            for _ in range(self._threads):
                self._tasks.put(None)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                task()
            finally:
                with self._lock:
                    self._busy -= 1
