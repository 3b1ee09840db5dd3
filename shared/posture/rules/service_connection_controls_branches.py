"""Service connections of production should be used from named branches only."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, ServiceConnection
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.checks import has_branch_control, not_production
from shared.posture.rule import Rule
from shared.posture.subjects import each_service_connection


def _judge(facts: ProjectFacts, connection: ServiceConnection, thresholds: Thresholds) -> Verdict:
    skipped = not_production(connection, thresholds)
    if skipped is not None:
        return skipped
    return has_branch_control(facts, connection)


RULE = Rule(
    id=RuleId("ADO-CONN-004"),
    title="Service connections of production should be used from named branches only",
    resource=ResourceKind.SERVICE_CONNECTION,
    severity=Severity.MEDIUM,
    topic="checks.branch-control",
    aliases=(
        "ADO_ServiceConnection_AuthZ_Enable_Branch_Control",
        "ADO-SC-006 Azure.DevOps.ServiceConnections.ProductionBranchLimit",
    ),
    why=(
        "A pipeline that was authorized runs from any branch. Whoever may push a branch changes the "
        "file there and uses the connection."
    ),
    judged=(
        "Healthy when a check *Branch control* names branches and none of them is a pattern for "
        "all. Checks that are disabled do not count. Asked of resources by whose name they are of "
        "production; others are not applicable."
    ),
    fix=(
        (
            "Open Project settings > Service connections > the connection > More actions > "
            "Approvals and checks."
        ),
        "Add Branch control, and name the branches that are protected.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/approvals",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
    ),
    thresholds=("production_names",),
    limits="Whether the named branches are protected is told by the rules about repositories.",
    needs=frozenset({FactKind.SERVICE_CONNECTIONS, FactKind.CHECKS}),
    evaluate=each_service_connection(_judge),
)
