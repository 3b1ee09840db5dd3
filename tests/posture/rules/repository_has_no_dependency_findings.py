"""Cases of ADO-FIND-003."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import AdvancedSecurity, FactKind
from tests.posture.builders import REPOSITORY, SWITCHES, Row, a_repository, some_alerts, some_facts, without

ROWS = (
    Row("nothing found", some_facts(), Is.HEALTHY),
    Row(
        "two open",
        some_facts(organization={"alerts": some_alerts("dependency", 2)}),
        Is.UNHEALTHY,
        "2 findings",
    ),
    Row(
        "switched off",
        some_facts(
            organization={
                "advanced_security": AdvancedSecurity(
                    {}, {REPOSITORY: {**SWITCHES, "codeSecurityEnabled": False}}
                )
            }
        ),
        Is.NOT_APPLICABLE,
        "Never scanned",
    ),
    Row(
        "no scan yet",
        some_facts(organization={"alerts": some_alerts(scanned={})}),
        Is.NOT_APPLICABLE,
        "Never scanned",
    ),
    Row("alerts unread", without(some_facts(), FactKind.ALERTS), Is.UNKNOWN),
    Row("unread", without(some_facts(), FactKind.ADVANCED_SECURITY), Is.UNKNOWN),
    Row("disabled", some_facts(repositories=[a_repository(is_disabled=True)]), Is.NOT_APPLICABLE),
)
