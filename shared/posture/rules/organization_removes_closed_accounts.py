"""Users whose accounts are closed should be removed."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, OrganizationFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.people import is_shut_out, nobody
from shared.posture.rule import Rule
from shared.posture.subjects import the_organization
from shared.posture.verdicts import unread


def _judge(facts: OrganizationFacts, thresholds: Thresholds) -> Verdict:
    if facts.users.value is None:
        return unread(FactKind.USERS, facts.users.failure)
    return nobody(facts.users.value, facts, thresholds, is_shut_out, "are shut out")


RULE = Rule(
    id=RuleId("ADO-ORG-074"),
    title="Users whose accounts are closed should be removed",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.LOW,
    topic="identity.entra-auth",
    aliases=("ADO_Organization_AuthZ_Remove_Disconnected_Accounts",),
    why=(
        "Somebody whose account was disabled still holds permissions, tokens and ownership here. "
        "When the account is opened again, or its name is given anew, all of it is back."
    ),
    judged="Unhealthy when the status of somebody's access level is disabled, deleted or expired.",
    fix=(
        "Open Organization settings > Users.",
        "Remove people whose accounts are closed.",
    ),
    references=(
        "https://learn.microsoft.com/azure/devops/organizations/accounts/delete-organization- users",
    ),
    standards=("OWASP CI/CD Top 10: CICD-SEC-2 Inadequate Identity and Access Management",),
    limits="Accounts that Entra closed and Azure DevOps has not noticed yet are not told.",
    needs=frozenset({FactKind.USERS}),
    evaluate=the_organization(_judge),
)
