"""Agent pools should not inherit permissions."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import AgentPool, FactKind, OrganizationFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.access import does_not_inherit, pool_tokens
from shared.posture.rule import Rule
from shared.posture.subjects import each_agent_pool
from shared.posture.verdicts import not_applicable


def _judge(facts: OrganizationFacts, pool: AgentPool, _: Thresholds) -> Verdict:
    if pool.is_hosted:
        return not_applicable("Microsoft runs the agents of this pool.", {"isHosted": True})
    return does_not_inherit(facts, FactKind.AGENT_POOL_ACCESS, pool_tokens(pool))


RULE = Rule(
    id=RuleId("ADO-POOL-005"),
    title="Agent pools should not inherit permissions",
    resource=ResourceKind.AGENT_POOL,
    severity=Severity.MEDIUM,
    topic="acl.inherited-permissions",
    aliases=("ADO_AgentPool_AuthZ_Disable_Inherited_Permissions",),
    why=(
        "Permissions granted on all pools reach every pool that inherits, the one with access to "
        "production too. Whoever grants them thinks of another pool."
    ),
    judged=(
        "Healthy when `inheritPermissions` of the pool's own access list is false. A list that is "
        "not told inherits."
    ),
    fix=(
        "Open Organization settings > Agent pools > the pool > Security.",
        "Turn off Inheritance, and keep only the roles that are needed.",
    ),
    references=(("https://learn.microsoft.com/azure/devops/organizations/security/about-security-roles"),),
    standards=(("OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)"),),
    limits="What is granted above is not looked at here.",
    needs=frozenset({FactKind.AGENT_POOLS, FactKind.AGENT_POOL_ACCESS}),
    evaluate=each_agent_pool(_judge),
)
