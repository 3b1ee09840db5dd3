"""Cases of ADO-ORG-041."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import AuditStream, FactKind
from tests.posture.builders import Row, some_organization, without

ROWS = (
    Row("one enabled", some_organization(), Is.HEALTHY),
    Row("none", some_organization(audit_streams=()), Is.UNHEALTHY),
    Row(
        "disabled",
        some_organization(audit_streams=(AuditStream("a", "Splunk", is_enabled=False),)),
        Is.UNHEALTHY,
    ),
    Row(
        "not understood",
        some_organization(audit_streams=(AuditStream("a", "Splunk", is_enabled=None),)),
        Is.UNKNOWN,
    ),
    Row("unread", without(some_organization(), FactKind.AUDIT_STREAMS), Is.UNKNOWN),
)
