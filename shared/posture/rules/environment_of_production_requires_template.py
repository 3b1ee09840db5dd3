"""Environments of production should require a protected template."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import Environment, FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.checks import has_template_check, not_production
from shared.posture.rule import Rule
from shared.posture.subjects import each_environment


def _judge(facts: ProjectFacts, environment: Environment, thresholds: Thresholds) -> Verdict:
    skipped = not_production(environment, thresholds)
    if skipped is not None:
        return skipped
    return has_template_check(facts, environment)


RULE = Rule(
    id=RuleId("ADO-ENV-003"),
    title="Environments of production should require a protected template",
    resource=ResourceKind.ENVIRONMENT,
    severity=Severity.MEDIUM,
    topic="checks.protected-template",
    aliases=("ADO_Environment_DP_Use_Template_From_Protected_Branch",),
    why=(
        "A pipeline file may do anything. A required template keeps the steps that scan and sign, "
        "whatever the pipeline adds."
    ),
    judged=(
        "Healthy when a check *Required template* is there and enabled. Asked of resources by whose "
        "name they are of production; others are not applicable."
    ),
    fix=(
        "Open Pipelines > Environments > the environment > More actions > Approvals and checks.",
        "Add Required template, from a repository and a branch that are protected.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/approvals",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
    ),
    thresholds=("production_names",),
    limits="Whether the template is protected is not judged.",
    needs=frozenset({FactKind.ENVIRONMENTS, FactKind.CHECKS}),
    evaluate=each_environment(_judge),
)
