"""Verifies the tokens that Azure DevOps issues to the jobs of pipelines (OpenID Connect, RFC 7519).

A token counts where its issuer is an organization's own, `https://vstoken.dev.azure.com/{id}`; where a key
signed it that the issuer publishes, by the one algorithm that it uses; and where its times hold. Its audience
is always the same, `api://AzureADTokenExchange`: whoever has the token could use it elsewhere, so it is
neither kept nor shown, and of its text only a hash leaves here. Claims: learn.microsoft.com, "Workload
identity federation", and recorded tokens.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from shared.ado.issuer_keys import ISSUER_HOST, IssuerKeys
from shared.ado.parse import BrokenJsonError
from shared.ado.transport import Gateway
from shared.model.pipeline_token import PipelineToken, TokenRefused
from shared.ports import Clock

AUDIENCE: Final = "api://AzureADTokenExchange"
ALGORITHM: Final = "RS256"

TOKEN_MOST: Final = 8_192
"""Longest token that is read, in characters; one of Azure DevOps has about 1,200."""
SKEW: Final = timedelta(minutes=5)
"""How far clocks may differ."""
LIFE_MOST: Final = timedelta(hours=24)
"""Longest time that a token may be good for; those of Azure DevOps are for minutes."""

_GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ISSUER = re.compile(rf"https://{re.escape(ISSUER_HOST)}/({_GUID})", re.IGNORECASE)
_WHOLE_GUID = re.compile(_GUID, re.IGNORECASE)
_NUMBER = re.compile(r"[1-9][0-9]{0,9}")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.IGNORECASE)
_SUBJECT = "p://"
_NAMES = 3
_TEXT_MOST = 1_024
_TIME_MOST = 32_503_680_000  # the year 3000
_LEADS_ASTRAY = ("jku", "x5u", "jwk", "x5c", "crit", "b64", "zip", "enc")
"""Header fields that would have a reader take a key, or a meaning, from the token itself."""


class PipelineTokenVerifier:
    """`shared.ports.PipelineTokens` with the issuer's published keys."""

    def __init__(self, gateway_url: str, clock: Clock) -> None:
        self._keys = IssuerKeys(Gateway(gateway_url), clock)

    def verify(self, token: str, now: datetime) -> PipelineToken:
        """What the token says. Raises `TokenRefused`; `ServiceError` while the keys cannot be had."""
        signed, key_id = _taken_apart(token)
        key = self._keys.key(key_id)
        if key is None:
            raise TokenRefused(
                "KeyUnknown", "The token is signed with a key that its issuer does not publish."
            )
        claims = _signed_claims(token, key)
        organization = _issuer(claims)
        expires_at = _times(claims, now)
        _audience(claims)
        return _read(claims, organization, expires_at, hashlib.sha256(signed.encode()).hexdigest())

    def close(self) -> None:
        """Close the connections."""
        self._keys.close()


def _taken_apart(token: str) -> tuple[str, str]:
    """What was signed, and the id of the key that is said to have signed it."""
    import jwt  # noqa: PLC0415 - heavy, for the intake alone

    if not token.isascii() or len(token) > TOKEN_MOST or token.count(".") != 2:  # noqa: PLR2004
        raise TokenRefused("NotAToken", "The bearer token is no JSON Web Token of three parts.")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise TokenRefused("NotAToken", "The bearer token is no JSON Web Token that can be read.") from None
    if header.get("alg") != ALGORITHM:
        raise TokenRefused(
            "AlgorithmRefused", f"The token is not signed with {ALGORITHM}, as those of Azure DevOps are."
        )
    for name in _LEADS_ASTRAY:
        if name in header:
            raise TokenRefused(
                "HeaderRefused",
                f"The token's header has the field {name}, which no token of Azure DevOps has.",
            )
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not key_id or len(key_id) > _TEXT_MOST:
        raise TokenRefused("KeyUnknown", "The token does not name the key that signed it.")
    return token.rpartition(".")[0], key_id


def _signed_claims(token: str, key: Any) -> Mapping[str, Any]:  # noqa: ANN401 - the library's own
    import jwt  # noqa: PLC0415 - heavy, for the intake alone

    try:
        # Times are compared below, with our clock; issuer and audience, too, so that each has its reason.
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            options={
                "verify_signature": True,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": False,
                "verify_iss": False,
                "verify_sub": False,
                "verify_jti": False,
            },
        )
    except jwt.InvalidSignatureError:
        raise TokenRefused(
            "SignatureRefused", "The token's signature is not by the key that it names."
        ) from None
    except (jwt.PyJWTError, ValueError, RecursionError, BrokenJsonError):
        raise TokenRefused("NotAToken", "The bearer token is no JSON Web Token that can be read.") from None
    return claims


def _issuer(claims: Mapping[str, Any]) -> str:
    issuer = claims.get("iss")
    match = _ISSUER.fullmatch(issuer) if isinstance(issuer, str) else None
    if match is None:
        raise TokenRefused(
            "IssuerRefused", f"The token was not issued by Azure DevOps (https://{ISSUER_HOST}/ORGANIZATION)."
        )
    organization = match[1].lower()
    told = claims.get("org_id", organization)
    if not isinstance(told, str) or told.lower() != organization:
        raise TokenRefused("IssuerRefused", "The token's issuer and its claim org_id are two organizations.")
    return organization


def _times(claims: Mapping[str, Any], now: datetime) -> datetime:
    expires, issued = _time(claims, "exp"), _time(claims, "iat")
    begins = _time(claims, "nbf") if "nbf" in claims else issued
    if expires + SKEW <= now:
        raise TokenRefused("TokenExpired", f"The token expired at {expires:%Y-%m-%dT%H:%M:%SZ}.")
    if max(begins, issued) - SKEW > now:
        raise TokenRefused("TokenNotYetValid", "The token is for a time that has not come yet.")
    if not timedelta(0) < expires - min(issued, begins) <= LIFE_MOST:
        raise TokenRefused("TokenExpired", "The token is good for longer than any of Azure DevOps.")
    return expires


def _time(claims: Mapping[str, Any], name: str) -> datetime:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _TIME_MOST:
        raise TokenRefused("ClaimRefused", f"The token's claim {name} is missing or no time.")
    return datetime.fromtimestamp(value, UTC)


def _audience(claims: Mapping[str, Any]) -> None:
    if claims.get("aud") not in (AUDIENCE, [AUDIENCE]):
        raise TokenRefused("AudienceRefused", f"The token is not for the audience {AUDIENCE}.")


def _read(
    claims: Mapping[str, Any], organization: str, expires_at: datetime, fingerprint: str
) -> PipelineToken:
    subject = _text(claims, "sub")
    names = subject.removeprefix(_SUBJECT).split("/", _NAMES - 1)
    if not subject.startswith(_SUBJECT) or len(names) != _NAMES or not all(names):
        raise TokenRefused(
            "SubjectRefused", "The token is not that of a pipeline's job (p://ORGANIZATION/PROJECT/PIPELINE)."
        )
    project = _text(claims, "prj_id")
    if _WHOLE_GUID.fullmatch(project) is None:
        raise TokenRefused("ClaimRefused", "The token's claim prj_id is missing or no GUID.")
    commit = _text(claims, "rpo_ver")
    return PipelineToken(
        fingerprint=fingerprint,
        expires_at=expires_at,
        organization=organization,
        organization_name=names[0],
        project=project.lower(),
        project_name=names[1],
        pipeline=_number(claims, "def_id"),
        pipeline_name=names[2],
        run=_number(claims, "run_id"),
        repository=_text(claims, "rpo_id"),
        repository_url=_text(claims, "rpo_uri"),
        commit=commit.lower() if _COMMIT.fullmatch(commit) else "",
        branch=_text(claims, "rpo_ref"),
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > _TEXT_MOST or not value.isprintable():
        raise TokenRefused("ClaimRefused", f"The token's claim {name} is no text that can be shown.")
    return value


def _number(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    text = str(value) if isinstance(value, str) or type(value) is int else ""
    if _NUMBER.fullmatch(text) is None:
        raise TokenRefused("ClaimRefused", f"The token's claim {name} is missing or no id.")
    return int(text)
