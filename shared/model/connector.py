"""A connector: which organizations to connect, as whom, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
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

    PAT = "pat"
    MANAGED_IDENTITY = "managed-identity"
    SERVICE_PRINCIPAL = "service-principal"
    AZURE_CLI = "azure-cli"


@dataclass(frozen=True, slots=True)
class IdentityReference:
    """A reference to an identity, never its secret.

    `client_id` names the managed identity or the application; `secret_setting` the setting that holds the
    personal access token or client secret.
    """

    kind: AuthKind
    client_id: str = ""
    secret_setting: str = ""

    @property
    def key(self) -> str:
        """Stable name of the identity for the shared rate-limit record."""
        return ":".join(part for part in (self.kind.value, self.client_id or self.secret_setting) if part)

    @property
    def lists_organizations(self) -> bool:
        """Whether the accounts listing answers for this identity.

        It is empty for service principals and managed identities (vsts-rest-api-specs#696).
        """
        return self.kind in {AuthKind.PAT, AuthKind.AZURE_CLI}


class ProvisioningState(StrEnum):
    """State of the connector, in the words of `Microsoft.Security/securityConnectors/devops`."""

    PENDING = "Pending"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


CONTAINER_MAPPING_PUBLISHER = "ms-securitydevops"
CONTAINER_MAPPING_EXTENSION = "ms-dfd-code-to-cloud"


@dataclass(frozen=True, slots=True)
class ConnectorOptions:
    """What a connector may be told beyond where to look."""

    install_extension: bool = False
    required_prerequisites: tuple[PrerequisiteName, ...] = DEFENDER_PREREQUISITES
    extension_publisher: str = CONTAINER_MAPPING_PUBLISHER
    extension_name: str = CONTAINER_MAPPING_EXTENSION


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
    revision: int = 0
