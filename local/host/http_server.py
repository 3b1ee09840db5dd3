"""Serves HTTP triggers on the loopback interface: strict about what a request is, and bounded in every way.

In Azure, its front end stands before the app and does the same. A request that two readers could take for two
different ones (two lengths, two tokens) is refused here, and so is what the Functions host would not hand on.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func

from local.host.functions import HttpFunction

BODY_MOST: Final = 4 * 1024 * 1024
"""Largest body that is read, in bytes. Azure takes a hundred megabytes, which nothing here has a use for."""
AT_ONCE: Final = 32
"""Requests that are worked on at once; others wait."""
CONNECTIONS_MOST: Final = 512
"""Open connections; further ones are closed at once."""

_PATIENCE = 30.0
_CHUNK = 65_536
_LINE_MOST = 4_096
_DRAIN_SECONDS = 5.0
_ONCE = ("Authorization", "Content-Encoding", "Content-Length", "Content-Type", "Host", "Transfer-Encoding")
_WITHOUT_BODY = ("GET", "HEAD", "DELETE")
_DIGITS = re.compile(r"[0-9]{1,18}")
_HEX = re.compile(rb"[0-9a-fA-F]{1,8}")

Call = Callable[[HttpFunction, func.HttpRequest], func.HttpResponse]
"""Runs the function; whatever it raises is answered as an error of the server."""


class _Unacceptable(Exception):
    """The request is answered with this, and the connection closed."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class HttpServer:
    """Serves the functions while it is open, as a context. `url` is its address.

    Raises `OSError` when the port is taken.
    """

    def __init__(self, port: int, functions: Sequence[HttpFunction], call: Call, *, grace: float) -> None:
        """Bind to 127.0.0.1; port 0 takes a free one. `grace` is seconds for what is in hand at the end."""
        self._grace = grace
        self._server = _Server(port, functions, call)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="http-host", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.finish(self._grace)
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, port: int, functions: Sequence[HttpFunction], call: Call) -> None:
        self.functions = functions
        self.call = call
        self.places = threading.BoundedSemaphore(AT_ONCE)
        self._changed = threading.Condition()
        self._open: set[socket.socket] = set()
        self._in_hand = 0
        self._is_over = False
        super().__init__(("127.0.0.1", port), _Handler)

    @contextlib.contextmanager
    def in_hand(self) -> Iterator[None]:
        """A request that is being worked on, once there is a place for it; none when all is over."""
        with self.places:
            with self._changed:
                if self._is_over:
                    raise _Unacceptable(HTTPStatus.SERVICE_UNAVAILABLE, "The host has ended.")
                self._in_hand += 1
            try:
                yield
            finally:
                with self._changed:
                    self._in_hand -= 1
                    self._changed.notify_all()

    def finish(self, grace: float) -> None:
        """Wait for what is in hand, then end every connection: what is asked from now on is refused."""
        with self._changed:
            self._changed.wait_for(lambda: self._in_hand == 0, grace)
            self._is_over = True
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the library's
        with self._changed:
            has_room = len(self._open) < CONNECTIONS_MOST and not self._is_over
            if has_room:
                self._open.add(request)
        if not has_room:
            self.shutdown_request(request)
            return
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._changed:
                self._open.discard(request)
                self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as above
        """A client that hangs up in the middle, or is too slow, is none of ours."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "ado-connector"
    sys_version = ""
    timeout = _PATIENCE
    disable_nagle_algorithm = True
    server: _Server

    def handle_one_request(self) -> None:
        """Any method comes here: which of them a function takes, its route says."""
        self.raw_requestline = self.rfile.readline(65_537)
        if not self.raw_requestline:
            self.close_connection = True
            return
        if len(self.raw_requestline) > 65_536:  # noqa: PLR2004 - what the library takes
            self.requestline = self.request_version = self.command = ""
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            return
        if not self.parse_request():
            return
        try:
            self._serve()
        except _Unacceptable as refused:
            self.close_connection = True
            self._answer(refused.status, {}, _told(refused.status, str(refused)))
        self.wfile.flush()

    def _serve(self) -> None:
        if not self.path.startswith("/"):
            raise _Unacceptable(HTTPStatus.BAD_REQUEST, "The target of the request is not a path.")
        parts = urlsplit(self.path)
        function = self._function(parts.path)
        self._check_headers()
        body = self._body()
        request = func.HttpRequest(
            method=self.command,
            url=f"http://127.0.0.1:{self.server.server_port}{self.path}",
            headers=dict(self.headers.items()),
            params=dict(parse_qsl(parts.query)),
            body=body,
        )
        with self.server.in_hand():  # until it is answered
            try:
                response = self.server.call(function, request)
            except Exception:  # noqa: BLE001 - it was told where it was raised
                status = HTTPStatus.INTERNAL_SERVER_ERROR
                self._answer(status, {}, _told(status, "The function failed; its log tells why."))
                return
            headers = {
                name: value for name, value in response.headers.items() if name.lower() != "content-type"
            }
            content_type = response.headers.get("Content-Type") or response.mimetype
            self._answer(response.status_code, headers, response.get_body(), content_type)

    def _function(self, path: str) -> HttpFunction:
        asked = path.strip("/").lower()
        found = [one for one in self.server.functions if _is_at(asked, one)]
        if not found:
            raise _Unacceptable(HTTPStatus.NOT_FOUND, "There is no function of this address.")
        for one in found:
            if self.command in one.methods:
                return one
        raise _Unacceptable(HTTPStatus.METHOD_NOT_ALLOWED, f"{self.command} is not taken here.")

    def _check_headers(self) -> None:
        for name in _ONCE:
            if len(self.headers.get_all(name, [])) > 1:
                raise _Unacceptable(HTTPStatus.BAD_REQUEST, f"The header {name} came more than once.")
        if any(not value.isprintable() for value in self.headers.values()):
            raise _Unacceptable(HTTPStatus.BAD_REQUEST, "A header holds a character that cannot be shown.")

    def _body(self) -> bytes:
        length, coding = self.headers.get("Content-Length"), self.headers.get("Transfer-Encoding")
        if coding is not None:
            if length is not None or coding.strip().lower() != "chunked":
                raise _Unacceptable(HTTPStatus.BAD_REQUEST, "The length of the body is not told in one way.")
            return self._chunks()
        if length is None and self.command in _WITHOUT_BODY:
            return b""
        if length is None:
            raise _Unacceptable(HTTPStatus.LENGTH_REQUIRED, "Content-Length is missing.")
        if _DIGITS.fullmatch(length) is None:
            raise _Unacceptable(HTTPStatus.BAD_REQUEST, "Content-Length is no number.")
        if int(length) > BODY_MOST:
            raise _too_large()
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise _Unacceptable(HTTPStatus.BAD_REQUEST, "The body is shorter than Content-Length.")
        return body

    def _chunks(self) -> bytes:
        body = bytearray()
        while True:
            size = self.rfile.readline(_LINE_MOST).partition(b";")[0].strip()
            if _HEX.fullmatch(size) is None:
                raise _Unacceptable(HTTPStatus.BAD_REQUEST, "The body is not in chunks, as was said.")
            count = int(size, 16)
            if len(body) + count > BODY_MOST:
                raise _too_large()
            body += self.rfile.read(count)
            if self.rfile.readline(_LINE_MOST).strip():
                raise _Unacceptable(HTTPStatus.BAD_REQUEST, "The body is not in chunks, as was said.")
            if not count:
                return bytes(body)

    def _answer(
        self, status: int, headers: dict[str, str], body: bytes, content_type: str = "application/json"
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        if self.close_connection:
            self._drain()

    def _drain(self) -> None:
        """Read what is still coming, for a while: a connection that is reset takes the answer with it."""
        self.wfile.flush()
        self.connection.settimeout(0.5)
        until = time.monotonic() + _DRAIN_SECONDS
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            while time.monotonic() < until and self.connection.recv(_CHUNK):
                pass

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
        """Nothing: the function tells what matters."""


def _is_at(path: str, function: HttpFunction) -> bool:
    route = function.route.lower()
    return path == route or (function.takes_more and path.startswith(f"{route}/"))


def _too_large() -> _Unacceptable:
    return _Unacceptable(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is larger than {BODY_MOST // 1024} KB."
    )


def _told(status: int, message: str) -> bytes:
    return json.dumps(
        {"error": {"code": HTTPStatus(status).phrase.replace(" ", ""), "message": message}}
    ).encode()
