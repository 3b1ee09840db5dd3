"""Cases of ADO-ORG-042."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, a_hook, some_organization, without

ROWS = (
    Row("https", some_organization(), Is.HEALTHY),
    Row("http", some_organization(service_hooks=(a_hook(scheme="http"),)), Is.UNHEALTHY),
    Row(
        "a password in it",
        some_organization(service_hooks=(a_hook(has_plain_credentials=True),)),
        Is.UNHEALTHY,
    ),
    Row("no address", some_organization(service_hooks=(a_hook(scheme=""),)), Is.UNKNOWN),
    Row("unread", without(some_organization(), FactKind.SERVICE_HOOKS), Is.UNKNOWN),
)
