"""Cases of ADO-FILE-001."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import REFUSED, Row, a_project, a_secure_file, some_facts, without

ROWS = (
    Row("one by one", some_facts(), Is.HEALTHY),
    Row("open", some_facts(secure_files=[a_secure_file(is_open=True)]), Is.UNHEALTHY, "Every pipeline"),
    Row("its permission unread", some_facts(secure_files=[a_secure_file(is_open=REFUSED)]), Is.UNKNOWN),
    Row("unlisted", without(some_facts(), FactKind.SECURE_FILES), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
