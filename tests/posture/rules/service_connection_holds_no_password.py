"""Cases of ADO-CONN-021."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_connection, a_project, some_facts, without

ROWS = (
    Row("as it should be", some_facts(), Is.HEALTHY),
    Row(
        "a password",
        some_facts(connections=[a_connection(kind="generic", scheme="UsernamePassword")]),
        Is.UNHEALTHY,
    ),
    Row(
        "a GitHub token",
        some_facts(connections=[a_connection(kind="GitHub", scheme="PersonalAccessToken")]),
        Is.UNHEALTHY,
    ),
    Row(
        "nothing better",
        some_facts(connections=[a_connection(kind="sonarqube", scheme="Token")]),
        Is.NOT_APPLICABLE,
    ),
    Row("no scheme", some_facts(connections=[a_connection(scheme="")]), Is.UNKNOWN),
    Row("unlisted", without(some_facts(), FactKind.SERVICE_CONNECTIONS), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
