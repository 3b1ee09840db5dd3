"""Rows of organizations and of their extension, as commands write them."""

from __future__ import annotations

from datetime import datetime

from cli.inventory import organization_url
from cli.output import instant
from shared.model.prerequisite import PrerequisiteName
from shared.views.organizations import View, tell

NOT_CHECKED = "notChecked"
"""Status of a prerequisite or an extension that was never looked at."""


def organization_row(view: View, now: datetime) -> dict[str, object]:
    """The JSON of an organization."""
    organization, enrollment = view.organization, view.enrollment
    concerns = tell(view, now)
    return {
        "id": organization.id,
        "name": organization.name,
        "url": organization_url(organization.name),
        "tenant": organization.tenant,
        "connector": view.connector.name if view.connector else None,
        "connectorId": view.connector.id if view.connector else None,
        "onboardingState": view.state.value,
        "reason": " ".join(concerns) or None,
        "fix": (enrollment.fix or None) if enrollment else None,
        "projects": organization.projects,
        "repositories": organization.repositories,
        "lastSync": instant(organization.last_complete_listing),
        "extension": view.extension.status.value if view.extension else NOT_CHECKED,
        "extensionReason": view.extension.evidence if view.extension else None,
        "extensionFix": (view.extension.fix or None) if view.extension else None,
        "prerequisites": {name.value: _prerequisite(view, name) for name in PrerequisiteName},
        "owner": organization.owner or None,
        "organizationInstanceId": organization.instance_id or None,
        "accountId": organization.account_id or None,
        "formerNames": list(organization.former_names),
        "firstSeen": instant(organization.first_seen),
        "missingSince": instant(organization.missing_since),
        "discoveredAt": instant(enrollment.discovered_at) if enrollment else None,
        "changedAt": instant(enrollment.changed_at) if enrollment else None,
        "forcedBy": (enrollment.forced_by or None) if enrollment else None,
        "removedBy": (enrollment.removed_by or None) if enrollment else None,
    }


def extension_row(view: View) -> dict[str, object]:
    """The JSON of an organization's Container Mapping extension."""
    known, connector = view.extension, view.connector
    options = connector.options if connector else None
    attempt = known.attempt if known else None
    return {
        "organization": view.organization.name,
        "organizationId": view.organization.id,
        "connector": connector.name if connector else None,
        "status": known.status.value if known else NOT_CHECKED,
        "reason": known.evidence if known else None,
        "fix": (known.fix or None) if known else None,
        "publisher": options.extension_publisher if options else None,
        "name": options.extension_name if options else None,
        "version": (known.version or None) if known else None,
        "mayInstall": options.install_extension if options else None,
        "since": instant(known.since) if known else None,
        "checkedAt": instant(known.checked_at) if known else None,
        "seenAt": instant(known.seen_at) if known else None,
        "removedAt": instant(known.removed_at) if known else None,
        "removals": known.removals if known else 0,
        "attempt": {
            "at": instant(attempt.at),
            "requestedBy": attempt.requested_by,
            "outcome": attempt.outcome.value,
            "message": attempt.message or None,
        }
        if attempt
        else None,
    }


def _prerequisite(view: View, name: PrerequisiteName) -> dict[str, object]:
    known = view.prerequisites.get(name)
    return {
        "status": known.status.value if known else NOT_CHECKED,
        "required": view.requires(name),
        "evidence": known.evidence if known else None,
        "fix": (known.fix or None) if known else None,
        "warning": (known.warning or None) if known else None,
        "checkedAt": instant(known.checked_at) if known else None,
        "since": instant(known.since) if known else None,
    }
