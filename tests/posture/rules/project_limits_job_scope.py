"""Cases of ADO-PROJ-002."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_project, some_facts, without

KEY = "enforceJobAuthScope"
OFF = {KEY: False}


ROWS = (
    Row("the project", some_facts(organization_settings=OFF), Is.HEALTHY),
    Row(
        "the organization",
        some_facts(settings=OFF, organization_settings={KEY: True}),
        Is.HEALTHY,
        "organization enforces",
    ),
    Row("nobody", some_facts(settings=OFF, organization_settings=OFF), Is.UNHEALTHY),
    Row("the organization does not tell", some_facts(settings=OFF), Is.UNKNOWN),
    Row(
        "the project unread",
        without(some_facts(organization_settings=OFF), FactKind.PIPELINE_SETTINGS),
        Is.UNKNOWN,
    ),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
