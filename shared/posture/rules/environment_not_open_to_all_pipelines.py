"""Environments should not grant access to all pipelines."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import Environment, FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import each_environment
from shared.posture.verdicts import healthy, unhealthy, unread


def _judge(_: ProjectFacts, environment: Environment, __: Thresholds) -> Verdict:
    permission = environment.open_to_all_pipelines
    if permission.failure is not None:
        return unread(FactKind.ENVIRONMENT_PERMISSIONS, permission.failure)
    evidence = {"allPipelinesAuthorized": permission.value}
    if permission.value:
        return unhealthy("Every pipeline of the project may use it.", evidence)
    return healthy("Only pipelines that were authorized one by one may use it.", evidence)


RULE = Rule(
    id=RuleId("ADO-ENV-006"),
    title="Environments should not grant access to all pipelines",
    resource=ResourceKind.ENVIRONMENT,
    severity=Severity.HIGH,
    topic="access.all-pipelines",
    aliases=("ADO_Environment_AuthZ_Dont_Grant_All_Pipelines_Access",),
    why=(
        "Every pipeline, a new one on somebody's branch too, may deploy to an environment that is "
        "open to all."
    ),
    judged=(
        "Unhealthy when the pipeline permission of the environment is open to all pipelines of the project."
    ),
    fix=(
        "Open Pipelines > Environments > the environment > More actions > Pipeline permissions.",
        "Choose Restrict permission, and add only the pipelines that need it.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/security/resources",),
    standards=(("OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)"),),
    limits="Approvals and checks still hold; they are judged by rules of their own.",
    needs=frozenset({FactKind.ENVIRONMENTS, FactKind.ENVIRONMENT_PERMISSIONS}),
    evaluate=each_environment(_judge),
)
