"""Environments of production should ask for approval before each deployment."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import Environment, FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.checks import has_approval, not_production
from shared.posture.rule import Rule
from shared.posture.subjects import each_environment


def _judge(facts: ProjectFacts, environment: Environment, thresholds: Thresholds) -> Verdict:
    skipped = not_production(environment, thresholds)
    if skipped is not None:
        return skipped
    return has_approval(facts, environment)


RULE = Rule(
    id=RuleId("ADO-ENV-001"),
    title="Environments of production should ask for approval before each deployment",
    resource=ResourceKind.ENVIRONMENT,
    severity=Severity.HIGH,
    topic="checks.approval",
    aliases=(
        "ADO_Environment_AuthZ_Enable_PreDeployment_Approval",
        "ADO-E-001 Azure.DevOps.Pipelines.Environments.ProductionCheckProtection",
        "ADO-E-002 Azure.DevOps.Pipelines.Environments.ProductionHumanApproval",
        "pipeline-access-control/environment_bypass",
        "ADO_Release_AuthZ_Enable_PreDeployment_Approvals",
    ),
    why=(
        "Without an approval, whoever gets a change onto a branch that deploys is in production "
        "minutes later, and nobody looked."
    ),
    judged=(
        "Healthy when an enabled approval is there. Asked of resources by whose name they are of "
        "production; others are not applicable."
    ),
    fix=(
        "Open Pipelines > Environments > the environment > More actions > Approvals and checks.",
        "Add Approvals, with people who answer for production.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/approvals",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
    ),
    thresholds=("production_names",),
    limits="Who approves, and how carefully, is not judged.",
    needs=frozenset({FactKind.ENVIRONMENTS, FactKind.CHECKS}),
    evaluate=each_environment(_judge),
)
