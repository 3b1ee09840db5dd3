"""Users who never signed in should be removed."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, OrganizationFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.people import never_came, nobody
from shared.posture.rule import Rule
from shared.posture.subjects import the_organization
from shared.posture.verdicts import unread


def _judge(facts: OrganizationFacts, thresholds: Thresholds) -> Verdict:
    if facts.users.value is None:
        return unread(FactKind.USERS, facts.users.failure)
    return nobody(facts.users.value, facts, thresholds, never_came, "have never signed in")


RULE = Rule(
    id=RuleId("ADO-ORG-072"),
    title="Users who never signed in should be removed",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.LOW,
    topic="identity.inactive-users",
    why="An invitation that nobody took up waits for whoever controls the mailbox by then.",
    judged=(
        "Unhealthy when somebody was added longer ago than the setting says and has never used the "
        "organization."
    ),
    fix=(
        "Open Organization settings > Users.",
        "Remove who never came; they can be invited again.",
    ),
    references=(
        "https://learn.microsoft.com/azure/devops/organizations/accounts/delete-organization- users",
    ),
    standards=("OWASP CI/CD Top 10: CICD-SEC-2 Inadequate Identity and Access Management",),
    thresholds=("inactive_days",),
    limits="Says nothing of people who came once.",
    needs=frozenset({FactKind.USERS}),
    evaluate=the_organization(_judge),
)
