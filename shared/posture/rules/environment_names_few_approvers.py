"""Environments should not have broad groups as approvers."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import Environment, FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.checks import names_few_approvers
from shared.posture.rule import Rule
from shared.posture.subjects import each_environment


def _judge(facts: ProjectFacts, environment: Environment, _: Thresholds) -> Verdict:
    return names_few_approvers(facts, environment)


RULE = Rule(
    id=RuleId("ADO-ENV-005"),
    title="Environments should not have broad groups as approvers",
    resource=ResourceKind.ENVIRONMENT,
    severity=Severity.HIGH,
    topic="approvers.groups",
    aliases=(
        "ADO_Environment_Dont_Grant_Broader_Group_Access_As_Approvers",
        "ADO_Environment_AuthZ_Review_PreDeployment_Approvers",
        "ADO_Release_AuthZ_Review_PreDeployment_Approvers",
    ),
    why="An approval that everybody in the project may give is one that the attacker gives.",
    judged=(
        "Unhealthy when an enabled approval names contributors, readers or valid users as "
        "approvers. Not applicable where there is no approval."
    ),
    fix=(
        "Open Pipelines > Environments > the environment > More actions > Approvals and checks.",
        "Open the approval and name people, or a small group.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/approvals",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
    ),
    limits="Large groups of other names are not recognized.",
    needs=frozenset({FactKind.ENVIRONMENTS, FactKind.CHECKS}),
    evaluate=each_environment(_judge),
)
