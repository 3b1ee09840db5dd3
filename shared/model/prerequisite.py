"""Prerequisites of onboarding: what must hold for the identity in an organization."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PrerequisiteName(StrEnum):
    """The prerequisites that are checked (Microsoft Learn, "Connect Azure DevOps environments")."""

    MEMBERSHIP = "organizationMembership"
    PROJECT_COLLECTION_ADMINISTRATOR = "projectCollectionAdministrator"
    ACCESS_LEVEL = "accessLevel"
    THIRD_PARTY_OAUTH = "thirdPartyApplicationAccess"
    SAME_TENANT = "sameTenant"
    ORGANIZATION_ACTIVE = "organizationActive"
    AUDITING = "auditing"
    ADVANCED_SECURITY = "advancedSecurity"


DEFENDER_PREREQUISITES = (
    PrerequisiteName.MEMBERSHIP,
    PrerequisiteName.PROJECT_COLLECTION_ADMINISTRATOR,
    PrerequisiteName.ACCESS_LEVEL,
)
"""Required by default. The OAuth policy is shown but never blocks: it does not govern Entra tokens."""

INFORMATIONAL = frozenset(
    {
        PrerequisiteName.SAME_TENANT,
        PrerequisiteName.ORGANIZATION_ACTIVE,
        PrerequisiteName.AUDITING,
        PrerequisiteName.ADVANCED_SECURITY,
    }
)
"""Shown to explain, or for capabilities that not everybody has: not met or unknown, they need nobody's
attention unless a connector requires them."""


class PrerequisiteStatus(StrEnum):
    """Unknown is not met, and is not the same as not met."""

    MET = "met"
    NOT_MET = "notMet"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """The outcome of one check, with what it rests on and what would change it.

    `warning` is set on a prerequisite that is met in an unusual way (a custom grant instead of membership).
    `since` is when this status was first seen, `checked_at` when it was last confirmed.
    """

    name: PrerequisiteName
    status: PrerequisiteStatus
    evidence: str
    fix: str
    checked_at: datetime
    since: datetime
    warning: str = ""
