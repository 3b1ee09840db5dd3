"""Service connections should not grant access to all pipelines."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, ServiceConnection
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import each_service_connection
from shared.posture.verdicts import healthy, unhealthy, unread


def _judge(_: ProjectFacts, connection: ServiceConnection, __: Thresholds) -> Verdict:
    permission = connection.open_to_all_pipelines
    if permission.failure is not None:
        return unread(FactKind.SERVICE_CONNECTION_PERMISSIONS, permission.failure)
    evidence = {"allPipelinesAuthorized": permission.value, "isShared": connection.is_shared}
    if permission.value:
        return unhealthy("Every pipeline of the project may use the service connection.", evidence)
    return healthy("Only pipelines that were authorized one by one may use it.", evidence)


RULE = Rule(
    id=RuleId("ADO-CONN-001"),
    assessment_key="9245366d-393f-49c5-b8e6-258b1b1c2daa",
    title="Service connections should not grant access to all pipelines",
    resource=ResourceKind.SERVICE_CONNECTION,
    severity=Severity.HIGH,
    topic="access.all-pipelines",
    aliases=(
        "ADO_ServiceConnection_AuthZ_Dont_Grant_All_Pipelines_Access",
        "service-connections/overexposed_service_connections",
    ),
    why=(
        "Whoever may push a branch with a pipeline file can use every service connection that is open to all"
        " pipelines, and with it whatever the connection reaches: subscriptions, clusters, registries. Where"
        " pipelines are authorized one by one, a new pipeline has to ask first."
    ),
    judged=(
        "Unhealthy when the pipeline permission of the service connection is open to all pipelines of the"
        " project. Where the connections of a project cannot be listed, the project says so."
    ),
    fix=(
        "Open Project settings > Service connections > the connection > More actions > Security.",
        "Under Pipeline permissions, choose Restrict permission.",
        "Add only the pipelines that need the connection.",
    ),
    references=(
        "https://learn.microsoft.com/azure/devops/pipelines/library/service-endpoints#pipeline-permissions",
        "https://learn.microsoft.com/azure/defender-for-cloud/recommendations-reference-devops",
    ),
    limits=(
        "A service connection that several projects share is judged in each of them, since each decides for"
        " itself which of its pipelines may use it."
    ),
    needs=frozenset({FactKind.SERVICE_CONNECTIONS, FactKind.SERVICE_CONNECTION_PERMISSIONS}),
    evaluate=each_service_connection(_judge),
)
