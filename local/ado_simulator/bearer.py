"""Tokens of Microsoft Entra, as the service reads them: whose, for whom, until when."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import jwt

AUDIENCE = "499b84ac-1321-427f-aa17-267ca6975798"


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a token says of whoever sends it."""

    object_id: str
    tenant: str
    expired: bool


class BearerTokens:
    """Reads tokens whose signature one of the published keys checks."""

    def __init__(self, keys_url: str, authority_file: Path | None = None) -> None:
        """`keys_url` is where the issuer publishes its keys; `authority_file` certifies that server."""
        context = ssl.create_default_context(cafile=str(authority_file) if authority_file else None)
        self._keys = jwt.PyJWKClient(keys_url, ssl_context=context)

    def read(self, token: str) -> Bearer | None:
        """What the token says; None where it is none, forged, or meant for somebody else."""
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
