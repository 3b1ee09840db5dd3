"""Keys, tokens, and what is published of them, as recorded of Azure DevOps."""

from __future__ import annotations

import base64
import time
import uuid
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

HOST = "vstoken.dev.azure.com"
AUDIENCE = "api://AzureADTokenExchange"

_BITS = 2048
_MINUTES_GOOD = 10


class PipelineIssuer:
    """The issuer of every organization: `issuer/{organization id}` each, with the same keys."""

    def __init__(self, *, issuer: str = f"https://{HOST}") -> None:
        self._issuer = issuer
        self._keys: list[tuple[str, rsa.RSAPrivateKey]] = []
        self.rotate()

    @property
    def key(self) -> rsa.RSAPrivateKey:
        """The key that signs now."""
        return self._keys[-1][1]

    @property
    def key_id(self) -> str:
        """Its id."""
        return self._keys[-1][0]

    def rotate(self, *, keep: bool = False) -> None:
        """Sign with a new key from now on; the old ones are published no longer, unless kept."""
        if not keep:
            self._keys.clear()
        self._keys.append((uuid.uuid4().hex.upper(), rsa.generate_private_key(65537, _BITS)))

    def claims(
        self,
        organization: str,
        *,
        project: str = "271ef6f7-0000-4000-8000-000000000001",
        pipeline: int = 1,
        run: int = 5,
        subject: str = "p://contoso/web/web-ci",
        now: float | None = None,
        **more: Any,  # noqa: ANN401 - claims hold anything
    ) -> dict[str, Any]:
        """What a token of a job in this organization (an id) says. `more` is added, or wins."""
        at = int(time.time() if now is None else now)
        return {
            "jti": str(uuid.uuid4()),
            "sub": subject,
            "aud": AUDIENCE,
            "org_id": organization,
            "prj_id": project,
            "def_id": str(pipeline),
            "rpo_id": "5f0c2d1e-0000-4000-8000-000000000001",
            "rpo_uri": "https://dev.azure.com/contoso/web/_git/web",
            "rpo_ver": "c291ea713801eb300054d353d279e7b02331f671",
            "rpo_ref": "refs/heads/main",
            "run_id": str(run),
            "iss": f"{self._issuer}/{organization}",
            "nbf": at - 300,
            "exp": at + 60 * _MINUTES_GOOD,
            "iat": at,
            **more,
        }

    def token(self, organization: str, **claims: Any) -> str:  # noqa: ANN401 - see `claims`
        """A token of a job, signed."""
        return self.signed(self.claims(organization, **claims))

    def signed(self, claims: dict[str, Any], **header: Any) -> str:  # noqa: ANN401 - headers hold anything
        """A token with these claims; fields of its header are added, or win."""
        return jwt.encode(claims, self.key, "RS256", headers={"kid": self.key_id, **header})

    def published(self, path: str) -> dict[str, Any] | None:
        """The document at this path of the issuer's host; None where there is none."""
        if path.lower() == "/.well-known/jwks":
            return {"keys": [_public(name, key) for name, key in self._keys]}
        prefix, separator, rest = path.rpartition("/.well-known/")
        if separator and rest == "openid-configuration":
            return {
                "issuer": f"{self._issuer}{prefix}",
                "jwks_uri": f"{self._issuer}/.well-known/jwks",
                "subject_types_supported": ["public", "pairwise"],
                "response_types_supported": ["id_token"],
                "claims_supported": ["sub", "aud", "exp", "iat", "iss", "nbf"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid"],
            }
        return None


def _public(name: str, key: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": name,
        "x5t": name,
        "n": _encoded(numbers.n),
        "e": _encoded(numbers.e),
    }


def _encoded(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
