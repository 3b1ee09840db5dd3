"""Cases of ADO-ORG-046."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import AdvancedSecurity, FactKind
from tests.posture.builders import Row, some_organization, without

ROWS = (
    Row("on", some_organization(), Is.HEALTHY),
    Row(
        "off",
        some_organization(advanced_security=AdvancedSecurity({"enableSecretProtectionOnCreate": False})),
        Is.UNHEALTHY,
    ),
    Row("not told", some_organization(advanced_security=AdvancedSecurity()), Is.UNKNOWN),
    Row("unread", without(some_organization(), FactKind.ADVANCED_SECURITY), Is.UNKNOWN),
)
