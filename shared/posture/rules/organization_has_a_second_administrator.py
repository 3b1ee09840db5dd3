"""Organizations should have at least two Project Collection Administrators."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, OrganizationFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.administrators import ADMINISTRATORS
from shared.posture.people import at_least
from shared.posture.rule import Rule
from shared.posture.subjects import the_organization


def _judge(facts: OrganizationFacts, thresholds: Thresholds) -> Verdict:
    return at_least(facts, ADMINISTRATORS, None, thresholds.administrators_least)


RULE = Rule(
    id=RuleId("ADO-ORG-061"),
    title="Organizations should have at least two Project Collection Administrators",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="admins.pca-count-and-accounts",
    aliases=("ADO_Organization_BCDR_Min_Admin_Count",),
    why=(
        "With one administrator, the day that account is lost or locked nobody can revoke a token "
        "or shut an intruder out."
    ),
    judged=(
        "Unhealthy when fewer people and applications than the setting says are in Project "
        "Collection Administrators, at any depth."
    ),
    fix=(
        "Open Organization settings > Permissions > Project Collection Administrators > Members > Add.",
        "Add a second person who is trusted with it.",
    ),
    references=(
        (
            "https://learn.microsoft.com/azure/devops/organizations/security/look-up-project- "
            "collection-administrators"
        ),
    ),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-2 Inadequate Identity and Access Management",
        (
            "CIS Software Supply Chain Security Guide: 1.3.3 Ensure minimum number of "
            "administrators are set for the organization"
        ),
    ),
    thresholds=("administrators_least",),
    limits="Whether the second one can still sign in is told by the rules about inactive administrators.",
    needs=frozenset({FactKind.GROUPS, FactKind.ADMINISTRATORS}),
    evaluate=the_organization(_judge),
)
