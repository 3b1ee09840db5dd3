"""Cases of ADO-CONN-002."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import REFUSED, Row, a_connection, a_project, some_facts, without

ROWS = (
    Row("Azure Resource Manager", some_facts(connections=[a_connection(kind="azurerm")]), Is.HEALTHY),
    Row(
        "Azure Resource Manager, oddly written",
        some_facts(connections=[a_connection(kind="AzureRM")]),
        Is.HEALTHY,
    ),
    Row(
        "permission unread, which is no matter",
        some_facts(connections=[a_connection(is_open=REFUSED)]),
        Is.HEALTHY,
    ),
    Row("classic", some_facts(connections=[a_connection(kind="azure")]), Is.UNHEALTHY, "classic"),
    Row("classic, oddly written", some_facts(connections=[a_connection(kind=" Azure ")]), Is.UNHEALTHY),
    Row("no type", some_facts(connections=[a_connection(kind="")]), Is.UNKNOWN, "which type"),
    Row("connections unlisted", without(some_facts(), FactKind.SERVICE_CONNECTIONS), Is.UNKNOWN),
    Row("not to Azure", some_facts(connections=[a_connection(kind="github")]), Is.NOT_APPLICABLE, "github"),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
