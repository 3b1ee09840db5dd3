"""Cases of ADO-ORG-026."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind, PipelineSettings
from tests.posture.builders import Row, some_organization, without

ROWS = (
    Row("on", some_organization(), Is.HEALTHY),
    Row(
        "off",
        some_organization(
            organization_pipeline_settings=PipelineSettings({"enforceNoAccessToSecretsFromForks": False})
        ),
        Is.UNHEALTHY,
    ),
    Row(
        "not told",
        some_organization(organization_pipeline_settings=PipelineSettings({})),
        Is.UNKNOWN,
        "does not tell",
    ),
    Row("unread", without(some_organization(), FactKind.ORGANIZATION_PIPELINE_SETTINGS), Is.UNKNOWN),
)
