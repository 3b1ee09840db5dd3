"""Cases of ADO-ENV-004."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import APPROVERS, Row, a_project, an_approval, some_facts, without

ROWS = (
    Row("guarded", some_facts(), Is.HEALTHY),
    Row(
        "oneself",
        some_facts(checks=[an_approval({**APPROVERS, "requesterCannotBeApprover": False})]),
        Is.UNHEALTHY,
    ),
    Row("not understood", some_facts(checks=[an_approval({"requesterCannotBeApprover": "no"})]), Is.UNKNOWN),
    Row("no approval", some_facts(checks=[]), Is.NOT_APPLICABLE),
    Row("checks unread", without(some_facts(), FactKind.CHECKS), Is.UNKNOWN),
    Row("unlisted", without(some_facts(), FactKind.ENVIRONMENTS), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
