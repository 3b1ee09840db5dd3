"""Cases of ADO-CONN-013."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_project, some_facts, without

ROWS = (
    Row("its own", some_facts(), Is.HEALTHY),
    Row("inherits", some_facts(organization={"service_connection_access": {}}), Is.UNHEALTHY),
    Row("access unread", without(some_facts(), FactKind.SERVICE_CONNECTION_ACCESS), Is.UNKNOWN),
    Row("unlisted", without(some_facts(), FactKind.SERVICE_CONNECTIONS), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
