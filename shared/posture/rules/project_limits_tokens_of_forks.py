"""Projects should give builds of forks a token of few rights."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import project_restriction

RULE = Rule(
    id=RuleId("ADO-PROJ-009"),
    title="Projects should give builds of forks a token of few rights",
    resource=ResourceKind.PROJECT,
    severity=Severity.HIGH,
    topic="fork.secrets",
    aliases=("ADO_Build_DP_Dont_Allow_Forked_Builds_Run_As_Regular_Builds",),
    why=(
        "A build of a fork runs a stranger's code. With the token of a regular build it reads other "
        "repositories, and may push to them."
    ),
    judged=(
        "Healthy when `enforceJobAuthScopeForForks` is on in the pipeline settings of the project "
        "or of the organization, which sets it for all. Unhealthy when it is off in both. Unknown "
        "where one that would decide is not told."
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
            'version=7.1 with {"enforceJobAuthScopeForForks": true}.'
        ),
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/repos/github#contributions-from- forks",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-4 Poisoned Pipeline Execution",
        "MITRE ATT&CK: T1528 Steal Application Access Token",
    ),
    limits="Says nothing of secrets, which have a setting of their own.",
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS, FactKind.PIPELINE_SETTINGS}),
    evaluate=project_restriction(
        "enforceJobAuthScopeForForks",
        good="Builds of forks get a token of few rights.",
        bad="A pipeline may give builds of forks the token of a regular build.",
    ),
)
