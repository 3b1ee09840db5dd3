"""A webhook that is sent signed messages, as Standard Webhooks 1.0 has it (https://www.standardwebhooks.com).

The signature is an HMAC-SHA256 over `ID.TIMESTAMP.BODY`, so a message can be neither made up nor changed, nor
sent again much later. Whoever receives it checks the signature, the time, and that the id is new.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import requests

from shared.model.failure import Denied, Failure, FailureKind, ServiceError
from shared.ports import Clock

USER_AGENT: Final = "ado-connector/0.4"
CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_NO_PROXIES: Final[dict[str, str | None]] = {"http": None, "https": None, "all": None}
_PREFIX = "whsec_"
_CONNECT_MOST = 10.0
_MISSING = frozenset({404, 410})
_SLOW_DOWN = 429
_SERVER_ERROR = 500
_REQUEST_TIMEOUT = 408
_SUCCESS = range(200, 300)
_LONGEST_WAIT = timedelta(hours=1)


class SecretError(ValueError):
    """The secret cannot be used. The message holds no part of it."""


def signing_key(secret: str) -> bytes:
    """The bytes of a secret: base64 behind `whsec_`, as Standard Webhooks writes it, or any other text."""
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:
        raise SecretError("is not base64 behind whsec_") from None


def signature(key: bytes, identifier: str, timestamp: int, body: bytes) -> str:
    """The value of the header `webhook-signature`."""
    signed = b".".join((identifier.encode(), str(timestamp).encode(), body))
    return f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"


class Webhook:
    """`shared.ports.Notifier` over HTTP. Follows no redirect, and tells nobody the path of the address."""

    def __init__(self, url: str, secret: Callable[[], str], clock: Clock, *, timeout: float = 30.0) -> None:
        """`secret` is asked for each message, and may raise `shared.ports.SecretUnavailable`."""
        self._url = url
        self._host = urlsplit(url).hostname or ""
        self._proxies = _NO_PROXIES if self._host in _LOOPBACK else None
        self._secret = secret
        self._clock = clock
        self._timeout = timeout

    def send(self, identifier: str, body: bytes, at: datetime) -> None:
        """Send it once. Raises `ServiceError`: transient where trying again may help, else denied."""
        del at  # of the event; what is signed is when it is sent
        key = signing_key(self._secret())
        timestamp = int(self._clock.now().timestamp())
        problem, status, retry_after = "", 0, ""
        try:
            with requests.post(
                self._url,
                data=body,
                headers={
                    "Content-Type": CONTENT_TYPE,
                    "User-Agent": USER_AGENT,
                    "webhook-id": identifier,
                    "webhook-timestamp": str(timestamp),
                    "webhook-signature": signature(key, identifier, timestamp, body),
                },
                timeout=(min(self._timeout, _CONNECT_MOST), self._timeout),
                # A copy, since requests fills it in; None is what its own documentation tells to give.
                proxies=dict(self._proxies) if self._proxies else None,  # type: ignore[arg-type]
                # Else requests would look for a password of this host in a file of the user.
                auth=lambda prepared: prepared,
                allow_redirects=False,
                stream=True,
            ) as answer:
                status, retry_after = answer.status_code, answer.headers.get("Retry-After", "")
        except requests.Timeout:
            problem = "did not answer in time"
        except requests.exceptions.SSLError:
            problem = "has a certificate that was not accepted"
        except requests.RequestException:
            problem = "could not be reached"
        # Raised out here: the library's error knows the address, which may hold a secret.
        if problem:
            raise self._error(FailureKind.TRANSIENT, "WebhookUnreachable", problem)
        if status in _SUCCESS:
            return
        if status in {_SLOW_DOWN, _REQUEST_TIMEOUT} or status >= _SERVER_ERROR:
            raise self._error(
                FailureKind.TRANSIENT,
                "WebhookFailed",
                f"answered {status}",
                status=status,
                retry_at=self._retry_at(retry_after),
            )
        what = "is not there" if status in _MISSING else "refused the message"
        raise self._error(FailureKind.DENIED, "WebhookRefused", f"{what} ({status})", status=status)

    def _retry_at(self, told: str) -> datetime | None:
        """When the receiver wants to be asked again, in seconds or as a date; an hour away at most."""
        now = self._clock.now()
        try:
            at = now + timedelta(seconds=int(told))
        except (ValueError, OverflowError):
            try:
                at = parsedate_to_datetime(told)
            except ValueError:
                return None
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        return min(max(at, now), now + _LONGEST_WAIT)

    def _error(
        self,
        kind: FailureKind,
        code: str,
        what: str,
        *,
        status: int | None = None,
        retry_at: datetime | None = None,
    ) -> ServiceError:
        fix = (
            "Check NOTIFICATION_URL and NOTIFICATION_SECRET, and what the receiver says of it."
            if kind is Denied.kind
            else "It is tried again by itself; check that the receiver is up."
        )
        failure = Failure(
            kind, code, f"The webhook at {self._host} {what}.", fix, status=status, retry_at=retry_at
        )
        return ServiceError.of(failure)
