"""Cases of ADO-CONN-011."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import CONNECTION, EVERYBODY, PROJECT, Row, a_project, grants, some_facts, without

ROWS = (
    Row("nobody", some_facts(), Is.HEALTHY),
    Row(
        "granted",
        some_facts(
            organization={
                "service_connection_access": grants(f"endpoints/{PROJECT}/{CONNECTION}", EVERYBODY, 1)
            }
        ),
        Is.UNHEALTHY,
    ),
    Row(
        "granted and denied",
        some_facts(
            organization={
                "service_connection_access": grants(f"endpoints/{PROJECT}/{CONNECTION}", EVERYBODY, 1, 1)
            }
        ),
        Is.HEALTHY,
    ),
    Row("access unread", without(some_facts(), FactKind.SERVICE_CONNECTION_ACCESS), Is.UNKNOWN),
    Row("unlisted", without(some_facts(), FactKind.SERVICE_CONNECTIONS), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
