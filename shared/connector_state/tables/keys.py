"""Keys and properties: any text fits into a key, any document into an entity."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Mapping
from typing import Final

Value = str | bytes | int | bool

_SAFE = re.compile(rb"[A-Za-z0-9._@-]")
_PLAIN = re.compile(r"[A-Za-z0-9._@-]*")
_KEY_MOST: Final = 160
"""Characters of one part of a key. Table Storage takes 512 in a key, which has three parts at most."""

BEHIND: Final = ";"
"""Sorts right behind the colon that ends each part of a key: the end of a range over a prefix."""

_PROPERTY_MOST: Final = 60_000
"""Bytes in one property; Table Storage takes 65,536, and half as many characters of text."""
_PIECES_MOST: Final = 15
"""Properties that one document may fill; Table Storage takes a megabyte in an entity."""
_TEXT_MOST: Final = 20_000
_UNSTORABLE = re.compile("[^\x20-\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0001fffd]")
"""What is safer as bytes: control characters, lone surrogates, and what is no character at all."""

TEXT: Final = "document"
_PIECE: Final = "document"


class DocumentTooLarge(ValueError):
    """A record is larger than an entity of Table Storage."""


def part(text: str) -> str:
    """Any text as one part of a key: reversible to the eye, one to one, and free of what keys forbid.

    Letters outside ASCII, separators, control characters and lone surrogates are written as `~hh` for each
    byte. What gets too long ends in its hash.
    """
    if _PLAIN.fullmatch(text) and len(text) <= _KEY_MOST:
        return text
    raw = text.encode(errors="surrogatepass")
    written = "".join(
        chr(byte) if _SAFE.fullmatch(bytes((byte,))) else f"~{byte:02x}" for byte in raw[: 2 * _KEY_MOST]
    )
    if len(raw) <= 2 * _KEY_MOST and len(written) <= _KEY_MOST:
        return written
    return f"{written[: _KEY_MOST - 66]}~~{hashlib.sha256(raw).hexdigest()}"


def key(*parts: str) -> str:
    """A key of these parts. The first is a word of ours; the others are anything."""
    return ":".join(part(one) for one in parts)


def prefix(*parts: str) -> tuple[str, str]:
    """The range of all keys that begin with these parts and have more: from, and up to but without."""
    begin = key(*parts)
    return f"{begin}:", f"{begin}{BEHIND}"


def pack(cell: str | bytes) -> dict[str, Value]:
    """A document as properties: as text where that is short and plain, else compressed, in pieces."""
    if isinstance(cell, str) and len(cell) <= _TEXT_MOST and not _UNSTORABLE.search(cell):
        return {TEXT: cell}
    return pack_bytes(zlib.compress(cell if isinstance(cell, bytes) else cell.encode(), 6))


def pack_bytes(raw: bytes) -> dict[str, Value]:
    """Bytes as properties, in pieces. Raises `DocumentTooLarge`."""
    pieces = [raw[start : start + _PROPERTY_MOST] for start in range(0, len(raw), _PROPERTY_MOST)]
    if len(pieces) > _PIECES_MOST:
        raise DocumentTooLarge(
            f"A record has {len(raw):,} bytes, compressed, of at most {_PIECES_MOST * _PROPERTY_MOST:,} that "
            "fit into an entity of Table Storage. It was not written."
        )
    return {f"{_PIECE}{number}": piece for number, piece in enumerate(pieces)}


def unpack(entity: Mapping[str, Value]) -> str | bytes:
    """The document that `pack` made into properties."""
    text = entity.get(TEXT)
    if isinstance(text, str):
        return text
    return zlib.decompress(unpack_bytes(entity))


def unpack_bytes(entity: Mapping[str, Value]) -> bytes:
    """The bytes that `pack_bytes` made into properties."""
    pieces = []
    for number in range(_PIECES_MOST):
        piece = entity.get(f"{_PIECE}{number}")
        if not isinstance(piece, bytes):
            break
        pieces.append(piece)
    return b"".join(pieces)
