"""Table Storage under its own name, in front of Azurite.

Azurite answers to `ACCOUNT.table.core.windows.net`, except for transactions, which end there with a 500. So
what is asked under that name is handed on under the emulator's own address, in batches too.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from tests.azurite.server import Azurite

_OF_THE_CONNECTION = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


class TableFront:
    """An account's address. `authorizations` are those that were shown, `refuses` a status to answer with."""

    def __init__(self, azurite: Azurite, certificate: Path, key: Path) -> None:
        self.authorizations: set[str] = set()
        self.refuses = 0
        front = self
        inside = ssl.create_default_context(cafile=str(certificate))
        self._open: set[socket.socket] = set()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                front._open.add(self.request)

            def finish(self) -> None:
                super().finish()
                front._open.discard(self.request)
                self.request.close()

            def _hand_on(self) -> None:
                name = self.headers["Host"]
                front.authorizations.add(self.headers.get("Authorization", ""))
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if front.refuses:
                    self._answer(front.refuses, {}, b"")
                    return
                address = f"https://127.0.0.1:{azurite.port}/{azurite.account}/"
                body = body.replace(f"https://{name}/".encode(), address.encode())
                headers = {k: v for k, v in self.headers.items() if k.lower() not in _OF_THE_CONNECTION}
                # One each: a connection that is kept, Azurite closes after five seconds without a request.
                onward = http.client.HTTPSConnection("127.0.0.1", azurite.port, context=inside)
                with contextlib.closing(onward):
                    onward.request(self.command, f"/{azurite.account}{self.path}", body, headers)
                    answer = onward.getresponse()
                    self._answer(answer.status, dict(answer.getheaders()), answer.read())

            def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response_only(status)
                for header, value in headers.items():
                    if header.lower() not in _OF_THE_CONNECTION:
                        self.send_header(header, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_MERGE = _hand_on  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                del format, args

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.port = int(self._server.server_port)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
