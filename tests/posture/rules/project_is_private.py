"""Cases of ADO-PROJ-025."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from tests.posture.builders import Row, a_project, some_facts

ROWS = (
    Row("private", some_facts(), Is.HEALTHY),
    Row("public", some_facts(project=a_project(visibility="public")), Is.UNHEALTHY, "internet"),
    Row("enterprise", some_facts(project=a_project(visibility="organization")), Is.UNHEALTHY, "enterprise"),
    Row("another word", some_facts(project=a_project(visibility="secret")), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
