"""Cases of ADO-CONN-005."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_connection, a_project, some_facts, without

ROWS = (
    Row("guarded", some_facts(), Is.HEALTHY),
    Row("no check", some_facts(checks=[]), Is.UNHEALTHY),
    Row("not of production", some_facts(connections=[a_connection(name="test")]), Is.NOT_APPLICABLE),
    Row("checks unread", without(some_facts(), FactKind.CHECKS), Is.UNKNOWN),
    Row("unlisted", without(some_facts(), FactKind.SERVICE_CONNECTIONS), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
