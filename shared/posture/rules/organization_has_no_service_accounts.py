"""Project Collection Service Accounts should have no members."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, OrganizationFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.administrators import SERVICE_ACCOUNTS
from shared.posture.people import at_most
from shared.posture.rule import Rule
from shared.posture.subjects import the_organization


def _judge(facts: OrganizationFacts, _: Thresholds) -> Verdict:
    return at_most(facts, SERVICE_ACCOUNTS, None, 0)


RULE = Rule(
    id=RuleId("ADO-ORG-064"),
    title="Project Collection Service Accounts should have no members",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.HIGH,
    topic="admins.pca-count-and-accounts",
    aliases=("ADO_Organization_AuthZ_Review_Project_Collection_Service_Accounts",),
    why=(
        "This group is for the service itself. A person in it has every permission of the "
        "organization and stands on no list of administrators."
    ),
    judged="Unhealthy when Project Collection Service Accounts has a member, at any depth.",
    fix=(
        "Open Organization settings > Permissions > Project Collection Service Accounts > Members.",
        "Remove whoever is in it.",
    ),
    references=(
        (
            "https://learn.microsoft.com/azure/devops/organizations/security/look-up-project- "
            "collection-administrators"
        ),
    ),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-2 Inadequate Identity and Access Management",
        "MITRE ATT&CK: T1098 Account Manipulation",
    ),
    limits="Accounts that Azure DevOps itself puts there are not shown as people.",
    needs=frozenset({FactKind.GROUPS, FactKind.ADMINISTRATORS}),
    evaluate=the_organization(_judge),
)
