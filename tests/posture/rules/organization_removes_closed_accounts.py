"""Cases of ADO-ORG-074."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_user, some_organization, without

ROWS = (
    Row("nobody", some_organization(), Is.HEALTHY),
    Row("disabled", some_organization(users=(a_user(status="disabled"),)), Is.UNHEALTHY),
    Row("not told", some_organization(users=(a_user(status=""),)), Is.UNKNOWN),
    Row("unread", without(some_organization(), FactKind.USERS), Is.UNKNOWN),
)
