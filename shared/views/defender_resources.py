"""Connectors and the inventory in the words of `Microsoft.Security/securityConnectors`.

Shapes: azure-rest-api-specs, Microsoft.Security, securityConnectors.json and securityConnectorsDevOps.json.
What Defender has no word for is under `adoConnector` in the properties, see docs/defender-api.md. Of what is
only on the way to something that its viewer may see, a name and an id are told.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from shared.model.connector import Connector, DiscoveryMode, Plan
from shared.model.inventory import Project, Repository
from shared.model.organization import Enrollment, OnboardingState, Organization
from shared.model.prerequisite import Prerequisite
from shared.model.viewer import Sight
from shared.views.defender_paths import (
    PROVIDER,
    configuration_id,
    connector_id,
    organization_id,
    project_id,
    repository_id,
)

EXTENSION: Final = "adoConnector"
"""The property that holds what Defender's shapes have no word for."""

CONNECTORS: Final = f"{PROVIDER}/securityConnectors"
DEVOPS: Final = f"{CONNECTORS}/devops"
ORGANIZATIONS: Final = f"{DEVOPS}/azureDevOpsOrgs"
PROJECTS: Final = f"{ORGANIZATIONS}/projects"
REPOSITORIES: Final = f"{PROJECTS}/repos"

WITH_CAPABILITIES: Final = frozenset(
    {"2024-04-01", "2024-05-15-preview", "2025-03-01", "2025-05-15-preview", "2025-11-01-preview"}
)
"""Versions whose configuration tells capabilities."""

SUCCEEDED: Final = "Succeeded"
PENDING_DELETION: Final = "PendingDeletion"
"""Of what complete listings lack: it is taken for deleted once that is proven."""

Document = dict[str, Any]


def moment(value: datetime | None) -> str | None:
    """A time as the API writes it: ISO 8601, UTC, to the millisecond."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def told(values: Mapping[str, object]) -> Document:
    """Without what is not known: absent, not null, as ARM tells it."""
    return {key: value for key, value in values.items() if value is not None}


def written(document: Mapping[str, object]) -> bytes:
    """A document as it is sent: ASCII alone, since names may hold halves of characters."""
    return json.dumps(document, separators=(",", ":")).encode()


def entity_tag(document: Mapping[str, object]) -> str:
    """The ETag of a document: the same for as long as nothing in it changes."""
    return f'"{hashlib.sha256(written(document)).hexdigest()[:32]}"'


def connector_resource(connector: Connector, sight: Sight) -> Document:
    """A security connector."""
    properties: Document = {
        "environmentName": "AzureDevOps",
        "environmentData": {"environmentType": "AzureDevOpsScope"},
        "offerings": [{"offeringType": "CspmMonitorAzureDevOps"}],
        "hierarchyIdentifier": connector.id,
    }
    whole = sight is Sight.WHOLE
    properties[EXTENSION] = _connector_extension(connector) if whole else {"id": connector.id}
    document = {
        "id": connector_id(connector),
        "name": connector.name,
        "type": CONNECTORS,
        "kind": "AzureDevOps",
        "location": connector.region or "global",
        "tags": {},
        "systemData": {"createdAt": moment(connector.created_at)},
        "properties": properties,
    }
    return {**document, "etag": entity_tag(document)}


def _connector_extension(connector: Connector) -> Document:
    authorization = connector.authorization
    return told(
        {
            "id": connector.id,
            "tenant": connector.tenant,
            "discoveryMode": connector.mode.value,
            "plan": connector.plan.value,
            "identityKind": connector.identity.kind.value,
            "included": list(connector.organizations),
            "excluded": list(connector.excluded),
            "authorization": told(
                {
                    "status": authorization.status.value,
                    "since": moment(authorization.since),
                    "checkedAt": moment(authorization.checked_at),
                    "expiresAt": moment(authorization.expires_at),
                    "reason": authorization.reason or None,
                    "fix": authorization.fix or None,
                }
            ),
        }
    )


def configuration_resource(
    connector: Connector, sight: Sight, seen: Collection[str], version: str
) -> Document:
    """Its DevOps configuration; `seen` names the organizations that the viewer sees."""
    selected = connector.mode is DiscoveryMode.SELECTED
    whole = sight is Sight.WHOLE
    names = {one.casefold() for one in seen}
    listed = [one for one in connector.organizations if whole or one.casefold() in names]
    future = connector.mode is DiscoveryMode.EXISTING_AND_FUTURE
    properties: Document = told(
        {
            "autoDiscovery": "Enabled" if future else "Disabled",
            "topLevelInventoryList": listed if selected else None,
            "provisioningState": connector.provisioning.value,
            "provisioningStatusMessage": connector.provisioning_message if whole else None,
            "provisioningStatusUpdateTimeUtc": moment(connector.provisioning_at),
        }
    )
    if version in WITH_CAPABILITIES:
        premium = str(connector.plan is Plan.DEFENDER_CSPM).lower()
        properties["capabilities"] = [{"name": "DCSPM_ENABLED", "value": premium}]
    return {
        "id": configuration_id(connector),
        "name": "default",
        "type": DEVOPS,
        "properties": properties,
    }


def organization_resource(
    connector: Connector,
    organization: Organization,
    enrollment: Enrollment,
    prerequisites: Collection[Prerequisite],
    sight: Sight,
) -> Document:
    """An organization, as the connector has it."""
    whole = sight is Sight.WHOLE
    missing = organization.missing_since is not None
    properties: Document = {"onboardingState": enrollment.state.value}
    if enrollment.state is OnboardingState.ONBOARDED:
        properties["provisioningState"] = PENDING_DELETION if missing else SUCCEEDED
    extension: Document = {"id": organization.id}
    if whole:
        if enrollment.reason:
            properties["provisioningStatusMessage"] = enrollment.reason
        # What another connector found in it is for who may see that one.
        ours = enrollment.state is OnboardingState.ONBOARDED
        checked = moment(organization.last_complete_listing) if ours else None
        if checked is not None:
            properties["provisioningStatusUpdateTimeUtc"] = checked
        extension = told(
            {
                "id": organization.id,
                "instanceId": organization.instance_id or None,
                "owner": (organization.owner or None) if ours else None,
                "onboardingReason": enrollment.reason or None,
                "onboardingFix": enrollment.fix or None,
                "onboardingChangedAt": moment(enrollment.changed_at),
                "projects": organization.projects if ours else None,
                "repositories": organization.repositories if ours else None,
                "firstSeen": moment(organization.first_seen),
                "lastCompleteListing": checked,
                "missingSince": moment(organization.missing_since),
                "missingReason": organization.missing_reason or None,
                "prerequisites": [_prerequisite(one) for one in prerequisites],
            }
        )
    return {
        "id": organization_id(connector, organization.name),
        "name": organization.name,
        "type": ORGANIZATIONS,
        "properties": {**properties, EXTENSION: extension},
    }


def _prerequisite(one: Prerequisite) -> Document:
    return told(
        {
            "name": one.name.value,
            "status": one.status.value,
            "evidence": one.evidence,
            "fix": one.fix or None,
            "checkedAt": moment(one.checked_at),
            "since": moment(one.since),
        }
    )


def project_resource(connector: Connector, organization: Organization, project: Project) -> Document:
    """A project."""
    return {
        "id": project_id(connector, organization.name, project.name),
        "name": project.name,
        "type": PROJECTS,
        "properties": {
            "parentOrgName": organization.name,
            "projectId": project.id,
            "onboardingState": OnboardingState.ONBOARDED.value,
            **_status(project),
            EXTENSION: told(
                {
                    "id": project.id,
                    "state": project.state,
                    "visibility": project.visibility or None,
                    **_times(project),
                }
            ),
        },
    }


def repository_resource(
    connector: Connector, organization: Organization, project: Project, repository: Repository
) -> Document:
    """A repository."""
    return {
        "id": repository_id(connector, organization.name, project.name, repository.name),
        "name": repository.name,
        "type": REPOSITORIES,
        "properties": {
            "parentOrgName": organization.name,
            "parentProjectName": project.name,
            "repoId": repository.id,
            "repoUrl": repository.url,
            **({"visibility": project.visibility} if project.visibility else {}),
            "onboardingState": OnboardingState.ONBOARDED.value,
            **_status(repository),
            EXTENSION: told(
                {
                    "id": repository.id,
                    "projectId": project.id,
                    "defaultBranch": repository.default_branch,
                    "isDisabled": repository.is_disabled,
                    "isFork": repository.is_fork,
                    **_times(repository),
                }
            ),
        },
    }


def _status(row: Project | Repository) -> Document:
    missing = row.missing_since is not None
    return told(
        {
            "provisioningState": PENDING_DELETION if missing else SUCCEEDED,
            "provisioningStatusMessage": row.missing_reason if missing and row.missing_reason else "OK",
            "provisioningStatusUpdateTimeUtc": moment(row.last_seen or row.first_seen),
        }
    )


def _times(row: Project | Repository) -> Document:
    return {
        "firstSeen": moment(row.first_seen),
        "lastSeen": moment(row.last_seen or row.first_seen),
        "missingSince": moment(row.missing_since),
        "missingReason": row.missing_reason or None,
    }
