"""Sends one request and gives its answer: connections, headers, time-outs, the gateway. Retries nothing."""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Final
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import (
    DecodeError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
)

from shared.ado.authorization import NOBODY, Authorization
from shared.ado.calls import HOSTS
from shared.ado.connections import GatedAdapter, Start, sending
from shared.ado.errors import AzureDevOpsError, BrokenAnswer, Head, NoConnection, TimedOut, Where, told

USER_AGENT: Final = "ado-connector/0.4"

CHUNK: Final = 65_536
DOCUMENT_MOST: Final = 32 * 1024 * 1024
"""Bytes of an answer that is read as a whole; a listing of 10,000 policies has a third of it."""

_CONNECT_MOST = 10.0
_BODY_FACTOR = 3
"""A body may take so many time-outs in all, so that a trickle does not hold us for ever."""
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_NO_PROXIES: Final[dict[str, str | None]] = {"http": None, "https": None, "all": None}
"""None keeps an entry of the environment from being filled in, and means no proxy."""


class GatewayError(ValueError):
    """The gateway's address cannot be used. The message holds no part of it."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where requests go: `https://HOST/PATH`, or `{address}/HOST/PATH` where an address is set.

    Raises `GatewayError` for an address that would send the token in the clear or carries credentials.
    """

    address: str = ""

    def __post_init__(self) -> None:
        if not self.address:
            return
        try:
            parts = urlsplit(self.address)
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise GatewayError("ADO_GATEWAY_URL is not a URL") from None
        if parts.scheme not in {"http", "https"} or not host:
            raise GatewayError("ADO_GATEWAY_URL is not an http(s) URL")
        if parts.scheme == "http" and host not in _LOOPBACK:
            raise GatewayError("ADO_GATEWAY_URL must be https: the token goes there")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise GatewayError("ADO_GATEWAY_URL must not carry credentials, a query or a fragment")

    @property
    def is_loopback(self) -> bool:
        """Whether requests stay on this machine, where no proxy has any business."""
        return bool(self.address) and urlsplit(self.address).hostname in _LOOPBACK

    def url(self, url: str) -> str:
        """The address to use for one of Azure DevOps. Raises `ValueError` for any other host."""
        parts = urlsplit(url)
        if parts.scheme != "https" or parts.netloc not in HOSTS:
            raise ValueError("only hosts of Azure DevOps receive its token")
        return self.of_any_host(url)

    def of_any_host(self, url: str) -> str:
        """The address to use for an https one. Which hosts are asked, or told a token, the caller decides."""
        return f"{self.address.rstrip('/')}/{url.removeprefix('https://')}" if self.address else url


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request."""

    method: str
    url: str
    accept: str
    where: Where
    authorization: Authorization
    json: object | None = None


class Session(requests.Session):
    """A session that knows no redirects: not even the next request is prepared, with our token in it."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """There is none."""
        del resp
        return None


class Answer:
    """An answer whose body has not been read yet. Everything it raises is an `AzureDevOpsError`."""

    def __init__(self, response: requests.Response, where: Where, deadline: float) -> None:
        self._response = response
        self._where = where
        self._deadline = deadline
        self.head = Head(response.status_code, response.headers)

    def header(self, name: str) -> str:
        """A header's value, whatever the case of its name; empty when there is none."""
        return self._response.headers.get(name, "")

    def chunks(self) -> Iterator[bytes]:
        """The body as it arrives, decompressed.

        Pieces are what has arrived, not what was asked for: a server that sends a byte at a time would else
        keep a read going for ever, each byte coming in time.
        """
        while True:
            problem: AzureDevOpsError | None = None
            piece = b""
            try:
                piece = self._response.raw.read1(CHUNK, decode_content=True)
            except (requests.RequestException, HTTPError, OSError) as error:
                problem = _explained(error, self._where, self.head)
            # Raised out here: the library's error knows the request and its headers.
            if problem is not None:
                raise problem
            if not piece:
                return
            if time.monotonic() > self._deadline:
                raise told(TimedOut, self._where, "the answer took too long to arrive", head=self.head)
            yield piece

    def read(self, most: int = DOCUMENT_MOST) -> bytes:
        """The whole body."""
        body = bytearray()
        for piece in self.chunks():
            body += piece
            if len(body) > most:
                cause = f"the answer is larger than {most // 1024} KB"
                raise told(BrokenAnswer, self._where, cause, head=self.head)
        return bytes(body)

    def read_start(self, most: int = CHUNK) -> bytes:
        """The first bytes of the body, as much as could be read: for errors, whose status says enough."""
        body = bytearray()
        with contextlib.suppress(AzureDevOpsError):
            for piece in self.chunks():
                body += piece
                if len(body) >= most:
                    break
        return bytes(body[:most])


class Transport:
    """Connections to Azure DevOps for one process: one pool for all threads, one session per thread."""

    def __init__(
        self, gateway: Gateway, *, timeout: float = 100.0, user_agent: str = USER_AGENT, pool: int = 16
    ) -> None:
        """`timeout` is seconds to wait for the next byte; connecting gets ten of them at most."""
        self._gateway = gateway
        self._timeout = timeout
        self._adapter = GatedAdapter(pool_connections=8, pool_maxsize=pool)
        self._local = threading.local()
        # Proxies of the environment are for hosts beyond this machine; its certificates hold here, too.
        self._is_local = gateway.is_loopback
        self._headers = {
            "User-Agent": user_agent,
            "X-TFS-FedAuthRedirect": "Suppress",
            "X-TFS-Session": str(uuid.uuid4()),
        }

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = Session()
            session.headers.update(self._headers)
            # A cookie would carry one identity's sign-in into another's requests.
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            session.mount("https://", self._adapter)
            session.mount("http://", self._adapter)
            self._local.session = session
        return session

    @contextlib.contextmanager
    def send(self, request: Outgoing, start: Start = contextlib.nullcontext) -> Iterator[Answer]:
        """Send, and give the answer as soon as its headers are there.

        `start` is entered at the moment of sending; what it raises comes out of here, and nothing was sent.
        Raises `AzureDevOpsError`.
        """
        response: requests.Response | None = None
        problem: AzureDevOpsError | None = None
        try:
            with sending(start):
                response = self._session().request(
                    request.method,
                    self._gateway.of_any_host(request.url)
                    if request.authorization is NOBODY
                    else self._gateway.url(request.url),
                    headers={"Accept": request.accept},
                    json=request.json,
                    auth=request.authorization,
                    # A copy, since requests fills it in; None is what its own documentation tells to give.
                    proxies=dict(_NO_PROXIES) if self._is_local else None,  # type: ignore[arg-type]
                    timeout=(min(self._timeout, _CONNECT_MOST), self._timeout),
                    allow_redirects=False,
                    stream=True,
                )
        except requests.RequestException as error:
            problem = _explained(error, request.where)
        if problem is not None or response is None:
            raise problem or told(NoConnection, request.where, "there is no answer")
        try:
            deadline = time.monotonic() + self._timeout * _BODY_FACTOR
            yield Answer(response, request.where, deadline)
        finally:
            response.close()

    def close(self) -> None:
        """Close every connection."""
        self._adapter.close()


def _explained(error: Exception, where: Where, head: Head | None = None) -> AzureDevOpsError:
    """The error in our own words: the library's may hold the address of a proxy with its password."""
    causes = list(_causes(error))
    if any(isinstance(one, requests.Timeout | ReadTimeoutError | TimeoutError) for one in causes):
        return told(TimedOut, where, "Azure DevOps did not answer in time", head=head)
    if isinstance(error, requests.exceptions.ContentDecodingError | DecodeError):
        return told(BrokenAnswer, where, "the compression of the answer is broken", head=head)
    if head is not None:
        return told(NoConnection, where, "the answer was cut short", head=head)
    for kinds, cause in _CAUSES:
        if any(isinstance(one, kinds) for one in causes):
            return told(NoConnection, where, cause)
    return told(BrokenAnswer, where, "the request or its answer is not HTTP as we know it")


_CAUSES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (requests.exceptions.SSLError, "the server's certificate was not accepted, or TLS failed"),
    (requests.exceptions.ProxyError, "the proxy could not be reached or refused"),
    (NameResolutionError, "the host's name could not be resolved"),
    ((NewConnectionError, ConnectionRefusedError), "the connection was refused"),
    (requests.ConnectionError, "the connection was closed without an answer"),
)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps: libraries hand the cause over as an argument or as `reason`."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting and len(seen) < 10:  # noqa: PLR2004 - nobody wraps deeper
        one = waiting.pop(0)
        if isinstance(one, BaseException) and one not in seen:
            seen.append(one)
            yield one
            waiting += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
