"""Cases of ADO-PIPE-020."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import CONTRIBUTORS, PROJECT, Row, a_project, grants, some_facts, without

ROWS = (
    Row("nobody", some_facts(), Is.HEALTHY),
    Row(
        "granted",
        some_facts(organization={"pipeline_access": grants(f"{PROJECT}", CONTRIBUTORS, 2048)}),
        Is.UNHEALTHY,
    ),
    Row(
        "granted and denied",
        some_facts(organization={"pipeline_access": grants(f"{PROJECT}", CONTRIBUTORS, 2048, 2048)}),
        Is.HEALTHY,
    ),
    Row("access unread", without(some_facts(), FactKind.PIPELINE_ACCESS), Is.UNKNOWN),
    Row("unlisted", without(some_facts(), FactKind.PIPELINES), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
