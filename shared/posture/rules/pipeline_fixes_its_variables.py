"""Pipelines should not let variables be set when a run is queued."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, Pipeline, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.pipelines import no_variable
from shared.posture.rule import Rule
from shared.posture.subjects import each_pipeline


def _judge(_: ProjectFacts, pipeline: Pipeline, __: Thresholds) -> Verdict:
    return no_variable(
        pipeline.variables,
        lambda one: one.settable_at_queue_time,
        good="No variable can be set when a run is queued.",
        bad="These variables can be set when a run is queued:",
    )


RULE = Rule(
    id=RuleId("ADO-PIPE-006"),
    title="Pipelines should not let variables be set when a run is queued",
    resource=ResourceKind.PIPELINE,
    severity=Severity.MEDIUM,
    topic="pipeline.queue-time-variables",
    aliases=("ADO_Build_SI_Review_Variables_Settable_At_Queue_Time",),
    why=(
        "Whoever may queue a run sets these variables: where they end up in a script, that is code "
        "execution for people who may not change the pipeline."
    ),
    judged="Unhealthy when a variable has `allowOverride`.",
    fix=(
        "Open the pipeline > Edit > Variables.",
        (
            "Clear Let users override this value when running this pipeline, or use parameters with "
            "allowed values."
        ),
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/security/inputs",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-4 Poisoned Pipeline Execution",
        "MITRE ATT&CK: T1059 Command and Scripting Interpreter",
    ),
    limits="What a variable is used for is not told.",
    needs=frozenset({FactKind.PIPELINES}),
    evaluate=each_pipeline(_judge),
)
