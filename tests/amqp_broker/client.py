"""The queues of the broker as the app has them, for tests that share a busy machine with the broker."""

from __future__ import annotations

from azure.servicebus import ServiceBusClient

from shared.ports import Clock
from shared.queue.namespace import options
from shared.queue.servicebus import ServiceBusQueue

PATIENCE = 60.0
"""Seconds that the broker may take to answer: a machine that stands still says nothing of the queues."""


RACING = 5.0
"""Seconds for those who take from one queue at once: for the last message all but one wait in vain."""


def patient_queue(connection_string: str, clock: Clock, *, wait_seconds: float = PATIENCE) -> ServiceBusQueue:
    """As `open_queue`, but waits for what the broker is slow to give.

    So it does, in vain, for a message that it sees and that somebody else holds.
    """
    patient = {**options(), "try_timeout": PATIENCE}
    client = ServiceBusClient.from_connection_string(connection_string, **patient)
    return ServiceBusQueue(client, clock, wait_seconds=wait_seconds)
