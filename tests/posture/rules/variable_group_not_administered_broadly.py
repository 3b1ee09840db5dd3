"""Cases of ADO-LIB-010."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import CONTRIBUTORS, PROJECT, Row, a_project, grants, some_facts, without

ROWS = (
    Row("nobody", some_facts(), Is.HEALTHY),
    Row(
        "granted",
        some_facts(organization={"library_access": grants(f"Library/{PROJECT}", CONTRIBUTORS, 2)}),
        Is.UNHEALTHY,
    ),
    Row(
        "granted and denied",
        some_facts(organization={"library_access": grants(f"Library/{PROJECT}", CONTRIBUTORS, 2, 2)}),
        Is.HEALTHY,
    ),
    Row("access unread", without(some_facts(), FactKind.LIBRARY_ACCESS), Is.UNKNOWN),
    Row("unlisted", without(some_facts(), FactKind.VARIABLE_GROUPS), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
