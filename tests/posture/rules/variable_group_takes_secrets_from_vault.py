"""Cases of ADO-LIB-022."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_project, a_variable, a_variable_group, some_facts, without

ROWS = (
    Row("as it should be", some_facts(), Is.HEALTHY),
    Row("its own", some_facts(variable_groups=[a_variable_group(type="Vsts")]), Is.UNHEALTHY),
    Row(
        "no secrets",
        some_facts(variable_groups=[a_variable_group(type="Vsts", variables=(a_variable(),))]),
        Is.NOT_APPLICABLE,
    ),
    Row("unlisted", without(some_facts(), FactKind.VARIABLE_GROUPS), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
