"""What Azure DevOps says of the identity we run as, and of an organization's policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.model.fact import Fact
from shared.model.failure import Failure, FailureKind


@dataclass(frozen=True, slots=True)
class Profile:
    """The identity behind the credential (`profile/profiles/me`)."""

    id: str
    display_name: str


@dataclass(frozen=True, slots=True)
class Account:
    """An organization that the identity is a member of (`accounts?memberId=`)."""

    account_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Connection:
    """Who we are in one organization, and which organization it is (`connectionData`).

    `instance_id` is the collection id. `subject_descriptor` starts with `aad.`, `msa.` or, for a service
    principal or managed identity, `aadsp.`. `tenant` is the Microsoft Entra tenant in which the organization
    knows the identity; empty for a Microsoft account, and where the answer does not tell.
    """

    instance_id: str
    identity_id: str
    subject_descriptor: str
    display_name: str
    tenant: str = ""

    @property
    def is_service_principal(self) -> bool:
        """Whether the entitlement is read from the service-principal listing."""
        return self.subject_descriptor.startswith("aadsp.")

    @property
    def is_microsoft_account(self) -> bool:
        """Whether it is a person of no tenant: an organization that is connected to one has none of these."""
        return self.subject_descriptor.startswith("msa.")


@dataclass(frozen=True, slots=True)
class Entitlement:
    """Access level of the identity (`userentitlements/{id}`), in the words of the wire, in lower case."""

    account_license: str
    licensing_source: str
    msdn_license: str
    status: str
    display_name: str


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """One organization policy. For `Policy.Disallow*`, `value` and `effective` are opposites."""

    value: bool | None
    effective: bool | None


@dataclass(frozen=True, slots=True)
class OrganizationPolicies:
    """All organization policies by their full name, such as `Policy.DisallowOAuthAuthentication`."""

    policies: Mapping[str, PolicyValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InstalledExtension:
    """An extension as `installedextensionsbyname` tells it; `flags` are the words of `installState.flags`.

    `updated_at` is when this installation last changed, `published_at` when the gallery last got any version
    of the extension; None where the answer does not tell.
    """

    publisher: str
    name: str
    version: str
    flags: tuple[str, ...]
    issues: tuple[str, ...] = ()
    updated_at: datetime | None = None
    published_at: datetime | None = None

    @property
    def is_there(self) -> bool:
        """Whether the organization has it: the service also answers for one that was uninstalled."""
        return "uninstalled" not in {flag.casefold() for flag in self.flags}


@dataclass(frozen=True, slots=True)
class ExtensionOffer:
    """Whether an organization may have an extension (`acquisitionoptions`).

    `refusal` says why this identity may not install one that is shared; empty where it may.
    """

    is_shared: bool
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class ExtensionRequests:
    """How many members asked for an extension and wait, since when, and whether others were refused."""

    waiting: int = 0
    since: datetime | None = None
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class ExtensionLook:
    """All that one look at an extension tells. Offer and requests are asked where it is not installed."""

    installed: InstalledExtension | None
    offer: Fact[ExtensionOffer] | None = None
    requests: Fact[ExtensionRequests] | None = None


@dataclass(frozen=True, slots=True)
class DeletedRepository:
    """A repository in a project's recycle bin."""

    id: str
    name: str


NOT_ASKED = Failure(FailureKind.UNREADABLE, "NotAsked", "It was not asked.")
"""Why a fact is unread that nobody asked for."""


@dataclass(frozen=True, slots=True)
class IdentityRights:
    """What the identity is and may do in one organization: everything the prerequisites rest on.

    `audit_log` says, where it could be read, whether it holds any entry; `advanced_security` is true where
    Advanced Security answers.
    """

    connection: Fact[Connection]
    administrator: Fact[bool]
    groups: Fact[frozenset[str]]
    entitlement: Fact[Entitlement]
    policies: Fact[OrganizationPolicies]
    audit_log: Fact[bool] = field(default_factory=lambda: Fact.unread(NOT_ASKED))
    advanced_security: Fact[bool] = field(default_factory=lambda: Fact.unread(NOT_ASKED))
