"""Azure service connections should sign in without a secret."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, ServiceConnection
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import each_service_connection
from shared.posture.verdicts import healthy, not_applicable, unhealthy, unknown

_WITHOUT_SECRET = frozenset({"workloadidentityfederation", "managedserviceidentity"})


def _judge(_: ProjectFacts, connection: ServiceConnection, __: Thresholds) -> Verdict:
    evidence = {"type": connection.type, "scheme": connection.scheme}
    if not connection.type:
        return unknown("Azure DevOps does not say of which type the service connection is.", evidence)
    if connection.type.casefold() != "azurerm":
        return not_applicable("It is no connection to Azure Resource Manager.", evidence)
    if not connection.scheme:
        return unknown("Azure DevOps does not say how the service connection signs in.", evidence)
    if connection.scheme.casefold() in _WITHOUT_SECRET:
        return healthy("It signs in without a secret.", evidence)
    return unhealthy(f"It signs in by {connection.scheme}, with a secret that can be copied.", evidence)


RULE = Rule(
    id=RuleId("ADO-CONN-020"),
    title="Azure service connections should sign in without a secret",
    resource=ResourceKind.SERVICE_CONNECTION,
    severity=Severity.HIGH,
    topic="svcconn.workload-identity",
    aliases=(
        "ADO_ServiceConnection_AuthN_Use_Cert_Auth_for_SPN",
        "ADO-SC-005 Azure.DevOps.ServiceConnections.WorkloadIdentityFederation",
    ),
    why=(
        "A connection with a client secret or certificate holds a password that lives for months, "
        "is copied when somebody tests locally, and works from anywhere. Workload identity "
        "federation has none to steal."
    ),
    judged=(
        "Healthy when the scheme of an Azure Resource Manager connection is "
        "WorkloadIdentityFederation or ManagedServiceIdentity. Not applicable to other types."
    ),
    fix=(
        "Open Project settings > Service connections > the connection.",
        "Choose Convert, to workload identity federation.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/library/connect-to-azure",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-6 Insufficient Credential Hygiene",
        "MITRE ATT&CK: T1552 Unsecured Credentials",
    ),
    limits="How far the identity reaches is told by other rules.",
    needs=frozenset({FactKind.SERVICE_CONNECTIONS}),
    evaluate=each_service_connection(_judge),
)
