"""Pipelines should run with a token for their own project."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, Pipeline, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import each_pipeline
from shared.posture.verdicts import healthy, unhealthy, unknown


def _judge(_: ProjectFacts, pipeline: Pipeline, __: Thresholds) -> Verdict:
    scope = pipeline.authorization_scope.casefold()
    evidence = {"jobAuthorizationScope": pipeline.authorization_scope}
    if scope == "project":
        return healthy("Its token is for the project.", evidence)
    if scope == "projectcollection":
        return unhealthy("Its token is for every project of the organization.", evidence)
    return unknown("The pipeline does not tell what its token is for.", evidence)


RULE = Rule(
    id=RuleId("ADO-PIPE-008"),
    title="Pipelines should run with a token for their own project",
    resource=ResourceKind.PIPELINE,
    severity=Severity.MEDIUM,
    topic="pipeline.job-auth-scope",
    aliases=(
        "ADO_Build_AuthZ_Limit_Pipeline_Access",
        "pipeline-access-control/excessive_job_permissions",
        "Token-Permissions",
    ),
    why=(
        "A pipeline whose jobs are authorized for the whole collection reads and writes other "
        "projects, unless the project forbids it."
    ),
    judged=(
        "Healthy when `jobAuthorizationScope` is project. Where the project or the organization "
        "limits it, that wins; those settings have rules of their own."
    ),
    fix=(
        (
            "Open the pipeline > Edit > More actions > Triggers > YAML > Get sources, or Options "
            "for classic ones."
        ),
        (
            "Set Build job authorization scope to Current project; or limit it for the whole "
            "project in its pipeline settings."
        ),
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/access-tokens",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
        "MITRE ATT&CK: T1528 Steal Application Access Token",
    ),
    limits="The build account may still be granted more.",
    needs=frozenset({FactKind.PIPELINES}),
    evaluate=each_pipeline(_judge),
)
