"""Pipelines should run by themselves on named branches only."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, Pipeline, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import each_pipeline
from shared.posture.verdicts import healthy, not_applicable, unhealthy

_EVERY = frozenset({"+*", "+refs/heads/*", "*", "+refs/*"})


def _judge(_: ProjectFacts, pipeline: Pipeline, __: Thresholds) -> Verdict:
    branches = pipeline.ci_branches
    evidence = {"branchFilters": list(branches[:20]) if branches is not None else None}
    if branches is None:
        return not_applicable("It has no trigger of its own.", evidence)
    if not branches or any(one.casefold() in _EVERY for one in branches):
        return unhealthy("A push to any branch runs it.", evidence)
    return healthy("Pushes to named branches run it.", evidence)


RULE = Rule(
    id=RuleId("ADO-PIPE-012"),
    title="Pipelines should run by themselves on named branches only",
    resource=ResourceKind.PIPELINE,
    severity=Severity.LOW,
    topic="pipeline.injection",
    aliases=("ADO_Build_DP_Configure_YAML_CI_Triggers",),
    why=(
        "A trigger for all branches runs whatever anybody pushes anywhere, before anybody looked, "
        "with the secrets of the pipeline."
    ),
    judged=(
        "Unhealthy when the branch filters of continuous integration name every branch, or none. "
        "Not applicable where the trigger stands in the YAML file or there is none."
    ),
    fix=(
        "Open the pipeline > Edit > More actions > Triggers > Continuous integration.",
        "Name the branches that are protected.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/security/overview",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-4 Poisoned Pipeline Execution",),
    limits="Triggers in the YAML file are not read.",
    needs=frozenset({FactKind.PIPELINES}),
    evaluate=each_pipeline(_judge),
)
