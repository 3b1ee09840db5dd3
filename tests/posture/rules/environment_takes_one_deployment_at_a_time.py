"""Cases of ADO-ENV-012."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_project, an_environment, some_facts, without

ROWS = (
    Row("as it should be", some_facts(), Is.HEALTHY),
    Row("none", some_facts(checks=[]), Is.UNHEALTHY),
    Row("not of production", some_facts(environments=[an_environment(name="test")]), Is.NOT_APPLICABLE),
    Row("checks unread", without(some_facts(), FactKind.CHECKS), Is.UNKNOWN),
    Row("unlisted", without(some_facts(), FactKind.ENVIRONMENTS), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
