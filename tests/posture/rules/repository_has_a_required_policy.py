"""Cases of ADO-REPO-015."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_policy, a_repository, some_facts, without

ROWS = (
    Row("protected", some_facts(), Is.HEALTHY),
    Row("nothing", some_facts(policies=[]), Is.UNHEALTHY),
    Row("only pushes", some_facts(policies=[a_policy({}, type_id="fileSize")]), Is.UNHEALTHY),
    Row("not required", some_facts(policies=[a_policy(is_blocking=False)]), Is.UNHEALTHY),
    Row("policies unread", without(some_facts(), FactKind.BRANCH_POLICIES), Is.UNKNOWN),
    Row("empty", some_facts(repositories=[a_repository(default_branch=None)]), Is.NOT_APPLICABLE),
)
