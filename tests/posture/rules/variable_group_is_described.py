"""Cases of ADO-LIB-020."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_project, a_variable_group, some_facts, without

ROWS = (
    Row("as it should be", some_facts(), Is.HEALTHY),
    Row("none", some_facts(variable_groups=[a_variable_group(description=" ")]), Is.UNHEALTHY),
    Row("unlisted", without(some_facts(), FactKind.VARIABLE_GROUPS), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
