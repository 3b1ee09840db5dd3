"""Cases of ADO-REPO-005."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_policy, a_repository, some_facts, without

ROWS = (
    Row("demanded", some_facts(), Is.HEALTHY),
    Row("no policy", some_facts(policies=[]), Is.UNHEALTHY),
    Row("optional", some_facts(policies=[a_policy(is_blocking=False)]), Is.UNHEALTHY),
    Row("outvoted", some_facts(policies=[a_policy({"allowDownvotes": True})]), Is.UNHEALTHY),
    Row("not understood", some_facts(policies=[a_policy({"allowDownvotes": "maybe"})]), Is.UNKNOWN),
    Row("policies unread", without(some_facts(), FactKind.BRANCH_POLICIES), Is.UNKNOWN),
    Row("empty", some_facts(repositories=[a_repository(default_branch=None)]), Is.NOT_APPLICABLE),
    Row("disabled", some_facts(repositories=[a_repository(is_disabled=True)]), Is.NOT_APPLICABLE),
)
