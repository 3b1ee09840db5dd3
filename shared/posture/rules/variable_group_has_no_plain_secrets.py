"""Variable groups should not hold secrets in plain text."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, VariableGroup
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.pipelines import no_variable
from shared.posture.rule import Rule
from shared.posture.subjects import each_variable_group


def _judge(_: ProjectFacts, group: VariableGroup, __: Thresholds) -> Verdict:
    return no_variable(
        group.variables,
        lambda one: bool(one.looks_like) and not one.is_secret,
        good="No plain variable looks like a secret.",
        bad="These variables look like secrets and are not marked so:",
    )


RULE = Rule(
    id=RuleId("ADO-LIB-021"),
    title="Variable groups should not hold secrets in plain text",
    resource=ResourceKind.VARIABLE_GROUP,
    severity=Severity.HIGH,
    topic="pipeline.plaintext-secrets",
    aliases=(
        "ADO_VariableGroup_DP_No_PlainText_Secrets_In_Variables",
        "ADO-VG-003 Azure.DevOps.Tasks.VariableGroup.NoPlainTextSecrets",
    ),
    why=(
        "A variable that is not marked secret is shown to everybody who may open the library, and "
        "printed into logs. What looks like a key there is one search away."
    ),
    judged=(
        "Unhealthy when a variable that is not marked secret looks like one, by the shape of its "
        "value (keys, tokens, connection strings) or by its name. Values are looked at while they "
        "are read, and kept nowhere."
    ),
    fix=(
        "Open Pipelines > Library > the variable group.",
        (
            "Change the variable to secret by the lock, or take it from a key vault; replace the "
            "secret, since it was readable."
        ),
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/library/variable-groups",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-6 Insufficient Credential Hygiene",
        "MITRE ATT&CK: T1552 Unsecured Credentials",
    ),
    limits="Secrets of other shapes and names are not recognized.",
    needs=frozenset({FactKind.VARIABLE_GROUPS}),
    evaluate=each_variable_group(_judge),
)
