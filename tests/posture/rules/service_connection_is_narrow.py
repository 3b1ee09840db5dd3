"""Cases of ADO-CONN-022."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_connection, a_project, some_facts, without

ROWS = (
    Row("as it should be", some_facts(), Is.HEALTHY),
    Row("a subscription", some_facts(connections=[a_connection(azure_scope="")]), Is.UNHEALTHY),
    Row(
        "a management group",
        some_facts(connections=[a_connection(azure_scope="", scope_level="ManagementGroup")]),
        Is.UNHEALTHY,
    ),
    Row("not told", some_facts(connections=[a_connection(azure_scope="", scope_level="")]), Is.UNKNOWN),
    Row("another type", some_facts(connections=[a_connection(kind="github")]), Is.NOT_APPLICABLE),
    Row("unlisted", without(some_facts(), FactKind.SERVICE_CONNECTIONS), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
