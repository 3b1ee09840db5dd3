"""Microsoft Entra: where it is, and what its refusals mean.

Codes: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from shared.ado.errors import (
    AccountDisabled,
    ApplicationUnknown,
    ConsentMissing,
    CredentialRefused,
    InteractionRequired,
    SecretRefused,
    SignInEnded,
    WrongTenant,
)

PUBLIC_AUTHORITY: Final = "https://login.microsoftonline.com"
PUBLIC_CLIENT: Final = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
"""Microsoft's own developer sign-on application, which `azure-identity` signs people in with by default too.

It may ask for Azure DevOps in every tenant. A tenant that does not want it names an application of its own.
"""

AZURE_DEVOPS_SCOPE: Final = "499b84ac-1321-427f-aa17-267ca6975798/.default"
"""The Azure DevOps resource in Microsoft Entra, with everything that the identity was granted."""

_CODE = re.compile(r"AADSTS(\d{4,8})")

SOVEREIGN: Final = "Azure DevOps Services exists in the commercial cloud alone."
_SOVEREIGN_ENDINGS = (".us", ".cn", ".de")
"""Of login.microsoftonline.us, login.chinacloudapi.cn and login.microsoftonline.de."""


def is_sovereign(authority: str) -> bool:
    """Whether the authority is that of a national cloud."""
    host = (urlsplit(authority).hostname or "").lower()
    return host.endswith(_SOVEREIGN_ENDINGS)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a refusal of Entra means: the class of the error, the cause in words, and what to do."""

    error: type[CredentialRefused]
    cause: str
    fix: str


_AGAIN = "Sign in again, or as somebody else: ado-connector connector authorize NAME."

_DISABLED = Refusal(
    AccountDisabled,
    "the account is disabled or deleted in Microsoft Entra",
    f"Enable the account (Microsoft Entra admin center > Users). {_AGAIN}",
)
_CONSENT = Refusal(
    ConsentMissing,
    "the consent to use Azure DevOps was withdrawn or never given",
    "Consent again by signing in (ado-connector connector authorize NAME), or have an administrator grant "
    "it: Microsoft Entra admin center > Enterprise applications > Permissions.",
)
_DEMANDED = Refusal(
    InteractionRequired,
    "conditional access demands that a person signs in anew (another factor, a device, a place)",
    f"{_AGAIN} To run unattended, exclude the account from the policy for this application, or use a managed "
    "identity.",
)
_ENDED = Refusal(
    SignInEnded,
    "the sign-in has ended (unused for too long, the password changed, or the sessions were revoked)",
    _AGAIN,
)
_TENANT = Refusal(
    WrongTenant,
    "the account does not belong to the connector's tenant",
    "Sign in with an account of that tenant, or give the connector the tenant of its organizations "
    "(Organization settings > Microsoft Entra).",
)
_NO_TENANT = Refusal(
    WrongTenant,
    "Microsoft Entra knows no such tenant",
    "Give the connector the tenant of its organizations: its id or a domain of it (Organization settings > "
    "Microsoft Entra).",
)
_APPLICATION = Refusal(
    ApplicationUnknown,
    "the tenant does not know the application",
    "Check the client id, and that the application was registered in, or added to, this tenant.",
)
_SECRET = Refusal(
    SecretRefused,
    "the secret or certificate of the application is wrong",
    "Set the secret's value (not its id), or register the certificate: Microsoft Entra admin center > "
    "App registrations > Certificates & secrets.",
)
_EXPIRED_SECRET = Refusal(
    SecretRefused,
    "the secret or certificate of the application has expired",
    "Make a new one: Microsoft Entra admin center > App registrations > Certificates & secrets.",
)
_FEDERATED = Refusal(
    SecretRefused,
    "the application does not trust the federated token",
    "Check issuer, subject and audience: Microsoft Entra admin center > App registrations > Certificates & "
    "secrets > Federated credentials.",
)

_REFUSALS: Final[dict[int, Refusal]] = {
    50034: _DISABLED,
    50053: _DISABLED,
    50057: _DISABLED,
    65001: _CONSENT,
    65004: _CONSENT,
    90094: _CONSENT,
    900941: _CONSENT,
    50072: _DEMANDED,
    50074: _DEMANDED,
    50076: _DEMANDED,
    50078: _DEMANDED,
    50079: _DEMANDED,
    50097: _DEMANDED,
    50158: _DEMANDED,
    53000: _DEMANDED,
    53001: _DEMANDED,
    53002: _DEMANDED,
    53003: _DEMANDED,
    530003: _DEMANDED,
    50055: _ENDED,
    50089: _ENDED,
    50132: _ENDED,
    50133: _ENDED,
    50173: _ENDED,
    54005: _ENDED,
    70000: _ENDED,
    70008: _ENDED,
    70043: _ENDED,
    700081: _ENDED,
    700082: _ENDED,
    700084: _ENDED,
    50020: _TENANT,
    50128: _NO_TENANT,
    500011: _TENANT,
    90002: _NO_TENANT,
    90072: _TENANT,
    900023: _NO_TENANT,
    700016: _APPLICATION,
    7000112: _APPLICATION,
    7000215: _SECRET,
    700027: _SECRET,
    7000222: _EXPIRED_SECRET,
    70021: _FEDERATED,
    700211: _FEDERATED,
    700212: _FEDERATED,
    700213: _FEDERATED,
    700223: _FEDERATED,
}

_BY_WORD: Final = {
    "interaction_required": _DEMANDED,
    "consent_required": _CONSENT,
    "invalid_client": _SECRET,
    "unauthorized_client": _APPLICATION,
    "invalid_grant": _ENDED,
}
"""For refusals whose code is not among the above."""

_PASSING = frozenset({"temporarily_unavailable", "server_error", "service_unavailable", "slow_down"})
_PASSING_CODES = frozenset({90033, 90055, 50196, 50000, 90024})


def codes_of(text: str) -> tuple[int, ...]:
    """The AADSTS codes that a text names."""
    return tuple(int(code) for code in _CODE.findall(text))


def is_passing(word: str, codes: Iterable[int]) -> bool:
    """Whether the refusal is trouble of Entra's own, likely to pass."""
    return word in _PASSING or not _PASSING_CODES.isdisjoint(codes)


def refusal_of(word: str, codes: Iterable[int]) -> Refusal | None:
    """What the `error` word and the codes of a refusal mean; None where they tell nothing known."""
    for code in codes:
        if code in _REFUSALS:
            return _REFUSALS[code]
    return _BY_WORD.get(word)
