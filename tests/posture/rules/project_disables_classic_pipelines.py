"""Cases of ADO-PROJ-001."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import DISABLES_CLASSIC, Row, a_project, some_facts, without

BUILD = "disableClassicBuildPipelineCreation"
RELEASE = "disableClassicReleasePipelineCreation"
BOTH = "disableClassicPipelineCreation"
ALLOWS = {BUILD: False, RELEASE: False}
ORGANIZATION = FactKind.ORGANIZATION_PIPELINE_SETTINGS

ROWS = (
    Row("the project disables both", some_facts(organization_settings=ALLOWS), Is.HEALTHY),
    Row(
        "the organization disables both",
        some_facts(settings=ALLOWS, organization_settings=DISABLES_CLASSIC),
        Is.HEALTHY,
        "The organization disables",
    ),
    Row(
        "one each",
        some_facts(
            settings={BUILD: True, RELEASE: False}, organization_settings={BUILD: False, RELEASE: True}
        ),
        Is.HEALTHY,
    ),
    Row("the older key for both", some_facts(settings={BOTH: True}), Is.HEALTHY),
    Row(
        "the older key in the organization",
        some_facts(settings={}, organization_settings={BOTH: True}),
        Is.HEALTHY,
    ),
    Row("the organization unread, the project sure", without(some_facts(), ORGANIZATION), Is.HEALTHY),
    Row(
        "the project unread, the organization sure",
        without(some_facts(organization_settings=DISABLES_CLASSIC), FactKind.PIPELINE_SETTINGS),
        Is.HEALTHY,
    ),
    Row(
        "nobody disables either",
        some_facts(settings=ALLOWS, organization_settings=ALLOWS),
        Is.UNHEALTHY,
        "Classic build and release pipelines can",
    ),
    Row(
        "only builds",
        some_facts(settings={BUILD: True, RELEASE: False}, organization_settings=ALLOWS),
        Is.UNHEALTHY,
        "Classic release pipelines can",
    ),
    Row(
        "builds allowed, releases not said",
        some_facts(settings={BUILD: False}, organization_settings={BUILD: False}),
        Is.UNHEALTHY,
        "Classic build pipelines",
    ),
    Row(
        "the finer key wins over the older one",
        some_facts(settings={BOTH: True, BUILD: False, RELEASE: True}, organization_settings=ALLOWS),
        Is.UNHEALTHY,
    ),
    Row("no key anywhere", some_facts(settings={}), Is.UNKNOWN, "do not say"),
    Row("the organization does not say", some_facts(settings=ALLOWS), Is.UNKNOWN),
    Row("the project does not say", some_facts(settings={}, organization_settings=ALLOWS), Is.UNKNOWN),
    Row(
        "one key of two", some_facts(settings={BUILD: True}, organization_settings={BUILD: False}), Is.UNKNOWN
    ),
    Row(
        "the organization unread, the project allows",
        without(some_facts(settings=ALLOWS), ORGANIZATION),
        Is.UNKNOWN,
        "refused to answer",
    ),
    Row(
        "the project unread",
        without(some_facts(organization_settings=ALLOWS), FactKind.PIPELINE_SETTINGS),
        Is.UNKNOWN,
        "refused to answer",
    ),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
