"""Cases of ADO-PIPE-010."""

from __future__ import annotations

from datetime import timedelta

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import NOW, Row, a_pipeline, a_project, some_facts, without

ROWS = (
    Row("as it should be", some_facts(), Is.HEALTHY),
    Row("old", some_facts(pipelines=[a_pipeline(last_queued=NOW - timedelta(days=181))]), Is.UNHEALTHY),
    Row(
        "never ran and old",
        some_facts(pipelines=[a_pipeline(last_queued=None, created=NOW - timedelta(days=181))]),
        Is.UNHEALTHY,
    ),
    Row("not told", some_facts(pipelines=[a_pipeline(last_queued=None, created=None)]), Is.UNKNOWN),
    Row("disabled", some_facts(pipelines=[a_pipeline(queue_status="disabled")]), Is.NOT_APPLICABLE),
    Row("unlisted", without(some_facts(), FactKind.PIPELINES), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
