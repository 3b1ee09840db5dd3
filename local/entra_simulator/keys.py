"""The key that signs tokens, and the certificate of the server, both made at start."""

from __future__ import annotations

import base64
import ipaddress
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.entra_simulator.directory import Application

_BITS = 2048


def encoded(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Signer:
    """Signs tokens, and tells the key by which they are checked."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, _BITS)
        self._id = encoded(self._key.public_key().public_numbers().n.to_bytes(256, "big")[:12])

    def sign(self, claims: dict[str, Any], seconds: int) -> str:
        """A token that lasts for so many seconds."""
        now = int(time.time())
        told = {"iat": now, "nbf": now - 5, "exp": now + seconds, "ver": "2.0", **claims}
        return jwt.encode(told, self._key, "RS256", headers={"kid": self._id})

    def published(self) -> dict[str, Any]:
        """The document at `jwks_uri`."""
        numbers = self._key.public_key().public_numbers()
        return {
            "keys": [
                {
                    "kty": "RSA",
                    "use": "sig",
                    "alg": "RS256",
                    "kid": self._id,
                    "n": encoded(numbers.n.to_bytes(256, "big")),
                    "e": encoded(numbers.e.to_bytes(3, "big")),
                }
            ]
        }


def is_asserted(assertion: str, application: Application) -> bool:
    """Whether one of the application's certificates signed it, for this application."""
    for certificate in application.certificates:
        key = x509.load_pem_x509_certificate(certificate).public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            continue
        try:
            claims = jwt.decode(assertion, key, ["RS256", "PS256"], options={"verify_aud": False})
        except jwt.PyJWTError:
            continue
        return bool(claims.get("sub") == application.client_id)
    return False


def write_certificate(folder: Path, names: Sequence[str] = ("localhost",)) -> tuple[Path, Path]:
    """A certificate for these names and loopback that is its own authority, and its key; paths of both.

    It is called by the first name: whoever trusts two authorities tells them apart by what they are called.
    """
    key = rsa.generate_private_key(65537, _BITS)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=7))
        .add_extension(
            x509.SubjectAlternativeName(
                [*map(x509.DNSName, names), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority, private = folder / "authority.pem", folder / "server.key"
    authority.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    private.chmod(0o600)
    return authority, private
