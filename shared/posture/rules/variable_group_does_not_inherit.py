"""Variable groups should not inherit permissions."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, VariableGroup
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.access import does_not_inherit, of, variable_group_tokens
from shared.posture.rule import Rule
from shared.posture.subjects import each_variable_group


def _judge(facts: ProjectFacts, group: VariableGroup, _: Thresholds) -> Verdict:
    organization, project = of(facts)
    return does_not_inherit(
        organization, FactKind.LIBRARY_ACCESS, variable_group_tokens(project, group.id.lower())
    )


RULE = Rule(
    id=RuleId("ADO-LIB-011"),
    title="Variable groups should not inherit permissions",
    resource=ResourceKind.VARIABLE_GROUP,
    severity=Severity.LOW,
    topic="acl.inherited-permissions",
    aliases=(
        "ADO_VariableGroup_AuthZ_Disable_Inherited_Permissions",
        "ADO-VG-004 Azure.DevOps.Tasks.VariableGroup.InheritedPermissions",
    ),
    why="Roles on the whole library reach this group too, whatever secrets it holds.",
    judged=(
        "Healthy when `inheritPermissions` of its own access list is false. A list that is not told inherits."
    ),
    fix=(
        "Open Pipelines > Library > the variable group > Security.",
        "Turn off inheritance, and keep the roles that are needed.",
    ),
    references=(("https://learn.microsoft.com/azure/devops/organizations/security/namespace-reference"),),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
        "MITRE ATT&CK: T1098 Account Manipulation",
    ),
    limits="What is granted above is not looked at here.",
    needs=frozenset({FactKind.VARIABLE_GROUPS, FactKind.LIBRARY_ACCESS}),
    evaluate=each_variable_group(_judge),
)
