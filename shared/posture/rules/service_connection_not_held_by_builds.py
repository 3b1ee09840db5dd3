"""Service connections should not be granted to build accounts."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, ServiceConnection
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.access import ENDPOINT_ADMINISTER, ENDPOINT_USE, connection_tokens, no_build_account, of
from shared.posture.rule import Rule
from shared.posture.subjects import each_service_connection


def _judge(facts: ProjectFacts, connection: ServiceConnection, _: Thresholds) -> Verdict:
    organization, project = of(facts)
    return no_build_account(
        organization,
        FactKind.SERVICE_CONNECTION_ACCESS,
        connection_tokens(project, connection.id.lower()),
        ENDPOINT_USE | ENDPOINT_ADMINISTER,
        good="No build account holds a role on the connection.",
        bad="A build account holds a role on the connection.",
    )


RULE = Rule(
    id=RuleId("ADO-CONN-012"),
    title="Service connections should not be granted to build accounts",
    resource=ResourceKind.SERVICE_CONNECTION,
    severity=Severity.HIGH,
    topic="acl.build-service-account",
    aliases=("ADO_ServiceConnection_AuthZ_Dont_Grant_BuildSvcAcct_Permission",),
    why=(
        "Every pipeline of the project runs as the build account: granted to it, the connection is "
        "open to all of them, past the pipeline permissions."
    ),
    judged=(
        "Unhealthy when a build account of the project or of the organization is allowed to use or "
        "administer the connection, on itself or on what it inherits from."
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
    needs=frozenset({FactKind.SERVICE_CONNECTIONS, FactKind.SERVICE_CONNECTION_ACCESS}),
    evaluate=each_service_connection(_judge),
)
