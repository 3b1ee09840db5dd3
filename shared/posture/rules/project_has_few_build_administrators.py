"""Projects should have few build administrators."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.administrators import BUILD_ADMINISTRATORS
from shared.posture.people import at_most
from shared.posture.rule import Rule
from shared.posture.subjects import the_project


def _judge(facts: ProjectFacts, thresholds: Thresholds) -> Verdict:
    return at_most(
        facts.organization, BUILD_ADMINISTRATORS, facts.project.id, thresholds.project_administrators_most
    )


RULE = Rule(
    id=RuleId("ADO-PROJ-024"),
    title="Projects should have few build administrators",
    resource=ResourceKind.PROJECT,
    severity=Severity.LOW,
    topic="admins.pca-count-and-accounts",
    aliases=("ADO_Project_AuthZ_Limit_Build_Admin_Count",),
    why="A build administrator may change what every pipeline of the project runs and who may edit it.",
    judged=(
        "Unhealthy when more people and applications than the setting says are in Build "
        "Administrators of the project, at any depth."
    ),
    fix=(
        "Open Project settings > Permissions > Build Administrators > Members.",
        "Remove who does not need it.",
    ),
    references=(
        "https://learn.microsoft.com/azure/devops/organizations/security/look-up-project- administrators",
    ),
    standards=(("OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)"),),
    thresholds=("project_administrators_most",),
    limits="Project administrators may do the same and are not counted here.",
    needs=frozenset({FactKind.GROUPS, FactKind.ADMINISTRATORS}),
    evaluate=the_project(_judge),
)
