"""The keys that pipeline tokens are signed with, as their issuer publishes them.

They are read from one address that is written here: nothing in a token, and nothing that the issuer answers,
leads anywhere else. The discovery document of an organization's issuer names this address (recorded of two
organizations), so it is not asked for.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from shared.ado.authorization import NOBODY
from shared.ado.errors import JSON, BrokenAnswer, Where, error_of, told
from shared.ado.parse import BrokenJsonError, parse_document
from shared.ado.transport import Gateway, Outgoing, Transport
from shared.model.failure import Failure, ServiceError
from shared.ports import Clock

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

ISSUER_HOST: Final = "vstoken.dev.azure.com"
KEYS_URL: Final = f"https://{ISSUER_HOST}/.well-known/jwks"

FRESH: Final = timedelta(hours=1)
"""Keys this old are asked for again: one that is withdrawn is believed no longer than this."""
STALE_MOST: Final = timedelta(hours=24)
"""While the issuer does not answer, keys are believed for so long."""
PAUSE: Final = timedelta(seconds=30)
"""Between two questions, whoever asks: tokens with made-up key ids cause no more than this."""

_TIMEOUT = 5.0
_DOCUMENT_MOST = 256 * 1024
_KEYS_MOST = 64
_BITS = range(2048, 8193)
_WHERE = Where("", "reading the keys of pipeline tokens")


class IssuerKeys:
    """Keys by their id, read when needed. Safe for threads; at most one of them asks at a time."""

    def __init__(self, gateway: Gateway, clock: Clock, *, timeout: float = _TIMEOUT) -> None:
        """`timeout` is seconds for the next byte: a job waits two and a half for its answer."""
        self._transport = Transport(gateway, timeout=timeout, pool=1)
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: Mapping[str, RSAPublicKey] = {}
        self._read_at: datetime | None = None
        self._asked_at: datetime | None = None
        self._problem: Failure | None = None

    def key(self, identifier: str) -> RSAPublicKey | None:
        """The key of this id; None where the issuer publishes none. Raises `ServiceError`."""
        now = self._clock.now()
        key = self._keys.get(identifier)
        if key is not None and self._is_younger(FRESH, now):
            return key
        # Whoever has a key that will do does not wait for another thread's question.
        waits = key is None or not self._is_younger(STALE_MOST, now)
        if not self._lock.acquire(blocking=waits):
            return key
        try:
            return self._asked(identifier, now)
        finally:
            self._lock.release()

    def _asked(self, identifier: str, now: datetime) -> RSAPublicKey | None:
        if self._asked_at is None or not timedelta(0) <= now - self._asked_at < PAUSE:
            self._ask(now)
        if not self._is_younger(STALE_MOST, now):
            self._keys = {}
            if self._problem is not None:
                raise ServiceError.of(self._problem)
        return self._keys.get(identifier)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _is_younger(self, age: timedelta, now: datetime) -> bool:
        return self._read_at is not None and now - self._read_at < age

    def _ask(self, now: datetime) -> None:
        self._asked_at = now
        try:
            keys = self._read()
        except ServiceError as problem:
            self._problem = problem.failure
            return
        self._keys, self._read_at, self._problem = keys, now, None

    def _read(self) -> Mapping[str, RSAPublicKey]:
        with self._transport.send(Outgoing("GET", KEYS_URL, JSON, _WHERE, NOBODY)) as answer:
            problem = error_of(answer.head, _WHERE)
            if problem is not None:
                raise problem
            try:
                document = parse_document(answer.read(_DOCUMENT_MOST))
            except BrokenJsonError as error:
                raise told(BrokenAnswer, _WHERE, str(error), head=answer.head) from None
        keys = _keys_in(document)
        if not keys:
            raise told(BrokenAnswer, _WHERE, "the answer holds no RSA key that signs")
        return keys


def _keys_in(document: object) -> Mapping[str, RSAPublicKey]:
    """The usable keys of a JSON Web Key Set (RFC 7517). Others are for somebody else."""
    listed = document.get("keys") if isinstance(document, dict) else None
    keys: dict[str, RSAPublicKey] = {}
    for one in listed[:_KEYS_MOST] if isinstance(listed, list) else ():
        key = _key_of(one) if isinstance(one, dict) else None
        if key is not None:
            keys[one["kid"]] = key
    return keys


def _key_of(told_: Mapping[str, Any]) -> RSAPublicKey | None:
    from cryptography.hazmat.primitives.asymmetric.rsa import (  # noqa: PLC0415 - heavy, for the intake alone
        RSAPublicKey,
    )
    from jwt import InvalidKeyError  # noqa: PLC0415 - as above
    from jwt.algorithms import RSAAlgorithm  # noqa: PLC0415 - as above

    named = isinstance(told_.get("kid"), str) and told_["kid"]
    if not named or told_.get("kty") != "RSA" or told_.get("use", "sig") != "sig" or "d" in told_:
        return None
    if told_.get("alg", "RS256") != "RS256":
        return None
    try:
        key = RSAAlgorithm.from_jwk(json.dumps({name: told_.get(name) for name in ("kty", "n", "e")}))
    except (InvalidKeyError, ValueError, TypeError):
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size in _BITS else None
