"""One request to a host that the connector names, and its answer: bounded, without redirects or cookies.

What goes wrong is told in the words of `shared.model.failure`, as with Azure DevOps; nothing of an answer's
body, and no credential, gets into a message.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from shared.ado.authorization import Authorization
from shared.ado.transport import USER_AGENT, Gateway, Session
from shared.model.failure import (
    Denied,
    Failure,
    FailureKind,
    Gone,
    ServiceError,
    Throttled,
    Transient,
    Unreadable,
)
from shared.ports import Clock

DOCUMENT_MOST: Final = 4 * 1024 * 1024
"""Bytes of a document; the distribution specification asks registries to take manifests of up to 4 MiB."""

_CONNECT_MOST = 10.0
_CHUNK = 65_536
_BODY_FACTOR = 3
_WAIT = timedelta(seconds=60)
_WAIT_MOST = timedelta(hours=1)

_OK = range(200, 300)
_UNAUTHORIZED = 401
_FORBIDDEN = 403
_NOT_FOUND = 404
_TOO_MANY = 429
_SERVER = 500
_NO_PROXIES: Final[dict[str, str | None]] = {"http": None, "https": None, "all": None}


class Nobody(Authorization):
    """No credential, and none of the environment's either."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("")

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


NOBODY: Final = Nobody()


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `headers` ignore the case of names."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """A header's value; empty when there is none."""
        return self.headers.get(name, "")

    @property
    def media_type(self) -> str:
        """The content type in lower case, without parameters."""
        return self.header("Content-Type").partition(";")[0].strip().lower()

    def document(self, what: str) -> object:
        """The JSON document that the body is. Raises `Unreadable`."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise unreadable(what, "it is no JSON document") from None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. `what` completes "... failed"; `grant` says which role makes it work."""

    method: str
    url: str
    what: str
    accept: str = "application/json"
    authorization: Authorization = NOBODY
    json: object | None = None
    form: Mapping[str, str] | None = field(default=None, repr=False)
    most: int = DOCUMENT_MOST
    grant: str = ""


class Web:
    """Sends requests, one session per thread. Safe across threads."""

    def __init__(self, gateway: Gateway, clock: Clock, *, timeout: float = 100.0) -> None:
        self._gateway = gateway
        self._clock = clock
        self._timeout = timeout
        self._local = threading.local()
        self._adapter = HTTPAdapter(pool_connections=8, pool_maxsize=8)

    def now(self) -> datetime:
        """The present."""
        return self._clock.now()

    def send(self, asked: Asked) -> Answer:
        """Send, and read the whole answer, whatever its status. Raises `Transient` or `Unreadable`."""
        problem: ServiceError
        try:
            return self._sent(asked)
        except requests.Timeout:
            problem = transient(asked.what, "TimedOut", "there was no answer in time")
        except (requests.RequestException, HTTPError, OSError):
            # The library's own words may hold the address of a proxy with its password.
            problem = transient(asked.what, "NoConnection", "the connection failed")
        raise problem

    def _sent(self, asked: Asked) -> Answer:
        response = self._session().request(
            asked.method,
            self._gateway.of_any_host(asked.url),
            headers={"Accept": asked.accept},
            json=asked.json,
            data=dict(asked.form) if asked.form is not None else None,
            auth=asked.authorization,
            proxies=dict(_NO_PROXIES) if self._gateway.is_loopback else None,  # type: ignore[arg-type]
            timeout=(min(self._timeout, _CONNECT_MOST), self._timeout),
            allow_redirects=False,
            stream=True,
        )
        with response:
            deadline = time.monotonic() + self._timeout * _BODY_FACTOR
            body = bytearray()
            while piece := response.raw.read1(_CHUNK, decode_content=True):
                body += piece
                if len(body) > asked.most:
                    raise unreadable(asked.what, f"the answer is larger than {asked.most // 1024} KB")
                if time.monotonic() > deadline:
                    raise transient(asked.what, "TimedOut", "the answer took too long to arrive")
            return Answer(response.status_code, response.headers, bytes(body))

    def expect(self, asked: Asked) -> Answer:
        """Send, and give a success. Raises the `ServiceError` that anything else is."""
        answer = self.send(asked)
        problem = problem_of(asked, answer, self.now())
        if problem is not None:
            raise problem
        return answer

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = Session()
            session.headers.update({"User-Agent": USER_AGENT})
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            session.mount("https://", self._adapter)
            session.mount("http://", self._adapter)
            self._local.session = session
        return session

    def close(self) -> None:
        """Close every connection."""
        self._adapter.close()


def problem_of(asked: Asked, answer: Answer, now: datetime) -> ServiceError | None:
    """The error that an answer is; None for a success."""
    status = answer.status
    if status in _OK:
        return None
    if status == _TOO_MANY:
        failure = Failure(
            FailureKind.THROTTLED,
            "RateLimited",
            f"{asked.what} failed: it asks to wait (429).",
            "Nothing to do: it goes on by itself.",
            status=status,
            retry_at=now + _wait(answer.header("Retry-After"), now),
        )
        return Throttled(failure)
    if status >= _SERVER:
        return transient(asked.what, "ServerTrouble", f"the server is in trouble ({status})", status)
    if status in {_UNAUTHORIZED, _FORBIDDEN}:
        code = "TokenRefused" if status == _UNAUTHORIZED else "PermissionMissing"
        reason = f"{asked.what} failed: the identity may not ({status})."
        return Denied(Failure(FailureKind.DENIED, code, reason, asked.grant, status=status))
    if status == _NOT_FOUND:
        reason = f"{asked.what} failed: it does not exist, or is hidden (404)."
        return Gone(Failure(FailureKind.GONE, "NotFound", reason, asked.grant, status=status))
    return unreadable(asked.what, f"the server answers {status}", status)


def transient(what: str, code: str, cause: str, status: int | None = None) -> Transient:
    """Passing trouble."""
    fix = "Nothing to do: it is tried again. If it stays so, check the name of the host and the network."
    return Transient(Failure(FailureKind.TRANSIENT, code, f"{what} failed: {cause}.", fix, status=status))


def unreadable(what: str, cause: str, status: int | None = None) -> Unreadable:
    """An answer that is not what the specification says."""
    fix = "It is read again next time. If it stays so, check that the host is what it is named as."
    return Unreadable(
        Failure(FailureKind.UNREADABLE, "BrokenAnswer", f"{what} failed: {cause}.", fix, status=status)
    )


def _wait(text: str, now: datetime) -> timedelta:
    if text.isascii() and text.isdecimal():
        return min(timedelta(seconds=int(text[:9])), _WAIT_MOST)
    try:
        until = parsedate_to_datetime(text)
        return min(max(until - now, timedelta(0)), _WAIT_MOST)
    except (ValueError, TypeError):
        return _WAIT
