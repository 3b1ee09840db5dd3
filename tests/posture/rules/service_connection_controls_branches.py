"""Cases of ADO-CONN-004."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_branch_control, a_connection, a_project, some_facts, without

ROWS = (
    Row("guarded", some_facts(), Is.HEALTHY),
    Row("no check", some_facts(checks=[]), Is.UNHEALTHY),
    Row("every branch", some_facts(checks=[a_branch_control({"allowedBranches": "*"})]), Is.UNHEALTHY),
    Row("not told", some_facts(checks=[a_branch_control({})]), Is.UNKNOWN),
    Row(
        "one of two is enough",
        some_facts(checks=[a_branch_control({"allowedBranches": "*"}), a_branch_control(id=9)]),
        Is.HEALTHY,
    ),
    Row(
        "every branch, and one that does not tell",
        some_facts(checks=[a_branch_control({"allowedBranches": "*"}), a_branch_control({}, id=9)]),
        Is.UNKNOWN,
    ),
    Row(
        "a number in the place of branches",
        some_facts(checks=[a_branch_control({"allowedBranches": 1})]),
        Is.UNKNOWN,
    ),
    Row("not of production", some_facts(connections=[a_connection(name="test")]), Is.NOT_APPLICABLE),
    Row("checks unread", without(some_facts(), FactKind.CHECKS), Is.UNKNOWN),
    Row("unlisted", without(some_facts(), FactKind.SERVICE_CONNECTIONS), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
