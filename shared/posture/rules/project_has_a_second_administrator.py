"""Projects should have at least two administrators."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.administrators import ADMINISTRATORS
from shared.posture.people import at_least
from shared.posture.rule import Rule
from shared.posture.subjects import the_project


def _judge(facts: ProjectFacts, thresholds: Thresholds) -> Verdict:
    return at_least(
        facts.organization, ADMINISTRATORS, facts.project.id, thresholds.project_administrators_least
    )


RULE = Rule(
    id=RuleId("ADO-PROJ-021"),
    title="Projects should have at least two administrators",
    resource=ResourceKind.PROJECT,
    severity=Severity.LOW,
    topic="admins.pca-count-and-accounts",
    aliases=(
        "ADO_Project_BCDR_Min_Admin_Count",
        "ADO-GRP-001 Azure.DevOps.Groups.ProjectAdmins.MinMembers",
    ),
    why="With one administrator, nobody in the project can take a right away the day that account is lost.",
    judged=(
        "Unhealthy when fewer people and applications than the setting says are in Project "
        "Administrators, at any depth."
    ),
    fix=(
        "Open Project settings > Permissions > Project Administrators > Members > Add.",
        "Add a second person.",
    ),
    references=(
        "https://learn.microsoft.com/azure/devops/organizations/security/look-up-project- administrators",
    ),
    standards=("OWASP CI/CD Top 10: CICD-SEC-2 Inadequate Identity and Access Management",),
    thresholds=("project_administrators_least",),
    limits="Administrators of the organization can step in and are not counted.",
    needs=frozenset({FactKind.GROUPS, FactKind.ADMINISTRATORS}),
    evaluate=the_project(_judge),
)
