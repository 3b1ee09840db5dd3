"""Cases of ADO-ORG-073."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_user, some_organization, without

ROWS = (
    Row("nobody", some_organization(), Is.HEALTHY),
    Row("a personal account", some_organization(users=(a_user(origin="msa"),)), Is.UNHEALTHY),
    Row("not told", some_organization(users=(a_user(origin=""),)), Is.UNKNOWN),
    Row("unread", without(some_organization(), FactKind.USERS), Is.UNKNOWN),
)
