"""When our own state, queues or secrets are away: messages are put off, so that none is given up for it.

A message that is given back is delivered again at once, and is a dead letter after ten times: within
seconds. So a copy is sent for later, and the original completes. If the queues cannot be sent to either, the
message is held, and sending tried again, for so long that ten deliveries outlast an outage of an hour. Where
the whole broker is away nothing is delivered meanwhile, and nothing counted.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from shared.ports import Clock, Log, StateUnavailable
from shared.queue import QueueUrlError, open_queue
from shared.wiring.clock import SystemClock
from shared.wiring.places import queue_place
from shared.wiring.process import process_owner
from shared.wiring.settings import SettingsError, load_places
from shared.wiring.telemetry import configure_logging

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.queue.receiver import Queues
    from shared.wiring.runtime import Runtime

OWN_OUTAGES = (StateUnavailable, SettingsError)
"""Nobody's message is to blame for these. A setting that is wrong counts: somebody will mend it."""

DEFERRALS = "deferrals"
"""Application property of a copy: how often the message was put off."""

FIRST = timedelta(seconds=15)
MOST = timedelta(minutes=5)
_JITTER = 0.2
_OFTEN = 1_000_000
_PAUSES = (5, 10, 15, 30, *(60,) * 9)
"""Seconds between tries to send: ten minutes in all, within the time for which the host renews locks."""


class Message(Protocol):
    """What is needed of `azure.functions.ServiceBusMessage`."""

    @property
    def message_id(self) -> str: ...
    @property
    def correlation_id(self) -> str | None: ...
    @property
    def application_properties(self) -> dict[str, Any]: ...
    def get_body(self) -> bytes: ...


def put_off(queue: str, message: Message, outage: BaseException, runtime: Runtime | None) -> None:
    """Send a copy of the message for later. Raises the outage when even that cannot be done for long."""
    clock: Clock = runtime.clock if runtime else SystemClock()
    log: Log = runtime.dependencies.log if runtime else configure_logging("warning")
    properties = _properties(message)
    deferrals = _deferrals(properties)
    properties[DEFERRALS] = deferrals + 1
    for pause in (*_PAUSES, None):
        until = clock.now() + delay(deferrals)
        try:
            with _sender(runtime, clock) as sender:
                sender.send_raw(
                    queue,
                    message.get_body(),
                    not_before=until,
                    correlation_id=message.correlation_id or message.message_id or "",
                    properties=properties,
                )
        except (*OWN_OUTAGES, QueueUrlError) as error:
            log.warning("message.notPutOff", queue=queue, error=str(error), outage=str(outage))
            if pause is None:
                raise outage from error
            clock.sleep(pause)
        else:
            log.warning(
                "message.putOff",
                queue=queue,
                until=until.isoformat(timespec="seconds"),
                deferrals=deferrals + 1,
                outage=str(outage),
            )
            return


def delay(deferrals: int) -> timedelta:
    """How long to put off what was put off so often: doubling to a limit, spread over a fifth of it."""
    spread = 1 - _JITTER * random.random()  # noqa: S311 - no secret
    whole: timedelta = min(FIRST * 2 ** min(deferrals, 10), MOST)
    return whole * spread


def _properties(message: Message) -> dict[str, Any]:
    """What the sender said beside the body, as far as a queue takes it."""
    told: Mapping[str, Any] = message.application_properties or {}
    return {key: value for key, value in told.items() if isinstance(value, str | int | float | bool)}


def _deferrals(properties: Mapping[str, Any]) -> int:
    """How often it was put off; what is no such number was not written by us."""
    told = properties.get(DEFERRALS, 0)
    return told if type(told) is int and 0 <= told < _OFTEN else 0


@contextmanager
def _sender(runtime: Runtime | None, clock: Clock) -> Iterator[Queues]:
    """The runtime's queues; before there is a runtime, some of our own for the moment."""
    if runtime is not None:
        yield runtime.queue
        return
    url, setting = queue_place(load_places(), hosted=True)
    queues = open_queue(url, clock, owner=process_owner(), setting=setting)
    try:
        yield queues
    finally:
        queues.close()
