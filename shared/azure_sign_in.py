"""As whom Azure's own stores are asked: the identity of the app, or whoever has signed in at a workstation.

At a workstation that is `azure.identity.DefaultAzureCredential`: settings of its own in the environment
first, then `az login`, `azd auth login` and what else it knows. Two things are done around it. Tokens are
kept for as long as the process runs, since each would start `az` again, which takes a second. And where there
is an `az` the machine's own identity is not asked for: that is a second of waiting for nobody.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import threading
import time
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions

_FRESH: Final = 300
"""Seconds that a kept token must still be good for."""

_CLI_MOST: Final = 60
"""Seconds that the Azure CLI may take to answer: it loads for a while, and on a busy machine for long."""

_OF_THE_MACHINE: Final = "IDENTITY_ENDPOINT"
"""Where App Service, for one, gives an app tokens of its identity."""

_HOSTED: Final = (_OF_THE_MACHINE, "MSI_ENDPOINT", "AZURE_TOKEN_CREDENTIALS")
"""Any of these says that the machine has an identity, or which one to take."""

_REASON: Final = re.compile(r"AzureCliCredential: (.+)")
_REASON_MOST: Final = 300


class SignIn:
    """A credential (`TokenCredential` of azure-core) that keeps its tokens and can tell whose they are.

    Safe for threads. With a `client_id` it is that user-assigned managed identity and nobody else.
    """

    def __init__(self, client_id: str = "", authority: str = "") -> None:
        self._client_id, self._authority = client_id, authority
        self._lock = threading.Lock()
        self._credential: Any = None
        self._tokens: dict[tuple[object, ...], AccessTokenInfo] = {}
        self._newest = ""
        self._problem = ""

    @property
    def whom(self) -> str:
        """Who the tokens are of, for people; unchecked, and never the token."""
        claims = _claims(self._newest)
        names = (claims.get(one) for one in ("upn", "unique_name", "preferred_username", "appid", "oid"))
        name = next((str(one) for one in names if one), "") or self._client_id
        if not name:
            return "this identity"
        tenant = claims.get("tid")
        return f"{name} (tenant {tenant})" if tenant else name

    def fix(self, named_by: str = "client_id") -> str:
        """What helps where there was no token, with what the Azure CLI said; `named_by` gives the client."""
        if self._client_id:
            return (
                f"In Azure, check that the app has the managed identity {self._client_id}, which {named_by} "
                "names. On a workstation leave the client id out, and sign in with az login."
            )
        if os.environ.get(_OF_THE_MACHINE):
            return (
                "The app has no identity of its own. In Azure, have "
                f"{named_by} name the client id of its user-assigned identity."
            )
        tenant = os.environ.get("AZURE_TENANT_ID", "").strip()
        login = f"az login --tenant {tenant}" if tenant else "az login --tenant TENANT"
        if shutil.which("az") is None:
            return f"The Azure CLI (az) is not on the path. Install it, then sign in with it: {login}"
        said = f"The Azure CLI said: {self._problem}. " if self._problem else ""
        return f"{said}Sign in with the Azure CLI: {login}"

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """A token, kept or new. Raises `azure.core.exceptions.ClientAuthenticationError`."""
        wanted: dict[str, Any] = dict(options or {})
        tenant = os.environ.get("AZURE_TENANT_ID", "").strip()
        if tenant and not self._client_id:
            # Who is a guest there would else be given a token of their own tenant, which is refused.
            wanted.setdefault("tenant_id", tenant)
        key = (*scopes, *sorted((name, str(value)) for name, value in wanted.items()))
        # One at a time: several queues are opened at once, and want the same.
        with self._lock:
            kept = self._tokens.get(key)
            if kept is None or kept.expires_on < time.time() + _FRESH:
                kept = self._tokens[key] = self._ask(scopes, wanted)
            self._newest = kept.token
        return kept

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:  # noqa: ANN401 - as the protocol has it
        """As `get_token_info`, for callers of the older protocol."""
        from azure.core.credentials import AccessToken  # noqa: PLC0415 - as below

        known = {name: options[name] for name in ("claims", "tenant_id", "enable_cae") if options.get(name)}
        found = self.get_token_info(*scopes, options=known or None)  # type: ignore[arg-type]
        return AccessToken(found.token, found.expires_on)

    def close(self) -> None:
        """Nothing: other stores of the process use it as well."""

    def _ask(self, scopes: tuple[str, ...], options: dict[str, Any]) -> AccessTokenInfo:
        from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415 - slow to load

        if self._credential is None:
            self._credential = self._open()
        try:
            found: AccessTokenInfo = self._credential.get_token_info(*scopes, options=options)
        except ClientAuthenticationError as error:
            said = _REASON.search(str(error))
            self._problem = said[1].strip().rstrip(".")[:_REASON_MOST] if said else ""
            raise
        return found

    def _open(self) -> Any:  # noqa: ANN401 - one of two classes without a common one
        from azure.identity import DefaultAzureCredential, ManagedIdentityCredential  # noqa: PLC0415

        if self._client_id:
            return ManagedIdentityCredential(client_id=self._client_id)
        elsewhere = {"authority": self._authority, "disable_instance_discovery": True}
        workstation = shutil.which("az") is not None and not any(os.environ.get(one) for one in _HOSTED)
        return DefaultAzureCredential(
            exclude_managed_identity_credential=workstation,
            process_timeout=_CLI_MOST,
            **(elsewhere if self._authority else {}),
        )


@cache
def sign_in(client_id: str = "", authority: str = "") -> SignIn:
    """The process's credential of this identity; without a `client_id` the operator's, or the machine's own.

    `authority` is Microsoft Entra's address where it is not the public one. Nobody is asked before the first
    token is needed.
    """
    return SignIn(client_id, authority)


def _claims(token: str) -> dict[str, Any]:
    """What a token tells of its owner. Nothing is decided by it: whoever takes the token checks it."""
    _, _, rest = token.partition(".")
    body = rest.partition(".")[0]
    try:
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}
