"""Pipelines should be defined by a file in the repository."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, Pipeline, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import each_pipeline
from shared.posture.verdicts import healthy, unhealthy, unknown


def _judge(_: ProjectFacts, pipeline: Pipeline, __: Thresholds) -> Verdict:
    evidence = {"isYaml": pipeline.is_yaml}
    if pipeline.is_yaml is None:
        return unknown("The pipeline does not tell how it is defined.", evidence)
    if pipeline.is_yaml:
        return healthy("A file in the repository defines it.", evidence)
    return unhealthy("It is a classic pipeline.", evidence)


RULE = Rule(
    id=RuleId("ADO-PIPE-009"),
    title="Pipelines should be defined by a file in the repository",
    resource=ResourceKind.PIPELINE,
    severity=Severity.MEDIUM,
    topic="classic-pipelines.disabled",
    aliases=("ADO-PL-001 Azure.DevOps.Pipelines.Core.UseYamlDefinition",),
    why=(
        "A classic pipeline is changed without a review and without a trace in the repository: "
        "whoever may edit it prints its secrets and changes what is shipped."
    ),
    judged="Healthy when `process.type` is 2 (YAML), unhealthy when it is another.",
    fix=(
        "Open the pipeline > More actions > Export to YAML.",
        "Put the file into the repository, make a pipeline of it, and delete the classic one.",
    ),
    references=(("https://learn.microsoft.com/azure/devops/pipelines/get-started/pipelines-get-started"),),
    standards=("OWASP CI/CD Top 10: CICD-SEC-4 Poisoned Pipeline Execution",),
    limits="Whether the file is protected is told by the rules about repositories.",
    needs=frozenset({FactKind.PIPELINES}),
    evaluate=each_pipeline(_judge),
)
