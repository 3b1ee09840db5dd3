"""An organization, and what each connector makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.model.ids import ConnectorId, OrganizationId, TenantId


class OnboardingState(StrEnum):
    """In the words of `Microsoft.Security/securityConnectors/devops/azureDevOpsOrgs`."""

    NOT_APPLICABLE = "NotApplicable"
    ONBOARDED_BY_OTHER_CONNECTOR = "OnboardedByOtherConnector"
    ONBOARDED = "Onboarded"
    NOT_ONBOARDED = "NotOnboarded"


class OnboardingCause(StrEnum):
    """What decided the onboarding state, so that only a new decision of the same kind replaces it."""

    PENDING = "pending"
    """The prerequisites have not been checked yet."""
    NOT_WANTED = "notWanted"
    """Excluded, removed, not selected, or newer than the connector's baseline."""
    HELD_ELSEWHERE = "heldElsewhere"
    """Another connector of the tenant holds it."""
    PREREQUISITES = "prerequisites"
    """The last check of the prerequisites."""


@dataclass(frozen=True, slots=True)
class Organization:
    """An Azure DevOps organization of a tenant, whoever connects it.

    `instance_id` is the collection id that `connectionData` tells, `account_id` the id of the accounts
    listing; either may be unknown as long as the organization could not be read. `missing_since` is set
    while it is not to be found, `last_complete_listing` by every inventory sync that read everything;
    `projects` and `repositories` count what is neither missing nor retired.
    `merged_into` marks a record that turned out to be the same organization as another.
    """

    id: OrganizationId
    tenant: TenantId
    name: str
    first_seen: datetime
    instance_id: str = ""
    account_id: str = ""
    owner: str = ""
    former_names: tuple[str, ...] = ()
    missing_since: datetime | None = None
    missing_reason: str = ""
    last_complete_listing: datetime | None = None
    projects: int = 0
    repositories: int = 0
    merged_into: OrganizationId | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Enrollment:
    """What one connector makes of one organization: onboarded or not, and why.

    `in_baseline` says that the organization existed when the connector was created; `forced_by` who asked
    for it by a forced onboarding; `removed_by` who took it out by hand (which lasts until it is forced
    again); `listed` whether the last complete listing of the connector's identity named it; `awaiting` who
    still waits for the journal's answer to a forced onboarding.
    """

    connector: ConnectorId
    organization: OrganizationId
    state: OnboardingState
    reason: str
    discovered_at: datetime
    changed_at: datetime
    fix: str = ""
    cause: OnboardingCause = OnboardingCause.PENDING
    in_baseline: bool = False
    forced_by: str = ""
    removed_by: str = ""
    listed: bool = True
    awaiting: str = ""
    revision: int = 0
