"""Service connections should not be shared across projects."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, ServiceConnection
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import each_service_connection
from shared.posture.verdicts import healthy, unhealthy


def _judge(_: ProjectFacts, connection: ServiceConnection, __: Thresholds) -> Verdict:
    evidence = {"isShared": connection.is_shared, "projects": connection.projects}
    if connection.is_shared or connection.projects > 1:
        return unhealthy("Several projects use the service connection.", evidence)
    return healthy("Only this project uses the service connection.", evidence)


RULE = Rule(
    id=RuleId("ADO-CONN-023"),
    title="Service connections should not be shared across projects",
    resource=ResourceKind.SERVICE_CONNECTION,
    severity=Severity.HIGH,
    topic="svcconn.cross-project-sharing",
    aliases=(
        "ADO_ServiceConnection_SI_Dont_Share_Across_Projects",
        "ADO_ServiceConnection_SI_Review_Pipeline_Sharing",
    ),
    why=(
        "A shared connection is as safe as the least careful project that has it: whoever is "
        "administrator there opens it to their pipelines."
    ),
    judged="Unhealthy when `isShared` is true, or the connection names more than one project.",
    fix=(
        "Open Project settings > Service connections > the connection.",
        "Open Security > Project permissions and remove the other projects; make a connection for each.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/library/service-endpoints",),
    standards=(("OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)"),),
    limits="Connections to the same place that are made anew in each project are not told.",
    needs=frozenset({FactKind.SERVICE_CONNECTIONS}),
    evaluate=each_service_connection(_judge),
)
