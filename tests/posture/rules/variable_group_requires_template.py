"""Cases of ADO-LIB-003."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_project, a_variable, a_variable_group, some_facts, without

ROWS = (
    Row("guarded", some_facts(), Is.HEALTHY),
    Row("no check", some_facts(checks=[]), Is.UNHEALTHY),
    Row(
        "no secrets",
        some_facts(variable_groups=[a_variable_group(type="Vsts", variables=(a_variable(),))]),
        Is.NOT_APPLICABLE,
    ),
    Row("checks unread", without(some_facts(), FactKind.CHECKS), Is.UNKNOWN),
    Row("unlisted", without(some_facts(), FactKind.VARIABLE_GROUPS), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
