"""Service connections of production should require a protected template."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, ServiceConnection
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.checks import has_template_check, not_production
from shared.posture.rule import Rule
from shared.posture.subjects import each_service_connection


def _judge(facts: ProjectFacts, connection: ServiceConnection, thresholds: Thresholds) -> Verdict:
    skipped = not_production(connection, thresholds)
    if skipped is not None:
        return skipped
    return has_template_check(facts, connection)


RULE = Rule(
    id=RuleId("ADO-CONN-005"),
    title="Service connections of production should require a protected template",
    resource=ResourceKind.SERVICE_CONNECTION,
    severity=Severity.MEDIUM,
    topic="checks.protected-template",
    aliases=("ADO_ServiceConnection_DP_Use_Template_From_Protected_Branch",),
    why=(
        "An authorized pipeline may use the connection for anything. A required template keeps it "
        "to the steps that were agreed on."
    ),
    judged=(
        "Healthy when a check *Required template* is there and enabled. Asked of resources by whose "
        "name they are of production; others are not applicable."
    ),
    fix=(
        (
            "Open Project settings > Service connections > the connection > More actions > "
            "Approvals and checks."
        ),
        "Add Required template, from a repository and a branch that are protected.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/approvals",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
    ),
    thresholds=("production_names",),
    limits="Whether the template is protected is not judged.",
    needs=frozenset({FactKind.SERVICE_CONNECTIONS, FactKind.CHECKS}),
    evaluate=each_service_connection(_judge),
)
