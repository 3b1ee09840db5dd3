"""Users should be active or lose their access."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, OrganizationFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.people import is_inactive, nobody
from shared.posture.rule import Rule
from shared.posture.subjects import the_organization
from shared.posture.verdicts import unread


def _judge(facts: OrganizationFacts, thresholds: Thresholds) -> Verdict:
    if facts.users.value is None:
        return unread(FactKind.USERS, facts.users.failure)
    return nobody(facts.users.value, facts, thresholds, is_inactive, "are inactive")


RULE = Rule(
    id=RuleId("ADO-ORG-071"),
    title="Users should be active or lose their access",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="identity.inactive-users",
    aliases=(
        "ADO_Organization_AuthZ_Review_Inactive_Users",
        "ADO_Organization_AuthZ_Remove_Inactive_Guest_Users",
    ),
    why=(
        "An account nobody uses is watched by nobody. It opens everything its owner once needed to "
        "whoever guesses, buys or phishes its password."
    ),
    judged=(
        "Unhealthy when somebody with an access level has not used the organization for longer than "
        "the setting says; who never came counts from when they were added."
    ),
    fix=(
        "Open Organization settings > Users and sort by last access.",
        "Remove people, or take their licence.",
    ),
    references=(
        "https://learn.microsoft.com/azure/devops/organizations/accounts/delete-organization- users",
    ),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-2 Inadequate Identity and Access Management",
        "MITRE ATT&CK: T1078 Valid Accounts",
        (
            "CIS Software Supply Chain Security Guide: 1.3.1 Ensure inactive users are reviewed and "
            "removed periodically"
        ),
    ),
    thresholds=("inactive_days",),
    limits="Azure DevOps updates the time of the last access with some delay.",
    needs=frozenset({FactKind.USERS}),
    evaluate=the_organization(_judge),
)
