"""Pipelines should not have their permissions managed by broad groups."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, Pipeline, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.access import BUILD_ADMINISTER, no_broad_group, of, pipeline_tokens
from shared.posture.rule import Rule
from shared.posture.subjects import each_pipeline


def _judge(facts: ProjectFacts, pipeline: Pipeline, _: Thresholds) -> Verdict:
    organization, project = of(facts)
    return no_broad_group(
        organization,
        FactKind.PIPELINE_ACCESS,
        pipeline_tokens(project, pipeline.path, pipeline.id),
        BUILD_ADMINISTER,
        good="No broad group manages permissions of the pipeline.",
        bad="A broad group manages permissions of the pipeline.",
    )


RULE = Rule(
    id=RuleId("ADO-PIPE-021"),
    title="Pipelines should not have their permissions managed by broad groups",
    resource=ResourceKind.PIPELINE,
    severity=Severity.HIGH,
    topic="acl.broad-groups",
    why="Whoever may hand out permissions on a pipeline gives themselves all the others.",
    judged=(
        "Unhealthy when valid users, contributors or readers are allowed to administer permissions "
        "of the pipeline, on the pipeline itself or on what it inherits from. The nearer entry wins "
        "over the inherited one, and a denial over a permission. By default Azure DevOps lets "
        "contributors edit pipelines; ADOScanner and PSRule ask for it to be taken away, and "
        "Microsoft's guide to securing pipelines says the same of pipelines that deploy."
    ),
    fix=(
        "Open the pipeline > More actions > Manage security.",
        "Set what is not needed to Not set or Deny for the broad groups.",
    ),
    references=(("https://learn.microsoft.com/azure/devops/organizations/security/namespace-reference"),),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
        "MITRE ATT&CK: T1098 Account Manipulation",
    ),
    limits="People and groups that are named one by one are not counted, nor are the administrators.",
    needs=frozenset({FactKind.PIPELINES, FactKind.PIPELINE_ACCESS, FactKind.GROUPS}),
    evaluate=each_pipeline(_judge),
)
