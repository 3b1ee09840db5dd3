"""Serves the token service over HTTPS on loopback."""

from __future__ import annotations

import json
import ssl
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from local.entra_simulator.directory import Directory
from local.entra_simulator.keys import write_certificate
from local.entra_simulator.service import Reply, Service


class EntraSimulator:
    """A token service to sign in to, as a context. `url` is its address, `authority_file` its certificate."""

    def __init__(self, directory: Directory | None = None, *, port: int = 0) -> None:
        """Serve on 127.0.0.1; port 0 takes a free one."""
        self.directory = directory if directory is not None else Directory()
        self._folder = tempfile.TemporaryDirectory(prefix="entra-simulator-")
        self.authority_file, key = write_certificate(Path(self._folder.name))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.authority_file, key)
        self._server = _Server(("127.0.0.1", port), context)
        self.url = f"https://localhost:{self._server.server_port}"
        self.service = Service(self.directory, self.url)
        self._server.service = self.service
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def keys_url(self) -> str:
        """Where the keys are by which its tokens are checked."""
        return f"{self.url}/common/discovery/v2.0/keys"

    def __enter__(self) -> Self:
        """Begin to serve."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._folder.cleanup()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    service: Service

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext) -> None:
        super().__init__(address, _Handler)
        self._context = context

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the library's own
        # The handshake belongs to the connection's thread: a client that stalls holds up nobody else.
        with self._context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as above
        """A client that hangs up in the middle is none of ours."""


class _Handler(BaseHTTPRequestHandler):
    disable_nagle_algorithm = True
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        tenant, _, rest = parts.path.lstrip("/").partition("/")
        self._send(self.server.service.get(tenant, rest, dict(parse_qsl(parts.query))))

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        tenant, _, rest = parts.path.lstrip("/").partition("/")
        if tenant == "_control":
            self._send(_controlled(self.server.service.directory, rest, json.loads(body or "{}")))
            return
        self._send(self.server.service.post(tenant, rest, dict(parse_qsl(body))))

    def _send(self, reply: Reply) -> None:
        as_json = reply.document is not None
        body = json.dumps(reply.document).encode() if as_json else reply.text.encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json" if as_json else "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
        """Nothing: addresses hold codes."""


def _controlled(directory: Directory, what: str, body: dict[str, Any]) -> Reply:
    """What another process may ask for: approve a code, refuse a user, end their sign-ins."""
    user = directory.user(str(body.get("user", "")))
    if user is None:
        return Reply(404, {"error": "there is no such user", "users": [one.name for one in directory.users]})
    if what == "approve":
        for device in list(directory.devices.values()):
            if body.get("user_code") in {None, device.user_code} and device.user is None:
                device.user = user
        return Reply(200, {"approved": True})
    if what == "refuse":
        user.refusal = int(body.get("code", 50057))
        return Reply(200, {"refused": user.refusal})
    if what == "revoke":
        directory.revoke(user)
        return Reply(200, {"revoked": True})
    return Reply(404, {"error": "approve, refuse or revoke"})
