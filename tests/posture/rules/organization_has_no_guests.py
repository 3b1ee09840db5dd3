"""Cases of ADO-ORG-070."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_user, some_organization, without

ROWS = (
    Row("nobody", some_organization(), Is.HEALTHY),
    Row("one", some_organization(users=(a_user(is_guest=True),)), Is.UNHEALTHY, "1 of 1"),
    Row("not told", some_organization(users=(a_user(is_guest=None),)), Is.UNKNOWN),
    Row("unread", without(some_organization(), FactKind.USERS), Is.UNKNOWN),
)
