"""Cases of ADO-ORG-030."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind, PipelineSettings
from tests.posture.builders import Row, some_organization, without

ROWS = (
    Row("as it should be", some_organization(), Is.HEALTHY),
    Row(
        "the other way",
        some_organization(
            organization_pipeline_settings=PipelineSettings({"disableClassicReleasePipelineCreation": False})
        ),
        Is.UNHEALTHY,
    ),
    Row(
        "the older setting for both",
        some_organization(
            organization_pipeline_settings=PipelineSettings({"disableClassicPipelineCreation": True})
        ),
        Is.HEALTHY,
    ),
    Row(
        "not told",
        some_organization(organization_pipeline_settings=PipelineSettings({})),
        Is.UNKNOWN,
        "does not tell",
    ),
    Row("unread", without(some_organization(), FactKind.ORGANIZATION_PIPELINE_SETTINGS), Is.UNKNOWN),
)
