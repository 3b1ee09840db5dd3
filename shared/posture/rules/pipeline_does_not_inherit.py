"""Pipelines should not inherit permissions."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, Pipeline, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.access import does_not_inherit, of, pipeline_tokens
from shared.posture.rule import Rule
from shared.posture.subjects import each_pipeline


def _judge(facts: ProjectFacts, pipeline: Pipeline, _: Thresholds) -> Verdict:
    organization, project = of(facts)
    return does_not_inherit(
        organization, FactKind.PIPELINE_ACCESS, pipeline_tokens(project, pipeline.path, pipeline.id)
    )


RULE = Rule(
    id=RuleId("ADO-PIPE-022"),
    title="Pipelines should not inherit permissions",
    resource=ResourceKind.PIPELINE,
    severity=Severity.LOW,
    topic="acl.inherited-permissions",
    aliases=(
        "ADO_Build_AuthZ_Disable_Inherited_Permissions",
        "ADO-PL-002 Azure.DevOps.Pipelines.Core.InheritedPermissions",
    ),
    why="Permissions on all pipelines of the project reach the one that deploys to production too.",
    judged=(
        "Healthy when `inheritPermissions` of its own access list is false. A list that is not told inherits."
    ),
    fix=(
        "Open the pipeline > More actions > Manage security.",
        "Turn off inheritance.",
    ),
    references=(("https://learn.microsoft.com/azure/devops/organizations/security/namespace-reference"),),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
        "MITRE ATT&CK: T1098 Account Manipulation",
    ),
    limits="People and groups that are named one by one are not counted, nor are the administrators.",
    needs=frozenset({FactKind.PIPELINES, FactKind.PIPELINE_ACCESS}),
    evaluate=each_pipeline(_judge),
)
