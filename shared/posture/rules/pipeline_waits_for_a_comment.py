"""Pipelines should build pull requests of GitHub only after a comment."""

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
    evidence = {
        "forks.enabled": trigger.forks_enabled,
        "isCommentRequiredForPullRequest": trigger.comment_required,
    }
    if trigger.comment_required or trigger.forks_enabled is False:
        return healthy("Nobody's pull request is built unseen.", evidence)
    if trigger.forks_enabled and trigger.comment_required is False:
        return unhealthy("Pull requests of forks are built unseen.", evidence)
    return unknown("The pipeline does not tell how it treats forks.", evidence)


RULE = Rule(
    id=RuleId("ADO-PIPE-004"),
    title="Pipelines should build pull requests of GitHub only after a comment",
    resource=ResourceKind.PIPELINE,
    severity=Severity.MEDIUM,
    topic="fork.secrets",
    why=(
        "Where every pull request is built at once, opening one runs code on the agents. A comment "
        "by a team member means that somebody looked."
    ),
    judged=(
        "Healthy when forks are not built, or `isCommentRequiredForPullRequest` is on for the "
        "pipeline. Not applicable to pipelines without settings for pull requests."
    ),
    fix=(
        "Open the pipeline > Edit > More actions > Triggers > Pull request validation > Forks.",
        "Turn on Require a team member's comment before building a pull request.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/security/overview",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-4 Poisoned Pipeline Execution",),
    limits="The setting of the project, which has a rule of its own, may demand it all the same.",
    needs=frozenset({FactKind.PIPELINES}),
    evaluate=each_pipeline(_judge),
)
