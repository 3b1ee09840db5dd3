"""Organizations should withhold secrets from builds of forks in every project."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_setting

RULE = Rule(
    id=RuleId("ADO-ORG-026"),
    title="Organizations should withhold secrets from builds of forks in every project",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.HIGH,
    topic="fork.secrets",
    aliases=("AZDO.1022 Test-AzdoOrganizationTriggerPullRequestGitHubRepository",),
    why=(
        "A pull request from a fork brings the fork's own pipeline file. With secrets at hand, a "
        "stranger prints them into the log, or uses them before anybody reads the change. Set for "
        "the organization, no project can leave it out."
    ),
    judged=(
        "Healthy when `enforceNoAccessToSecretsFromForks` is on in the pipeline settings of the "
        "organization. Unknown where it is not told."
    ),
    fix=(
        (
            "Open Organization settings > Pipelines > Settings > Limit building pull requests from "
            "forked GitHub repositories."
        ),
        "Turn it on.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/repos/github#contributions-from- forks",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-4 Poisoned Pipeline Execution",
        "MITRE ATT&CK: T1552 Unsecured Credentials",
    ),
    limits=(
        "Builds of forks still run a stranger's code on the agent. Projects that set it for "
        "themselves are judged by a rule of their own."
    ),
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS}),
    evaluate=organization_setting(
        "enforceNoAccessToSecretsFromForks",
        should_be=True,
        good="Builds of forks get no secrets, whatever a pipeline says.",
        bad="A pipeline may hand secrets to builds of forks.",
    ),
)
