"""Environments should not be administered by broad groups."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import Environment, FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.access import ENVIRONMENT_ADMINISTER, environment_tokens, no_broad_group, of
from shared.posture.rule import Rule
from shared.posture.subjects import each_environment


def _judge(facts: ProjectFacts, environment: Environment, _: Thresholds) -> Verdict:
    organization, project = of(facts)
    return no_broad_group(
        organization,
        FactKind.ENVIRONMENT_ACCESS,
        environment_tokens(project, environment.id.lower()),
        ENVIRONMENT_ADMINISTER,
        good="No broad group administers the environment.",
        bad="A broad group administers the environment.",
    )


RULE = Rule(
    id=RuleId("ADO-ENV-010"),
    title="Environments should not be administered by broad groups",
    resource=ResourceKind.ENVIRONMENT,
    severity=Severity.HIGH,
    topic="acl.broad-groups",
    aliases=(
        "ADO_Environment_AuthZ_Restrict_Broader_Group_Access",
        "ADO_Project_AuthZ_Restrict_Broader_Group_Access_on_Env",
        "ADO-E-006 Azure.DevOps.Pipelines.Environments.ProjectValidUsers",
        "ADO-PRJ-005 Azure.DevOps.Project.MainEnvironmentAcl.ProjectValidUsers",
    ),
    why="Whoever administers an environment takes its approvals away before deploying.",
    judged=(
        "Unhealthy when valid users, contributors or readers are allowed to manage or administer "
        "the environment, on the environment itself or on what it inherits from. The nearer entry "
        "wins over the inherited one, and a denial over a permission."
    ),
    fix=(
        "Open Pipelines > Environments > the environment > More actions > Security.",
        "Give broad groups and build accounts the role Reader, or take them out.",
    ),
    references=(("https://learn.microsoft.com/azure/devops/organizations/security/namespace-reference"),),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
        "MITRE ATT&CK: T1098 Account Manipulation",
    ),
    limits="People and groups that are named one by one are not counted, nor are the administrators.",
    needs=frozenset({FactKind.ENVIRONMENTS, FactKind.ENVIRONMENT_ACCESS, FactKind.GROUPS}),
    evaluate=each_environment(_judge),
)
