"""Cases of ADO-POOL-001."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_pool, some_organization, without

ROWS = (
    Row("as it should be", some_organization(), Is.HEALTHY),
    Row("the other way", some_organization(agent_pools=(a_pool(auto_provision=True),)), Is.UNHEALTHY),
    Row("not told", some_organization(agent_pools=(a_pool(auto_provision=None),)), Is.UNKNOWN),
    Row("pools unlisted", without(some_organization(), FactKind.AGENT_POOLS), Is.UNKNOWN),
    Row("Microsoft's own", some_organization(agent_pools=(a_pool(is_hosted=True),)), Is.NOT_APPLICABLE),
)
