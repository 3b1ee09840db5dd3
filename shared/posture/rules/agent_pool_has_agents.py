"""Agent pools without agents should be removed."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import AgentPool, FactKind, OrganizationFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import each_agent_pool
from shared.posture.verdicts import healthy, not_applicable, unhealthy, unknown


def _judge(_: OrganizationFacts, pool: AgentPool, __: Thresholds) -> Verdict:
    if pool.is_hosted:
        return not_applicable("Microsoft runs the agents of this pool.", {"isHosted": True})
    evidence = {"size": pool.size, "poolType": pool.pool_type}
    if pool.pool_type.casefold() == "deployment":
        return not_applicable("It is a pool of deployment targets.", evidence)
    if pool.size is None:
        return unknown("The pool does not tell how many agents it has.", evidence)
    return (
        healthy(f"It has {pool.size} agents.", evidence)
        if pool.size
        else unhealthy("It has no agents.", evidence)
    )


RULE = Rule(
    id=RuleId("ADO-POOL-003"),
    title="Agent pools without agents should be removed",
    resource=ResourceKind.AGENT_POOL,
    severity=Severity.LOW,
    topic="pipeline.container-agents",
    aliases=("ADO_AgentPool_DP_Review_Inactive_Pool",),
    why=(
        "A pool without agents waits: whoever may register one in it gets the jobs that are still "
        "sent there, with their secrets."
    ),
    judged=(
        "Unhealthy when `size` is 0. Not applicable to pools of Microsoft-hosted agents and to "
        "deployment pools."
    ),
    fix=(
        "Open Organization settings > Agent pools > the pool.",
        "Delete it, or register the agents that it is for.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/agents/pools-queues",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-7 Insecure System Configuration",),
    limits="A pool whose agents never run a job is not told.",
    needs=frozenset({FactKind.AGENT_POOLS}),
    evaluate=each_agent_pool(_judge),
)
