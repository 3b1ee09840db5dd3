"""Cases of ADO-POOL-003."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_pool, some_organization, without

ROWS = (
    Row("two agents", some_organization(), Is.HEALTHY),
    Row("none", some_organization(agent_pools=(a_pool(size=0),)), Is.UNHEALTHY),
    Row("not told", some_organization(agent_pools=(a_pool(size=None),)), Is.UNKNOWN),
    Row("targets", some_organization(agent_pools=(a_pool(pool_type="deployment"),)), Is.NOT_APPLICABLE),
    Row("pools unlisted", without(some_organization(), FactKind.AGENT_POOLS), Is.UNKNOWN),
    Row("Microsoft's own", some_organization(agent_pools=(a_pool(is_hosted=True),)), Is.NOT_APPLICABLE),
)
