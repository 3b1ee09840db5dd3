"""The sections of an encoded AMQP 1.0 message (OASIS AMQP 1.0, parts 1.6 and 3.2), kept as they came."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from proton import Message

HEADER, ANNOTATIONS, PROPERTIES, APPLICATION, DATA, VALUE = 0x70, 0x72, 0x73, 0x74, 0x75, 0x77
_FIRST = range(0x70, 0x79)
_FIXED = {0x4: 0, 0x5: 1, 0x6: 2, 0x7: 4, 0x8: 8, 0x9: 16}


def _end(raw: bytes, start: int) -> int:
    """Where the value that starts there ends."""
    code = raw[start]
    start += 1
    if code == 0:
        return _end(raw, _end(raw, start))
    width = code >> 4
    if width in _FIXED:
        return start + _FIXED[width]
    if width in {0xA, 0xC, 0xE}:
        return start + 1 + raw[start]
    (size,) = struct.unpack_from(">I", raw, start)
    return start + 4 + int(size)


def sections(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Each section's code with its bytes, its descriptor included."""
    at = 0
    while at < len(raw):
        small = raw[at + 1] == 0x53
        end = _end(raw, at + (3 if small else 10))
        yield raw[at + 2] if small else raw[at + 9], raw[at:end]
        at = end


def section(raw: bytes, code: int) -> bytes:
    """The section of that code; empty when there is none."""
    return next((part for found, part in sections(raw) if found == code), b"")


def messages(raw: bytes) -> list[bytes]:
    """The messages of a transfer: a batch carries each as one data section, encoded in full."""
    parts = [_content(part) for code, part in sections(raw) if code == DATA]
    if parts and all(_is_message(part) for part in parts):
        return parts
    return [raw]


def _content(data: bytes) -> bytes:
    head = 3 if data[1] == 0x53 else 10
    return data[head + 2 :] if data[head] == 0xA0 else data[head + 5 :]


def _is_message(raw: bytes) -> bool:
    if len(raw) < 4 or raw[0] != 0:
        return False
    code = raw[2] if raw[1] == 0x53 else raw[9] if raw[1] == 0x80 and len(raw) > 9 else 0
    return code in _FIRST


def read(part: bytes) -> Message:
    """A section, or a whole message, as the library reads it."""
    message = Message()
    if part:
        message.decode(part)
    return message


def header(delivery_count: int) -> bytes:
    """A header of nothing but the count. Written by hand: the library leaves a count of 0 out."""
    return b"\x00\x53\x70\xc0\x0a\x05\x40\x40\x40\x42\x70" + struct.pack(">I", delivery_count)
