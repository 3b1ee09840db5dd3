"""Environments of production should take one deployment at a time."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import Environment, FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.checks import EXCLUSIVE_LOCK, checks_of, not_production, told
from shared.posture.rule import Rule
from shared.posture.subjects import each_environment
from shared.posture.verdicts import healthy, unhealthy


def _judge(facts: ProjectFacts, environment: Environment, thresholds: Thresholds) -> Verdict:
    skipped = not_production(environment, thresholds)
    if skipped is not None:
        return skipped
    checks = checks_of(facts, environment)
    if isinstance(checks, Verdict):
        return checks
    if any(one.type_id == EXCLUSIVE_LOCK for one in checks):
        return healthy("Deployments wait for one another.", told(checks))
    return unhealthy("Deployments may overtake one another.", told(checks))


RULE = Rule(
    id=RuleId("ADO-ENV-012"),
    title="Environments of production should take one deployment at a time",
    resource=ResourceKind.ENVIRONMENT,
    severity=Severity.LOW,
    topic="checks.approval",
    why=(
        "Two deployments at once overtake each other: the older one, without the fix, is what "
        "stays, and what was approved last is not what runs."
    ),
    judged=(
        "Healthy when a check *Exclusive lock* is there and enabled. Asked of resources by whose "
        "name they are of production; others are not applicable."
    ),
    fix=(
        "Open Pipelines > Environments > the environment > More actions > Approvals and checks.",
        "Add Exclusive lock.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/approvals",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",),
    limits="Says nothing of deployments that do not use the environment.",
    needs=frozenset({FactKind.ENVIRONMENTS, FactKind.CHECKS}),
    evaluate=each_environment(_judge),
)
