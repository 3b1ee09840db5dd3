"""Pipelines should not build code from outside of the organization on every change."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, Pipeline, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.pipelines import is_external
from shared.posture.rule import Rule
from shared.posture.subjects import each_pipeline
from shared.posture.verdicts import healthy, not_applicable, unhealthy, unknown


def _judge(_: ProjectFacts, pipeline: Pipeline, __: Thresholds) -> Verdict:
    external = is_external(pipeline)
    evidence = {
        "repository.type": pipeline.repository_type,
        "repository.name": pipeline.repository_name,
        "runsOnChanges": pipeline.ci_branches is not None,
        "isScheduled": pipeline.is_scheduled,
    }
    if external is None:
        return unknown("The pipeline does not tell what it builds.", evidence)
    if not external:
        return not_applicable("It builds a repository of the organization.", evidence)
    if pipeline.ci_branches is not None or pipeline.is_scheduled:
        return unhealthy("It builds outside code by itself.", evidence)
    return healthy("It builds outside code only when somebody starts it.", evidence)


RULE = Rule(
    id=RuleId("ADO-PIPE-011"),
    title="Pipelines should not build code from outside of the organization on every change",
    resource=ResourceKind.PIPELINE,
    severity=Severity.MEDIUM,
    topic="pipeline.injection",
    aliases=(
        "ADO_Build_DP_Disable_CI_On_External_Sources",
        "ADO_Build_SI_Review_External_Sources",
        "pipeline-injection/trigger_exploitation",
    ),
    why=(
        "A pipeline that builds an outside repository by itself runs whatever is pushed there, with "
        "the secrets it has here. Whoever takes over that repository is in."
    ),
    judged=(
        "Unhealthy when the repository is not one of Azure Repos and the pipeline runs on changes "
        "or on a schedule by itself. Not applicable to repositories of the organization."
    ),
    fix=(
        "Open the pipeline > Edit > More actions > Triggers.",
        "Clear Enable continuous integration and the schedules, or mirror the repository into Azure Repos.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/security/overview",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-4 Poisoned Pipeline Execution",
        "MITRE ATT&CK: T1195.002 Supply Chain Compromise: Compromise Software Supply Chain",
    ),
    limits="Triggers in the YAML file are not read.",
    needs=frozenset({FactKind.PIPELINES}),
    evaluate=each_pipeline(_judge),
)
