"""Projects should build pull requests of GitHub only after a comment by a team member."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import project_restriction

RULE = Rule(
    id=RuleId("ADO-PROJ-010"),
    title="Projects should build pull requests of GitHub only after a comment by a team member",
    resource=ResourceKind.PROJECT,
    severity=Severity.MEDIUM,
    topic="fork.secrets",
    aliases=(("ADO-PLS-005 Azure.DevOps.Pipelines.Settings.RequireCommentForPullRequestFromFork"),),
    why=(
        "Where every pull request is built at once, opening one is enough to run code on the "
        "agents. A comment by a team member means that somebody looked first."
    ),
    judged=(
        "Healthy when `isCommentRequiredForPullRequest` is on in the pipeline settings of the "
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
            'version=7.1 with {"isCommentRequiredForPullRequest": true}.'
        ),
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/repos/github#contributions-from- forks",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-4 Poisoned Pipeline Execution",
        "MITRE ATT&CK: T1059 Command and Scripting Interpreter",
    ),
    limits="Says nothing of what the team member looked at.",
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS, FactKind.PIPELINE_SETTINGS}),
    evaluate=project_restriction(
        "isCommentRequiredForPullRequest",
        good="A team member comments before a pull request is built.",
        bad="Pull requests are built without anybody having looked.",
    ),
)
