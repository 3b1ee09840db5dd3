"""Cases of ADO-ENV-010."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import CONTRIBUTORS, PROJECT, Row, a_project, grants, some_facts, without

ROWS = (
    Row("nobody", some_facts(), Is.HEALTHY),
    Row(
        "granted",
        some_facts(organization={"environment_access": grants(f"Environments/{PROJECT}", CONTRIBUTORS, 8)}),
        Is.UNHEALTHY,
    ),
    Row(
        "granted and denied",
        some_facts(
            organization={"environment_access": grants(f"Environments/{PROJECT}", CONTRIBUTORS, 8, 8)}
        ),
        Is.HEALTHY,
    ),
    Row("access unread", without(some_facts(), FactKind.ENVIRONMENT_ACCESS), Is.UNKNOWN),
    Row("unlisted", without(some_facts(), FactKind.ENVIRONMENTS), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
