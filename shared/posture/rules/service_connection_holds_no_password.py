"""Service connections should not sign in by a password or personal token."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, ServiceConnection
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import each_service_connection
from shared.posture.verdicts import healthy, not_applicable, unhealthy, unknown

_PASSWORDS = frozenset({"usernamepassword"})
_TOKENS = frozenset({"token", "personalaccesstoken"})
_KNOW_BETTER = frozenset({"github", "githubenterprise", "externaltfs", "bitbucket", "azurerm"})
"""Types of services that offer a better way than a person's token."""


def _judge(_: ProjectFacts, connection: ServiceConnection, __: Thresholds) -> Verdict:
    scheme, kind = connection.scheme.casefold(), connection.type.casefold()
    evidence = {"type": connection.type, "scheme": connection.scheme}
    if not scheme:
        return unknown("Azure DevOps does not say how the service connection signs in.", evidence)
    if scheme in _PASSWORDS or (scheme in _TOKENS and kind in _KNOW_BETTER):
        return unhealthy("It signs in as a person, by a password or token.", evidence)
    if scheme in _TOKENS:
        return not_applicable("The service knows nothing better than a token.", evidence)
    return healthy("It holds no password of a person.", evidence)


RULE = Rule(
    id=RuleId("ADO-CONN-021"),
    title="Service connections should not sign in by a password or personal token",
    resource=ResourceKind.SERVICE_CONNECTION,
    severity=Severity.MEDIUM,
    topic="svcconn.workload-identity",
    aliases=(
        "ADO_ServiceConnection_AuthN_Use_Secure_Auth_Method",
        "ADO-SC-008 Azure.DevOps.ServiceConnections.GitHubPAT",
    ),
    why=(
        "A password or a personal access token in a connection is one person's: it opens what that "
        "person may open, passes by multi-factor sign-in, and stays when the person leaves."
    ),
    judged=(
        "Unhealthy when the scheme is UsernamePassword, or it is Token or PersonalAccessToken on a "
        "connection to GitHub, another Azure DevOps organization or Bitbucket. Other tokens are not "
        "applicable, since many services know nothing else."
    ),
    fix=(
        "Open Project settings > Service connections > the connection.",
        "Replace it by an application, an OAuth connection or workload identity federation.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/library/service-endpoints",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-6 Insufficient Credential Hygiene",
        "MITRE ATT&CK: T1552 Unsecured Credentials",
    ),
    limits="What the password opens is not told.",
    needs=frozenset({FactKind.SERVICE_CONNECTIONS}),
    evaluate=each_service_connection(_judge),
)
