"""Service connections should say what they are for."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, ServiceConnection
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import each_service_connection
from shared.posture.verdicts import healthy, unhealthy


def _judge(_: ProjectFacts, connection: ServiceConnection, __: Thresholds) -> Verdict:
    if connection.description.strip():
        return healthy("It has a description.", {"hasDescription": True})
    return unhealthy("It has no description.", {"hasDescription": False})


RULE = Rule(
    id=RuleId("ADO-CONN-026"),
    title="Service connections should say what they are for",
    resource=ResourceKind.SERVICE_CONNECTION,
    severity=Severity.LOW,
    topic="docs-hygiene",
    aliases=("ADO-SC-003 Azure.DevOps.ServiceConnections.Description",),
    why=(
        "What says nothing of itself is neither reviewed nor deleted: nobody dares. An attacker who "
        "adds one hides among them."
    ),
    judged="Healthy when the description is not empty.",
    fix=(
        "Open the service connection and edit its description.",
        "Say what it is for and who answers for it.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/security/resources",),
    limits="What the description says is not judged.",
    needs=frozenset({FactKind.SERVICE_CONNECTIONS}),
    evaluate=each_service_connection(_judge),
)
