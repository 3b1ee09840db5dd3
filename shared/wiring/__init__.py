"""Composition root. Light to import: the heavy parts load when the first function runs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.model.command import Command
    from shared.ports import Dependencies
    from shared.wiring.runtime import Runtime

_lock = threading.Lock()
_runtime: Runtime | None = None


def use(runtime: Runtime | None) -> None:
    """Make this the process's runtime (the command line and the local host do, with their settings)."""
    global _runtime  # noqa: PLW0603 - one runtime per process is what a Functions worker has
    with _lock:
        _runtime = runtime


def current() -> Runtime:
    """The process's runtime, built from the environment when first asked for.

    Raises `SettingsError` when a setting is wrong.
    """
    global _runtime  # noqa: PLW0603 - see `use`
    with _lock:
        if _runtime is None:
            from shared.wiring.runtime import build_runtime  # noqa: PLC0415 - heavy, see the module docstring
            from shared.wiring.settings import load_settings  # noqa: PLC0415

            _runtime = build_runtime(load_settings())
        return _runtime


def dependencies() -> Dependencies:
    """What handlers are given."""
    return current().dependencies


def decode(queue: str, body: bytes) -> Command:
    """Read a queue message. Raises `shared.queue.messages.MessageRefused`, which names the field."""
    from shared.queue.messages import decode as decode_message  # noqa: PLC0415 - loads pydantic

    return decode_message(queue, body)
