"""Variable groups should not be administered by broad groups."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, VariableGroup
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.access import LIBRARY_ADMINISTER, no_broad_group, of, variable_group_tokens
from shared.posture.rule import Rule
from shared.posture.subjects import each_variable_group


def _judge(facts: ProjectFacts, group: VariableGroup, _: Thresholds) -> Verdict:
    organization, project = of(facts)
    return no_broad_group(
        organization,
        FactKind.LIBRARY_ACCESS,
        variable_group_tokens(project, group.id.lower()),
        LIBRARY_ADMINISTER,
        good="No broad group administers the variable group.",
        bad="A broad group administers the variable group.",
    )


RULE = Rule(
    id=RuleId("ADO-LIB-010"),
    title="Variable groups should not be administered by broad groups",
    resource=ResourceKind.VARIABLE_GROUP,
    severity=Severity.HIGH,
    topic="acl.broad-groups",
    aliases=(
        "ADO_VariableGroup_AuthZ_Restrict_Broader_Group_Access",
        "ADO_VariableGroup_AuthZ_Restrict_Broader_Group_Access_On_VG_With_Secrets",
        "ADO_Project_AuthZ_Restrict_Broader_Group_Access_on_VarGrp",
        "ADO-VG-005 Azure.DevOps.Tasks.VariableGroup.ProjectValidUsers",
        "ADO-PRJ-007 Azure.DevOps.Project.MainVariableGroupAcl.ProjectValidUsers",
        "ADO_Build_SI_Dont_Use_Broadly_Editable_Variable_Group",
    ),
    why=(
        "Whoever administers a group changes what pipelines deploy with, opens it to all pipelines "
        "and reads its secrets in a run."
    ),
    judged=(
        "Unhealthy when valid users, contributors or readers are allowed to administer the group, "
        "on the variable group itself or on what it inherits from. The nearer entry wins over the "
        "inherited one, and a denial over a permission."
    ),
    fix=(
        "Open Pipelines > Library > the variable group > Security.",
        "Give broad groups and build accounts the role Reader, or take them out.",
    ),
    references=(("https://learn.microsoft.com/azure/devops/organizations/security/namespace-reference"),),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
        "MITRE ATT&CK: T1098 Account Manipulation",
    ),
    limits="People and groups that are named one by one are not counted, nor are the administrators.",
    needs=frozenset({FactKind.VARIABLE_GROUPS, FactKind.LIBRARY_ACCESS, FactKind.GROUPS}),
    evaluate=each_variable_group(_judge),
)
