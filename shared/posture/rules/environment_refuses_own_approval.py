"""Environments should not let people approve their own deployments."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import Environment, FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.checks import refuses_own_approval
from shared.posture.rule import Rule
from shared.posture.subjects import each_environment


def _judge(facts: ProjectFacts, environment: Environment, _: Thresholds) -> Verdict:
    return refuses_own_approval(facts, environment)


RULE = Rule(
    id=RuleId("ADO-ENV-004"),
    title="Environments should not let people approve their own deployments",
    resource=ResourceKind.ENVIRONMENT,
    severity=Severity.HIGH,
    topic="checks.approval",
    aliases=("ADO-RD-002 Azure.DevOps.Pipelines.Releases.Definition.SelfApproval",),
    why="Where whoever starts the run may approve it, one stolen account deploys.",
    judged=(
        "Healthy when an enabled approval has `requesterCannotBeApprover`. All approvals have to be "
        "given, so one is enough. Not applicable where there is no approval; that is judged by a "
        "rule of its own."
    ),
    fix=(
        "Open Pipelines > Environments > the environment > More actions > Approvals and checks.",
        "Open the approval and clear Allow approvers to approve their own runs.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/approvals",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
    ),
    limits="Two accounts of one person are not told.",
    needs=frozenset({FactKind.ENVIRONMENTS, FactKind.CHECKS}),
    evaluate=each_environment(_judge),
)
