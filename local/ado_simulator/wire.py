"""A small threaded HTTP/1.1 server: requests in, answers out, and every way to break an answer on its way."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, BinaryIO, cast

MAX_LINE = 65536
CHUNK = 262_144


@dataclass(slots=True)
class Request:
    """One request as it came in. `target` is everything after the origin."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Answer:
    """One answer. `page` is the number of the page that a listing shows; faults may look for it.

    `cut` sends only that many bytes of the body and closes; `reset` closes with a TCP reset and no answer;
    `hang` closes without an answer.
    """

    status: int = 200
    body: bytes = b""
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    page: int | None = None
    cut: int | None = None
    reset: bool = False
    hang: bool = False
    chunked: bool = False


Application = Callable[[Request], Answer]
Json = Any
"""Whatever a JSON document may hold."""


class WireServer(socketserver.ThreadingTCPServer):
    """Serves one application on the loopback interface, one thread per connection."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 1024

    def __init__(self, port: int, application: Application) -> None:
        """Bind to 127.0.0.1; port 0 takes a free one."""
        self.application = application
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._ended = False
        super().__init__(("127.0.0.1", port), _Connection)

    @property
    def port(self) -> int:
        """The port that was bound."""
        return int(self.server_address[1])

    def opened(self, connection: socket.socket) -> None:
        """Remember a connection, to end it when the server stops, or at once where it has stopped by now."""
        with self._lock:
            self._connections.add(connection)
            if self._ended:
                _end(connection)

    def closed(self, connection: socket.socket) -> None:
        """Forget a connection."""
        with self._lock:
            self._connections.discard(connection)

    def close_connections(self) -> None:
        """End every open connection, and those whose thread has yet to begin."""
        with self._lock:
            self._ended = True
            for connection in self._connections:
                _end(connection)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away are not worth a word; anything else is reported as usual."""
        import sys  # noqa: PLC0415 - only here

        if not isinstance(sys.exception(), OSError):
            super().handle_error(cast("socket.socket", request), client_address)


class _Connection(socketserver.BaseRequestHandler):
    """Reads requests from one connection until it ends."""

    request: socket.socket
    server: WireServer

    def handle(self) -> None:
        """Serve the connection."""
        connection = self.request
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.opened(connection)
        reader = cast("BinaryIO", connection.makefile("rb", 65536))
        try:
            while True:
                request = _read_request(reader, connection)
                if request is None:
                    return
                answer = self.server.application(request)
                if not _send(connection, request, answer):
                    return
        except (OSError, ValueError):
            return
        finally:
            self.server.closed(connection)
            reader.close()


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _read_request(reader: BinaryIO, connection: socket.socket) -> Request | None:
    line = reader.readline(MAX_LINE)
    while line in {b"\r\n", b"\n"}:
        line = reader.readline(MAX_LINE)
    if not line:
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while True:
        line = reader.readline(MAX_LINE)
        if line in {b"\r\n", b"\n", b""}:
            break
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = _read_chunks(reader)
    else:
        length = int(headers.get("content-length") or 0)
        body = reader.read(length) if length else b""
    return Request(method.upper(), target, headers, body)


def _read_chunks(reader: BinaryIO) -> bytes:
    parts: list[bytes] = []
    while size := int(reader.readline(MAX_LINE).split(b";")[0], 16):
        parts.append(reader.read(size))
        reader.readline(MAX_LINE)
    while reader.readline(MAX_LINE) not in {b"\r\n", b"\n", b""}:
        pass
    return b"".join(parts)


_REASONS = {status.value: status.phrase for status in HTTPStatus} | {203: "Non-Authoritative Information"}


def _send(connection: socket.socket, request: Request, answer: Answer) -> bool:
    """Send the answer; False when the connection is over."""
    if answer.reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        return False
    if answer.hang:
        return False
    lines = [f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Unknown')}"]
    if answer.content_type is not None:
        lines.append(f"Content-Type: {answer.content_type}")
    lines.extend(f"{name}: {value}" for name, value in answer.headers.items())
    if answer.chunked:
        lines.append("Transfer-Encoding: chunked")
    elif answer.status != HTTPStatus.NO_CONTENT:
        lines.append(f"Content-Length: {len(answer.body)}")
    keep = request.headers.get("connection", "").lower() != "close" and answer.cut is None
    if not keep:
        lines.append("Connection: close")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
    body = b"" if request.method == "HEAD" else answer.body
    if answer.cut is not None:
        body = body[: answer.cut]
    if answer.chunked and request.method != "HEAD":
        _send_chunks(connection, head, body, complete=answer.cut is None)
    elif len(body) < CHUNK:
        connection.sendall(head + body)
    else:
        connection.sendall(head)
        connection.sendall(body)
    return keep


def _send_chunks(connection: socket.socket, head: bytes, body: bytes, *, complete: bool) -> None:
    connection.sendall(head)
    view = memoryview(body)
    for start in range(0, len(body), CHUNK):
        part = view[start : start + CHUNK]
        connection.sendall(b"%x\r\n" % len(part))
        connection.sendall(part)
        connection.sendall(b"\r\n")
    if complete:
        connection.sendall(b"0\r\n\r\n")
