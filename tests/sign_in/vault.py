"""A Key Vault with the calls for secrets that the SDK makes, over HTTPS."""

from __future__ import annotations

import json
import ssl
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import jwt

AUDIENCE = "https://vault.azure.net"


class Vault:
    """Secrets by name, each with its versions, the newest last. `refuses` is a status it answers with."""

    def __init__(  # noqa: C901 - a server in one place
        self, authority: str, keys_url: str, certificate: Path
    ) -> None:
        self.secrets: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.refuses = 0
        vault = self
        context = ssl.create_default_context(cafile=str(certificate))
        keys = jwt.PyJWKClient(keys_url, ssl_context=context)

        class Handler(BaseHTTPRequestHandler):
            disable_nagle_algorithm = True
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                _, _, name, *version = urlsplit(self.path).path.split("/")
                versions = vault.secrets.get(name, {})
                wanted = version[0] if version and version[0] else next(reversed(versions), "")
                if self._may():
                    self._send(200 if wanted in versions else 404, name, wanted)

            def do_PUT(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
                name = urlsplit(self.path).path.split("/")[2]
                if self._may():
                    version = uuid.uuid4().hex
                    vault.secrets.setdefault(name, {})[version] = body["value"]
                    self._send(200, name, version)

            def _may(self) -> bool:
                vault.asked.append(f"{self.command} {urlsplit(self.path).path}")
                scheme, _, token = self.headers.get("Authorization", "").partition(" ")
                try:
                    key = keys.get_signing_key_from_jwt(token).key
                    jwt.decode(token, key, ["RS256"], audience=AUDIENCE)
                except jwt.PyJWTError:
                    challenge = f'Bearer authorization="{authority}", resource="{AUDIENCE}"'
                    self._answer(401, {"error": {"code": "Unauthorized"}}, {"WWW-Authenticate": challenge})
                    return False
                if vault.refuses:
                    self._answer(vault.refuses, {"error": {"code": "Forbidden", "message": "No."}})
                    return False
                return scheme == "Bearer"

            def _send(self, status: int, name: str, version: str) -> None:
                if status != 200:
                    self._answer(status, {"error": {"code": "SecretNotFound", "message": "There is none."}})
                    return
                identifier = f"https://{self.headers['Host']}/secrets/{name}/{version}"
                value = vault.secrets[name][version]
                self._answer(200, {"value": value, "id": identifier, "attributes": {"enabled": True}})

            def _answer(self, status: int, document: object, headers: dict[str, str] | None = None) -> None:
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                for header, value in (headers or {}).items():
                    self.send_header(header, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server_side.load_cert_chain(certificate, certificate.with_name("server.key"))
        self._server.socket = server_side.wrap_socket(self._server.socket, server_side=True)

    @property
    def port(self) -> int:
        """Of this machine."""
        return int(self._server.server_port)

    @property
    def setting(self) -> str:
        """For TOKEN_KEY."""
        return f"keyvault://localhost:{self._server.server_port}/token-key"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
