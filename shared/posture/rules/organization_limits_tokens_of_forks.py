"""Organizations should give builds of forks a token of few rights in every project."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_setting

RULE = Rule(
    id=RuleId("ADO-ORG-027"),
    title="Organizations should give builds of forks a token of few rights in every project",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.HIGH,
    topic="fork.secrets",
    why=(
        "A build of a fork runs a stranger's code. With the token of a regular build it reads other "
        "repositories, and may push to them. Set for the organization, no project can leave it out."
    ),
    judged=(
        "Healthy when `enforceJobAuthScopeForForks` is on in the pipeline settings of the "
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
        "MITRE ATT&CK: T1528 Steal Application Access Token",
    ),
    limits=(
        "Says nothing of secrets, which have a setting of their own. Projects that set it for "
        "themselves are judged by a rule of their own."
    ),
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS}),
    evaluate=organization_setting(
        "enforceJobAuthScopeForForks",
        should_be=True,
        good="Builds of forks get a token of few rights.",
        bad="A pipeline may give builds of forks the token of a regular build.",
    ),
)
