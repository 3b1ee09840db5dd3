"""Cases of ADO-PIPE-011."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_github_pipeline, a_pipeline, a_project, some_facts, without

ROWS = (
    Row("as it should be", some_facts(), Is.HEALTHY),
    Row("by itself", some_facts(pipelines=[a_github_pipeline(ci_branches=("+refs/heads/*",))]), Is.UNHEALTHY),
    Row("not told", some_facts(pipelines=[a_github_pipeline(repository_type="")]), Is.UNKNOWN),
    Row("its own", some_facts(pipelines=[a_pipeline()]), Is.NOT_APPLICABLE),
    Row("unlisted", without(some_facts(), FactKind.PIPELINES), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
