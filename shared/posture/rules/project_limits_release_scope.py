"""Projects should limit job tokens of classic releases to the current project."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import project_restriction

RULE = Rule(
    id=RuleId("ADO-PROJ-003"),
    title="Projects should limit job tokens of classic releases to the current project",
    resource=ResourceKind.PROJECT,
    severity=Severity.HIGH,
    topic="pipeline.job-auth-scope",
    aliases=(
        "ADO_Project_AuthZ_Limit_Release_Pipeline_Scope",
        "ADO-PLS-003 Azure.DevOps.Pipelines.Settings.LimitJobAuthorizationScopeForReleasePipelines",
    ),
    why=(
        "A classic release runs with a token. Unless it is limited to the project, whoever may edit "
        "one release reads and writes what all other projects hold."
    ),
    judged=(
        "Healthy when `enforceJobAuthScopeForReleases` is on in the pipeline settings of the "
        "project or of the organization, which sets it for all. Unhealthy when it is off in both. "
        "Unknown where one that would decide is not told."
    ),
    fix=(
        (
            "Open Project settings > Pipelines > Settings > Limit job authorization scope to "
            "current project for release pipelines."
        ),
        "Turn it on.",
        (
            "Or by REST: PATCH "
            "https://dev.azure.com/{organization}/{project}/_apis/build/generalsettings?api- "
            'version=7.1 with {"enforceJobAuthScopeForReleases": true}.'
        ),
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/access-tokens",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
        "MITRE ATT&CK: T1528 Steal Application Access Token",
    ),
    limits="Says nothing of YAML pipelines, which have a setting of their own.",
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS, FactKind.PIPELINE_SETTINGS}),
    evaluate=project_restriction(
        "enforceJobAuthScopeForReleases",
        good="Tokens of releases reach the current project only.",
        bad="Tokens of releases reach every project of the organization.",
    ),
)
