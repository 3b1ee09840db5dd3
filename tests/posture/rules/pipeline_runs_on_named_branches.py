"""Cases of ADO-PIPE-012."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_pipeline, a_project, some_facts, without

ROWS = (
    Row("as it should be", some_facts(pipelines=[a_pipeline()]), Is.HEALTHY),
    Row("all", some_facts(pipelines=[a_pipeline(ci_branches=("+refs/heads/*",))]), Is.UNHEALTHY),
    Row("none named", some_facts(pipelines=[a_pipeline(ci_branches=())]), Is.UNHEALTHY),
    Row("no trigger", some_facts(pipelines=[a_pipeline(ci_branches=None)]), Is.NOT_APPLICABLE),
    Row("unlisted", without(some_facts(), FactKind.PIPELINES), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
