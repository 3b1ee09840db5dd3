"""Service connections should use encrypted addresses."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, ServiceConnection
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import each_service_connection
from shared.posture.verdicts import healthy, unhealthy, unknown

_ENCRYPTED = frozenset({"https", "ssh", "tcps", "sftp", "ftps"})


def _judge(_: ProjectFacts, connection: ServiceConnection, __: Thresholds) -> Verdict:
    evidence = {"urlScheme": connection.url_scheme}
    if connection.url_scheme in _ENCRYPTED:
        return healthy("Its address is encrypted.", evidence)
    if connection.url_scheme == "http":
        return unhealthy("Its address is not encrypted.", evidence)
    return unknown("It does not tell how its address is reached.", evidence)


RULE = Rule(
    id=RuleId("ADO-CONN-025"),
    title="Service connections should use encrypted addresses",
    resource=ResourceKind.SERVICE_CONNECTION,
    severity=Severity.HIGH,
    topic="svcconn.hijack",
    why=(
        "Over plain HTTP the credential of the connection goes past everybody on the way. They use "
        "it, or answer in place of the service and hand the pipeline what they like."
    ),
    judged="Unhealthy when the scheme of its address is `http`. Unknown where it has none.",
    fix=(
        "Open Project settings > Service connections > the connection.",
        "Change the address to https.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/library/service-endpoints",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-7 Insecure System Configuration",),
    limits="Whether the certificate is checked is not told.",
    needs=frozenset({FactKind.SERVICE_CONNECTIONS}),
    evaluate=each_service_connection(_judge),
)
