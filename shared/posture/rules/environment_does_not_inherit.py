"""Environments should not inherit permissions."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import Environment, FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.access import does_not_inherit, environment_tokens, of
from shared.posture.rule import Rule
from shared.posture.subjects import each_environment


def _judge(facts: ProjectFacts, environment: Environment, _: Thresholds) -> Verdict:
    organization, project = of(facts)
    return does_not_inherit(
        organization, FactKind.ENVIRONMENT_ACCESS, environment_tokens(project, environment.id.lower())
    )


RULE = Rule(
    id=RuleId("ADO-ENV-011"),
    title="Environments should not inherit permissions",
    resource=ResourceKind.ENVIRONMENT,
    severity=Severity.LOW,
    topic="acl.inherited-permissions",
    aliases=("ADO-E-005 Azure.DevOps.Pipelines.Environments.InheritedPermissions",),
    why="Roles on all environments of the project reach production too.",
    judged=(
        "Healthy when `inheritPermissions` of its own access list is false. A list that is not told inherits."
    ),
    fix=(
        "Open Pipelines > Environments > the environment > More actions > Security.",
        "Turn off inheritance, and keep the roles that are needed.",
    ),
    references=(("https://learn.microsoft.com/azure/devops/organizations/security/namespace-reference"),),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
        "MITRE ATT&CK: T1098 Account Manipulation",
    ),
    limits="What is granted above is not looked at here.",
    needs=frozenset({FactKind.ENVIRONMENTS, FactKind.ENVIRONMENT_ACCESS}),
    evaluate=each_environment(_judge),
)
