"""The journal: everything that happened, in order, with why and who asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.model.ids import ConnectorId, OrganizationId


class JournalEvent(StrEnum):
    """Stable names of what can happen."""

    CONNECTOR_CREATED = "connector.created"
    CONNECTOR_DELETED = "connector.deleted"
    CONNECTOR_CHANGED = "connector.changed"
    CONNECTOR_AUTHORIZED = "connector.authorized"
    AUTHORIZATION_CHANGED = "authorization.changed"
    DISCOVERY_FAILED = "discovery.failed"
    DISCOVERY_RECOVERED = "discovery.recovered"
    ORGANIZATION_DISCOVERED = "organization.discovered"
    ORGANIZATION_RENAMED = "organization.renamed"
    ORGANIZATION_MISSING = "organization.missing"
    ORGANIZATION_BACK = "organization.back"
    ORGANIZATION_MERGED = "organization.merged"
    ONBOARDING_REQUESTED = "onboarding.requested"
    ONBOARDING_REFUSED = "onboarding.refused"
    ONBOARDING_CHANGED = "onboarding.changed"
    CLAIM_RELEASED = "claim.released"
    CLAIM_MOVED = "claim.moved"
    PREREQUISITE_CHANGED = "prerequisite.changed"
    EXTENSION_CHANGED = "extension.changed"
    EXTENSION_INSTALL_REQUESTED = "extension.installRequested"
    EXTENSION_INSTALLED = "extension.installed"
    EXTENSION_INSTALL_REFUSED = "extension.installRefused"
    PROJECT_DISCOVERED = "project.discovered"
    PROJECT_RENAMED = "project.renamed"
    PROJECT_CHANGED = "project.changed"
    PROJECT_MISSING = "project.missing"
    PROJECT_BACK = "project.back"
    PROJECT_RETIRED = "project.retired"
    PROJECT_RESTORED = "project.restored"
    REPOSITORY_DISCOVERED = "repository.discovered"
    REPOSITORY_RENAMED = "repository.renamed"
    REPOSITORY_MOVED = "repository.moved"
    REPOSITORY_CHANGED = "repository.changed"
    REPOSITORY_MISSING = "repository.missing"
    REPOSITORY_BACK = "repository.back"
    REPOSITORY_RETIRED = "repository.retired"
    REPOSITORY_RESTORED = "repository.restored"
    ASSESSMENT_CHANGED = "assessment.changed"
    EXEMPTION_ADDED = "exemption.added"
    EXEMPTION_CHANGED = "exemption.changed"
    EXEMPTION_REMOVED = "exemption.removed"
    STATE_MENDED = "state.mended"
    WORK_FAILED = "work.failed"
    WORK_RECOVERED = "work.recovered"


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One thing that happened. `before` and `after` are short texts; `id` is set by the store, in order."""

    at: datetime
    event: JournalEvent
    connector: ConnectorId | None = None
    organization: OrganizationId | None = None
    subject: str = ""
    subject_name: str = ""
    before: str = ""
    after: str = ""
    reason: str = ""
    requested_by: str = ""
    id: int = 0
