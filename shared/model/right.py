"""What a request to Azure DevOps takes: the permission of the identity, and the scope of its token."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


@dataclass(frozen=True, slots=True)
class Scope:
    """The scope of a token.

    `name` is the API's word, such as `vso.code`, empty where only a token without a narrower scope will do;
    `title` is how the page for personal access tokens calls it. `beyond` is what else that page has to be
    told.
    """

    name: str
    title: str
    beyond: str = ""

    @property
    def text(self) -> str:
        """Title and name."""
        told = f"{self.title}: {self.name}" if self.name else self.title
        return f"{told}, {self.beyond}" if self.beyond else told


FULL_ACCESS: Final = Scope("", "full access")
"""For routes that no narrower scope is known to open (Azure DevOps documents none for them)."""


@dataclass(frozen=True, slots=True)
class Right:
    """A permission of the identity, empty where signing in is enough, and a token scope, None where any does.

    `key` is a stable word for machines. `grant` says where a person grants the permission.
    """

    key: str
    permission: str
    scope: Scope | None
    grant: str = ""

    @property
    def text(self) -> str:
        """Both in one line, as failures name them."""
        if self.scope is None:
            return self.permission
        scope = f"token scope: {self.scope.text}"
        return f"{self.permission} ({scope})" if self.permission else scope


class Capability(StrEnum):
    """What of ours uses a right."""

    DISCOVERY = "discovery"
    TENANT_LISTING = "tenantListing"
    PREREQUISITES = "prerequisites"
    AUDITING = "auditing"
    ADVANCED_SECURITY = "advancedSecurity"
    INVENTORY = "inventory"
    DELETIONS = "deletions"
    EXTENSION = "extension"
    EXTENSION_INSTALLATION = "extensionInstallation"
    POSTURE_PIPELINE_SETTINGS = "posturePipelineSettings"
    POSTURE_BRANCH_POLICIES = "postureBranchPolicies"
    POSTURE_SERVICE_CONNECTIONS = "postureServiceConnections"
    POSTURE_PIPELINES = "posturePipelines"
    POSTURE_LIBRARY = "postureLibrary"
    POSTURE_ORGANIZATION = "postureOrganization"
    POSTURE_PEOPLE = "posturePeople"
    POSTURE_FINDINGS = "postureFindings"
    IMAGE_TRACING = "imageTracing"


CAPABILITY_TITLES: Final = {
    Capability.DISCOVERY: "finding organizations",
    Capability.TENANT_LISTING: "finding organizations of the tenant (a hint)",
    Capability.PREREQUISITES: "checking prerequisites",
    Capability.AUDITING: "telling whether auditing is available",
    Capability.ADVANCED_SECURITY: "telling whether Advanced Security is available",
    Capability.INVENTORY: "inventory",
    Capability.DELETIONS: "telling deleted from hidden",
    Capability.EXTENSION: "Container Mapping extension",
    Capability.EXTENSION_INSTALLATION: "installing the extension, where that is allowed",
    Capability.POSTURE_PIPELINE_SETTINGS: "posture of pipeline settings",
    Capability.POSTURE_BRANCH_POLICIES: "posture of branches",
    Capability.POSTURE_SERVICE_CONNECTIONS: "posture of service connections",
    Capability.POSTURE_PIPELINES: "posture of pipelines and environments",
    Capability.POSTURE_LIBRARY: "posture of the library",
    Capability.POSTURE_ORGANIZATION: "posture of the organization",
    Capability.POSTURE_PEOPLE: "posture of people and permissions",
    Capability.POSTURE_FINDINGS: "findings of Advanced Security",
    Capability.IMAGE_TRACING: "tracing images through build logs, where that is allowed",
}
"""In the words of a person."""
