"""Projects should let YAML pipelines reach only the repositories that they name."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import project_restriction

RULE = Rule(
    id=RuleId("ADO-PROJ-004"),
    title="Projects should let YAML pipelines reach only the repositories that they name",
    resource=ResourceKind.PROJECT,
    severity=Severity.HIGH,
    topic="pipeline.job-auth-scope",
    aliases=(
        "ADO_Project_AuthZ_Limit_Pipeline_Scope_To_Referenced_Repos",
        "ADO-PLS-004 Azure.DevOps.Pipelines.Settings.LimitJobAuthorizationScopeForYamlPipelines",
    ),
    why=(
        "Without it, a job's token opens every repository of the project: one poisoned dependency "
        "in one build reads the source code of all, and may write it."
    ),
    judged=(
        "Healthy when `enforceReferencedRepoScopedToken` is on in the pipeline settings of the "
        "project or of the organization, which sets it for all. Unhealthy when it is off in both. "
        "Unknown where one that would decide is not told."
    ),
    fix=(
        "Open Project settings > Pipelines > Settings > Protect access to repositories in YAML pipelines.",
        "Turn it on.",
        (
            "Or by REST: PATCH "
            "https://dev.azure.com/{organization}/{project}/_apis/build/generalsettings?api- "
            'version=7.1 with {"enforceReferencedRepoScopedToken": true}.'
        ),
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/access-tokens",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
        "MITRE ATT&CK: T1213.003 Data from Information Repositories: Code Repositories",
    ),
    limits="A pipeline that names a repository still gets it whole.",
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS, FactKind.PIPELINE_SETTINGS}),
    evaluate=project_restriction(
        "enforceReferencedRepoScopedToken",
        good="Jobs reach only the repositories that their pipeline names.",
        bad="Jobs reach every repository of the project.",
    ),
)
