"""Service connections that do not work should be removed."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, ServiceConnection
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import each_service_connection
from shared.posture.verdicts import healthy, unhealthy, unknown


def _judge(_: ProjectFacts, connection: ServiceConnection, __: Thresholds) -> Verdict:
    evidence = {"isReady": connection.is_ready}
    if connection.is_ready is None:
        return unknown("Azure DevOps does not say whether the service connection works.", evidence)
    if connection.is_ready:
        return healthy("The service connection works.", evidence)
    return unhealthy("The service connection does not work.", evidence)


RULE = Rule(
    id=RuleId("ADO-CONN-024"),
    title="Service connections that do not work should be removed",
    resource=ResourceKind.SERVICE_CONNECTION,
    severity=Severity.LOW,
    topic="inactive-resources",
    aliases=("ADO_ServiceConnection_DP_Review_Inactive_Connection",),
    why=(
        "A connection that failed is not used, and still holds a secret that may work elsewhere. "
        "What nobody uses is deleted, not kept for whoever finds it."
    ),
    judged=(
        "Unhealthy when `isReady` is false. Unknown where it is not told. When a connection was "
        "used last is told one by one only, and is not read."
    ),
    fix=(
        "Open Project settings > Service connections > the connection.",
        "Mend it, or delete it.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/library/service-endpoints",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-7 Insecure System Configuration",),
    limits="Connections that work and are never used are not told.",
    beyond_log=True,
    needs=frozenset({FactKind.SERVICE_CONNECTIONS}),
    evaluate=each_service_connection(_judge),
)
