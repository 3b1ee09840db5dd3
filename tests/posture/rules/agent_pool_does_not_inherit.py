"""Cases of ADO-POOL-005."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_pool, some_organization, without

ROWS = (
    Row("its own", some_organization(), Is.HEALTHY),
    Row("inherits", some_organization(agent_pool_access={}), Is.UNHEALTHY),
    Row("access unread", without(some_organization(), FactKind.AGENT_POOL_ACCESS), Is.UNKNOWN),
    Row("pools unlisted", without(some_organization(), FactKind.AGENT_POOLS), Is.UNKNOWN),
    Row("Microsoft's own", some_organization(agent_pools=(a_pool(is_hosted=True),)), Is.NOT_APPLICABLE),
)
