"""A connector: which organizations to connect, as whom, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from shared.model.ids import ConnectorId, TenantId
from shared.model.prerequisite import DEFENDER_PREREQUISITES, PrerequisiteName


class DiscoveryMode(StrEnum):
    """Which organizations are onboarded by themselves."""

    EXISTING = "existing"
    """Those that existed when the connector was created and authorised, and none that appear later."""
    EXISTING_AND_FUTURE = "existing-and-future"
    """Those, and every one that appears later."""
    SELECTED = "selected"
    """Those that the connector names."""


class Plan(StrEnum):
    """Defender plan of the connector. It decides which capabilities are shown as turned on."""

    FOUNDATIONAL = "foundational"
    DEFENDER_CSPM = "defender-cspm"


class AuthKind(StrEnum):
    """How the connector authenticates to Azure DevOps."""

    USER = "user"
    """A person, signed in through Microsoft Entra once; the tokens are renewed unattended."""
    PAT = "pat"
    MANAGED_IDENTITY = "managed-identity"
    SERVICE_PRINCIPAL = "service-principal"
    AZURE_CLI = "azure-cli"


@dataclass(frozen=True, slots=True)
class IdentityReference:
    """A reference to an identity, never its secret.

    `client_id` names the managed identity or the application; `secret_setting` the setting that holds the
    personal access token or client secret. Of a user, `account` is the sign-in name, and `sign_in` the name
    of the record in the state that keeps the sealed tokens: another one after each new sign-in, empty before
    the first.
    """

    kind: AuthKind
    client_id: str = ""
    secret_setting: str = ""
    account: str = ""
    sign_in: str = ""

    @property
    def key(self) -> str:
        """Stable name of the identity for the shared rate-limit record."""
        own = self.account.casefold() or self.client_id or self.secret_setting
        return ":".join(part for part in (self.kind.value, own) if part)

    @property
    def lists_organizations(self) -> bool:
        """Whether the accounts listing answers for this identity.

        It is empty for service principals and managed identities (vsts-rest-api-specs#696).
        """
        return self.kind in {AuthKind.USER, AuthKind.PAT, AuthKind.AZURE_CLI}


class ProvisioningState(StrEnum):
    """State of the connector, in the words of `Microsoft.Security/securityConnectors/devops`."""

    PENDING = "Pending"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class AuthorizationStatus(StrEnum):
    """Whether the connector's identity can sign in. Unknown is not the same as ended."""

    NOT_AUTHORIZED = "notAuthorized"
    """Nobody has signed in for it yet."""
    OK = "ok"
    ENDING = "ending"
    """It works, and will end at a known time that is near."""
    ENDED = "ended"
    """Sign-in is refused: a person must act. Nothing is retired because of it."""
    UNKNOWN = "unknown"
    """It was not tried yet, or could not be told."""


@dataclass(frozen=True, slots=True)
class AuthorizationState:
    """What the last attempts to sign in as the connector's identities told.

    `code`, `reason` and `fix` are of the failure, `expires_at` is when the authorisation itself ends where
    that is known (not the hourly token), `since` when this status was first seen; `authorized_by` who last
    signed in or repaired it, and when.
    """

    status: AuthorizationStatus = AuthorizationStatus.UNKNOWN
    since: datetime | None = None
    checked_at: datetime | None = None
    code: str = ""
    reason: str = ""
    fix: str = ""
    expires_at: datetime | None = None
    authorized_by: str = ""
    authorized_at: datetime | None = None


CONTAINER_MAPPING_PUBLISHER = "ms-securitydevops"
CONTAINER_MAPPING_EXTENSION = "ms-dfd-code-to-cloud"


@dataclass(frozen=True, slots=True)
class ConnectorOptions:
    """What a connector may be told beyond where to look."""

    install_extension: bool = False
    required_prerequisites: tuple[PrerequisiteName, ...] = DEFENDER_PREREQUISITES
    extension_publisher: str = CONTAINER_MAPPING_PUBLISHER
    extension_name: str = CONTAINER_MAPPING_EXTENSION
    posture_interval: timedelta | None = None
    """How often posture is refreshed; None: as the app's setting says."""
    posture_full_interval: timedelta | None = None
    """How often it is refreshed in full; None: as the app's setting says."""
    read_build_logs: bool = False
    """Whether the logs of finished runs are read for the images that they pushed."""
    push_steps: tuple[str, ...] = ()
    """Patterns of further names of steps that push images, where their names do not say so."""
    registries: tuple[str, ...] = ()
    """Hosts of the container registries that may be read, such as `contoso.azurecr.io`."""
    subscriptions: tuple[str, ...] = ()
    """Azure subscriptions whose resources are looked at for running images."""

    @property
    def traces_images(self) -> bool:
        """Whether anything is read to trace images."""
        return bool(self.read_build_logs or self.registries or self.subscriptions)


@dataclass(frozen=True, slots=True)
class Connector:
    """A named connection from a subscription to the organizations of one tenant.

    `organizations` are names: the ones selected or, for an identity that cannot list, the known ones.
    `excluded` are names or globs and win over everything. `baseline_at` is the time of the first complete
    discovery: what it found is what *existing* means. `provisioning_message` is `OK` or says what is wrong.
    """

    id: ConnectorId
    name: str
    tenant: TenantId
    mode: DiscoveryMode
    identity: IdentityReference
    created_at: datetime
    subscription: str = ""
    resource_group: str = ""
    region: str = ""
    plan: Plan = Plan.FOUNDATIONAL
    organizations: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    discover_as: IdentityReference | None = None
    options: ConnectorOptions = field(default_factory=ConnectorOptions)
    baseline_at: datetime | None = None
    provisioning: ProvisioningState = ProvisioningState.PENDING
    provisioning_message: str = "Waiting for the first discovery."
    provisioning_at: datetime | None = None
    authorization: AuthorizationState = field(default_factory=AuthorizationState)
    revision: int = 0
