"""Projects should have few administrators."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.administrators import ADMINISTRATORS
from shared.posture.people import at_most
from shared.posture.rule import Rule
from shared.posture.subjects import the_project


def _judge(facts: ProjectFacts, thresholds: Thresholds) -> Verdict:
    return at_most(
        facts.organization, ADMINISTRATORS, facts.project.id, thresholds.project_administrators_most
    )


RULE = Rule(
    id=RuleId("ADO-PROJ-020"),
    title="Projects should have few administrators",
    resource=ResourceKind.PROJECT,
    severity=Severity.MEDIUM,
    topic="admins.pca-count-and-accounts",
    aliases=(
        "ADO_Project_AuthZ_Limit_Admin_Count",
        "ADO-GRP-002 Azure.DevOps.Groups.ProjectAdmins.MaxMembers",
        "projects",
    ),
    why=(
        "A project administrator may lift every branch policy, open every service connection and "
        "hand out permissions. The more there are, the likelier one of them is phished."
    ),
    judged=(
        "Unhealthy when more people and applications than the setting says are in Project "
        "Administrators, at any depth."
    ),
    fix=(
        "Open Project settings > Permissions > Project Administrators > Members.",
        "Remove who does not need it.",
    ),
    references=(
        "https://learn.microsoft.com/azure/devops/organizations/security/look-up-project- administrators",
    ),
    standards=("OWASP CI/CD Top 10: CICD-SEC-2 Inadequate Identity and Access Management",),
    thresholds=("project_administrators_most",),
    limits="Administrators of the organization may do the same and are not counted here.",
    needs=frozenset({FactKind.GROUPS, FactKind.ADMINISTRATORS}),
    evaluate=the_project(_judge),
)
