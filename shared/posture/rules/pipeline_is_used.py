"""Pipelines that are not used should be removed."""

from __future__ import annotations

from datetime import timedelta

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, Pipeline, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import each_pipeline
from shared.posture.verdicts import healthy, not_applicable, unhealthy, unknown


def _judge(facts: ProjectFacts, pipeline: Pipeline, thresholds: Thresholds) -> Verdict:
    since = pipeline.last_queued or pipeline.created
    evidence = {
        "queueStatus": pipeline.queue_status,
        "lastRun": pipeline.last_queued.isoformat() if pipeline.last_queued else None,
        "createdDate": pipeline.created.isoformat() if pipeline.created else None,
    }
    if pipeline.queue_status.casefold() == "disabled":
        return not_applicable("The pipeline is disabled.", evidence)
    if since is None:
        return unknown("The pipeline does not tell when it ran.", evidence)
    if facts.gathered_at - since > timedelta(days=thresholds.pipeline_inactive_days):
        return unhealthy(f"It has not run since {since:%Y-%m-%d}.", evidence)
    return healthy("It ran, or was made, not long ago.", {"queueStatus": pipeline.queue_status})


RULE = Rule(
    id=RuleId("ADO-PIPE-010"),
    title="Pipelines that are not used should be removed",
    resource=ResourceKind.PIPELINE,
    severity=Severity.LOW,
    topic="inactive-resources",
    aliases=("ADO_Build_DP_Review_Inactive_Build",),
    why=(
        "A pipeline that nobody runs is watched by nobody, and still may use the connections and "
        "secrets that it was once authorized for."
    ),
    judged=(
        "Unhealthy when its last run is longer ago than the setting says; one that never ran counts "
        "from when it was made. Not applicable to pipelines that are disabled."
    ),
    fix=("Open the pipeline > More actions > Delete, or Settings > Disabled.",),
    references=("https://learn.microsoft.com/azure/devops/pipelines/policies/retention",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-7 Insecure System Configuration",),
    thresholds=("pipeline_inactive_days",),
    limits="Classic releases that use it are not told.",
    beyond_log=True,
    needs=frozenset({FactKind.PIPELINES}),
    evaluate=each_pipeline(_judge),
)
