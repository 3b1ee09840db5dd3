"""Cases of ADO-CONN-026."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_connection, a_project, some_facts, without

ROWS = (
    Row("as it should be", some_facts(), Is.HEALTHY),
    Row("none", some_facts(connections=[a_connection(description=" ")]), Is.UNHEALTHY),
    Row("unlisted", without(some_facts(), FactKind.SERVICE_CONNECTIONS), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
