"""Project Collection Administrators should be active."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, OrganizationFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.administrators import ADMINISTRATORS
from shared.posture.people import is_inactive, none_of
from shared.posture.rule import Rule
from shared.posture.subjects import the_organization


def _judge(facts: OrganizationFacts, thresholds: Thresholds) -> Verdict:
    return none_of(facts, ADMINISTRATORS, None, thresholds, is_inactive, "are inactive")


RULE = Rule(
    id=RuleId("ADO-ORG-063"),
    title="Project Collection Administrators should be active",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.HIGH,
    topic="admins.pca-count-and-accounts",
    aliases=("ADO_Organization_AuthZ_Revoke_Admin_Access_for_Inactive_Users",),
    why=(
        "An account that nobody uses is an account that nobody watches: its owner will not notice a "
        "sign-in from elsewhere, and it administers everything."
    ),
    judged=(
        "Unhealthy when a member of Project Collection Administrators, at any depth, has not used "
        "the organization for longer than the setting says."
    ),
    fix=(
        "Open Organization settings > Permissions > Project Collection Administrators > Members.",
        "Remove who no longer needs it.",
    ),
    references=(
        (
            "https://learn.microsoft.com/azure/devops/organizations/security/look-up-project- "
            "collection-administrators"
        ),
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
    limits="Accounts for emergencies are meant to be unused: exempt them, with who guards them.",
    needs=frozenset({FactKind.GROUPS, FactKind.ADMINISTRATORS, FactKind.USERS}),
    evaluate=the_organization(_judge),
)
