"""Cases of ADO-REPO-031."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import AdvancedSecurity, FactKind
from tests.posture.builders import REPOSITORY, SWITCHES, Row, a_repository, some_facts, without

ROWS = (
    Row("on", some_facts(), Is.HEALTHY),
    Row(
        "off",
        some_facts(
            organization={
                "advanced_security": AdvancedSecurity({}, {REPOSITORY: {**SWITCHES, "blockPushes": False}})
            }
        ),
        Is.UNHEALTHY,
    ),
    Row("not told", some_facts(organization={"advanced_security": AdvancedSecurity()}), Is.UNKNOWN),
    Row("unread", without(some_facts(), FactKind.ADVANCED_SECURITY), Is.UNKNOWN),
    Row("disabled", some_facts(repositories=[a_repository(is_disabled=True)]), Is.NOT_APPLICABLE),
)
