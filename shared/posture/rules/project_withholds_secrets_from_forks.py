"""Projects should withhold secrets from builds of forks."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import project_restriction

RULE = Rule(
    id=RuleId("ADO-PROJ-008"),
    title="Projects should withhold secrets from builds of forks",
    resource=ResourceKind.PROJECT,
    severity=Severity.HIGH,
    topic="fork.secrets",
    aliases=(
        "ADO-PLS-006 Azure.DevOps.Pipelines.Settings.RestrictSecretsForPullRequestFromFork",
        "ADO_Project_SI_Apply_Secure_Policy_For_PRBuildTrigger_From_ForkedRepo",
    ),
    why=(
        "A pull request from a fork brings the fork's own pipeline file. With secrets at hand, a "
        "stranger prints them into the log, or uses them before anybody reads the change."
    ),
    judged=(
        "Healthy when `enforceNoAccessToSecretsFromForks` is on in the pipeline settings of the "
        "project or of the organization, which sets it for all. Unhealthy when it is off in both. "
        "Unknown where one that would decide is not told."
    ),
    fix=(
        (
            "Open Project settings > Pipelines > Settings > Limit building pull requests from "
            "forked GitHub repositories."
        ),
        "Turn it on.",
        (
            "Or by REST: PATCH "
            "https://dev.azure.com/{organization}/{project}/_apis/build/generalsettings?api- "
            'version=7.1 with {"enforceNoAccessToSecretsFromForks": true}.'
        ),
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/repos/github#contributions-from- forks",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-4 Poisoned Pipeline Execution",
        "MITRE ATT&CK: T1552 Unsecured Credentials",
    ),
    limits="Builds of forks still run a stranger's code on the agent.",
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS, FactKind.PIPELINE_SETTINGS}),
    evaluate=project_restriction(
        "enforceNoAccessToSecretsFromForks",
        good="Builds of forks get no secrets, whatever a pipeline says.",
        bad="A pipeline may hand secrets to builds of forks.",
    ),
)
