"""Cases of ADO-REPO-014."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import (
    Row,
    a_policy,
    a_repository,
    policies_without,
    some_facts,
    without,
)

ROWS = (
    Row("demanded", some_facts(), Is.HEALTHY),
    Row("no policy", some_facts(policies=policies_without("status")), Is.UNHEALTHY),
    Row(
        "optional",
        some_facts(
            policies=policies_without(
                "status", a_policy(None if not "status" else {}, type_id="status", is_blocking=False)
            )
        ),
        Is.UNHEALTHY,
    ),
    Row("policies unread before", without(some_facts(policies=[]), FactKind.BRANCH_POLICIES), Is.UNKNOWN),
    Row("policies unread", without(some_facts(), FactKind.BRANCH_POLICIES), Is.UNKNOWN),
    Row("empty", some_facts(repositories=[a_repository(default_branch=None)]), Is.NOT_APPLICABLE),
    Row("disabled", some_facts(repositories=[a_repository(is_disabled=True)]), Is.NOT_APPLICABLE),
)
