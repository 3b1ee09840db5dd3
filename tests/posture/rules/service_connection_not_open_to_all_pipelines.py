"""Cases of ADO-CONN-001."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import REFUSED, Row, a_connection, a_project, some_facts, without

ROWS = (
    Row("authorized one by one", some_facts(connections=[a_connection(is_open=False)]), Is.HEALTHY),
    Row("open to all", some_facts(connections=[a_connection(is_open=True)]), Is.UNHEALTHY, "Every pipeline"),
    Row(
        "shared and open here",
        some_facts(connections=[a_connection(is_open=True, is_shared=True)]),
        Is.UNHEALTHY,
    ),
    Row(
        "its permission unread",
        some_facts(connections=[a_connection(is_open=REFUSED)]),
        Is.UNKNOWN,
        "refused to answer",
    ),
    Row(
        "connections unlisted",
        without(some_facts(), FactKind.SERVICE_CONNECTIONS),
        Is.UNKNOWN,
        "refused to answer",
    ),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
