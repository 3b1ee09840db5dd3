"""Cases of ADO-REPO-022."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import CONTRIBUTORS, PROJECT, Row, a_repository, grants, some_facts, without

ROWS = (
    Row("nobody", some_facts(), Is.HEALTHY),
    Row(
        "granted",
        some_facts(organization={"repository_access": grants(f"repoV2/{PROJECT}", CONTRIBUTORS, 8192)}),
        Is.UNHEALTHY,
    ),
    Row(
        "granted and denied",
        some_facts(organization={"repository_access": grants(f"repoV2/{PROJECT}", CONTRIBUTORS, 8192, 8192)}),
        Is.HEALTHY,
    ),
    Row("access unread", without(some_facts(), FactKind.REPOSITORY_ACCESS), Is.UNKNOWN),
    Row("disabled", some_facts(repositories=[a_repository(is_disabled=True)]), Is.NOT_APPLICABLE),
)
