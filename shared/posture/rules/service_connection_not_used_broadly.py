"""Service connections should not be usable by broad groups."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, ServiceConnection
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.access import ENDPOINT_USE, connection_tokens, no_broad_group, of
from shared.posture.rule import Rule
from shared.posture.subjects import each_service_connection


def _judge(facts: ProjectFacts, connection: ServiceConnection, _: Thresholds) -> Verdict:
    organization, project = of(facts)
    return no_broad_group(
        organization,
        FactKind.SERVICE_CONNECTION_ACCESS,
        connection_tokens(project, connection.id.lower()),
        ENDPOINT_USE,
        good="No broad group may use the connection.",
        bad="A broad group may use the connection.",
    )


RULE = Rule(
    id=RuleId("ADO-CONN-011"),
    title="Service connections should not be usable by broad groups",
    resource=ResourceKind.SERVICE_CONNECTION,
    severity=Severity.MEDIUM,
    topic="acl.broad-groups",
    aliases=("ADO_ServiceConnection_AuthZ_Dont_Allow_Global_Groups",),
    why=(
        "Whoever may use a connection may put it into a pipeline of their own, and with it whatever "
        "it reaches."
    ),
    judged=(
        "Unhealthy when valid users, contributors or readers are allowed to use the connection, on "
        "the service connection itself or on what it inherits from. The nearer entry wins over the "
        "inherited one, and a denial over a permission."
    ),
    fix=(
        "Open Project settings > Service connections > the connection > More actions > Security.",
        "Give broad groups and build accounts the role Reader, or take them out.",
    ),
    references=(("https://learn.microsoft.com/azure/devops/organizations/security/namespace-reference"),),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
        "MITRE ATT&CK: T1098 Account Manipulation",
    ),
    limits="People and groups that are named one by one are not counted, nor are the administrators.",
    needs=frozenset({FactKind.SERVICE_CONNECTIONS, FactKind.SERVICE_CONNECTION_ACCESS, FactKind.GROUPS}),
    evaluate=each_service_connection(_judge),
)
