"""Pipelines should not let addresses be set when a run is queued."""

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
        lambda one: one.settable_at_queue_time and one.is_url,
        good="No address can be set when a run is queued.",
        bad="These addresses can be set when a run is queued:",
    )


RULE = Rule(
    id=RuleId("ADO-PIPE-007"),
    title="Pipelines should not let addresses be set when a run is queued",
    resource=ResourceKind.PIPELINE,
    severity=Severity.HIGH,
    topic="pipeline.queue-time-variables",
    aliases=("ADO_Build_SI_Review_URL_Variables_Settable_At_Queue_Time",),
    why=(
        "A variable that holds an address and can be set at queue time sends what the build fetches "
        "or uploads, tokens in its headers included, to wherever somebody likes."
    ),
    judged="Unhealthy when a variable whose value is a web address has `allowOverride`.",
    fix=(
        "Open the pipeline > Edit > Variables.",
        "Clear Let users override this value when running this pipeline.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/security/inputs",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-4 Poisoned Pipeline Execution",
        "MITRE ATT&CK: T1059 Command and Scripting Interpreter",
    ),
    limits="Addresses that are put together from parts are not recognized.",
    needs=frozenset({FactKind.PIPELINES}),
    evaluate=each_pipeline(_judge),
)
