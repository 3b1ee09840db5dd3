"""Composition root. Light to import: the heavy parts load when the first function runs."""

from __future__ import annotations

import os
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.model.command import Command
    from shared.ports import Dependencies, Intake, Viewers
    from shared.views.sheets import Sheets
    from shared.wiring.outages import Message
    from shared.wiring.runtime import Runtime

_TRACE = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

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
            from shared.wiring.principals import platform_viewers  # noqa: PLC0415
            from shared.wiring.runtime import (  # noqa: PLC0415 - heavy, see the module docstring
                build_runtime,
                open_stores,
            )
            from shared.wiring.settings import load_settings  # noqa: PLC0415

            # The Functions host runs this process: a local host has said by `use` what it runs with.
            _runtime = build_runtime(
                load_settings(),
                stores=partial(open_stores, hosted=True),
                viewers=platform_viewers(os.environ),
            )
        return _runtime


def dependencies() -> Dependencies:
    """What handlers are given."""
    return current().dependencies


def intake() -> Intake:
    """What the intake of reports is given beside that."""
    return current().intake


def viewers() -> Viewers:
    """How those who look are known."""
    return current().viewers


def sheets() -> Sheets:
    """What pages know of organizations, kept from one request to the next."""
    return current().sheets


def queue_counts() -> Mapping[str, Mapping[str, int]] | None:
    """How many messages each queue holds, by what becomes of them; None while the queues are away."""
    from dataclasses import asdict  # noqa: PLC0415 - heavy, see the module docstring

    from shared.wiring import outages  # noqa: PLC0415

    try:
        return {name: asdict(one) for name, one in current().queue.counts().items()}
    except outages.OWN_OUTAGES:
        return None


def is_able_to_start() -> bool:
    """Whether the settings, the state and the queues let the app start."""
    from shared.wiring import outages  # noqa: PLC0415 - heavy, see the module docstring

    try:
        current()
    except outages.OWN_OUTAGES:
        return False
    return True


def new_token() -> str:
    """A text that nobody can guess."""
    return secrets.token_urlsafe(32)


def deliver(
    queue: str, message: Message, handle: Callable[[Command, Dependencies], None], trace: str = ""
) -> None:
    """Give the command in the message to the handler. `trace` is of the run, where the message has none.

    Returns when the message is done with: handled, or put off because our own state, queues or secrets are
    away. Raises `shared.queue.messages.MessageRefused` and what a bug raises: the message comes again then,
    and in the end is a dead letter. Also raises when the queues themselves stay away.
    """
    from shared.wiring import outages  # noqa: PLC0415 - heavy, see the module docstring

    trace = _trace(message) or trace
    begin(trace=trace)
    command = decode(queue, message.get_body())
    begin(trace=trace, **_named(command, message))
    try:
        handle(command, dependencies())
    except outages.OWN_OUTAGES as outage:
        outages.put_off(queue, message, outage, _runtime)


def begin(**fields: str) -> None:
    """A function runs: what this thread logs from now on carries these fields, those that are not empty."""
    from structlog import contextvars  # noqa: PLC0415 - heavy, see the module docstring

    contextvars.clear_contextvars()
    contextvars.bind_contextvars(**{name: value for name, value in fields.items() if value})


def trace_of(text: object) -> str:
    """The W3C trace context that the text is; empty for any other text, which is not logged."""
    return text if isinstance(text, str) and _TRACE.fullmatch(text) else ""


def _trace(message: Message) -> str:
    told = message.application_properties or {}
    return trace_of(told.get("traceparent")) or trace_of(told.get("Diagnostic-Id"))


def _named(command: Command, message: Message) -> dict[str, str]:
    kind, revision = getattr(command, "kind", None), getattr(command, "revision", None)
    if kind is None:
        return {"work": f"{command.queue}/{message.message_id}"}
    return {
        "organization_id": command.organization,
        "work": f"{command.organization}/{command.queue}/{revision}",
    }


def decode(queue: str, body: bytes) -> Command:
    """Read a queue message. Raises `shared.queue.messages.MessageRefused`, which names the field."""
    from shared.queue.messages import decode as decode_message  # noqa: PLC0415 - loads pydantic

    return decode_message(queue, body)
