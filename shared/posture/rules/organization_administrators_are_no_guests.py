"""Project Collection Administrators should not be guests."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, OrganizationFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.administrators import ADMINISTRATORS
from shared.posture.people import is_guest, none_of
from shared.posture.rule import Rule
from shared.posture.subjects import the_organization


def _judge(facts: OrganizationFacts, thresholds: Thresholds) -> Verdict:
    return none_of(facts, ADMINISTRATORS, None, thresholds, is_guest, "are guests")


RULE = Rule(
    id=RuleId("ADO-ORG-062"),
    title="Project Collection Administrators should not be guests",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.HIGH,
    topic="admins.pca-count-and-accounts",
    aliases=("ADO_Organization_AuthZ_Revoke_Admin_Access_for_Guest_Users",),
    why=(
        "A guest's account is secured by another company. An attacker who takes it over there "
        "administers this organization."
    ),
    judged=(
        "Unhealthy when a member of Project Collection Administrators, at any depth, is a guest by "
        "`metaType`. Applications are left out."
    ),
    fix=(
        "Open Organization settings > Permissions > Project Collection Administrators > Members.",
        "Remove the guest, and give the task to somebody of the tenant.",
    ),
    references=(
        (
            "https://learn.microsoft.com/azure/devops/organizations/security/look-up-project- "
            "collection-administrators"
        ),
        "https://learn.microsoft.com/azure/devops/organizations/accounts/add-external-user",
    ),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-2 Inadequate Identity and Access Management",
        "MITRE ATT&CK: T1199 Trusted Relationship",
    ),
    limits="People of the tenant who work for somebody else are not told.",
    needs=frozenset({FactKind.GROUPS, FactKind.ADMINISTRATORS, FactKind.USERS}),
    evaluate=the_organization(_judge),
)
