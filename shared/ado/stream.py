"""Reads the items of a collection one by one while the answer still arrives.

The reader is the standard library's, one item at a time, so memory holds one item and a chunk whatever the
size of the answer. In contrast to a general stream parser it also knows the envelope: a `value` that is an
object, a missing one, text behind the end or a wrong `count` are told apart from an empty listing.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Generator, Iterable, Iterator
from typing import Final

from shared.ado.parse import BrokenJsonError, ShapeError, check_count, refuse_constant

ITEM_MOST: Final = 1_000_000
"""Longest item that is taken, in characters."""

_SPACE = re.compile(r"[ \t\r\n]*")
_BEHIND_NUMBERS = frozenset(" \t\r\n,]}")
_DECODER = json.JSONDecoder(parse_constant=refuse_constant)


class _Feed:
    """Text that grows at its end as chunks arrive, and is dropped behind the place reached."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._decode = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""
        self._at = 0
        self._ended = False

    def _more(self) -> bool:
        """Take another chunk; False when there is none."""
        while not self._ended:
            chunk = next(self._chunks, None)
            self._ended = chunk is None
            try:
                text = self._decode.decode(chunk or b"", final=self._ended)
            except UnicodeDecodeError:
                raise BrokenJsonError("it is no UTF-8") from None
            if text:
                self._text = self._text[self._at :] + text
                self._at = 0
                return True
        return False

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            space = _SPACE.match(self._text, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self) -> str:
        """The next character that is no space, used up."""
        letter = self.peek()
        self._at += 1
        return letter

    def _is_whole(self, value: object, end: int) -> bool:
        """Whether the value cannot go on in the next chunk, as `1`, `1.` and `1e` can."""
        if isinstance(value, (int, float)):
            return self._text[end : end + 1] in _BEHIND_NUMBERS
        return True

    def value(self) -> object:
        """The next JSON value."""
        self.peek()
        while True:
            value: object = None
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except RecursionError:
                raise BrokenJsonError("it is nested too deeply") from None
            except json.JSONDecodeError:
                end = -1
            except BrokenJsonError:
                raise
            except ValueError:
                raise BrokenJsonError("it holds a number beyond measure") from None
            if end >= 0 and (self._ended or self._is_whole(value, end)):
                self._at = end
                return value
            if len(self._text) - self._at > ITEM_MOST:
                raise BrokenJsonError(f"an item is broken, or longer than {ITEM_MOST} characters")
            if not self._more() and end < 0:
                raise BrokenJsonError("it is cut short or no JSON")


def stream_items(chunks: Iterable[bytes], key: str = "value") -> Iterator[object]:
    """Yield each item of the list under `key`; to its last item only if the whole document is sound.

    Raises `BrokenJsonError` and `ShapeError`, perhaps after items were yielded: those count for nothing.
    """
    feed = _Feed(chunks)
    if feed.peek() != "{":
        if feed.peek():
            raise ShapeError("(the answer)", "is no object")
        raise BrokenJsonError("it is empty")
    feed.take()
    found: int | None = None
    count: object = None
    while feed.peek() != "}":
        field = feed.value()
        if not isinstance(field, str) or feed.take() != ":":
            raise BrokenJsonError("it is cut short or no JSON")
        if field == key:
            if found is not None:
                raise ShapeError(key, "comes twice")
            found = yield from _items(feed, key)
        else:
            value = feed.value()
            count = value if field == "count" else count
        if feed.peek() == ",":
            feed.take()
            if feed.peek() != '"':
                raise BrokenJsonError("it is cut short or no JSON")
        elif feed.peek() != "}":
            raise BrokenJsonError("it is cut short or no JSON")
    feed.take()
    if feed.peek():
        raise BrokenJsonError("something follows its end")
    if found is None:
        raise ShapeError(key, "is missing")
    check_count(count, found)


def _items(feed: _Feed, key: str) -> Generator[object, None, int]:
    if feed.peek() != "[":
        raise ShapeError(key, "is no list")
    feed.take()
    found = 0
    if feed.peek() == "]":
        feed.take()
        return found
    while True:
        yield feed.value()
        found += 1
        letter = feed.take()
        if letter == "]":
            return found
        if letter != ",":
            raise BrokenJsonError("it is cut short or no JSON")
