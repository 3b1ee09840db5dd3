"""Organizations should keep status badges of pipelines private in every project."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_setting

RULE = Rule(
    id=RuleId("ADO-ORG-024"),
    title="Organizations should keep status badges of pipelines private in every project",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.LOW,
    topic="policy.badges",
    aliases=(
        "ADO_Organization_DP_Disable_Anonymous_Access_To_Badges",
        "AZDO.1014 Test-AzdoOrganizationBadgesArePrivate",
    ),
    why=(
        "A badge that anybody may fetch tells strangers which projects and pipelines exist and when "
        "they fail: a map for whoever prepares an attack. Set for the organization, no project can "
        "leave it out."
    ),
    judged=(
        "Healthy when `statusBadgesArePrivate` is on in the pipeline settings of the organization. "
        "Unknown where it is not told."
    ),
    fix=(
        "Open Organization settings > Pipelines > Settings > Disable anonymous access to badges.",
        "Turn it on.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/create-first-pipeline",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-7 Insecure System Configuration",),
    limits=(
        "Says nothing of badges that were copied elsewhere. Projects that set it for themselves are "
        "judged by a rule of their own."
    ),
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS}),
    evaluate=organization_setting(
        "statusBadgesArePrivate",
        should_be=True,
        good="Badges are for people who are signed in.",
        bad="Anybody on the internet may fetch badges.",
    ),
)
