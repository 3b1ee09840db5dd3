"""Projects should be private."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import the_project
from shared.posture.verdicts import healthy, unhealthy, unknown


def _judge(facts: ProjectFacts, _: Thresholds) -> Verdict:
    visibility = facts.project.visibility
    evidence = {"visibility": visibility}
    if visibility == "private":
        return healthy("Only its members see the project.", evidence)
    if visibility == "public":
        return unhealthy("Everybody on the internet sees the project.", evidence)
    if visibility == "organization":
        return unhealthy("Everybody in the enterprise sees the project.", evidence)
    return unknown("The visibility of the project is not understood.", evidence)


RULE = Rule(
    id=RuleId("ADO-PROJ-025"),
    title="Projects should be private",
    resource=ResourceKind.PROJECT,
    severity=Severity.HIGH,
    topic="policy.public-projects",
    aliases=(
        "ADO_Project_AuthZ_Set_Visibility_Private_Or_Enterprise",
        "ADO-PRJ-001 Azure.DevOps.Project.Visibility",
    ),
    why=(
        "A public project shows its code, work items and build logs to the internet; one that is "
        "open to the enterprise shows them to whoever takes over any account in it. Secrets that "
        "slipped into a log are out at once."
    ),
    judged=(
        "Healthy when `visibility` is private. Unhealthy when it is public, or organization, which "
        "is open to everybody in the enterprise. Unknown for other words."
    ),
    fix=(
        "Open Project settings > Overview > Visibility.",
        "Choose Private, and save.",
        (
            "Or by REST: PATCH https://dev.azure.com/{organization}/_apis/projects/{project}?api- "
            'version=7.1 with {"visibility": "private"}.'
        ),
    ),
    references=(("https://learn.microsoft.com/azure/devops/organizations/projects/make-project-public"),),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-7 Insecure System Configuration",
        "MITRE ATT&CK: T1213.003 Data from Information Repositories: Code Repositories",
    ),
    limits="Projects that are public on purpose are exempted, with who decided that.",
    needs=frozenset(),
    evaluate=the_project(_judge),
)
