"""A proxy between the state and its table that makes trouble on demand.

with Proxy(azurite_port) as proxy:
    proxy.trouble(answer(503, {"Retry-After": "0"}), times=2)   # the request never reaches the table
    proxy.trouble(lose_the_answer)                              # it does, and nobody learns of it
"""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

_OF_THE_CONNECTION = {"connection", "transfer-encoding", "content-length", "date", "server"}


class _Lost(Exception):
    """Nothing is answered: the connection is cut."""


Answer = tuple[int, Mapping[str, str], bytes]
Forward = Callable[[], Answer]
Trouble = Callable[[str, str, bytes, Forward], Answer | None]
"""Given method, path, body and a way to the table: the answer, or None for no trouble this time."""


class Proxy:
    """Forwards to the table what no trouble is made of, and counts."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._pattern: tuple[Sequence[Trouble], int] | None = None
        self._taken = 0
        self._troubles: list[tuple[Trouble, int]] = []
        self._lock = threading.Lock()
        self.requests: list[str] = []
        self.is_down = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, table: str) -> str:
        return f"tables://127.0.0.1:{self.port}/{table}"

    def trouble(self, trouble: Trouble, times: int = 1) -> None:
        """Make so many requests meet this trouble: the next ones that it takes."""
        with self._lock:
            self._troubles.append((trouble, times))

    def always(self, *kinds: Trouble, every: int = 3, begin: int = 0) -> None:
        """Make one request of so many meet trouble, each kind in turn, from now on; `begin` shifts which."""
        with self._lock:
            self._pattern, self._taken = (kinds, every), begin

    @property
    def is_over(self) -> bool:
        """Whether all trouble was met."""
        with self._lock:
            return not self._troubles

    def calm(self) -> None:
        """No more trouble."""
        with self._lock:
            self._troubles.clear()
            self._pattern = None

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Nothing is answered meanwhile."""
        self.is_down = True
        try:
            yield
        finally:
            self.is_down = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, method: str, path: str, body: bytes, forward: Forward) -> Answer:
        if self.is_down:
            raise _Lost
        with self._lock:
            self.requests.append(f"{method} {path}")
            self._taken += 1
            if self._pattern is not None:
                kinds, every = self._pattern
                if self._taken % every == 0:
                    self._troubles.append((kinds[self._taken // every % len(kinds)], 1))
            pending = list(self._troubles)
        for trouble, _ in pending:
            try:
                answered = trouble(method, path, body, forward)
            except _Lost:
                self._met(trouble)
                raise
            if answered is not None:
                self._met(trouble)
                return answered
        return forward()

    def _met(self, met: Trouble) -> None:
        with self._lock:
            left = [(one, times - (one is met)) for one, times in self._troubles]
            self._troubles = [(one, times) for one, times in left if times > 0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _any(self) -> None:
                body = self._body()
                headers = {
                    name: value
                    for name, value in self.headers.items()
                    if name.lower() not in {"host", "connection", "transfer-encoding", "content-length"}
                }

                def forward() -> Answer:
                    connection = http.client.HTTPConnection("127.0.0.1", proxy._to, timeout=60)
                    try:
                        connection.request(self.command, self.path, body or None, headers)
                        answer = connection.getresponse()
                        return answer.status, dict(answer.getheaders()), answer.read()
                    finally:
                        connection.close()

                try:
                    status, told, content = proxy._answer(self.command, self.path, body, forward)
                except (_Lost, OSError):
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(status)
                for name, value in told.items():
                    if name.lower() not in _OF_THE_CONNECTION:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                    parts = []
                    while size := int(self.rfile.readline().split(b";")[0], 16):
                        parts.append(self.rfile.read(size))
                        self.rfile.readline()
                    self.rfile.readline()
                    return b"".join(parts)
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))

            do_GET = do_POST = do_PUT = do_MERGE = do_PATCH = do_DELETE = _any  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Nothing: what matters is asserted."""

        return Handler


def answer(status: int, headers: Mapping[str, str] | None = None, *, of: str = "") -> Trouble:
    """Answer so, without asking the table; `of` narrows it to requests that hold this text."""

    def trouble(_method: str, path: str, body: bytes, _forward: Forward) -> Answer | None:
        if of.encode() not in path.encode() + body:
            return None
        return status, {"Content-Type": "application/json", **(headers or {})}, b"{}"

    return trouble


def lose_the_answer(of: str = "") -> Trouble:
    """Let a write take place, and cut the connection instead of answering."""

    def trouble(method: str, path: str, body: bytes, forward: Forward) -> Answer | None:
        if method == "GET" or of.encode() not in path.encode() + body:
            return None
        forward()
        raise _Lost

    return trouble


def lose_the_request(of: str = "") -> Trouble:
    """Cut the connection before anything takes place."""

    def trouble(method: str, path: str, body: bytes, _forward: Forward) -> Answer | None:
        if of.encode() not in path.encode() + body:
            return None
        del method
        raise _Lost

    return trouble


def first(meddle: Callable[[], object], of: str = "") -> Trouble:
    """Let somebody else act right before a write arrives: what the writer has read is outdated."""

    def trouble(method: str, path: str, body: bytes, forward: Forward) -> Answer | None:
        if method == "GET" or of.encode() not in path.encode() + body:
            return None
        meddle()
        return forward()

    return trouble
