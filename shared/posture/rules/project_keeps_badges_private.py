"""Projects should keep status badges of pipelines private."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import project_restriction

RULE = Rule(
    id=RuleId("ADO-PROJ-006"),
    title="Projects should keep status badges of pipelines private",
    resource=ResourceKind.PROJECT,
    severity=Severity.LOW,
    topic="policy.badges",
    aliases=(
        "ADO_Project_DP_Disable_Anonymous_Access_To_Badges",
        "ADO-PLS-008 Azure.DevOps.Pipelines.Settings.StatusBadgesPrivate",
    ),
    why=(
        "A badge that anybody may fetch tells strangers which projects and pipelines exist and when "
        "they fail: a map for whoever prepares an attack."
    ),
    judged=(
        "Healthy when `statusBadgesArePrivate` is on in the pipeline settings of the project or of "
        "the organization, which sets it for all. Unhealthy when it is off in both. Unknown where "
        "one that would decide is not told."
    ),
    fix=(
        "Open Project settings > Pipelines > Settings > Disable anonymous access to badges.",
        "Turn it on.",
        (
            "Or by REST: PATCH "
            "https://dev.azure.com/{organization}/{project}/_apis/build/generalsettings?api- "
            'version=7.1 with {"statusBadgesArePrivate": true}.'
        ),
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/create-first-pipeline",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-7 Insecure System Configuration",),
    limits="Says nothing of badges that were copied elsewhere.",
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS, FactKind.PIPELINE_SETTINGS}),
    evaluate=project_restriction(
        "statusBadgesArePrivate",
        good="Badges are for people who are signed in.",
        bad="Anybody on the internet may fetch badges.",
    ),
)
