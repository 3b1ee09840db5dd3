"""Environments of production should be deployed to from named branches only."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import Environment, FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.checks import has_branch_control, not_production
from shared.posture.rule import Rule
from shared.posture.subjects import each_environment


def _judge(facts: ProjectFacts, environment: Environment, thresholds: Thresholds) -> Verdict:
    skipped = not_production(environment, thresholds)
    if skipped is not None:
        return skipped
    return has_branch_control(facts, environment)


RULE = Rule(
    id=RuleId("ADO-ENV-002"),
    title="Environments of production should be deployed to from named branches only",
    resource=ResourceKind.ENVIRONMENT,
    severity=Severity.HIGH,
    topic="checks.branch-control",
    aliases=(
        "ADO_Environment_SI_Use_Good_Branch_Hygiene",
        "ADO-E-004 Azure.DevOps.Pipelines.Environments.ProductionBranchLimit",
        "ADO_Release_SI_Use_Good_Branch_Hygiene",
    ),
    why=(
        "A pipeline runs from any branch. Without branch control, code that nobody reviewed is "
        "deployed from a branch that somebody made for it."
    ),
    judged=(
        "Healthy when a check *Branch control* names branches and none of them is a pattern for "
        "all. Checks that are disabled do not count. Asked of resources by whose name they are of "
        "production; others are not applicable."
    ),
    fix=(
        "Open Pipelines > Environments > the environment > More actions > Approvals and checks.",
        "Add Branch control, and name the branches that are protected.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/approvals",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
    ),
    thresholds=("production_names",),
    limits="Whether the named branches are protected is told by the rules about repositories.",
    needs=frozenset({FactKind.ENVIRONMENTS, FactKind.CHECKS}),
    evaluate=each_environment(_judge),
)
