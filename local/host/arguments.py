"""What a function is called with, decoded by the library itself from what the Functions host would send."""

from __future__ import annotations

import json
import secrets
import threading
import uuid
from collections.abc import Mapping
from typing import Any

import azure.functions as func
from azure.functions.meta import Datum
from azure.functions.servicebus import ServiceBusMessageInConverter
from azure.functions.timer import TimerRequestConverter

from local.host.functions import Function, QueueFunction, TimerFunction
from local.host.timer_store import TimerStatus
from shared.queue.receiver import Delivery

_NEVER = "0001-01-01T00:00:00"
"""How the Functions host writes that a timer has not run yet."""


class RunTrace:
    """The W3C trace context of one run."""

    def __init__(self, parent: str) -> None:
        self._parent = parent

    @property
    def trace_parent(self) -> str:
        """What a `traceparent` header holds."""
        return self._parent

    @property
    def trace_state(self) -> str:
        """Nobody else has written anything to it."""
        return ""

    @property
    def attributes(self) -> dict[str, str]:
        """None."""
        return {}


class InvocationContext(func.Context):
    """The context of one run, for a function that asks for it."""

    def __init__(self, function: Function, invocation_id: str, storage: threading.local) -> None:
        self._function = function
        self._invocation_id = invocation_id
        self._storage = storage
        self._trace = RunTrace(f"00-{invocation_id}-{secrets.token_hex(8)}-01")

    @property
    def invocation_id(self) -> str:
        """Different for every run."""
        return self._invocation_id

    @property
    def thread_local_storage(self) -> threading.local:  # type: ignore[override] # declared as the class
        """Holds the invocation id for the thread that runs the function."""
        return self._storage

    @property
    def function_name(self) -> str:
        """The function's name."""
        return self._function.name

    @property
    def function_directory(self) -> str:
        """The folder of the file that defines the function."""
        return str(self._function.folder)

    @property
    def trace_context(self) -> RunTrace:  # type: ignore[override] # the library keeps its class to itself
        """A trace that begins with this run, as one does in Azure."""
        return self._trace

    @property
    def retry_context(self) -> None:  # type: ignore[override] # not an Optional there
        """Nothing is retried by this host: Service Bus triggers know delivery counts instead."""
        return


_storage = threading.local()


def timer_arguments(function: TimerFunction, status: TimerStatus, *, past_due: bool) -> dict[str, Any]:
    """The arguments of a timer function."""
    sent = {
        "Schedule": {"AdjustForDST": not function.schedule.is_span},
        "ScheduleStatus": {
            "Last": status.last.isoformat() if status.last else _NEVER,
            "Next": status.next.isoformat(),
            "LastUpdated": status.last_updated.isoformat(),
        },
        "IsPastDue": past_due,
    }
    request = TimerRequestConverter.decode(Datum(json.dumps(sent), "json"), trigger_metadata=None)
    return with_context(function, {function.binding: request})


def queue_arguments(function: QueueFunction, delivery: Delivery) -> dict[str, Any]:
    """The arguments of a queue function. Text is sent as text, all else as bytes, as in Azure."""
    try:
        body = Datum(delivery.body.decode(), "string")
    except UnicodeDecodeError:
        body = Datum(delivery.body, "bytes")
    message = ServiceBusMessageInConverter.decode(body, trigger_metadata=_metadata(delivery))
    return with_context(function, {function.binding: message})


def _metadata(delivery: Delivery) -> Mapping[str, Datum]:
    properties = json.dumps(dict(delivery.properties))
    texts = {
        "MessageId": delivery.message_id,
        "CorrelationId": delivery.correlation_id,
        "LockToken": delivery.lock_token,
    }
    documents = {
        "ApplicationProperties": properties,
        "UserProperties": properties,
        "DeliveryCount": json.dumps(delivery.delivery_count),
        "SequenceNumber": json.dumps(delivery.sequence_number),
        "EnqueuedTimeUtc": json.dumps(f"{delivery.enqueued_time:%Y-%m-%dT%H:%M:%S.%fZ}"),
        "LockedUntil": json.dumps(f"{delivery.locked_until:%Y-%m-%dT%H:%M:%S.%fZ}"),
    }
    return {
        **{key: Datum(value, "string") for key, value in texts.items() if value},
        **{key: Datum(value, "json") for key, value in documents.items()},
    }


def with_context(function: Function, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with the invocation's context, where the function asks for it."""
    if function.wants_context:
        _storage.invocation_id = uuid.uuid4().hex
        arguments["context"] = InvocationContext(function, _storage.invocation_id, _storage)
    return arguments
