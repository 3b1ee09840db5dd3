"""A person signs in to Microsoft Entra: with this machine's browser, or on any device with a code."""

from __future__ import annotations

import os
import queue
import sys
import threading
import webbrowser
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from shared.ado.entra import AZURE_DEVOPS_SCOPE
from shared.ado.errors import AzureDevOpsError, CredentialRefused, Where, WrongTenant, told
from shared.ado.user import Entra, SignedIn, application_of, asked, problem_of
from shared.model.connector import IdentityReference
from shared.model.ids import TenantId

if TYPE_CHECKING:
    import msal

Show = Callable[[str], None]

WAIT: Final = 300.0
"""Seconds that a person has to sign in with the browser."""

_SIGNING_IN = Where("", "signing in")
_BODY_MOST = 100_000
_DONE = "You are signed in. You can close this page and go back to the terminal."
_NOT_DONE = "That did not work. Go back to the terminal, which says why."


def has_browser() -> bool:
    """Whether this machine can show a person a page."""
    if os.environ.get("BROWSER"):
        return True
    if os.environ.get("SSH_CONNECTION"):
        return False
    return sys.platform in {"win32", "darwin"} or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def sign_in_by_device_code(
    identity: IdentityReference, tenant: TenantId, entra: Entra, show: Show
) -> SignedIn:
    """Have somebody sign in on any device: `show` is called with what to do there.

    Returns when they have; raises an `AzureDevOpsError` when they may not, do not, or sign in elsewhere.
    """

    def sign_in(application: msal.PublicClientApplication) -> dict[str, Any]:
        flow: dict[str, Any] = application.initiate_device_flow([AZURE_DEVOPS_SCOPE])
        if "user_code" not in flow:
            return flow
        show(f"Open {flow['verification_uri']} in a browser and enter the code {flow['user_code']}.")
        answer: dict[str, Any] = application.acquire_token_by_device_flow(flow)
        return answer

    return _signed_in(identity, tenant, entra, sign_in)


def sign_in_by_browser(
    identity: IdentityReference, tenant: TenantId, entra: Entra, show: Show, wait: float = WAIT
) -> SignedIn:
    """Have somebody sign in with this machine's browser (authorization code with PKCE, loopback redirect).

    `show` is called with the address where no browser could be opened. `wait` is in seconds. Raises as
    `sign_in_by_device_code` does.
    """

    def sign_in(application: msal.PublicClientApplication) -> dict[str, Any]:
        with Loopback() as loopback:
            flow: dict[str, Any] = application.initiate_auth_code_flow(
                [AZURE_DEVOPS_SCOPE],
                redirect_uri=loopback.address,
                login_hint=identity.account or None,
                prompt="select_account",
                response_mode="form_post",
            )
            loopback.expect(str(flow["state"]))
            if not webbrowser.open(str(flow["auth_uri"])):
                show(f"Open in a browser of this machine: {flow['auth_uri']}")
            came = loopback.wait(wait)
        if came is None:
            return {"error": "expired_token"}
        answer: dict[str, Any] = application.acquire_token_by_auth_code_flow(flow, dict(came))
        return answer

    return _signed_in(identity, tenant, entra, sign_in)


class Loopback:
    """Listens on this machine alone for the redirect that ends a sign-in in a browser."""

    def __init__(self) -> None:
        came: queue.Queue[Mapping[str, str]] = queue.Queue()
        expected: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._take(urlsplit(self.path).query)

            def do_POST(self) -> None:
                length = self.headers.get("Content-Length", "")
                size = int(length) if length.isdecimal() else 0
                self._take(self.rfile.read(min(size, _BODY_MOST)).decode("utf-8", "replace"))

            def _take(self, form: str) -> None:
                answer = {name: values[0] for name, values in parse_qs(form).items()}
                # Anybody on this machine can ask; only Entra's answer knows the state.
                ours = answer.get("state") in expected and not answer.keys().isdisjoint({"code", "error"})
                self.send_response(200 if ours else 400)
                self.send_header("Content-Type", "text/plain; charset=utf-8")
                self.end_headers()
                self.wfile.write((_DONE if ours and "code" in answer else _NOT_DONE).encode())
                if ours:
                    came.put(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
                """Nothing: the address holds the code."""

        self._came, self._expected = came, expected
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def address(self) -> str:
        """Where the browser is sent. Entra lets any port of `localhost` stand for the registered one."""
        return f"http://localhost:{self._server.server_address[1]}"

    def expect(self, state: str) -> None:
        """Take the answer that tells this state, and no other."""
        self._expected.append(state)

    def wait(self, seconds: float) -> Mapping[str, str] | None:
        """What the redirect told; None when nothing came in time."""
        try:
            return self._came.get(timeout=seconds)
        except queue.Empty:
            return None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def _signed_in(
    identity: IdentityReference,
    tenant: TenantId,
    entra: Entra,
    sign_in: Callable[[msal.PublicClientApplication], dict[str, Any]],
) -> SignedIn:
    import msal  # noqa: PLC0415 - half a second, which only who signs in waits for

    cache = msal.SerializableTokenCache()

    def run() -> tuple[dict[str, Any], str]:
        application = application_of(identity, tenant, entra, cache)
        return sign_in(application), _issued_for(application)

    answer, expected = asked(run, _SIGNING_IN)
    problem = problem_of(answer, _SIGNING_IN) or _elsewhere(answer, expected, identity)
    if problem is not None:
        raise problem
    claims = answer.get("id_token_claims") or {}
    return SignedIn(
        _account(claims), str(claims.get("oid", "")), TenantId(_tenant(claims)), cache.serialize()
    )


def _elsewhere(answer: dict[str, Any], expected: str, identity: IdentityReference) -> AzureDevOpsError | None:
    """The commonest failure of all: another tenant than the connector's, or another account."""
    claims = answer.get("id_token_claims") or {}
    account, actual = _account(claims), _tenant(claims)
    if expected and actual != expected:
        return told(
            WrongTenant,
            _SIGNING_IN,
            f"{account or 'the account'} signed in to tenant {actual or 'unknown'}, and the connector is for "
            f"tenant {expected}",
            fix="Sign in with an account of the connector's tenant: choose it where the sign-in page lists "
            "accounts, or use a private browser window.",
        )
    if identity.account and account.casefold() != identity.account.casefold():
        return told(
            CredentialRefused,
            _SIGNING_IN,
            f"{account} signed in, and {identity.account} was asked for",
            fix=f"Sign in as {identity.account}, or name the other account with --account.",
        )
    return None


def _account(claims: Mapping[str, Any]) -> str:
    return str(claims.get("preferred_username") or claims.get("upn") or claims.get("oid") or "")


def _tenant(claims: Mapping[str, Any]) -> str:
    return str(claims.get("tid", "")).lower()


def _issued_for(application: msal.PublicClientApplication) -> str:
    """The id of the tenant that this authority issues tokens for: in its address, even for a domain."""
    path = urlsplit(str(application.authority.token_endpoint)).path.split("/")
    tenant = path[1].lower() if len(path) > 1 else ""
    return tenant if tenant.count("-") == 4 else ""  # noqa: PLR2004 - of a GUID
