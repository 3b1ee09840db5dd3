"""Writes `docs/defender-api.openapi.json`, the API's description: `python -m local.openapi_reference`.

What is there is Defender's shape (azure-rest-api-specs, Microsoft.Security) as far as this API tells it, with
the property `adoConnector` that is our own. Objects may have more members than are described.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from handlers.read_defender_api import ASSESSMENT_VERSIONS, CONNECTOR_VERSIONS, DEVOPS_VERSIONS
from shared.model.assessment import AssessmentStatus, ResourceKind, Severity
from shared.model.connector import DiscoveryMode, Plan, ProvisioningState
from shared.model.organization import OnboardingState
from shared.model.prerequisite import PrerequisiteName, PrerequisiteStatus
from shared.posture.risk import RiskLevel
from shared.views.defender_assessments import ASSESSMENTS
from shared.views.defender_paths import PROVIDER
from shared.views.defender_resources import (
    CONNECTORS,
    DEVOPS,
    EXTENSION,
    ORGANIZATIONS,
    PENDING_DELETION,
    PROJECTS,
    REPOSITORIES,
    SUCCEEDED,
)

PAGE: Final = Path(__file__).parent.parent / "docs" / "defender-api.openapi.json"

Schema = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string"}
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_FLAG: Final[Schema] = {"type": "boolean"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_TEXTS: Final[Schema] = {"type": "array", "items": _TEXT}


def document() -> Schema:
    """The whole description, in OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "What ado-connector knows, in the shape of Microsoft Defender for Cloud's API",
            "version": "1",
            "description": "Read-only. Whatever a viewer may not see is answered like what is not there.",
        },
        "security": [{"bearer": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
    }


def page() -> str:
    """The file."""
    return json.dumps(document(), indent=2) + "\n"


def _paths() -> Schema:
    subscription = "/subscriptions/{subscriptionId}"
    group = f"{subscription}/resourceGroups/{{resourceGroupName}}"
    connectors = f"/providers/{PROVIDER}/securityConnectors"
    connector = f"{group}{connectors}/{{securityConnectorName}}"
    devops = f"{connector}/devops"
    organizations = f"{devops}/default/azureDevOpsOrgs"
    projects = f"{organizations}/{{orgName}}/projects"
    repositories = f"{projects}/{{projectName}}/repos"
    found = {
        f"{subscription}{connectors}": _get("Connector", CONNECTOR_VERSIONS, many=True),
        f"{group}{connectors}": _get("Connector", CONNECTOR_VERSIONS, many=True),
        connector: _get("Connector", CONNECTOR_VERSIONS),
        devops: _get("Configuration", DEVOPS_VERSIONS, many=True),
        f"{devops}/default": _get("Configuration", DEVOPS_VERSIONS),
        f"{devops}/default/listAvailableAzureDevOpsOrgs": _available(),
        organizations: _get("Organization", DEVOPS_VERSIONS, many=True),
        f"{organizations}/{{orgName}}": _get("Organization", DEVOPS_VERSIONS),
        projects: _get("Project", DEVOPS_VERSIONS, many=True),
        f"{projects}/{{projectName}}": _get("Project", DEVOPS_VERSIONS),
        repositories: _get("Repository", DEVOPS_VERSIONS, many=True),
        f"{repositories}/{{repoName}}": _get("Repository", DEVOPS_VERSIONS),
    }
    assessments = f"/providers/{PROVIDER}/assessments"
    scopes = (
        subscription,
        group,
        connector,
        f"{organizations}/{{orgName}}",
        f"{projects}/{{projectName}}",
        f"{repositories}/{{repoName}}",
    )
    for scope in scopes:
        found[f"{scope}{assessments}"] = _get("Assessment", ASSESSMENT_VERSIONS, many=True)
    for scope in scopes[3:]:
        found[f"{scope}{assessments}/{{assessmentName}}"] = _get("Assessment", ASSESSMENT_VERSIONS)
    for path, operations in found.items():
        names = [one.partition("}")[0] for one in path.split("{")[1:]]
        operations["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": _TEXT} for name in names
        ]
    return found


def _get(of: str, versions: tuple[str, ...], *, many: bool = False) -> Schema:
    return {"get": _operation(of, versions, many=many)}


def _available() -> Schema:
    operation = _operation("Organization", DEVOPS_VERSIONS, many=True)
    return {"post": operation, "get": operation}


def _operation(of: str, versions: tuple[str, ...], *, many: bool) -> Schema:
    parameters: list[Schema] = [
        {"name": "api-version", "in": "query", "required": True, "schema": _of(*versions)},
        {"name": "If-None-Match", "in": "header", "schema": _TEXT},
    ]
    if many:
        parameters.append({"name": "$skipToken", "in": "query", "schema": _TEXT})
    schema = f"{of}Listing" if many else of
    error = {"content": {"application/json": {"schema": _ref("Error")}}}
    return {
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "Known.",
                "headers": {"ETag": {"schema": _TEXT}},
                "content": {"application/json": {"schema": _ref(schema)}},
            },
            "304": {"description": "As it was when it was told with this ETag."},
            "400": {"description": "The version or the page token is wrong.", **error},
            "401": {"description": "Nobody knows who asks.", **error},
            "403": {"description": "It does not come from where it may.", **error},
            "404": {"description": "Not there, or not for this viewer.", **error},
            "503": {"description": "The state cannot be read now.", **error},
        },
    }


_OF_CONNECTOR: Final[Schema] = {
    "etag": _TEXT,
    "kind": {"const": "AzureDevOps"},
    "location": _TEXT,
    "tags": {"type": "object"},
    "systemData": {"type": "object"},
}


def _schemas() -> Schema:
    bodies = {
        "Connector": _resource(CONNECTORS, _connector(), _OF_CONNECTOR),
        "Configuration": _resource(DEVOPS, _configuration()),
        "Organization": _resource(ORGANIZATIONS, _organization()),
        "Project": _resource(PROJECTS, _project()),
        "Repository": _resource(REPOSITORIES, _repository()),
        "Assessment": _resource(ASSESSMENTS, _assessment()),
    }
    listings = {
        f"{name}Listing": _object(
            {"value": {"type": "array", "items": _ref(name)}, "nextLink": _TEXT}, "value"
        )
        for name in bodies
    }
    error = _object({"error": _object({"code": _TEXT, "message": _TEXT}, "code", "message")}, "error")
    return {**bodies, **listings, "Error": error}


def _resource(kind: str, properties: Schema, more: Schema | None = None) -> Schema:
    members = {"id": _TEXT, "name": _TEXT, "type": {"const": kind}, "properties": properties, **(more or {})}
    return _object(members, "id", "name", "type", "properties")


def _connector() -> Schema:
    environment = _object({"environmentType": {"const": "AzureDevOpsScope"}}, "environmentType")
    offering = _object({"offeringType": {"const": "CspmMonitorAzureDevOps"}}, "offeringType")
    extension = _object(
        {
            "id": _TEXT,
            "tenant": _TEXT,
            "discoveryMode": _of(*DiscoveryMode),
            "plan": _of(*Plan),
            "identityKind": _TEXT,
            "included": _TEXTS,
            "excluded": _TEXTS,
            "authorization": _object(
                {
                    "status": _TEXT,
                    "since": _TIME,
                    "checkedAt": _TIME,
                    "expiresAt": _TIME,
                    "reason": _TEXT,
                    "fix": _TEXT,
                }
            ),
        },
        "id",
    )
    return _object(
        {
            "environmentName": {"const": "AzureDevOps"},
            "environmentData": environment,
            "offerings": {"type": "array", "items": offering},
            "hierarchyIdentifier": _TEXT,
            EXTENSION: extension,
        },
        "environmentName",
        "environmentData",
        "offerings",
        EXTENSION,
    )


def _configuration() -> Schema:
    capability = _object({"name": _TEXT, "value": _TEXT}, "name", "value")
    return _object(
        {
            "autoDiscovery": _of("Enabled", "Disabled"),
            "topLevelInventoryList": _TEXTS,
            "provisioningState": _of(*ProvisioningState),
            "provisioningStatusMessage": _TEXT,
            "provisioningStatusUpdateTimeUtc": _TIME,
            "capabilities": {"type": "array", "items": capability},
        },
        "autoDiscovery",
        "provisioningState",
    )


def _organization() -> Schema:
    prerequisite = _object(
        {
            "name": _of(*PrerequisiteName),
            "status": _of(*PrerequisiteStatus),
            "evidence": _TEXT,
            "fix": _TEXT,
            "checkedAt": _TIME,
            "since": _TIME,
        },
        "name",
        "status",
    )
    extension = _object(
        {
            "id": _TEXT,
            "instanceId": _TEXT,
            "owner": _TEXT,
            "onboardingReason": _TEXT,
            "onboardingFix": _TEXT,
            "onboardingChangedAt": _TIME,
            "projects": _COUNT,
            "repositories": _COUNT,
            "firstSeen": _TIME,
            "lastCompleteListing": _TIME,
            "missingSince": _TIME,
            "missingReason": _TEXT,
            "prerequisites": {"type": "array", "items": prerequisite},
        },
        "id",
    )
    return _inventoried({}, extension, "onboardingState")


def _project() -> Schema:
    extension = _object({"id": _TEXT, "state": _TEXT, "visibility": _TEXT, **_times()}, "id")
    return _inventoried({"parentOrgName": _TEXT, "projectId": _TEXT}, extension, "parentOrgName", "projectId")


def _repository() -> Schema:
    extension = _object(
        {
            "id": _TEXT,
            "projectId": _TEXT,
            "defaultBranch": _TEXT,
            "isDisabled": _FLAG,
            "isFork": _FLAG,
            **_times(),
        },
        "id",
    )
    own = {
        "parentOrgName": _TEXT,
        "parentProjectName": _TEXT,
        "repoId": _TEXT,
        "repoUrl": _TEXT,
        "visibility": _TEXT,
    }
    return _inventoried(own, extension, "parentOrgName", "parentProjectName", "repoId")


def _times() -> Schema:
    return {"firstSeen": _TIME, "lastSeen": _TIME, "missingSince": _TIME, "missingReason": _TEXT}


def _inventoried(own: Schema, extension: Schema, *required: str) -> Schema:
    return _object(
        {
            **own,
            "onboardingState": _of(*OnboardingState),
            "provisioningState": _of(SUCCEEDED, PENDING_DELETION),
            "provisioningStatusMessage": _TEXT,
            "provisioningStatusUpdateTimeUtc": _TIME,
            EXTENSION: extension,
        },
        *required,
        EXTENSION,
    )


def _assessment() -> Schema:
    levels = [one.value.capitalize() for one in RiskLevel]
    status = _object(
        {
            "code": _of("Healthy", "Unhealthy", "NotApplicable"),
            "cause": _of("Unknown", "NeverAssessed", "Stale", "Exempt"),
            "description": _TEXT,
            "firstEvaluationDate": _TIME,
            "statusChangeDate": _TIME,
        },
        "code",
    )
    metadata = _object(
        {
            "displayName": _TEXT,
            "description": _TEXT,
            "remediationDescription": _TEXT,
            "severity": _of(*(one.value.capitalize() for one in Severity)),
            "assessmentType": _of("BuiltIn", "CustomerManaged"),
            "preview": _FLAG,
        },
        "displayName",
        "severity",
        "assessmentType",
    )
    exemption = _object({"id": _TEXT, "kind": _TEXT, "reason": _TEXT, "by": _TEXT, "expiresAt": _TIME}, "id")
    extension = _object(
        {
            "rule": _TEXT,
            "aliases": _TEXTS,
            "status": _of(*AssessmentStatus),
            "lastStatus": _of(*AssessmentStatus),
            "reason": _TEXT,
            "evidence": {"type": "object"},
            "permission": _TEXT,
            "fix": _TEXTS,
            "readFrom": _TEXTS,
            "resourceKind": _of(*ResourceKind),
            "resourceId": _TEXT,
            "resourceName": _TEXT,
            "organizationId": _TEXT,
            "projectId": _TEXT,
            "severity": _of(*Severity),
            "risk": _of(*RiskLevel),
            "riskFactors": _TEXTS,
            "owner": _TEXT,
            "assessedAt": _TIME,
            "exemption": exemption,
        },
        "rule",
        "status",
        "resourceKind",
        "resourceId",
        "organizationId",
    )
    return _object(
        {
            "resourceDetails": _object({"source": {"const": "Azure"}, "id": _TEXT}, "source", "id"),
            "displayName": _TEXT,
            "status": status,
            "additionalData": {"type": "object", "additionalProperties": _TEXT},
            "metadata": metadata,
            "risk": _object(
                {"level": _of(*levels), "riskFactors": _TEXTS, "isContextualRisk": _FLAG}, "level"
            ),
            EXTENSION: extension,
        },
        "resourceDetails",
        "displayName",
        "status",
        EXTENSION,
    )


def _object(properties: Schema, *required: str) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required)}


def _of(*values: str) -> Schema:
    return {"enum": [str(one) for one in values]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
