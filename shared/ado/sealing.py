"""Envelope encryption of what is kept of a sign-in: a fresh key seals the tokens, ours seals that key.

The state holds the ciphertext, and another place the key that opens it (see `shared.ports.TokenKeys`), so
that who reads the one has nothing. AES-256-GCM, from `cryptography`; the name of the sign-in is authenticated
along, so that no record can be passed off as another.
"""

from __future__ import annotations

import base64
import json
import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.ports import TokenKeys

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_VERSION: Final = 1


class SealBroken(Exception):
    """What was kept cannot be opened: damaged, sealed with another key, or another sign-in's."""


def seal(content: str, name: str, newest: tuple[str, bytes]) -> str:
    """The content as ciphertext for the sign-in of this name, with the name and value of the newest key."""
    key_name, key = newest
    fresh = secrets.token_bytes(_KEY_BYTES)
    document = {
        "version": _VERSION,
        "key": key_name,
        "wrapped": _encrypt(key, fresh, name),
        "sealed": _encrypt(fresh, content.encode(), name),
    }
    return json.dumps(document, separators=(",", ":"))


def unseal(sealed: str, name: str, keys: TokenKeys) -> str:
    """The content again. Raises `SealBroken`, and `SecretUnavailable` where the key cannot be had."""
    try:
        document = json.loads(sealed)
        if document["version"] != _VERSION:
            raise SealBroken(f"it was sealed by version {document['version']} of the form")
        wrapped, content, key_name = document["wrapped"], document["sealed"], str(document["key"])
    except (ValueError, TypeError, KeyError):
        raise SealBroken("it is not what was written") from None
    fresh = _decrypt(keys.named(key_name), wrapped, name)
    return _decrypt(fresh, content, name).decode()


def _encrypt(key: bytes, content: bytes, name: str) -> str:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - slow to load

    nonce = secrets.token_bytes(_NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, content, name.encode())).decode()


def _decrypt(key: bytes, text: object, name: str) -> bytes:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    try:
        raw = base64.b64decode(str(text), validate=True)
        return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], name.encode())
    except (ValueError, InvalidTag):
        raise SealBroken("its key does not open it") from None
