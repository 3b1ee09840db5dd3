"""A person's sign-in: made once by them, then renewed unattended, by one instance at a time.

What is kept is the token cache of MSAL, sealed (`shared.ado.sealing`), in the connector state. All instances
share it: whoever finds that the token will soon expire puts their name on the record by a conditional write,
renews, and writes what came back; the others go on with the token they have, or wait for the new one.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import requests

from shared.ado.authorization import RENEW_BEFORE, STILL_GOOD, Authorization, next_renewal
from shared.ado.entra import (
    AZURE_DEVOPS_SCOPE,
    PUBLIC_AUTHORITY,
    PUBLIC_CLIENT,
    codes_of,
    is_passing,
    refusal_of,
)
from shared.ado.errors import (
    AzureDevOpsError,
    CredentialMissing,
    CredentialRefused,
    NoConnection,
    Where,
    told,
)
from shared.ado.sealing import SealBroken, seal, unseal
from shared.model.connector import IdentityReference
from shared.model.ids import TenantId
from shared.model.sign_in import SignInRecord
from shared.ports import Clock, SignInStore, StateConflict, TokenKeys

if TYPE_CHECKING:
    import msal

T = TypeVar("T")

_RENEWAL_MOST = timedelta(seconds=90)
"""How long one instance may take to renew before another does it instead."""
_WAIT_MOST = timedelta(seconds=100)
_LOOK_AGAIN = 0.25
_TIMEOUT = 30.0

AUTHORIZE_FIX: Final = "Sign in for it: ado-connector connector authorize NAME."


@dataclass(frozen=True, slots=True)
class Entra:
    """Where Microsoft Entra is: `authority` is a URL without the tenant; `ours` names this process."""

    authority: str = PUBLIC_AUTHORITY
    ours: str = ""

    @property
    def is_public(self) -> bool:
        """Whether it is Microsoft's own, whose addresses MSAL knows."""
        return self.authority.rstrip("/") == PUBLIC_AUTHORITY

    def of(self, tenant: TenantId) -> str:
        """The authority of a tenant."""
        return f"{self.authority.rstrip('/')}/{tenant}"


@dataclass(frozen=True, slots=True)
class SignIns:
    """Where sign-ins are kept, what seals them, and who asks."""

    store: SignInStore
    keys: TokenKeys
    entra: Entra = Entra()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who signed in: sign-in name, object id, and the tenant they signed in to. `tokens` is a secret."""

    account: str
    object_id: str
    tenant: TenantId
    tokens: str

    def __repr__(self) -> str:
        return f"SignedIn({self.account})"


def keep_sign_in(name: str, signed_in: SignedIn, sign_ins: SignIns) -> None:
    """Keep it under a name that is not taken. Raises `SecretUnavailable`, `StateUnavailable`."""
    sign_ins.store.put_sign_in(name, SignInRecord(seal(signed_in.tokens, name, sign_ins.keys.newest())))


class UserCredential:
    """A person's token, kept in the state and renewed five minutes before it expires."""

    def __init__(
        self, identity: IdentityReference, tenant: TenantId, sign_ins: SignIns, clock: Clock
    ) -> None:
        self._identity = identity
        self._tenant = tenant
        self._sign_ins = sign_ins
        self._clock = clock
        self._lock = threading.Lock()
        self._header: Authorization | None = None
        self._renew_at = datetime.min.replace(tzinfo=UTC)

    def __repr__(self) -> str:
        return f"UserCredential({self._identity.account})"

    def authorization(self, where: Where) -> Authorization:
        """Bearer, renewed when it will soon expire."""
        with self._lock:
            if self._header is None or self._clock.now() >= self._renew_at:
                return self._obtain(where, refused=None)
            return self._header

    def renewed(self, refused: Authorization, where: Where) -> bool:
        """Renew past the cache, unless another thread or instance did meanwhile."""
        with self._lock:
            if self._header == refused:
                return self._obtain(where, refused=refused) != refused
            return True

    def ends_at(self) -> datetime | None:
        """Not known: it lasts as long as it is used and Entra's policies let it."""
        return None

    def _obtain(self, where: Where, refused: Authorization | None) -> Authorization:
        """The token in the state, or a new one; `refused` is one that is of no use, however long it lasts."""
        name, store = self._identity.sign_in, self._sign_ins.store
        give_up = self._clock.now() + _WAIT_MOST
        while True:
            record = store.sign_in(name) if name else SignInRecord()
            if not record.sealed:
                who = self._identity.account or "a user"
                raise told(CredentialMissing, where, f"nobody has signed in as {who} yet", fix=AUTHORIZE_FIX)
            cache = self._cache(record, where)
            kept = _kept_token(cache)
            now = self._clock.now()
            usable = kept if kept is not None and kept.header != refused else None
            if usable is not None and usable.expires > now + RENEW_BEFORE:
                return self._adopt(usable)
            if record.renewing_until is not None and record.renewing_until > now:
                if usable is not None and usable.expires > now + STILL_GOOD:
                    return usable.header  # not adopted: the next request looks for the new one
                if now > give_up:
                    raise told(NoConnection, where, "another instance renews the sign-in and does not finish")
                self._clock.sleep(_LOOK_AGAIN)
                continue
            try:
                mine = store.put_sign_in(
                    name,
                    replace(
                        record,
                        renewing_by=self._sign_ins.entra.ours,
                        renewing_until=now + _RENEWAL_MOST,
                    ),
                )
            except StateConflict:
                continue
            return self._renew(mine, cache, usable, where)

    def _renew(
        self, mine: SignInRecord, cache: msal.SerializableTokenCache, usable: _Token | None, where: Where
    ) -> Authorization:
        name, store = self._identity.sign_in, self._sign_ins.store
        free = replace(mine, renewing_by="", renewing_until=None)
        # Before anything is renewed: what cannot be kept is better not asked for.
        newest = self._sign_ins.keys.newest()
        problem: AzureDevOpsError | None = None
        try:
            answer = asked(lambda: self._ask(cache), where)
        except AzureDevOpsError as error:
            problem = error
        else:
            problem = problem_of(answer, where)
        fresh = _kept_token(cache) if problem is None else None
        if fresh is not None:
            free = replace(free, sealed=seal(cache.serialize(), name, newest))
        # Refused when we took so long that another instance renewed instead, which is as good.
        with contextlib.suppress(StateConflict):
            store.put_sign_in(name, free)
        if fresh is not None:
            return self._adopt(fresh)
        if isinstance(problem, NoConnection) and usable is not None and usable.expires > self._clock.now():
            return self._adopt(usable)
        raise problem or told(CredentialRefused, where, "Microsoft Entra gave no token", fix=AUTHORIZE_FIX)

    def _ask(self, cache: msal.SerializableTokenCache) -> dict[str, Any]:
        application = application_of(self._identity, self._tenant, self._sign_ins.entra, cache)
        accounts = application.get_accounts()
        answer = application.acquire_token_silent_with_error(
            [AZURE_DEVOPS_SCOPE], accounts[0] if accounts else None, force_refresh=True
        )
        return answer or {"error": "invalid_grant", "error_description": "nothing to renew with"}

    def _cache(self, record: SignInRecord, where: Where) -> msal.SerializableTokenCache:
        import msal  # noqa: PLC0415 - only who runs as a user waits for it to load

        broken = ""
        try:
            text = unseal(record.sealed, self._identity.sign_in, self._sign_ins.keys)
            cache = msal.SerializableTokenCache()
            cache.deserialize(text)
        except SealBroken as error:
            broken = str(error)
        except ValueError:
            broken = "it is not what was written"
        else:
            return cache
        raise told(
            CredentialMissing,
            where,
            f"the kept sign-in of {self._identity.account or 'the user'} cannot be opened: {broken}",
            fix=f"Check TOKEN_KEY: it must name the key that it was sealed with. Otherwise: {AUTHORIZE_FIX}",
        )

    def _adopt(self, token: _Token) -> Authorization:
        self._header = token.header
        self._renew_at = next_renewal(token.expires, self._clock.now())
        return token.header


@dataclass(frozen=True, slots=True)
class _Token:
    header: Authorization
    expires: datetime


def _kept_token(cache: msal.SerializableTokenCache) -> _Token | None:
    """The access token of the cache that lasts longest: a cache is one sign-in's, for one resource."""
    found = [
        _Token(
            Authorization(f"Bearer {entry['secret']}"), datetime.fromtimestamp(int(entry["expires_on"]), UTC)
        )
        for entry in cache.search(cache.CredentialType.ACCESS_TOKEN)
    ]
    return max(found, key=lambda one: one.expires, default=None)


def application_of(
    identity: IdentityReference, tenant: TenantId, entra: Entra, cache: msal.SerializableTokenCache
) -> msal.PublicClientApplication:
    """One application per use: it reads the authority's document, and keeps no answer of an earlier one."""
    import msal  # noqa: PLC0415 - as above

    return msal.PublicClientApplication(
        identity.client_id or PUBLIC_CLIENT,
        authority=entra.of(tenant),
        token_cache=cache,
        timeout=_TIMEOUT,
        # An authority that is not Microsoft's is taken at its word: the setting names it.
        instance_discovery=None if entra.is_public else False,
    )


def asked(ask: Callable[[], T], where: Where) -> T:
    """What MSAL answers. Its exceptions know requests, and requests know secrets: they end here."""
    from msal.exceptions import MsalError  # noqa: PLC0415 - as above

    problem: AzureDevOpsError
    try:
        return ask()
    except (requests.RequestException, OSError):
        problem = told(NoConnection, where, "Microsoft Entra could not be reached")
    except ValueError as error:
        # The authority's document could not be had: no such tenant, or the answer is none.
        codes = codes_of(str(error))
        refusal = refusal_of("", codes)
        if refusal is not None:
            problem = told(refusal.error, where, refusal.cause + _coded(codes), fix=refusal.fix)
        else:
            problem = told(NoConnection, where, "Microsoft Entra gave no usable answer about the tenant")
    except MsalError:
        # A 5xx or a 429: MSAL raises those, and hands everything else over as an answer.
        problem = told(NoConnection, where, "Microsoft Entra answered with trouble of its own")
    raise problem


def problem_of(answer: dict[str, Any], where: Where) -> AzureDevOpsError | None:
    """The error that an answer of MSAL is; None where it holds a token."""
    if "access_token" in answer:
        return None
    word = str(answer.get("error", ""))
    listed = [int(one) for one in answer.get("error_codes") or () if str(one).isdigit()]
    codes = (*codes_of(str(answer.get("error_description", ""))), *listed)
    if is_passing(word, codes):
        return told(NoConnection, where, f"Microsoft Entra is in trouble{_coded(codes)}")
    if word in {"authorization_declined", "access_denied"}:
        return told(CredentialRefused, where, "the sign-in was declined", fix=AUTHORIZE_FIX)
    if word in {"expired_token", "authorization_pending", "abort", "code_expired"} or not word:
        return told(CredentialRefused, where, "nobody signed in in time", fix=AUTHORIZE_FIX)
    refusal = refusal_of(word, codes)
    if refusal is not None:
        return told(refusal.error, where, refusal.cause + _coded(codes), fix=refusal.fix)
    return told(
        CredentialRefused, where, f"Microsoft Entra refuses the sign-in{_coded(codes)}", fix=AUTHORIZE_FIX
    )


def _coded(codes: tuple[int, ...]) -> str:
    return f" (AADSTS{codes[0]})" if codes else ""
