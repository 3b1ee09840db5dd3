"""TLS in front of a server that speaks none."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from pathlib import Path
from typing import Self


class Relay:
    """Hands on what comes over TLS to a port of this machine, and back. Notes the names asked for."""

    def __init__(self, target: int, certificate: Path, key: Path) -> None:
        self._target = target
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._context.sni_callback = self._note
        self.server_names: set[str] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name="tls-relay", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 60).close()
        self._thread.join(60)
        self._listener.close()

    def _note(self, _: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> None:
        self.server_names.add(name or "")

    def _serve(self) -> None:
        while not self._closing:
            client, _ = self._listener.accept()
            threading.Thread(target=self._hand_on, args=(client,), daemon=True).start()

    def _hand_on(self, client: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),
            client,
            socket.create_connection(("127.0.0.1", self._target)) as server,
            self._context.wrap_socket(client, server_side=True) as outside,
        ):
            for one in (server, outside):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                ready = [outside] if outside.pending() else select.select([outside, server], [], [], 60)[0]
                if outside in ready and not self._move(outside, server):
                    return
                if server in ready and not self._move(server, outside):
                    return

    @staticmethod
    def _move(source: socket.socket, target: socket.socket) -> bool:
        content = source.recv(65_536)
        target.sendall(content)
        return bool(content)
