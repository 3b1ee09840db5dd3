"""The simulated world: organizations and identities, behind one lock."""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from local.ado_simulator.clock import Clock, system_clock
from local.ado_simulator.identity import Identity, IdentityKind, Licence, PcaKind
from local.ado_simulator.organization import ExtensionKey, Organization
from local.ado_simulator.registry import SimulatedRegistry
from local.ado_simulator.resource_graph import IDENTITY_HOST, MANAGEMENT_HOST, SimulatedAzure
from local.ado_simulator.resources import (
    ORGANIZATION_ONLY_SETTINGS,
    ORGANIZATION_POLICIES,
    PROJECT_SETTINGS,
    PolicyValue,
)
from local.ado_simulator.wire import Answer, Request

CONTAINER_MAPPING: ExtensionKey = ("ms-securitydevops", "ms-dfd-code-to-cloud")
SCANNER: ExtensionKey = ("ms-securitydevops", "microsoft-security-devops-azdevops")


class Service(Protocol):
    """Answers every request to a host."""

    def answer(self, request: Request, host: str, path: str, query: dict[str, str]) -> Answer:
        """Answer one request."""
        ...


@dataclass(eq=False)
class World:
    """Everything that exists. Change it through methods; they are safe from any thread.

    `identity` is the demo user, `token` its token. An empty world has that user and no organization.
    """

    seed: int = 0
    clock: Clock = system_clock
    enterprise_catalog: bool = False
    strict_versions: bool = True
    generating: bool = False
    revision: int = 0
    regenerate: Callable[[], World] | None = field(default=None, repr=False)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    identities: dict[str, Identity] = field(default_factory=dict, repr=False)
    public_extensions: set[ExtensionKey] = field(default_factory=lambda: {SCANNER}, repr=False)
    publishers: dict[str, set[str]] = field(default_factory=dict, repr=False)
    services: dict[str, Service] = field(default_factory=dict, repr=False)
    """What answers under other hosts than those of Azure DevOps."""
    _organizations: dict[str, Organization] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Seed the ids and create the demo user."""
        self._random = random.Random(self.seed)  # noqa: S311 - ids of a simulation
        self.tenant = self.new_id()
        self.identity = self.add_identity(f"simulator-{self.seed}-demo-user", display_name="Demo User")

    @property
    def token(self) -> str:
        """The token of the demo user."""
        return self.identity.token

    @property
    def organizations(self) -> list[Organization]:
        """Every organization, in the order of creation."""
        return list(self._organizations.values())

    def now(self) -> datetime:
        """The present of the world."""
        return self.clock()

    def new_id(self) -> str:
        """A GUID; the same sequence for the same seed."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def organization(self, name: str) -> Organization:
        """An organization by name, in any case; KeyError when there is none."""
        try:
            return self._organizations[name.lower()]
        except KeyError:
            raise KeyError(f"no organization {name!r}") from None

    def find_organization(self, name: str) -> Organization | None:
        """An organization by name, or None."""
        return self._organizations.get(name.lower())

    def add_organization(
        self,
        name: str,
        *,
        tenant: str | None = None,
        member: bool = True,
        licence_name: str | Licence = "basic",
        pca: PcaKind | str = PcaKind.DIRECT,
        administrators_name: str = "Project Collection Administrators",
        identity_domain: str = "",
    ) -> Organization:
        """Create an organization; the demo user joins as administrator with Basic unless told otherwise."""
        with self.lock:
            if name.lower() in self._organizations:
                raise ValueError(f"there already is an organization {name!r}")
            organization = Organization(
                self, name, self.new_id(), self.new_id(), tenant or self.tenant, self.identity,
                identity_domain, administrators_name,
            )  # fmt: skip
            organization.policies = {
                policy.name: PolicyValue(policy.default, explicit=False)
                for policy in ORGANIZATION_POLICIES.values()
            }
            organization.pipeline_settings = dict.fromkeys(
                (*PROJECT_SETTINGS, *ORGANIZATION_ONLY_SETTINGS), False
            )
            self._organizations[name.lower()] = organization
            if member:
                organization.add_member(licence_name=licence_name, pca=pca)
            self.revision += 1
        return organization

    def remove_organization(self, name: str) -> None:
        """Delete an organization for good."""
        with self.lock:
            self._organizations.pop(name.lower())
            self.revision += 1

    def add_registry(self, host: str, *, sign_in: str = "azure", blobs_at: str = "") -> SimulatedRegistry:
        """Create an empty container registry."""
        registry = SimulatedRegistry(host, sign_in=sign_in, blobs_at=blobs_at)
        with self.lock:
            self.services[host] = registry
            if blobs_at:
                self.services[blobs_at] = registry
        return registry

    def add_azure(self) -> SimulatedAzure:
        """Create an Azure without resources, with Resource Graph and a managed identity."""
        azure = SimulatedAzure()
        with self.lock:
            self.services |= {MANAGEMENT_HOST: azure, IDENTITY_HOST: azure}
        return azure

    def rekey(self, organization: Organization, name: str) -> None:
        """Rename an organization (called by `Organization.rename`)."""
        if name.lower() != organization.name.lower() and name.lower() in self._organizations:
            raise ValueError(f"there already is an organization {name!r}")
        others = list(self._organizations.items())
        self._organizations = {(name.lower() if each is organization else key): each for key, each in others}
        organization.name = name

    def add_identity(
        self,
        token: str,
        *,
        display_name: str = "Someone",
        email: str | None = None,
        kind: IdentityKind | str = IdentityKind.USER,
        tenant: str | None = None,
        expired: bool = False,
        microsoft_account: bool = False,
        missing_scopes: set[str] | None = None,
    ) -> Identity:
        """Create an identity that signs in with `token`; it is a member of nothing yet."""
        with self.lock:
            mail = email or f"{display_name.lower().replace(' ', '.')}@example.com"
            identity = Identity(
                token, self.new_id(), self.new_id(), self.new_id(), self.new_id(), display_name, mail,
                tenant or self.tenant, IdentityKind(kind), expired, microsoft_account,
                set(missing_scopes or ()),
            )  # fmt: skip
            self.identities[token] = identity
        return identity

    def add_service_principal(self, token: str, *, display_name: str = "connector-app") -> Identity:
        """Create an application identity."""
        return self.add_identity(token, display_name=display_name, kind=IdentityKind.SERVICE_PRINCIPAL)

    def expire_token(self, token: str | None = None, *, expired: bool = True) -> None:
        """Let a token expire (empty 401), or renew it; the demo user's when left out."""
        with self.lock:
            self.identities[token or self.token].expired = expired
            self.revision += 1

    def revoke_token(self, token: str | None = None) -> None:
        """Forget a token: from now on it is unknown (sign-in page)."""
        with self.lock:
            self.identities.pop(token or self.token)
            self.revision += 1

    def set_missing_scopes(self, scopes: set[str], token: str | None = None) -> None:
        """Say which scopes a token lacks (`vso.code`, …): calls that need one answer an empty 401.

        `full` stands for full access, which routes without a scope of their own need.
        """
        with self.lock:
            self.identities[token or self.token].missing_scopes = set(scopes)

    def become(self, other: World) -> None:
        """Take over the contents of another world; references into the old contents go stale."""
        with self.lock, other.lock:
            self.__dict__ |= {
                name: value for name, value in other.__dict__.items() if name not in {"lock", "regenerate"}
            }
            for organization in self._organizations.values():
                organization.world = self
            self.revision += 1

    def summary(self) -> dict[str, Any]:
        """Organizations with projects and repositories, as plain data; equal for equal worlds."""
        with self.lock:
            return {
                "seed": self.seed,
                "tenant": self.tenant,
                "organizations": [_organization_summary(each) for each in self._organizations.values()],
                "identities": [
                    {
                        "token": each.token, "id": each.id, "displayName": each.display_name,
                        "kind": each.kind.value, "tenant": each.tenant, "expired": each.expired,
                    }
                    for each in self.identities.values()
                ],
            }  # fmt: skip


def _organization_summary(organization: Organization) -> dict[str, Any]:
    return {
        "name": organization.name,
        "accountId": organization.account_id,
        "instanceId": organization.instance_id,
        "tenant": organization.tenant,
        "stopped": organization.stopped,
        "projects": [
            {
                "id": project.id,
                "name": project.name,
                "state": project.state,
                "visibility": project.visibility,
                "settings": dict(project.settings),
                "branchPolicies": len(project.policies),
                "serviceEndpoints": [
                    {"id": each.id, "name": each.name, "type": each.type} for each in project.endpoints
                ],
                "repositories": [
                    {
                        "id": repository.id, "name": repository.name,
                        "defaultBranch": repository.default_branch,
                        "size": repository.size, "isDisabled": repository.is_disabled,
                        "isFork": repository.is_fork,
                    }
                    for repository in project.repositories.values()
                ],
                "recycleBin": [
                    {"id": repository.id, "name": repository.name}
                    for repository in project.recycle_bin.values()
                ],
            }
            for project in (*organization.projects.values(), *organization.deleted_projects.values())
        ],
        "members": [
            {
                "id": member.identity.id, "displayName": member.identity.display_name,
                "licence": member.licence.display_name, "status": member.licence.status,
                "pca": member.pca.value,
            }
            for member in organization.members.values()
        ],
        "policies": {name: policy.value for name, policy in organization.policies.items()},
        "extensions": {
            f"{extension.publisher}.{extension.name}": extension.flags
            for extension in organization.extensions.values()
        },
        "sharedExtensions": sorted(".".join(key) for key in organization.shared_extensions),
    }  # fmt: skip
