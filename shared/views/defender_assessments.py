"""Recommendations in the words of `Microsoft.Security/assessments`.

Shape: azure-rest-api-specs, Microsoft.Security, assessments.json. Defender has three statuses where there are
six here: what is unknown, stale or never assessed is told as *NotApplicable* with that as its cause, never as
healthy; and so is a finding that an exemption covers, with the cause *Exempt*, as Defender does it.
"""

from __future__ import annotations

import json
import uuid
from typing import Final

from shared.model.assessment import AssessmentStatus, ResourceKind
from shared.model.inventory import Project
from shared.model.organization import Organization
from shared.posture.risk import owner_of, risk_of
from shared.posture.rule import Lifecycle, Rule
from shared.posture.views import Recommendation
from shared.views.defender_paths import PROVIDER
from shared.views.defender_resources import EXTENSION, Document, moment, told

ASSESSMENTS: Final = f"{PROVIDER}/assessments"

WITH_RISK: Final = frozenset({"2025-05-04", "2025-05-04-preview"})
"""Versions whose assessments tell a risk."""

_CODES: Final = {
    AssessmentStatus.HEALTHY: ("Healthy", ""),
    AssessmentStatus.UNHEALTHY: ("Unhealthy", ""),
    AssessmentStatus.NOT_APPLICABLE: ("NotApplicable", ""),
    AssessmentStatus.UNKNOWN: ("NotApplicable", "Unknown"),
    AssessmentStatus.NEVER_ASSESSED: ("NotApplicable", "NeverAssessed"),
    AssessmentStatus.STALE: ("NotApplicable", "Stale"),
}
EXEMPT: Final = "Exempt"

_WITH_RESOURCES = frozenset({ResourceKind.ORGANIZATION, ResourceKind.PROJECT, ResourceKind.REPOSITORY})
_NAMES = uuid.UUID("8f0f3f7e-0b7c-5c1a-9d39-2f6f9f2b1c11")


def assessment_name(one: Recommendation) -> str:
    """The name of an assessment, unique on the resource that it is of.

    Defender's key of the recommendation, or else our rule's id. What has no resource of its own in ARM (a
    pipeline, a service connection) is assessed on its project or organization, under a name made of its id.
    """
    name = one.rule.assessment_key or one.rule.id
    if one.resource.kind in _WITH_RESOURCES:
        return name
    return str(uuid.uuid5(_NAMES, f"{one.rule.id}|{one.resource.kind.value}|{one.resource.id}"))


def assessment_resource(
    one: Recommendation,
    organization: Organization,
    project: Project | None,
    resource_id: str,
    version: str,
) -> Document:
    """An assessment of the resource with this ARM id."""
    name = assessment_name(one)
    properties: Document = {
        # Of the sources that both versions know, the one that has an ARM id.
        "resourceDetails": {"source": "Azure", "id": resource_id},
        "displayName": one.rule.title,
        "status": _status(one),
        "additionalData": {key: _text(value) for key, value in one.evidence.items()},
        "metadata": _metadata(one.rule),
    }
    risk = risk_of(one.rule.severity, one.resource, project, one.evidence)
    if version in WITH_RISK:
        properties["risk"] = {
            "level": risk.level.value.capitalize(),
            "riskFactors": [factor.value for factor in risk.factors],
            "isContextualRisk": True,
        }
    exemption = one.exemption
    properties[EXTENSION] = told(
        {
            "rule": one.rule.id,
            "aliases": list(one.rule.aliases),
            "status": one.status.value,
            "lastStatus": one.last_status.value if one.last_status else None,
            "reason": one.reason,
            "evidence": dict(one.evidence),
            "permission": one.permission or None,
            "fix": list(one.rule.fix),
            "readFrom": list(one.rule.sources),
            "resourceKind": one.resource.kind.value,
            "resourceId": one.resource.id,
            "resourceName": one.resource.name,
            "organizationId": organization.id,
            "projectId": project.id if project else None,
            "severity": one.rule.severity.value,
            "risk": risk.level.value,
            "riskFactors": [factor.value for factor in risk.factors],
            "owner": owner_of(one.evidence, project, organization.name, organization.owner),
            "assessedAt": moment(one.assessed_at),
            "exemption": None
            if exemption is None
            else {
                "id": exemption.id,
                "kind": exemption.kind.value,
                "reason": exemption.reason,
                "by": exemption.by,
                "expiresAt": moment(exemption.expires_at),
            },
        }
    )
    return {
        "id": f"{resource_id}/providers/{PROVIDER}/assessments/{name}",
        "name": name,
        "type": ASSESSMENTS,
        "properties": properties,
    }


def _status(one: Recommendation) -> Document:
    code, cause = _CODES[one.status]
    if one.is_exempted:
        code, cause = "NotApplicable", EXEMPT
    return told(
        {
            "code": code,
            "cause": cause or None,
            "description": one.reason or None,
            "firstEvaluationDate": moment(one.first_seen),
            "statusChangeDate": moment(one.changed_at),
        }
    )


def _metadata(rule: Rule) -> Document:
    return {
        "displayName": rule.title,
        "description": rule.why,
        "remediationDescription": "\n".join(rule.fix),
        "severity": rule.severity.value.capitalize(),
        "assessmentType": "BuiltIn" if rule.assessment_key else "CustomerManaged",
        "preview": rule.lifecycle is Lifecycle.PREVIEW,
    }


def _text(value: object) -> str:
    """Additional data are texts; what is none is told as JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=str)
