"""Projects should limit job tokens of pipelines to the current project."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import project_restriction

RULE = Rule(
    id=RuleId("ADO-PROJ-002"),
    title="Projects should limit job tokens of pipelines to the current project",
    resource=ResourceKind.PROJECT,
    severity=Severity.HIGH,
    topic="pipeline.job-auth-scope",
    aliases=(
        "ADO_Project_AuthZ_Limit_Non_Release_Pipeline_Scope",
        "ADO-PLS-002 Azure.DevOps.Pipelines.Settings.LimitJobAuthorizationScope",
    ),
    why=(
        "A pipeline job runs with a token. Unless it is limited to the project, whoever may push a "
        "pipeline file in one project reads and writes repositories of all the others."
    ),
    judged=(
        "Healthy when `enforceJobAuthScope` is on in the pipeline settings of the project or of the "
        "organization, which sets it for all. Unhealthy when it is off in both. Unknown where one "
        "that would decide is not told."
    ),
    fix=(
        (
            "Open Project settings > Pipelines > Settings > Limit job authorization scope to "
            "current project for non-release pipelines."
        ),
        "Turn it on.",
        (
            "Or by REST: PATCH "
            "https://dev.azure.com/{organization}/{project}/_apis/build/generalsettings?api- "
            'version=7.1 with {"enforceJobAuthScope": true}.'
        ),
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/access-tokens",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
        "MITRE ATT&CK: T1528 Steal Application Access Token",
    ),
    limits="The build account may still be granted more in other projects.",
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS, FactKind.PIPELINE_SETTINGS}),
    evaluate=project_restriction(
        "enforceJobAuthScope",
        good="Job tokens reach the current project only.",
        bad="Job tokens reach every project of the organization.",
    ),
)
