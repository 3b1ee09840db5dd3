"""What every queue checks before it takes a message, so that all of them take the same ones."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from shared.queue.receiver import MESSAGE_BYTES, QUEUES, MessageTooLarge, Property, UnknownQueue

ID_CHARACTERS = 128
"""Most characters of a message or correlation id: what Azure Service Bus takes."""

_INT64 = 1 << 63


def check_name(queue: str) -> None:
    """Raise `UnknownQueue` when the app has no queue of that name."""
    if queue not in QUEUES:
        raise UnknownQueue(f"There is no queue {queue!r:.80}; there are {', '.join(QUEUES)}.")


def check_message(
    queue: str, body: bytes, message_id: str, correlation_id: str, properties: Mapping[str, Property]
) -> str:
    """The properties as JSON. Raises what `shared.queue.receiver.RawSender` says, as nothing was sent yet."""
    for name, value in properties.items():
        _check_property(name, value)
    text = json.dumps(dict(properties))
    if max(len(message_id), len(correlation_id)) > ID_CHARACTERS:
        raise ValueError(f"message and correlation ids have at most {ID_CHARACTERS} characters")
    size = len(body) + len(text) + len(message_id) + len(correlation_id)
    if size > MESSAGE_BYTES:
        raise MessageTooLarge(
            f"The message for queue {queue} has {size:,} bytes, of at most {MESSAGE_BYTES:,}. "
            "It was not sent; put less into it."
        )
    return text


def _check_property(name: str, value: object) -> None:
    if not isinstance(value, str | int | float):
        raise TypeError(f"Property {name!r} is a {type(value).__name__}. Give text, a number or a boolean.")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"Property {name!r} is {value}. Give a finite number.")
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        raise ValueError(f"Property {name!r} does not fit into 64 bits. Give it as text.")
    for text in (name, value):
        if isinstance(text, str) and storable(text) != text:
            raise ValueError(f"Property {name!r} holds half a character. Give text that UTF-8 can hold.")


def storable(text: str) -> str:
    """A text for people, with what UTF-8 cannot hold written out."""
    return text.encode(errors="backslashreplace").decode()
