"""Managed identities, as App Service offers them to an app.

"REST endpoint reference" of "How to use managed identities for App Service and Azure Functions", Microsoft
Learn: `IDENTITY_ENDPOINT` with `resource` and `client_id`, and `IDENTITY_HEADER` as a header.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from local.ado_simulator import Bearer

STORAGE = "https://storage.azure.com"
SERVICE_BUS = "https://servicebus.azure.net"
AZURE_DEVOPS = "499b84ac-1321-427f-aa17-267ca6975798"
KEY_VAULT = "https://vault.azure.net"


class IdentityEndpoint:
    """Hands out tokens of one user-assigned identity for the resources that it `knows`, and no others."""

    def __init__(self, client_id: str, object_id: str, tenant: str) -> None:
        self.client_id, self.object_id, self.tenant = client_id, object_id, tenant
        self.knows = {STORAGE, SERVICE_BUS, AZURE_DEVOPS, KEY_VAULT}
        self.is_down = False
        self.asked: list[tuple[str, str]] = []
        """Client id and resource of each request."""
        self.issued: dict[str, str] = {}
        """The resource of each token."""
        self.header = uuid.uuid4().hex
        self._key = rsa.generate_private_key(65537, 2048)
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, told = endpoint._answer(
                    dict(parse_qsl(urlsplit(self.path).query)), self.headers.get("X-IDENTITY-HEADER", "")
                )
                body = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def environment(self) -> dict[str, str]:
        """What App Service sets."""
        return {
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{self._server.server_port}/msi/token",
            "IDENTITY_HEADER": self.header,
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def read(self, token: str) -> Bearer | None:
        """As Azure DevOps reads tokens: those for another resource are worth nothing."""
        try:
            claims = jwt.decode(token, self._key.public_key(), ["RS256"], audience=AZURE_DEVOPS)
        except jwt.PyJWTError:
            return None
        return Bearer(claims["oid"], claims["tid"], expired=False)

    def _answer(self, query: dict[str, str], header: str) -> tuple[int, dict[str, Any]]:
        resource = query.get("resource", "").rstrip("/")
        self.asked.append((query.get("client_id", ""), resource))
        if header != self.header or query.get("api-version") != "2019-08-01":
            return 401, {"statusCode": 401, "message": "The header or the version is wrong."}
        if self.is_down:
            return 503, {"statusCode": 503, "message": "The service is not available."}
        if query.get("client_id") != self.client_id:
            return 400, {
                "statusCode": 400,
                "message": "No User Assigned or Delegated Managed Identity found.",
            }
        if resource not in self.knows:
            return 400, {"statusCode": 400, "message": "invalid_resource"}
        now = int(time.time())
        claims = {
            "aud": resource,
            "iss": f"https://sts.windows.net/{self.tenant}/",
            "oid": self.object_id,
            "appid": self.client_id,
            "tid": self.tenant,
            "iat": now,
            "nbf": now - 5,
            "exp": now + 3_600,
            "jti": uuid.uuid4().hex,
        }
        token = jwt.encode(claims, self._key, "RS256")
        self.issued[token] = resource
        return 200, {
            "access_token": token,
            "expires_on": str(now + 3_600),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": self.client_id,
        }
