"""Agent pools should not be put into every new project."""

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
    evidence = {"autoProvision": pool.auto_provision, "isHosted": pool.is_hosted}
    if pool.auto_provision is None or pool.is_hosted is None:
        return unknown("The pool does not tell autoProvision.", evidence)
    if pool.auto_provision is False:
        return healthy("New projects do not get the pool on their own.", evidence)
    return unhealthy("Every new project gets the pool.", evidence)


RULE = Rule(
    id=RuleId("ADO-POOL-001"),
    title="Agent pools should not be put into every new project",
    resource=ResourceKind.AGENT_POOL,
    severity=Severity.HIGH,
    topic="pipeline.container-agents",
    aliases=("ADO_AgentPool_AuthZ_Dont_Enable_Auto_Provisioning",),
    why=(
        "A self-hosted pool that every project gets on its own runs the code of every project: "
        "whoever may make or join any project reaches the machines, and what other builds leave on "
        "them."
    ),
    judged=(
        "Healthy when `autoProvision` of the pool is false. Not applicable to pools of Microsoft- "
        "hosted agents."
    ),
    fix=(
        (
            "Open Organization settings > Agent pools > the pool > Settings > Auto-provision this "
            "agent pool in all projects."
        ),
        "Turn it off.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/agents/pools-queues",),
    standards=(("OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)"),),
    limits="Says nothing of the machines that the agents run on.",
    needs=frozenset({FactKind.AGENT_POOLS}),
    evaluate=each_agent_pool(_judge),
)
