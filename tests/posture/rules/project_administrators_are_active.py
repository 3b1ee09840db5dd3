"""Cases of ADO-PROJ-023."""

from __future__ import annotations

from datetime import timedelta

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import GRACE, NOW, Row, a_project, a_user, some_facts, without

ROWS = (
    Row("as it should be", some_facts(), Is.HEALTHY),
    Row(
        "one is",
        some_facts(organization={"users": (a_user(last_accessed=NOW - timedelta(days=91)), a_user(GRACE))}),
        Is.UNHEALTHY,
    ),
    Row("groups unread", without(some_facts(), FactKind.GROUPS), Is.UNKNOWN),
    Row("administrators unread", without(some_facts(), FactKind.ADMINISTRATORS), Is.UNKNOWN),
    Row("users unread", without(some_facts(), FactKind.USERS), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
