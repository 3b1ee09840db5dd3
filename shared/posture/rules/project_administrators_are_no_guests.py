"""Project administrators should not be guests."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.administrators import ADMINISTRATORS
from shared.posture.people import is_guest, none_of
from shared.posture.rule import Rule
from shared.posture.subjects import the_project


def _judge(facts: ProjectFacts, thresholds: Thresholds) -> Verdict:
    return none_of(facts.organization, ADMINISTRATORS, facts.project.id, thresholds, is_guest, "are guests")


RULE = Rule(
    id=RuleId("ADO-PROJ-022"),
    title="Project administrators should not be guests",
    resource=ResourceKind.PROJECT,
    severity=Severity.HIGH,
    topic="admins.pca-count-and-accounts",
    aliases=("ADO_Project_AuthZ_Revoke_Admin_Access_for_Guest_Users",),
    why=(
        "A guest's account is secured by another company's rules. Whoever takes it over there opens "
        "the service connections here."
    ),
    judged="Unhealthy when a member of Project Administrators, at any depth, is a guest by `metaType`.",
    fix=(
        "Open Project settings > Permissions > Project Administrators > Members.",
        "Remove the guest.",
    ),
    references=(
        "https://learn.microsoft.com/azure/devops/organizations/security/look-up-project- administrators",
    ),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-2 Inadequate Identity and Access Management",
        "MITRE ATT&CK: T1199 Trusted Relationship",
    ),
    limits="People of the tenant who work for somebody else are not told.",
    needs=frozenset({FactKind.GROUPS, FactKind.ADMINISTRATORS, FactKind.USERS}),
    evaluate=the_project(_judge),
)
