"""Cases of ADO-FIND-004."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from tests.posture.builders import Row, a_repository, some_facts

ROWS = (
    Row("always", some_facts(), Is.NOT_APPLICABLE, "Never scanned"),
    Row("disabled", some_facts(repositories=[a_repository(is_disabled=True)]), Is.NOT_APPLICABLE),
)
