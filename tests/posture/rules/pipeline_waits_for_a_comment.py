"""Cases of ADO-PIPE-004."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_github_pipeline, a_pipeline, a_project, some_facts, without

ROWS = (
    Row("as it should be", some_facts(), Is.HEALTHY),
    Row(
        "unseen",
        some_facts(pipelines=[a_github_pipeline(trigger={"forks_enabled": True, "comment_required": False})]),
        Is.UNHEALTHY,
    ),
    Row(
        "not told",
        some_facts(pipelines=[a_github_pipeline(trigger={"forks_enabled": None, "comment_required": None})]),
        Is.UNKNOWN,
    ),
    Row("no pull requests", some_facts(pipelines=[a_pipeline()]), Is.NOT_APPLICABLE),
    Row("unlisted", without(some_facts(), FactKind.PIPELINES), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
