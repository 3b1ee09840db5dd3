"""Variable groups should say what they are for."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts, VariableGroup
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import each_variable_group
from shared.posture.verdicts import healthy, unhealthy


def _judge(_: ProjectFacts, group: VariableGroup, __: Thresholds) -> Verdict:
    if group.description.strip():
        return healthy("It has a description.", {"hasDescription": True})
    return unhealthy("It has no description.", {"hasDescription": False})


RULE = Rule(
    id=RuleId("ADO-LIB-020"),
    title="Variable groups should say what they are for",
    resource=ResourceKind.VARIABLE_GROUP,
    severity=Severity.LOW,
    topic="docs-hygiene",
    aliases=("ADO-VG-002 Azure.DevOps.Tasks.VariableGroup.Description",),
    why=(
        "What says nothing of itself is neither reviewed nor deleted: nobody dares. An attacker who "
        "adds one hides among them."
    ),
    judged="Healthy when the description is not empty.",
    fix=(
        "Open the variable group and edit its description.",
        "Say what it is for and who answers for it.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/security/resources",),
    limits="What the description says is not judged.",
    needs=frozenset({FactKind.VARIABLE_GROUPS}),
    evaluate=each_variable_group(_judge),
)
