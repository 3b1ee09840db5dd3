"""Credentials: from a reference to an identity to an Authorization header.

Secrets are asked for when needed, through functions, and kept in no field that anything prints.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from shared.ado.authorization import Authorization, next_renewal
from shared.ado.entra import AZURE_DEVOPS_SCOPE, codes_of, refusal_of
from shared.ado.errors import (
    AzureDevOpsError,
    CredentialMissing,
    CredentialRefused,
    NoConnection,
    Where,
    told,
)
from shared.ado.user import Entra, SignIns, UserCredential
from shared.model.connector import AuthKind, IdentityReference
from shared.model.ids import TenantId
from shared.ports import Clock

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

PAT_SETTING: Final = "ADO_PAT"
CLIENT_SECRET_SETTING: Final = "AZURE_CLIENT_SECRET"  # noqa: S105 - the name of a setting
CERTIFICATE_SETTING: Final = "AZURE_CLIENT_CERTIFICATE_PATH"
FEDERATED_TOKEN_SETTING: Final = "AZURE_FEDERATED_TOKEN_FILE"  # noqa: S105 - the name of a setting

_CLI_MOST: Final = 60
"""Seconds that the Azure CLI may take to answer."""

Secrets = Mapping[str, Callable[[], str | None]]
"""Reads a setting that holds a secret, by the setting's name; None when it is not set."""


class Credential(Protocol):
    """Something to sign in with."""

    def authorization(self, where: Where) -> Authorization:
        """The Authorization header's value. Raises a `ServiceError` that says what is missing."""
        ...

    def renewed(self, refused: Authorization, where: Where) -> bool:
        """Whether there is another value to try after this one was refused."""
        ...

    def ends_at(self) -> datetime | None:
        """When it ends for good, where that can be told."""
        ...


class PatCredential:
    """A personal access token, read from its setting each time: it may be replaced while we run."""

    def __init__(self, setting: str, secrets: Secrets) -> None:
        self._setting = setting or PAT_SETTING
        self._secrets = secrets

    def __repr__(self) -> str:
        return f"PatCredential({self._setting})"

    def authorization(self, where: Where) -> Authorization:
        """Basic, with an empty user name."""
        token = _secret(self._secrets, self._setting)
        if token is None:
            raise told(
                CredentialMissing,
                where,
                f"there is no personal access token: {self._setting} is not set",
                fix=f"Set {self._setting} to a personal access token for all accessible organizations.",
            )
        return Authorization("Basic " + base64.b64encode(f":{token}".encode()).decode())

    def renewed(self, refused: Authorization, where: Where) -> bool:
        """Whether the setting holds another token by now."""
        return self.authorization(where) != refused

    def ends_at(self) -> datetime | None:
        """Not known: no call tells of the token that it is made with."""
        return None


class EntraCredential:
    """A token of Microsoft Entra, kept until five minutes before it expires."""

    def __init__(
        self,
        title: str,
        make: Callable[[Where], TokenCredential],
        fix: str,
        clock: Clock,
        ends: Callable[[], datetime | None] = lambda: None,
    ) -> None:
        self._title = title
        self._ends = ends
        self._make = make
        self._fix = fix
        self._clock = clock
        self._lock = threading.Lock()
        self._credential: TokenCredential | None = None
        self._header: Authorization | None = None
        self._renew_at = datetime.min.replace(tzinfo=UTC)

    def __repr__(self) -> str:
        return f"EntraCredential({self._title})"

    def authorization(self, where: Where) -> Authorization:
        """Bearer, fetched when there is none that lasts."""
        with self._lock:
            if self._header is None or self._clock.now() >= self._renew_at:
                return self._fetch(where)
            return self._header

    def renewed(self, refused: Authorization, where: Where) -> bool:
        """Fetch a token past every cache, unless another thread just did."""
        with self._lock:
            if self._header == refused:
                self._credential, self._header = None, None
                return self._fetch(where) != refused
            return True

    def ends_at(self) -> datetime | None:
        """When its certificate ends; None for what has none."""
        return self._ends()

    def _fetch(self, where: Where) -> Authorization:
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - loads only where Entra signs us in

        problem: AzureDevOpsError
        try:
            if self._credential is None:
                self._credential = self._make(where)
            token = self._credential.get_token(AZURE_DEVOPS_SCOPE)
            self._renew_at = next_renewal(datetime.fromtimestamp(token.expires_on, UTC), self._clock.now())
            self._header = header = Authorization(f"Bearer {token.token}")
        except (AzureError, ValueError, OSError) as error:
            # The last two stand for a malformed tenant or client id, or an unreadable certificate.
            problem = _explained(error, self._title, self._fix, where)
        else:
            return header
        # Raised out here, so that the error of the library, which knows the request, is not its context.
        raise problem


def _explained(error: Exception, title: str, fix: str, where: Where) -> AzureDevOpsError:
    from azure.core.exceptions import AzureError, ClientAuthenticationError  # noqa: PLC0415 - as above
    from azure.identity import CredentialUnavailableError  # noqa: PLC0415

    codes = codes_of(str(error))
    detail = f" (AADSTS{codes[0]})" if codes else ""
    if isinstance(error, CredentialUnavailableError):
        return told(CredentialMissing, where, f"there is no {title} to sign in with{detail}", fix=fix)
    refusal = refusal_of("", codes)
    if isinstance(error, ClientAuthenticationError) and refusal is not None:
        return told(refusal.error, where, f"{title}: {refusal.cause}{detail}", fix=refusal.fix)
    if isinstance(error, ClientAuthenticationError):
        return told(CredentialRefused, where, f"Microsoft Entra refuses the {title}{detail}", fix=fix)
    if isinstance(error, AzureError):
        cause = f"Microsoft Entra could not be asked for a token of the {title}{detail}"
        return told(NoConnection, where, cause)
    return told(CredentialMissing, where, f"the settings of the {title} cannot be used", fix=fix)


def make_credential(
    identity: IdentityReference,
    tenant: TenantId,
    secrets: Secrets,
    clock: Clock,
    sign_ins: SignIns | None = None,
) -> Credential:
    """The credential that the reference names. Nothing is fetched, or complained about, before it is used.

    Raises `ValueError` for a user where there is no place for sign-ins.
    """
    if identity.kind is AuthKind.USER:
        if sign_ins is None:
            raise ValueError("a user's sign-in needs a place where it is kept")
        return UserCredential(identity, tenant, sign_ins, clock)
    entra = sign_ins.entra if sign_ins is not None else Entra()
    if identity.kind is AuthKind.PAT:
        return PatCredential(identity.secret_setting, secrets)
    if identity.kind is AuthKind.MANAGED_IDENTITY:
        return EntraCredential(
            "managed identity",
            lambda _where: _managed_identity(identity),
            "Assign the managed identity to the app, and name its client id in the connector.",
            clock,
        )
    if identity.kind is AuthKind.SERVICE_PRINCIPAL:
        return EntraCredential(
            "service principal",
            lambda where: _service_principal(identity, tenant, secrets, entra, where),
            "Check the tenant, the client id, and that its secret or certificate is valid.",
            clock,
            lambda: _end_of_certificate(identity, secrets),
        )
    return EntraCredential(
        "Azure CLI sign-in", lambda _where: _azure_cli(tenant), f"Run: az login --tenant {tenant}", clock
    )


def azure_credential(
    identity: IdentityReference, tenant: TenantId, secrets: Secrets, entra: Entra
) -> TokenCredential:
    """What an application signs in to Azure with: the same as to Azure DevOps.

    Raises `CredentialMissing` where a service principal has no secret.
    """
    if identity.kind is AuthKind.MANAGED_IDENTITY:
        return _managed_identity(identity)
    if identity.kind is AuthKind.AZURE_CLI:
        return _azure_cli(tenant)
    return _service_principal(identity, tenant, secrets, entra, Where("", "signing in to Azure"))


def _managed_identity(identity: IdentityReference) -> TokenCredential:
    from azure.identity import ManagedIdentityCredential  # noqa: PLC0415 - half a second to load

    return ManagedIdentityCredential(client_id=identity.client_id or None)


def _azure_cli(tenant: TenantId) -> TokenCredential:
    from azure.identity import AzureCliCredential  # noqa: PLC0415

    return AzureCliCredential(tenant_id=tenant, process_timeout=_CLI_MOST)


def _service_principal(
    identity: IdentityReference, tenant: TenantId, secrets: Secrets, entra: Entra, where: Where
) -> TokenCredential:
    from azure.identity import (  # noqa: PLC0415
        CertificateCredential,
        ClientSecretCredential,
        WorkloadIdentityCredential,
    )

    place: dict[str, Any] = {"authority": entra.authority, "disable_instance_discovery": not entra.is_public}
    setting = identity.secret_setting or CLIENT_SECRET_SETTING
    if (secret := _secret(secrets, setting)) is not None:
        return ClientSecretCredential(tenant, identity.client_id, secret, **place)
    if (path := _secret(secrets, CERTIFICATE_SETTING)) is not None:
        return CertificateCredential(tenant, identity.client_id, path, **place)
    if (path := _secret(secrets, FEDERATED_TOKEN_SETTING)) is not None:
        return WorkloadIdentityCredential(
            tenant_id=tenant, client_id=identity.client_id, token_file_path=path, **place
        )
    raise told(
        CredentialMissing,
        where,
        f"the service principal has no secret: {setting} is not set",
        fix=f"Set {setting} to the client secret of application {identity.client_id}.",
    )


def _end_of_certificate(identity: IdentityReference, secrets: Secrets) -> datetime | None:
    """When the certificate ends that the application signs in with; None where it is no readable PEM."""
    from cryptography import x509  # noqa: PLC0415 - slow to load

    path = _secret(secrets, CERTIFICATE_SETTING)
    if path is None or _secret(secrets, identity.secret_setting or CLIENT_SECRET_SETTING) is not None:
        return None
    try:
        return x509.load_pem_x509_certificate(Path(path).read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return None


def _secret(secrets: Secrets, setting: str) -> str | None:
    read = secrets.get(setting)
    value = (read() or "").strip() if read is not None else ""
    return value or None
