"""Cases of ADO-PIPE-007."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_pipeline, a_project, a_variable, some_facts, without

ROWS = (
    Row("as it should be", some_facts(), Is.HEALTHY),
    Row(
        "one",
        some_facts(
            pipelines=[a_pipeline(variables=(a_variable("feed", settable_at_queue_time=True, is_url=True),))]
        ),
        Is.UNHEALTHY,
        "feed",
    ),
    Row("unlisted", without(some_facts(), FactKind.PIPELINES), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
