"""Organizations should build pull requests of GitHub only after a comment by a team member in every."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_setting

RULE = Rule(
    id=RuleId("ADO-ORG-028"),
    title=(
        "Organizations should build pull requests of GitHub only after a comment by a team member "
        "in every project"
    ),
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="fork.secrets",
    why=(
        "Where every pull request is built at once, opening one is enough to run code on the "
        "agents. A comment by a team member means that somebody looked first. Set for the "
        "organization, no project can leave it out."
    ),
    judged=(
        "Healthy when `isCommentRequiredForPullRequest` is on in the pipeline settings of the "
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
        "MITRE ATT&CK: T1059 Command and Scripting Interpreter",
    ),
    limits=(
        "Says nothing of what the team member looked at. Projects that set it for themselves are "
        "judged by a rule of their own."
    ),
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS}),
    evaluate=organization_setting(
        "isCommentRequiredForPullRequest",
        should_be=True,
        good="A team member comments before a pull request is built.",
        bad="Pull requests are built without anybody having looked.",
    ),
)
