"""Checks tokens by the published keys of their issuer, as Azure DevOps does."""

from __future__ import annotations

import ssl
from pathlib import Path

import jwt

from local.ado_simulator import Bearer

AUDIENCE = "499b84ac-1321-427f-aa17-267ca6975798"


class PublishedKeys:
    """Reads tokens whose signature one of the published keys checks."""

    def __init__(self, keys_url: str, authority_file: Path) -> None:
        context = ssl.create_default_context(cafile=str(authority_file))
        self._keys = jwt.PyJWKClient(keys_url, ssl_context=context)

    def read(self, token: str) -> Bearer | None:
        try:
            key = self._keys.get_signing_key_from_jwt(token).key
            claims = jwt.decode(token, key, ["RS256"], audience=AUDIENCE, options={"verify_exp": False})
        except (jwt.PyJWTError, jwt.PyJWKClientError):
            return None
        expired = False
        try:
            jwt.decode(token, key, ["RS256"], audience=AUDIENCE)
        except jwt.ExpiredSignatureError:
            expired = True
        return Bearer(str(claims.get("oid", "")), str(claims.get("tid", "")), expired)
