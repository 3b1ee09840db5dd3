"""Sends commands so that what they set off belongs to the trace of whoever sent them."""

from __future__ import annotations

from datetime import datetime

from structlog import contextvars

from shared.model.command import Command
from shared.queue.receiver import RawSender


class TracedSender:
    """A `shared.ports.CommandSender`: each message carries the `traceparent` of the run that sends it.

    So a timer, the work that it queued and what that work queued in turn are found by one trace. Outside of a
    function (on the command line) there is none, and the host makes one when the message is handled.
    """

    def __init__(self, queue: RawSender) -> None:
        self._queue = queue

    def send(self, command: Command, *, not_before: datetime | None = None) -> None:
        from shared.queue.messages import encode  # noqa: PLC0415 - loads pydantic

        trace = contextvars.get_contextvars().get("trace")
        self._queue.send_raw(
            command.queue,
            encode(command),
            not_before=not_before,
            properties={"traceparent": trace} if trace else None,
        )
