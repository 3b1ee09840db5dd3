"""Service connections should not inherit permissions."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, ServiceConnection
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.access import connection_tokens, does_not_inherit, of
from shared.posture.rule import Rule
from shared.posture.subjects import each_service_connection


def _judge(facts: ProjectFacts, connection: ServiceConnection, _: Thresholds) -> Verdict:
    organization, project = of(facts)
    return does_not_inherit(
        organization, FactKind.SERVICE_CONNECTION_ACCESS, connection_tokens(project, connection.id.lower())
    )


RULE = Rule(
    id=RuleId("ADO-CONN-013"),
    title="Service connections should not inherit permissions",
    resource=ResourceKind.SERVICE_CONNECTION,
    severity=Severity.MEDIUM,
    topic="acl.inherited-permissions",
    aliases=(
        "ADO_ServiceConnection_AuthZ_Disable_Inherited_Permissions",
        "ADO-SC-009 Azure.DevOps.ServiceConnections.InheritedPermissions",
    ),
    why="Roles on all connections of the project reach this one too, whatever it opens.",
    judged=(
        "Healthy when `inheritPermissions` of its own access list is false. A list that is not told inherits."
    ),
    fix=(
        "Open Project settings > Service connections > the connection > More actions > Security.",
        "Turn off inheritance, and keep the roles that are needed.",
    ),
    references=(("https://learn.microsoft.com/azure/devops/organizations/security/namespace-reference"),),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
        "MITRE ATT&CK: T1098 Account Manipulation",
    ),
    limits="What is granted above is not looked at here.",
    needs=frozenset({FactKind.SERVICE_CONNECTIONS, FactKind.SERVICE_CONNECTION_ACCESS}),
    evaluate=each_service_connection(_judge),
)
