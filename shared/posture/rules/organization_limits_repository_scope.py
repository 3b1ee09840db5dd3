"""Organizations should let YAML pipelines reach only the repositories that they name in every project."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_setting

RULE = Rule(
    id=RuleId("ADO-ORG-022"),
    title=(
        "Organizations should let YAML pipelines reach only the repositories that they name in every project"
    ),
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.HIGH,
    topic="pipeline.job-auth-scope",
    aliases=(
        "ADO_Organization_AuthZ_Limit_Pipeline_Scope_To_Referenced_Repos",
        "AZDO.1018 Test-AzdoOrganizationProtectAccessToRepository",
    ),
    why=(
        "Without it, a job's token opens every repository of the project: one poisoned dependency "
        "in one build reads the source code of all, and may write it. Set for the organization, no "
        "project can leave it out."
    ),
    judged=(
        "Healthy when `enforceReferencedRepoScopedToken` is on in the pipeline settings of the "
        "organization. Unknown where it is not told."
    ),
    fix=(
        (
            "Open Organization settings > Pipelines > Settings > Protect access to repositories in "
            "YAML pipelines."
        ),
        "Turn it on.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/access-tokens",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
        "MITRE ATT&CK: T1213.003 Data from Information Repositories: Code Repositories",
    ),
    limits=(
        "A pipeline that names a repository still gets it whole. Projects that set it for "
        "themselves are judged by a rule of their own."
    ),
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS}),
    evaluate=organization_setting(
        "enforceReferencedRepoScopedToken",
        should_be=True,
        good="Jobs reach only the repositories that their pipeline names.",
        bad="Jobs reach every repository of the project.",
    ),
)
