"""Cases of ADO-ENV-005."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_project, an_approval, some_facts, without

ROWS = (
    Row("guarded", some_facts(), Is.HEALTHY),
    Row(
        "contributors",
        some_facts(checks=[an_approval({"approvers": [{"displayName": "[web]\\\\Contributors"}]})]),
        Is.UNHEALTHY,
        "Contributors",
    ),
    Row("not told", some_facts(checks=[an_approval({"minRequiredApprovers": 1})]), Is.UNKNOWN),
    Row("nobody named", some_facts(checks=[an_approval({"approvers": []})]), Is.UNKNOWN),
    Row(
        "one without a name",
        some_facts(checks=[an_approval({"approvers": [{"displayName": None}]})]),
        Is.UNKNOWN,
    ),
    Row("no approval", some_facts(checks=[]), Is.NOT_APPLICABLE),
    Row("checks unread", without(some_facts(), FactKind.CHECKS), Is.UNKNOWN),
    Row("unlisted", without(some_facts(), FactKind.ENVIRONMENTS), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
