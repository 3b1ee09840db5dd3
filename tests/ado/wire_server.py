"""A tiny HTTP/1.1 server that answers with exactly the bytes it is told to, and keeps what it was asked."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

JSON = "application/json; charset=utf-8; api-version=7.1"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Asked:
    """A request as it came over the wire; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int
    at: float


@dataclass(frozen=True)
class Reply:
    """Bytes to send, and how the connection goes on.

    It is kept, closed, reset, held open without a word ("hang"), or sends a space every hundredth of a second
    ("drip").
    """

    data: bytes
    then: str = "keep"
    before: Callable[[], object] | None = None


def reply(
    status: int = 200,
    body: bytes | str | dict[str, Any] | list[Any] = b"",
    content_type: str | None = JSON,
    headers: Mapping[str, str] | None = None,
    *,
    then: str = "keep",
    before: Callable[[], object] | None = None,
) -> Reply:
    """A well-formed answer."""
    raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = [f"HTTP/1.1 {status} Told", f"Content-Length: {len(raw)}"]
    lines += [f"Content-Type: {content_type}"] if content_type else []
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return Reply("\r\n".join(lines).encode() + b"\r\n\r\n" + raw, then, before)


def failure(
    status: int, type_key: str, headers: Mapping[str, str] | None = None, *, bom: bool = False
) -> Reply:
    """A JSON error of the service."""
    document = json.dumps({"$id": "1", "message": "told", "typeKey": type_key, "errorCode": 0})
    body = (b"\xef\xbb\xbf" if bom else b"") + document.encode()
    return reply(status, body, headers={"ActivityId": "activity-1"} | dict(headers or {}))


Script = Callable[[Asked], Reply]


@dataclass
class WireServer:
    """Answers each request with the next reply of the script; the last one stands for all that follow."""

    replies: list[Reply | Script] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._stopping = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        scheme = "https" if self.tls else "http"
        return f"{scheme}://127.0.0.1:{self._socket.getsockname()[1]}"

    def say(self, *replies: Reply | Script) -> None:
        """Set the script, and forget what was asked."""
        with self._lock:
            self.replies, self.asked = list(replies), []

    def close(self) -> None:
        """End every connection."""
        self._stopping.set()
        with self._lock:
            sockets = [self._socket, *self._open]
        for one in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        number = 0
        while not self._stopping.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            if self.tls is not None:
                try:
                    connection = self.tls.wrap_socket(connection, server_side=True)
                except OSError:
                    continue
            number += 1
            with self._lock:
                self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as stream:
            while (asked := _read(stream, number)) is not None:
                with self._lock:
                    self.asked.append(asked)
                    step = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
                told = step(asked) if callable(step) else step
                if told.before is not None:
                    told.before()
                connection.sendall(told.data)
                if told.then == "hang":
                    self._stopping.wait(30)
                while told.then == "drip" and not self._stopping.wait(0.01):
                    connection.sendall(b" ")
                if told.then == "reset":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if told.then != "keep":
                    return


def _read(stream: BinaryIO, number: int) -> Asked | None:
    line = stream.readline().decode("latin-1").split()
    if len(line) < 2:
        return None
    at = time.monotonic()
    headers: dict[str, str] = {}
    while (header := stream.readline().decode("latin-1").strip()) != "":
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))
    return Asked(line[0], line[1], headers, body, number, at)
