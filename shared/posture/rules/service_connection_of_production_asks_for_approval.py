"""Service connections of production should ask for approval."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, ServiceConnection
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.checks import has_approval, not_production
from shared.posture.rule import Rule
from shared.posture.subjects import each_service_connection


def _judge(facts: ProjectFacts, connection: ServiceConnection, thresholds: Thresholds) -> Verdict:
    skipped = not_production(connection, thresholds)
    if skipped is not None:
        return skipped
    return has_approval(facts, connection)


RULE = Rule(
    id=RuleId("ADO-CONN-003"),
    title="Service connections of production should ask for approval",
    resource=ResourceKind.SERVICE_CONNECTION,
    severity=Severity.HIGH,
    topic="checks.approval",
    aliases=(
        "ADO-SC-001 Azure.DevOps.ServiceConnections.ProductionCheckProtection",
        "ADO-SC-002 Azure.DevOps.ServiceConnections.ProductionHumanApproval",
    ),
    why=(
        "A connection to production is production: whoever may run a pipeline that uses it may "
        "change everything it reaches."
    ),
    judged=(
        "Healthy when an enabled approval is there. Asked of resources by whose name they are of "
        "production; others are not applicable."
    ),
    fix=(
        (
            "Open Project settings > Service connections > the connection > More actions > "
            "Approvals and checks."
        ),
        "Add Approvals, with people who answer for what the connection reaches.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/approvals",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
    ),
    thresholds=("production_names",),
    limits="Who approves, and how carefully, is not judged.",
    needs=frozenset({FactKind.SERVICE_CONNECTIONS, FactKind.CHECKS}),
    evaluate=each_service_connection(_judge),
)
