"""Variable groups should take secrets from a key vault."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, VariableGroup
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import each_variable_group
from shared.posture.verdicts import healthy, not_applicable, unhealthy


def _judge(_: ProjectFacts, group: VariableGroup, __: Thresholds) -> Verdict:
    secrets = sum(one.is_secret for one in group.variables)
    evidence = {"type": group.type, "secrets": secrets}
    if group.is_key_vault:
        return healthy("Its secrets stay in a key vault.", evidence)
    if secrets:
        return unhealthy(f"It holds {secrets} secrets of its own.", evidence)
    return not_applicable("It holds no secrets.", evidence)


RULE = Rule(
    id=RuleId("ADO-LIB-022"),
    title="Variable groups should take secrets from a key vault",
    resource=ResourceKind.VARIABLE_GROUP,
    severity=Severity.MEDIUM,
    topic="pipeline.plaintext-secrets",
    aliases=(
        "ADO_VariableGroup_DP_Store_Secrets_In_KeyVault",
        "ADO-VG-001 Azure.DevOps.Tasks.VariableGroup.NoKeyVaultNoSecrets",
    ),
    why=(
        "Secrets in the library are copied by hand, replaced never, and nobody sees who reads them. "
        "A key vault logs every use and replaces them in one place."
    ),
    judged=(
        "Healthy when the group is linked to an Azure key vault. Not applicable to groups without secrets."
    ),
    fix=(
        "Open Pipelines > Library > the variable group.",
        "Turn on Link secrets from an Azure key vault as variables.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/library/variable-groups",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-6 Insufficient Credential Hygiene",),
    limits="How the vault is protected is not told by Azure DevOps.",
    needs=frozenset({FactKind.VARIABLE_GROUPS}),
    evaluate=each_variable_group(_judge),
)
