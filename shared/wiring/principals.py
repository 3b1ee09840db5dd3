"""How those who look are known: by App Service Authentication in Azure, by a token on a workstation.

App Service Authentication (Microsoft Learn, "Work with user identities in Azure App Service authentication")
takes the headers `X-MS-*` off whatever comes from outside, and sets `X-MS-CLIENT-PRINCIPAL` itself. Where it
does not run nobody takes them off, so they are then believed of nobody.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import secrets
import threading
from collections.abc import Mapping
from typing import Any, Final

from shared.model.viewer import Grant, Viewer, ViewerRefused, read_role
from shared.ports import Viewers

PLATFORM_SWITCH: Final = "WEBSITE_AUTH_ENABLED"
"""App Service sets it to True in an app's environment while its authentication is on."""

_PRINCIPAL: Final = "x-ms-client-principal"
_MOST: Final = 64_000
_ROLE_CLAIMS: Final = frozenset({"roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"})
_LOOPBACK = re.compile(r"(?:127\.0\.0\.1|localhost)(?::[0-9]{1,5})?")
_BEARER: Final = "bearer "
_COOKIE: Final = "ado-connector"
_SIGN_IN: Final = "/.auth/login/aad"
"""Where App Service Authentication sends a browser to Entra ID."""


class PlatformViewers:
    """`shared.ports.Viewers` of an app whose requests pass App Service Authentication first."""

    def identify(self, headers: Mapping[str, str]) -> Viewer:
        """Who the platform says it is, with the grants of their app roles."""
        principal = headers.get(_PRINCIPAL, "")
        if not principal:
            raise ViewerRefused(
                401,
                "AuthenticationRequired",
                "Sign in with Microsoft Entra ID, or send a token of it for this app.",
                _SIGN_IN,
            )
        document = _principal(principal)
        if document.get("auth_typ") != "aad":
            raise _unknown("Sign in with Microsoft Entra ID: roles of other providers are not known here.")
        claims = _claims(document)
        of_roles = _role_claims(document)
        told = {value for kind, value in claims if kind in of_roles}
        names = [value for kind, value in claims if kind == document.get("name_typ")]
        grants = [grant for role in sorted(told) if (grant := read_role(role)) is not None]
        return Viewer(names[0] if names else "", tuple(grants))

    def enter(self, headers: Mapping[str, str], token: str) -> str:
        """Nobody is let in by an address."""
        del headers, token
        raise _unknown("Sign in with Microsoft Entra ID.")


class NoViewers:
    """`shared.ports.Viewers` of an app in Azure without App Service Authentication: there are none."""

    def identify(self, headers: Mapping[str, str]) -> Viewer:
        """Refuses everybody, whatever they send."""
        del headers
        raise ViewerRefused(
            403,
            "AuthenticationOff",
            "Nothing is shown while App Service Authentication is off: turn it on for this app. See "
            "docs/defender-api.md.",
        )

    def enter(self, headers: Mapping[str, str], token: str) -> str:
        """Refuses everybody as well."""
        del token
        self.identify(headers)
        return ""


class LocalViewers:
    """`shared.ports.Viewers` of a workstation: whoever has this process's token sees everything.

    Programs send the token as Bearer. A browser is let in once by the token of an address that is printed,
    and then by a cookie.

    Only what is sent to the loopback interface by its name is answered, so that no page of the internet gets
    here by a name of its own that leads to this machine; and nothing that another origin sends.
    """

    def __init__(self, token: str = "") -> None:
        """`token` is made anew for each process, unless it is told."""
        self.token = token or secrets.token_urlsafe(32)
        self.entry = secrets.token_urlsafe(32)
        """Of the address for a browser: good once."""
        self._cookie = secrets.token_urlsafe(32)
        self._lock = threading.Lock()

    def identify(self, headers: Mapping[str, str]) -> Viewer:
        """The person at this machine."""
        self._check_place(headers)
        value = headers.get("authorization", "")
        told = value[len(_BEARER) :].strip() if value.lower().startswith(_BEARER) else ""
        # Both are compared, whichever was sent.
        by_token = hmac.compare_digest(told.encode(), self.token.encode())
        by_cookie = hmac.compare_digest(_cookie_in(headers).encode(), self._cookie.encode())
        if not (by_token or by_cookie):
            raise _unknown(
                "Authorization must be Bearer, with the token that `ado-connector run` told. A browser gets "
                "in by the address that it printed, once."
            )
        return Viewer("local", (Grant(may_change=True),))

    def enter(self, headers: Mapping[str, str], token: str) -> str:
        """The cookie, once for the token of the printed address."""
        self._check_place(headers)
        with self._lock:
            if not self.entry or not hmac.compare_digest(token.encode(), self.entry.encode()):
                raise _unknown(
                    "This address was used, or is of a run that has ended. Run the command again for another."
                )
            self.entry = ""
        return f"{_COOKIE}={self._cookie}; Path=/; HttpOnly; SameSite=Strict"

    def _check_place(self, headers: Mapping[str, str]) -> None:
        host = headers.get("host", "").lower()
        if _LOOPBACK.fullmatch(host) is None:
            raise ViewerRefused(403, "WrongHost", "Host: must be 127.0.0.1 or localhost, with the port.")
        origin = headers.get("origin")
        if origin is not None and origin.lower() != f"http://{host}":
            raise ViewerRefused(403, "WrongOrigin", "Origin: pages of elsewhere are not answered.")
        if headers.get("sec-fetch-site", "none").lower() not in {"none", "same-origin"}:
            raise ViewerRefused(403, "WrongOrigin", "Sec-Fetch-Site: pages of elsewhere are not answered.")


def platform_viewers(environment: Mapping[str, str]) -> Viewers:
    """Those of an app that the Functions host runs."""
    on = environment.get(PLATFORM_SWITCH, "").strip().lower() == "true"
    return PlatformViewers() if on else NoViewers()


def _cookie_in(headers: Mapping[str, str]) -> str:
    for one in headers.get("cookie", "").split(";"):
        name, _, value = one.strip().partition("=")
        if name == _COOKIE:
            return value
    return ""


def _principal(header: str) -> dict[str, Any]:
    if len(header) > _MOST:
        raise _unknown("The principal of the platform is too large.")
    try:
        document = json.loads(base64.b64decode(header, validate=True))
    except (ValueError, RecursionError):
        raise _unknown("The principal of the platform cannot be read.") from None
    if not isinstance(document, dict):
        raise _unknown("The principal of the platform cannot be read.")
    return document


def _claims(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Kind and value of each claim that has both, as texts."""
    listed = document.get("claims")
    claims = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    pairs = ((one.get("typ"), one.get("val")) for one in claims)
    return [(kind, value) for kind, value in pairs if isinstance(kind, str) and isinstance(value, str)]


def _role_claims(document: Mapping[str, Any]) -> frozenset[str]:
    named = document.get("role_typ")
    return _ROLE_CLAIMS | {named} if isinstance(named, str) and named else _ROLE_CLAIMS


def _unknown(message: str) -> ViewerRefused:
    return ViewerRefused(401, "AuthenticationRequired", message)
