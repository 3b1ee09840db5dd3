"""Environments should say what they are for."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import Environment, FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import each_environment
from shared.posture.verdicts import healthy, unhealthy


def _judge(_: ProjectFacts, environment: Environment, __: Thresholds) -> Verdict:
    if environment.description.strip():
        return healthy("It has a description.", {"hasDescription": True})
    return unhealthy("It has no description.", {"hasDescription": False})


RULE = Rule(
    id=RuleId("ADO-ENV-020"),
    title="Environments should say what they are for",
    resource=ResourceKind.ENVIRONMENT,
    severity=Severity.LOW,
    topic="docs-hygiene",
    aliases=("ADO-E-003 Azure.DevOps.Pipelines.Environments.Description",),
    why=(
        "What says nothing of itself is neither reviewed nor deleted: nobody dares. An attacker who "
        "adds one hides among them."
    ),
    judged="Healthy when the description is not empty.",
    fix=(
        "Open the environment and edit its description.",
        "Say what it is for and who answers for it.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/security/resources",),
    limits="What the description says is not judged.",
    needs=frozenset({FactKind.ENVIRONMENTS}),
    evaluate=each_environment(_judge),
)
