"""Variable groups with secrets should require a protected template."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, VariableGroup
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.checks import has_template_check
from shared.posture.rule import Rule
from shared.posture.subjects import each_variable_group
from shared.posture.verdicts import not_applicable


def _judge(facts: ProjectFacts, group: VariableGroup, _: Thresholds) -> Verdict:
    if not group.holds_secrets:
        return not_applicable("It holds no secrets.", {"secrets": 0, "type": group.type})
    return has_template_check(facts, group)


RULE = Rule(
    id=RuleId("ADO-LIB-003"),
    title="Variable groups with secrets should require a protected template",
    resource=ResourceKind.VARIABLE_GROUP,
    severity=Severity.LOW,
    topic="checks.protected-template",
    aliases=("ADO_VariableGroup_DP_Use_Template_From_Protected_Branch",),
    why=(
        "A required template keeps a pipeline from sending the secrets elsewhere, whatever its own steps say."
    ),
    judged=(
        "Healthy when a check *Required template* is there and enabled. Not applicable to groups "
        "without secrets."
    ),
    fix=(
        "Open Pipelines > Library > the variable group > Approvals and checks.",
        "Add Required template, from a repository and a branch that are protected.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/approvals",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
    ),
    limits="Whether the template is protected is not judged.",
    needs=frozenset({FactKind.VARIABLE_GROUPS, FactKind.CHECKS}),
    evaluate=each_variable_group(_judge),
)
