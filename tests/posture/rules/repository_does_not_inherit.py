"""Cases of ADO-REPO-025."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_repository, some_facts, without

ROWS = (
    Row("its own", some_facts(), Is.HEALTHY),
    Row("inherits", some_facts(organization={"repository_access": {}}), Is.UNHEALTHY),
    Row("access unread", without(some_facts(), FactKind.REPOSITORY_ACCESS), Is.UNKNOWN),
    Row("disabled", some_facts(repositories=[a_repository(is_disabled=True)]), Is.NOT_APPLICABLE),
)
