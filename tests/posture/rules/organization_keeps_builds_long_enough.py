"""Cases of ADO-ORG-040."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind, Retention
from tests.posture.builders import Row, some_organization, without

ROWS = (
    Row("a year", some_organization(), Is.HEALTHY),
    Row("a week", some_organization(retention=Retention(7, 30)), Is.UNHEALTHY, "7 days"),
    Row("not told", some_organization(retention=Retention(None, None)), Is.UNKNOWN),
    Row("unread", without(some_organization(), FactKind.RETENTION), Is.UNKNOWN),
)
