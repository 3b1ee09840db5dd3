"""Cases of ADO-ORG-072."""

from __future__ import annotations

from datetime import timedelta

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import NOW, Row, a_user, some_organization, without

ROWS = (
    Row("nobody", some_organization(), Is.HEALTHY),
    Row(
        "one",
        some_organization(users=(a_user(last_accessed=None, created=NOW - timedelta(days=91)),)),
        Is.UNHEALTHY,
    ),
    Row("not told", some_organization(users=(a_user(last_accessed=None, created=None),)), Is.UNKNOWN),
    Row("unread", without(some_organization(), FactKind.USERS), Is.UNKNOWN),
)
