"""Variable groups with secrets should be used from named branches only."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, VariableGroup
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.checks import has_branch_control
from shared.posture.rule import Rule
from shared.posture.subjects import each_variable_group
from shared.posture.verdicts import not_applicable


def _judge(facts: ProjectFacts, group: VariableGroup, _: Thresholds) -> Verdict:
    if not group.holds_secrets:
        return not_applicable("It holds no secrets.", {"secrets": 0, "type": group.type})
    return has_branch_control(facts, group)


RULE = Rule(
    id=RuleId("ADO-LIB-002"),
    title="Variable groups with secrets should be used from named branches only",
    resource=ResourceKind.VARIABLE_GROUP,
    severity=Severity.MEDIUM,
    topic="checks.branch-control",
    aliases=("ADO_VariableGroup_AuthZ_Enable_Branch_Control",),
    why=(
        "A pipeline that may use the group runs from any branch: whoever may push one prints the "
        "secrets there."
    ),
    judged=(
        "Healthy when a check *Branch control* names branches and none of them is a pattern for "
        "all. Checks that are disabled do not count. Not applicable to groups without secrets."
    ),
    fix=(
        "Open Pipelines > Library > the variable group > Approvals and checks.",
        "Add Branch control, and name the branches that are protected.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/approvals",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
    ),
    limits="Whether the named branches are protected is told by the rules about repositories.",
    needs=frozenset({FactKind.VARIABLE_GROUPS, FactKind.CHECKS}),
    evaluate=each_variable_group(_judge),
)
