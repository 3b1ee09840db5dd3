"""Agent pools should not be administered by broad groups."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import AgentPool, FactKind, OrganizationFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.access import POOL_ADMINISTER, no_broad_group, pool_tokens
from shared.posture.rule import Rule
from shared.posture.subjects import each_agent_pool
from shared.posture.verdicts import not_applicable


def _judge(facts: OrganizationFacts, pool: AgentPool, _: Thresholds) -> Verdict:
    if pool.is_hosted:
        return not_applicable("Microsoft runs the agents of this pool.", {"isHosted": True})
    return no_broad_group(
        facts,
        FactKind.AGENT_POOL_ACCESS,
        pool_tokens(pool),
        POOL_ADMINISTER,
        good="No broad group administers the pool.",
        bad="A broad group administers the pool.",
    )


RULE = Rule(
    id=RuleId("ADO-POOL-004"),
    title="Agent pools should not be administered by broad groups",
    resource=ResourceKind.AGENT_POOL,
    severity=Severity.HIGH,
    topic="acl.broad-groups",
    aliases=("ADO_AgentPool_AuthZ_Restrict_Broader_Group_Access",),
    why=(
        "Whoever administers a pool may register an agent of their own in it. Jobs then run on the "
        "attacker's machine, with the secrets of the pipeline."
    ),
    judged=(
        "Unhealthy when valid users, contributors or readers are allowed to manage the pool or its "
        "permissions, on the pool or on all pools."
    ),
    fix=(
        "Open Organization settings > Agent pools > the pool > Security.",
        "Give the broad group the role Reader, or take it out.",
    ),
    references=(("https://learn.microsoft.com/azure/devops/organizations/security/about-security-roles"),),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
        "MITRE ATT&CK: T1098 Account Manipulation",
    ),
    limits="People who are named one by one are not counted.",
    needs=frozenset({FactKind.AGENT_POOLS, FactKind.AGENT_POOL_ACCESS, FactKind.GROUPS}),
    evaluate=each_agent_pool(_judge),
)
