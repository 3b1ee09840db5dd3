"""Cases of ADO-ORG-044."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, an_extension, some_organization, without

ROWS = (
    Row("none", some_organization(), Is.HEALTHY),
    Row(
        "one decorates",
        some_organization(
            extensions=(an_extension(contributions=frozenset({"ms.azure-pipelines.pipeline-decorator"})),)
        ),
        Is.UNHEALTHY,
    ),
    Row("no state", some_organization(extensions=(an_extension(state=frozenset()),)), Is.UNKNOWN),
    Row("unread", without(some_organization(), FactKind.EXTENSIONS), Is.UNKNOWN),
)
