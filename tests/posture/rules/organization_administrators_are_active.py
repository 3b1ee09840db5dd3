"""Cases of ADO-ORG-063."""

from __future__ import annotations

from datetime import timedelta

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import GRACE, NOW, Row, a_user, some_organization, without

ROWS = (
    Row("as it should be", some_organization(), Is.HEALTHY),
    Row(
        "one is",
        some_organization(users=(a_user(last_accessed=NOW - timedelta(days=91)), a_user(GRACE))),
        Is.UNHEALTHY,
        "inactive",
    ),
    Row("not told", some_organization(users=(a_user(last_accessed=None, created=None),)), Is.UNKNOWN),
    Row("groups unread", without(some_organization(), FactKind.GROUPS), Is.UNKNOWN),
    Row("administrators unread", without(some_organization(), FactKind.ADMINISTRATORS), Is.UNKNOWN),
    Row("users unread", without(some_organization(), FactKind.USERS), Is.UNKNOWN),
)
