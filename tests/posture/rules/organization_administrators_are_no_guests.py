"""Cases of ADO-ORG-062."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import GRACE, Row, a_user, some_organization, without

ROWS = (
    Row("as it should be", some_organization(), Is.HEALTHY),
    Row(
        "a guest",
        some_organization(users=(a_user(is_guest=True), a_user(GRACE))),
        Is.UNHEALTHY,
        "ada@example.com",
    ),
    Row("not told", some_organization(users=(a_user(is_guest=None),)), Is.UNKNOWN),
    Row("groups unread", without(some_organization(), FactKind.GROUPS), Is.UNKNOWN),
    Row("administrators unread", without(some_organization(), FactKind.ADMINISTRATORS), Is.UNKNOWN),
    Row("users unread", without(some_organization(), FactKind.USERS), Is.UNKNOWN),
)
