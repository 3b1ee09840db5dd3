"""Users should sign in through Microsoft Entra."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, OrganizationFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.people import is_not_of_entra, nobody
from shared.posture.rule import Rule
from shared.posture.subjects import the_organization
from shared.posture.verdicts import unread


def _judge(facts: OrganizationFacts, thresholds: Thresholds) -> Verdict:
    if facts.users.value is None:
        return unread(FactKind.USERS, facts.users.failure)
    return nobody(facts.users.value, facts, thresholds, is_not_of_entra, "sign in elsewhere")


RULE = Rule(
    id=RuleId("ADO-ORG-073"),
    title="Users should sign in through Microsoft Entra",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.HIGH,
    topic="identity.entra-auth",
    aliases=("ADO_Organization_AuthN_Use_AAD_Auth",),
    why=(
        "A personal Microsoft or GitHub account does not end with the employment, and no "
        "conditional access of the company holds it."
    ),
    judged=(
        "Unhealthy when the `origin` of somebody with an access level is other than Microsoft Entra "
        "(`aad`) or its older form."
    ),
    fix=(
        "Open Organization settings > Microsoft Entra and connect the organization to the tenant.",
        "Replace personal accounts by those of the tenant under Organization settings > Users.",
    ),
    references=(
        "https://learn.microsoft.com/azure/devops/organizations/accounts/connect-organization- to-azure-ad",
    ),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-2 Inadequate Identity and Access Management",
        "MITRE ATT&CK: T1078 Valid Accounts",
    ),
    limits="Guests of the tenant sign in through Entra and are told by a rule of their own.",
    needs=frozenset({FactKind.USERS}),
    evaluate=the_organization(_judge),
)
