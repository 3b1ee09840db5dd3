"""Answers the challenges of a registry: anonymous, or with a token of Microsoft Entra at Azure's own.

A challenge names where to get a token. It is asked for only at the registry's own host, at hosts that the
connector names too, and at Docker Hub's. A token of Entra goes to `*.azurecr.io` alone.

Azure Container Registry's exchange is the documented one (POST /oauth2/exchange, then /oauth2/token). The SDK
`azure-containerregistry` does the same two requests, reads neither labels nor referrers, sends no request to
other registries and knows no gateway: with it there would be two clients of one API.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode, urlsplit

from shared.ado.authorization import Authorization
from shared.ado.parse import Fields, ShapeError
from shared.cloud.tokens import REGISTRIES, AzureTokens
from shared.cloud.web import Asked, Web, unreadable
from shared.model.failure import Denied, Failure, FailureKind
from shared.model.ids import TenantId

AZURE_SUFFIX: Final = ".azurecr.io"
_HUB_TOKENS = {"registry-1.docker.io": "auth.docker.io"}
_PARAMETER = re.compile(r"([a-z]{1,20})=\"([^\"]{0,2000})\"")
_TOKEN_MOST = 64 * 1024
_LIFETIME = timedelta(seconds=60)
"""How long a token lasts where the answer does not say: the token protocol's own default."""
_LIFETIME_MOST = timedelta(hours=1)
_RENEW_BEFORE = timedelta(seconds=15)


class RegistryTokens:
    """Tokens of one registry, by scope. Safe across threads."""

    def __init__(
        self,
        host: str,
        web: Web,
        azure: AzureTokens,
        tenant: TenantId,
        also_named: AbstractSet[str] = frozenset(),
    ) -> None:
        """`also_named` are the other hosts that the connector names."""
        self._host = host
        self._web = web
        self._azure = azure
        self._tenant = tenant
        self._realms = {host, _HUB_TOKENS.get(host, host)} | also_named
        self._lock = threading.Lock()
        self._tokens: dict[str, tuple[Authorization, datetime]] = {}
        self._refresh: tuple[str, datetime] | None = None

    def known(self, scope: str) -> Authorization | None:
        """A token for the scope that still lasts."""
        with self._lock:
            token, expires = self._tokens.get(scope, (None, self._web.now()))
            return token if token is not None and self._web.now() < expires - _RENEW_BEFORE else None

    def answer(self, challenge: str, scope: str, what: str) -> Authorization:
        """A token that answers the challenge, for the scope that we want. Requests: 1, at Azure's 2.

        The scope is ours: no registry chooses what our token is good for. Raises `ServiceError`.
        """
        scheme, _, rest = challenge.partition(" ")
        told = dict(_PARAMETER.findall(rest[:8_000]))
        realm = told.get("realm", "")
        if scheme.lower() != "bearer" or not realm:
            raise _refused(what, "it asks for a way to sign in that is not supported")
        address = _address(realm, self._realms)
        if not address:
            raise _refused(
                what,
                "its tokens are issued at a host that the connector does not name",
                "If that host is right, add it to the registries of the connector.",
            )
        if self._host.endswith(AZURE_SUFFIX):
            token, lifetime = self._azure_token(scope, what)
        else:
            query = urlencode({"service": told.get("service", ""), "scope": scope})
            asked = Asked("GET", f"{address}?{query}", what, most=_TOKEN_MOST)
            token, lifetime = _token(self._web.expect(asked).document(what), what)
        authorization = Authorization(f"Bearer {token}")
        with self._lock:
            self._tokens[scope] = authorization, self._web.now() + lifetime
        return authorization

    def _azure_token(self, scope: str, what: str) -> tuple[str, timedelta]:
        form = {
            "grant_type": "refresh_token",
            "service": self._host,
            "scope": scope,
            "refresh_token": self._refresh_token(what),
        }
        asked = Asked("POST", f"https://{self._host}/oauth2/token", what, form=form, most=_TOKEN_MOST)
        return _token(self._web.expect(asked).document(what), what)

    def _refresh_token(self, what: str) -> str:
        with self._lock:
            if self._refresh is not None and self._web.now() < self._refresh[1]:
                return self._refresh[0]
        form = {
            "grant_type": "access_token",
            "service": self._host,
            "tenant": self._tenant,
            "access_token": self._azure.token(REGISTRIES, what),
        }
        asked = Asked(
            "POST",
            f"https://{self._host}/oauth2/exchange",
            what,
            form=form,
            most=_TOKEN_MOST,
            grant="Give the identity the role AcrPull on the registry.",
        )
        try:
            token = Fields(self._web.expect(asked).document(what)).text("refresh_token")
        except ShapeError as error:
            raise unreadable(what, f"field {error.path} {error.problem}") from None
        with self._lock:
            # It lasts three hours; a refused one is fetched anew by the next unit of work.
            self._refresh = token, self._web.now() + _LIFETIME_MOST
        return token


def _address(realm: str, allowed: AbstractSet[str]) -> str:
    """Where tokens are issued, without a query; empty where none may be asked for there."""
    try:
        parts = urlsplit(realm)
    except ValueError:
        return ""
    is_allowed = parts.scheme == "https" and parts.netloc in allowed
    return f"https://{parts.netloc}{parts.path}" if is_allowed else ""


def _token(document: object, what: str) -> tuple[str, timedelta]:
    try:
        fields = Fields(document)
        token = fields.text("token", "") or fields.text("access_token")
        seconds = fields.number("expires_in") if fields.has("expires_in") else 0
    except ShapeError as error:
        raise unreadable(what, f"field {error.path} {error.problem}") from None
    if not token.isascii() or not token.isprintable():
        raise unreadable(what, "its token is none")
    lifetime = timedelta(seconds=min(max(seconds, 0), 86_400)) or _LIFETIME
    return token, min(lifetime, _LIFETIME_MOST)


def _refused(what: str, cause: str, fix: str = "This program cannot read it.") -> Denied:
    return Denied(Failure(FailureKind.DENIED, "SignInRequired", f"{what} failed: {cause}.", fix))
