"""Cases of ADO-PROJ-021."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import ADA, Row, a_project, members, some_facts, without

ROWS = (
    Row("as it should be", some_facts(), Is.HEALTHY),
    Row(
        "one",
        some_facts(organization={"administrators": members("-0-0-0-0-1", ADA, project=True)}),
        Is.UNHEALTHY,
    ),
    Row("groups unread", without(some_facts(), FactKind.GROUPS), Is.UNKNOWN),
    Row("administrators unread", without(some_facts(), FactKind.ADMINISTRATORS), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
