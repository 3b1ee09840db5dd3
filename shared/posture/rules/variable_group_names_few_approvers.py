"""Variable groups should not have broad groups as approvers."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, VariableGroup
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.checks import names_few_approvers
from shared.posture.rule import Rule
from shared.posture.subjects import each_variable_group


def _judge(facts: ProjectFacts, group: VariableGroup, _: Thresholds) -> Verdict:
    return names_few_approvers(facts, group)


RULE = Rule(
    id=RuleId("ADO-LIB-004"),
    title="Variable groups should not have broad groups as approvers",
    resource=ResourceKind.VARIABLE_GROUP,
    severity=Severity.MEDIUM,
    topic="approvers.groups",
    aliases=("ADO_VariableGroup_Dont_Grant_Broader_Group_Access_As_Approvers",),
    why="An approval that everybody in the project may give protects no secret.",
    judged=(
        "Unhealthy when an enabled approval names contributors, readers or valid users as "
        "approvers. Not applicable where there is no approval."
    ),
    fix=(
        "Open Pipelines > Library > the variable group > Approvals and checks.",
        "Open the approval and name people, or a small group.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/approvals",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
    ),
    limits="Large groups of other names are not recognized.",
    needs=frozenset({FactKind.VARIABLE_GROUPS, FactKind.CHECKS}),
    evaluate=each_variable_group(_judge),
)
