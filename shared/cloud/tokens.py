"""Tokens of Microsoft Entra for Azure, as an application: who reads registries and Resource Graph.

A connector that signs in to Azure DevOps as an application reads Azure as the same one. A person's sign-in
and a personal access token are for Azure DevOps alone: such a connector reads Azure as the app's own managed
identity.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from shared.ado.auth import Secrets, azure_credential
from shared.ado.authorization import Authorization
from shared.ado.user import Entra
from shared.model.connector import AuthKind, IdentityReference
from shared.model.failure import Denied, Failure, FailureKind, ServiceError
from shared.model.ids import TenantId
from shared.ports import Clock

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

MANAGEMENT: Final = "https://management.azure.com/.default"
REGISTRIES: Final = "https://containerregistry.azure.net/.default"
"""Good for registries alone: one that is not what it seems gains no rights in Azure by such a token."""

_RENEW_BEFORE = timedelta(minutes=5)
_APPLICATIONS = frozenset({AuthKind.MANAGED_IDENTITY, AuthKind.SERVICE_PRINCIPAL, AuthKind.AZURE_CLI})
_OWN = IdentityReference(AuthKind.MANAGED_IDENTITY)


class AzureTokens:
    """Tokens of one identity, kept until five minutes before they expire. Safe across threads."""

    def __init__(
        self, identity: IdentityReference, tenant: TenantId, secrets: Secrets, entra: Entra, clock: Clock
    ) -> None:
        self._identity = identity if identity.kind in _APPLICATIONS else _OWN
        self._tenant = tenant
        self._secrets = secrets
        self._entra = entra
        self._clock = clock
        self._lock = threading.Lock()
        self._credential: TokenCredential | None = None
        self._tokens: dict[str, tuple[str, datetime]] = {}

    def __repr__(self) -> str:
        return f"AzureTokens({self._identity.kind})"

    def token(self, scope: str, what: str) -> str:
        """A token for the scope. Raises `ServiceError`, which says what `what` lacks."""
        with self._lock:
            value, expires = self._tokens.get(scope, ("", datetime.min.replace(tzinfo=UTC)))
            if not value or self._clock.now() + _RENEW_BEFORE >= expires:
                value, expires = self._fetched(scope, what)
                self._tokens[scope] = value, expires
            return value

    def bearer(self, scope: str, what: str) -> Authorization:
        """The same as an Authorization header."""
        return Authorization(f"Bearer {self.token(scope, what)}")

    def _fetched(self, scope: str, what: str) -> tuple[str, datetime]:
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - loads only where Azure is read

        problem: ServiceError
        try:
            if self._credential is None:
                self._credential = azure_credential(self._identity, self._tenant, self._secrets, self._entra)
            token = self._credential.get_token(scope)
        except (AzureError, ValueError, OSError):
            # The library's error knows the request: its words stay out of ours.
            problem = Denied(
                Failure(
                    FailureKind.DENIED,
                    "CredentialMissing",
                    f"{what} failed: there is no token of the {self._identity.kind.value} for Azure.",
                    "Give the app a managed identity with the role that docs/how-to/trace-an-image.md names, "
                    "or let the connector sign in as an application.",
                )
            )
        else:
            return token.token, datetime.fromtimestamp(token.expires_on, UTC)
        raise problem
