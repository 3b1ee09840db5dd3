"""Cases of ADO-ORG-043."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, an_extension, some_organization, without

ROWS = (
    Row("none", some_organization(), Is.HEALTHY),
    Row(
        "one that manages security",
        some_organization(extensions=(an_extension(scopes=("vso.security_manage",)),)),
        Is.UNHEALTHY,
    ),
    Row("no state", some_organization(extensions=(an_extension(state=frozenset()),)), Is.UNKNOWN),
    Row("unread", without(some_organization(), FactKind.EXTENSIONS), Is.UNKNOWN),
)
