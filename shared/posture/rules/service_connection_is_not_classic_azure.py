"""Azure service connections should not be of the classic kind."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, ServiceConnection
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import each_service_connection
from shared.posture.verdicts import healthy, not_applicable, unhealthy, unknown

_CLASSIC = "azure"
_RESOURCE_MANAGER = "azurerm"


def _judge(_: ProjectFacts, connection: ServiceConnection, __: Thresholds) -> Verdict:
    evidence = {"type": connection.type, "scheme": connection.scheme}
    kind = connection.type.strip().casefold()
    if not kind:
        return unknown("Azure DevOps does not say of which type the service connection is.", evidence)
    if kind == _CLASSIC:
        return unhealthy("It is a classic Azure connection.", evidence)
    if kind == _RESOURCE_MANAGER:
        return healthy("It is an Azure Resource Manager connection.", evidence)
    return not_applicable(f"It is of type {connection.type}, not a connection to Azure.", evidence)


RULE = Rule(
    id=RuleId("ADO-CONN-002"),
    assessment_key="a887e860-40ff-4b57-9ef9-5177a11091ac",
    title="Azure service connections should not be classic ones",
    resource=ResourceKind.SERVICE_CONNECTION,
    severity=Severity.MEDIUM,
    topic="svcconn.classic-azure",
    aliases=(
        "ADO_ServiceConnection_AuthZ_Dont_Use_Classic_Connections",
        "ADO-SC-007 Azure.DevOps.ServiceConnections.ClassicAzure",
    ),
    why=(
        "A classic connection signs in with a management certificate or a user's password: it reaches the"
        " whole subscription, cannot be narrowed by roles, and lives until somebody remembers to revoke it."
        " One leaked credential is the subscription."
    ),
    judged=(
        "Unhealthy when the type is `azure`, healthy when it is `azurerm`, whatever the case. Not applicable"
        " to other types, unknown where Azure DevOps does not say the type."
    ),
    fix=(
        (
            "Open Project settings > Service connections > New service connection > Azure Resource Manager,"
            " and choose workload identity federation, scoped to a resource group."
        ),
        "Let the pipelines use the new connection.",
        "Delete the classic connection, and its management certificate in Azure.",
    ),
    references=(
        "https://learn.microsoft.com/azure/devops/pipelines/library/connect-to-azure",
        "https://learn.microsoft.com/azure/defender-for-cloud/recommendations-reference-devops",
    ),
    limits="Says nothing of how far an Azure Resource Manager connection reaches, or how it signs in.",
    needs=frozenset({FactKind.SERVICE_CONNECTIONS}),
    evaluate=each_service_connection(_judge),
)
