"""Agent pools should keep their agents up to date."""

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
    evidence = {"autoUpdate": pool.auto_update, "isHosted": pool.is_hosted}
    if pool.auto_update is None or pool.is_hosted is None:
        return unknown("The pool does not tell autoUpdate.", evidence)
    if pool.auto_update is True:
        return healthy("Agents of the pool update themselves.", evidence)
    return unhealthy("Agents of the pool stay at the version they have.", evidence)


RULE = Rule(
    id=RuleId("ADO-POOL-002"),
    title="Agent pools should keep their agents up to date",
    resource=ResourceKind.AGENT_POOL,
    severity=Severity.MEDIUM,
    topic="pipeline.container-agents",
    aliases=("ADO_AgentPool_DP_Enable_Auto_Update",),
    why=(
        "An agent that is not updated keeps holes that are public. It runs the builds, and sees "
        "every secret that they use."
    ),
    judged=(
        "Healthy when `autoUpdate` of the pool is true. Not applicable to pools of Microsoft-hosted agents."
    ),
    fix=(
        (
            "Open Organization settings > Agent pools > the pool > Settings > Allow agents in this "
            "pool to automatically update."
        ),
        "Turn it on.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/agents/pools-queues",),
    standards=(("OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)"),),
    limits="Says nothing of the machines that the agents run on.",
    needs=frozenset({FactKind.AGENT_POOLS}),
    evaluate=each_agent_pool(_judge),
)
