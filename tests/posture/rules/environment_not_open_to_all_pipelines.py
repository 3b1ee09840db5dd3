"""Cases of ADO-ENV-006."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import REFUSED, Row, a_project, an_environment, some_facts, without

ROWS = (
    Row("one by one", some_facts(), Is.HEALTHY),
    Row("open", some_facts(environments=[an_environment(is_open=True)]), Is.UNHEALTHY, "Every pipeline"),
    Row("its permission unread", some_facts(environments=[an_environment(is_open=REFUSED)]), Is.UNKNOWN),
    Row("unlisted", without(some_facts(), FactKind.ENVIRONMENTS), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
