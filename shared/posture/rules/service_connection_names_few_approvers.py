"""Service connections should not have broad groups as approvers."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, ServiceConnection
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.checks import names_few_approvers
from shared.posture.rule import Rule
from shared.posture.subjects import each_service_connection


def _judge(facts: ProjectFacts, connection: ServiceConnection, _: Thresholds) -> Verdict:
    return names_few_approvers(facts, connection)


RULE = Rule(
    id=RuleId("ADO-CONN-006"),
    title="Service connections should not have broad groups as approvers",
    resource=ResourceKind.SERVICE_CONNECTION,
    severity=Severity.HIGH,
    topic="approvers.groups",
    aliases=("ADO_ServiceConnection_Dont_Grant_Broader_Group_Access_As_Approvers",),
    why="An approval that everybody in the project may give is one that the attacker gives.",
    judged=(
        "Unhealthy when an enabled approval names contributors, readers or valid users as "
        "approvers. Not applicable where there is no approval."
    ),
    fix=(
        (
            "Open Project settings > Service connections > the connection > More actions > "
            "Approvals and checks."
        ),
        "Open the approval and name people, or a small group.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/approvals",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
    ),
    limits="Large groups of other names are not recognized.",
    needs=frozenset({FactKind.SERVICE_CONNECTIONS, FactKind.CHECKS}),
    evaluate=each_service_connection(_judge),
)
