"""Cases of ADO-POOL-004."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import CONTRIBUTORS, EVERYBODY, Row, a_pool, grants, some_organization, without

ROWS = (
    Row("nobody broad", some_organization(), Is.HEALTHY),
    Row(
        "valid users",
        some_organization(agent_pool_access=grants("AgentPools/9", EVERYBODY, 2)),
        Is.UNHEALTHY,
        "Valid Users",
    ),
    Row(
        "inherited",
        some_organization(agent_pool_access=grants("AgentPools", CONTRIBUTORS, 8)),
        Is.UNHEALTHY,
        "Contributors",
    ),
    Row("access unread", without(some_organization(), FactKind.AGENT_POOL_ACCESS), Is.UNKNOWN),
    Row("pools unlisted", without(some_organization(), FactKind.AGENT_POOLS), Is.UNKNOWN),
    Row("Microsoft's own", some_organization(agent_pools=(a_pool(is_hosted=True),)), Is.NOT_APPLICABLE),
)
