"""Cases of ADO-PIPE-008."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_pipeline, a_project, some_facts, without

ROWS = (
    Row("as it should be", some_facts(), Is.HEALTHY),
    Row(
        "everywhere",
        some_facts(pipelines=[a_pipeline(authorization_scope="projectCollection")]),
        Is.UNHEALTHY,
    ),
    Row("not told", some_facts(pipelines=[a_pipeline(authorization_scope="")]), Is.UNKNOWN),
    Row("unlisted", without(some_facts(), FactKind.PIPELINES), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
