"""Pipelines should not give builds of forks the token of a regular build."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.pipelines import trigger_is_off
from shared.posture.rule import Rule
from shared.posture.subjects import each_pipeline

RULE = Rule(
    id=RuleId("ADO-PIPE-002"),
    title="Pipelines should not give builds of forks the token of a regular build",
    resource=ResourceKind.PIPELINE,
    severity=Severity.HIGH,
    topic="fork.secrets",
    aliases=("ADO_Build_DP_Dont_Allow_Forked_PublicRepo_Builds_In_PrivateProjects",),
    why=(
        "With the token of a regular build, a stranger's code reads the repositories that the "
        "pipeline reads, and may push to them."
    ),
    judged=(
        "Unhealthy when the pipeline builds forks with `allowFullAccessToken`. Not applicable to "
        "pipelines without settings for pull requests."
    ),
    fix=(
        "Open the pipeline > Edit > More actions > Triggers > Pull request validation > Forks.",
        "Clear Make fork builds have the same permissions as regular builds.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/repos/github#contributions-from- forks",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-4 Poisoned Pipeline Execution",
        "MITRE ATT&CK: T1528 Steal Application Access Token",
    ),
    limits="Says nothing of secrets, which have a rule of their own.",
    needs=frozenset({FactKind.PIPELINES}),
    evaluate=each_pipeline(
        trigger_is_off(
            lambda trigger: trigger.allow_full_access_token,
            "forks.allowFullAccessToken",
            good="Builds of forks get a token of few rights.",
            bad="Builds of forks get the token of a regular build.",
        )
    ),
)
