"""Cases of ADO-PROJ-022."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import GRACE, Row, a_project, a_user, some_facts, without

ROWS = (
    Row("as it should be", some_facts(), Is.HEALTHY),
    Row("a guest", some_facts(organization={"users": (a_user(is_guest=True), a_user(GRACE))}), Is.UNHEALTHY),
    Row("not told", some_facts(organization={"users": (a_user(is_guest=None),)}), Is.UNKNOWN),
    Row("groups unread", without(some_facts(), FactKind.GROUPS), Is.UNKNOWN),
    Row("administrators unread", without(some_facts(), FactKind.ADMINISTRATORS), Is.UNKNOWN),
    Row("users unread", without(some_facts(), FactKind.USERS), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
