"""Cases of ADO-LIB-001."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import REFUSED, Row, a_project, a_variable, a_variable_group, some_facts, without

ROWS = (
    Row("one by one", some_facts(), Is.HEALTHY),
    Row("open", some_facts(variable_groups=[a_variable_group(is_open=True)]), Is.UNHEALTHY, "Every pipeline"),
    Row("its permission unread", some_facts(variable_groups=[a_variable_group(is_open=REFUSED)]), Is.UNKNOWN),
    Row("unlisted", without(some_facts(), FactKind.VARIABLE_GROUPS), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
    Row(
        "no secrets",
        some_facts(variable_groups=[a_variable_group(type="Vsts", variables=(a_variable(),))]),
        Is.NOT_APPLICABLE,
    ),
)
