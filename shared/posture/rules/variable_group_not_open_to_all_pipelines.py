"""Variable groups with secrets should not grant access to all pipelines."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, VariableGroup
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import each_variable_group
from shared.posture.verdicts import healthy, not_applicable, unhealthy, unread


def _judge(_: ProjectFacts, group: VariableGroup, __: Thresholds) -> Verdict:
    if not group.holds_secrets:
        return not_applicable("It holds no secrets.", {"secrets": 0, "type": group.type})
    permission = group.open_to_all_pipelines
    if permission.failure is not None:
        return unread(FactKind.VARIABLE_GROUP_PERMISSIONS, permission.failure)
    evidence = {"allPipelinesAuthorized": permission.value}
    if permission.value:
        return unhealthy("Every pipeline of the project may use it.", evidence)
    return healthy("Only pipelines that were authorized one by one may use it.", evidence)


RULE = Rule(
    id=RuleId("ADO-LIB-001"),
    assessment_key="2c2c801e-6279-4d88-a419-af73f0eff4fb",
    title="Variable groups with secrets should not grant access to all pipelines",
    resource=ResourceKind.VARIABLE_GROUP,
    severity=Severity.HIGH,
    topic="access.all-pipelines",
    aliases=(
        "ADO_VariableGroup_AuthZ_Dont_Grant_All_Pipelines_Access_On_VG_With_Secrets",
        "inventory/allPipelines",
    ),
    why=(
        "Whoever may push a branch with a pipeline file can print every secret of a group that is "
        "open to all pipelines. Where pipelines are authorized one by one, a new one has to ask "
        "first."
    ),
    judged=(
        "Unhealthy when the pipeline permission of a variable group that holds a secret variable, "
        "or takes its values from a key vault, is open to all pipelines of the project. Not "
        "applicable to groups without secrets."
    ),
    fix=(
        "Open Pipelines > Library > the variable group > Pipeline permissions.",
        "Choose Restrict permission, and add only the pipelines that need it.",
    ),
    references=(
        "https://learn.microsoft.com/azure/devops/pipelines/security/resources",
        "https://learn.microsoft.com/azure/defender-for-cloud/recommendations-reference-devops",
    ),
    standards=(("OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)"),),
    limits="Classic pipelines that were linked to the group are not told.",
    needs=frozenset({FactKind.VARIABLE_GROUPS, FactKind.VARIABLE_GROUP_PERMISSIONS}),
    evaluate=each_variable_group(_judge),
)
