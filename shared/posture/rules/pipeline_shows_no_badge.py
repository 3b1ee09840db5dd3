"""Pipelines should not publish a status badge."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, Pipeline, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import each_pipeline
from shared.posture.verdicts import healthy, unhealthy, unknown


def _judge(_: ProjectFacts, pipeline: Pipeline, __: Thresholds) -> Verdict:
    evidence = {"badgeEnabled": pipeline.badge_enabled}
    if pipeline.badge_enabled is None:
        return unknown("The pipeline does not tell whether it has a badge.", evidence)
    if pipeline.badge_enabled:
        return unhealthy("It has a status badge.", evidence)
    return healthy("It has no status badge.", evidence)


RULE = Rule(
    id=RuleId("ADO-PIPE-013"),
    title="Pipelines should not publish a status badge",
    resource=ResourceKind.PIPELINE,
    severity=Severity.LOW,
    topic="policy.badges",
    why=(
        "A badge tells whoever has its address that the pipeline exists and when it fails, and "
        "where badges are not private that is everybody."
    ),
    judged="Unhealthy when `badgeEnabled` is true. Whole definitions leave it out where it is off.",
    fix=(
        "Open the pipeline > Edit > More actions > Triggers > YAML (or Options for classic ones).",
        "Turn off the status badge.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/create-first-pipeline",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-7 Insecure System Configuration",),
    limits="Whether strangers may fetch badges is told by the rules about pipeline settings.",
    needs=frozenset({FactKind.PIPELINES}),
    evaluate=each_pipeline(_judge),
)
