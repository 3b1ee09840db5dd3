"""Pipelines should not build forks on self-hosted agents."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, Pipeline, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.pipelines import pull_request_trigger
from shared.posture.rule import Rule
from shared.posture.subjects import each_pipeline
from shared.posture.verdicts import healthy, unhealthy, unknown


def _judge(_: ProjectFacts, pipeline: Pipeline, __: Thresholds) -> Verdict:
    trigger = pull_request_trigger(pipeline)
    if isinstance(trigger, Verdict):
        return trigger
    evidence = {"forks.enabled": trigger.forks_enabled, "pool.isHosted": pipeline.pool_is_hosted}
    if trigger.forks_enabled is False:
        return healthy("Pull requests of forks are not built.", evidence)
    if pipeline.pool_is_hosted:
        return healthy("Its agents are thrown away after each build.", evidence)
    if trigger.forks_enabled and pipeline.pool_is_hosted is False:
        return unhealthy("Forks are built on agents that stay.", evidence)
    return unknown("The pipeline does not tell whether it builds forks, or where.", evidence)


RULE = Rule(
    id=RuleId("ADO-PIPE-003"),
    title="Pipelines should not build forks on self-hosted agents",
    resource=ResourceKind.PIPELINE,
    severity=Severity.HIGH,
    topic="fork.secrets",
    aliases=(
        "ADO_Build_DP_Do_Not_Use_Forked_Repo_With_Self_Hosted_Agent",
        "agent-security/self_hosted_agent",
    ),
    why=(
        "A self-hosted agent keeps what a build leaves. A stranger's pull request builds on it, "
        "stays, and reads the secrets of the next build."
    ),
    judged=(
        "Unhealthy when the pipeline builds forks and its pool is not Microsoft-hosted. Not "
        "applicable to pipelines without settings for pull requests."
    ),
    fix=(
        "Open the pipeline > Edit > More actions > Triggers > Pull request validation > Forks.",
        "Clear Build pull requests from forks of this repository, or choose a Microsoft-hosted pool.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/security/overview",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-4 Poisoned Pipeline Execution",
        "MITRE ATT&CK: T1059 Command and Scripting Interpreter",
    ),
    limits="A YAML file may name another pool than the pipeline does.",
    needs=frozenset({FactKind.PIPELINES}),
    evaluate=each_pipeline(_judge),
)
