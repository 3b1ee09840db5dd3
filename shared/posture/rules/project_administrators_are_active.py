"""Project administrators should be active."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.administrators import ADMINISTRATORS
from shared.posture.people import is_inactive, none_of
from shared.posture.rule import Rule
from shared.posture.subjects import the_project


def _judge(facts: ProjectFacts, thresholds: Thresholds) -> Verdict:
    return none_of(
        facts.organization, ADMINISTRATORS, facts.project.id, thresholds, is_inactive, "are inactive"
    )


RULE = Rule(
    id=RuleId("ADO-PROJ-023"),
    title="Project administrators should be active",
    resource=ResourceKind.PROJECT,
    severity=Severity.MEDIUM,
    topic="admins.pca-count-and-accounts",
    aliases=("ADO_Project_AuthZ_Revoke_Admin_Access_for_Inactive_Users",),
    why=(
        "Nobody notices when an unused account signs in from elsewhere, and this one may lift every "
        "protection of the project."
    ),
    judged=(
        "Unhealthy when a member of Project Administrators, at any depth, has not used the "
        "organization for longer than the setting says."
    ),
    fix=(
        "Open Project settings > Permissions > Project Administrators > Members.",
        "Remove who no longer needs it.",
    ),
    references=(
        "https://learn.microsoft.com/azure/devops/organizations/security/look-up-project- administrators",
    ),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-2 Inadequate Identity and Access Management",
        "MITRE ATT&CK: T1078 Valid Accounts",
    ),
    thresholds=("inactive_days",),
    limits="Use of other projects counts as use.",
    needs=frozenset({FactKind.GROUPS, FactKind.ADMINISTRATORS, FactKind.USERS}),
    evaluate=the_project(_judge),
)
