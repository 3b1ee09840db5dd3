"""Cases of ADO-ORG-065."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, members, some_organization, without

ROWS = (
    Row("as it should be", some_organization(), Is.HEALTHY),
    Row(
        "seven",
        some_organization(
            administrators=members("-0-0-0-1-2", *tuple(f"{number}@example.com" for number in range(7)))
        ),
        Is.UNHEALTHY,
    ),
    Row("groups unread", without(some_organization(), FactKind.GROUPS), Is.UNKNOWN),
    Row("administrators unread", without(some_organization(), FactKind.ADMINISTRATORS), Is.UNKNOWN),
)
