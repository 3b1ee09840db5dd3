"""Azure service connections should reach a resource group rather than a subscription."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, ServiceConnection
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import each_service_connection
from shared.posture.verdicts import healthy, not_applicable, unhealthy, unknown

_WIDE = frozenset({"subscription", "managementgroup"})


def _judge(_: ProjectFacts, connection: ServiceConnection, __: Thresholds) -> Verdict:
    evidence = {
        "type": connection.type,
        "scopeLevel": connection.scope_level,
        "scope": connection.azure_scope,
    }
    if not connection.type:
        return unknown("Azure DevOps does not say of which type the service connection is.", evidence)
    if connection.type.casefold() != "azurerm":
        return not_applicable("It is no connection to Azure Resource Manager.", evidence)
    if "/resourcegroups/" in connection.azure_scope.casefold():
        return healthy("It reaches a resource group.", evidence)
    if connection.scope_level.casefold() in _WIDE or connection.azure_scope:
        return unhealthy("It reaches a whole subscription or more.", evidence)
    return unknown("Azure DevOps does not say how far the service connection reaches.", evidence)


RULE = Rule(
    id=RuleId("ADO-CONN-022"),
    title="Azure service connections should reach a resource group rather than a subscription",
    resource=ResourceKind.SERVICE_CONNECTION,
    severity=Severity.HIGH,
    topic="svcconn.least-privilege-scope",
    aliases=(
        "ADO_ServiceConnection_AuthZ_Use_Least_Privilege_Access",
        "ADO-SC-004 Azure.DevOps.ServiceConnections.Scope",
        "service-connections",
    ),
    why=(
        "A connection that reaches a whole subscription or management group is the subscription: "
        "one poisoned pipeline deletes, reads or encrypts all of it."
    ),
    judged=(
        "Healthy when the connection names a scope below a subscription. Unhealthy when its scope "
        "level is Subscription or ManagementGroup and it names no narrower scope. Unknown where "
        "neither is told. Not applicable to other types."
    ),
    fix=(
        "Open Project settings > Service connections > the connection.",
        "Make one that is scoped to a resource group, let the pipelines use it, and delete this one.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/library/connect-to-azure",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
        "MITRE ATT&CK: T1078 Valid Accounts",
    ),
    limits="Which roles the identity has in Azure is not told by Azure DevOps.",
    needs=frozenset({FactKind.SERVICE_CONNECTIONS}),
    evaluate=each_service_connection(_judge),
)
