"""Cases of ADO-PIPE-009."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_pipeline, a_project, some_facts, without

ROWS = (
    Row("as it should be", some_facts(), Is.HEALTHY),
    Row("classic", some_facts(pipelines=[a_pipeline(is_yaml=False)]), Is.UNHEALTHY),
    Row("not told", some_facts(pipelines=[a_pipeline(is_yaml=None)]), Is.UNKNOWN),
    Row("unlisted", without(some_facts(), FactKind.PIPELINES), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
