"""Cases of ADO-PIPE-001."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind, Pipeline
from tests.posture.builders import Row, a_github_pipeline, a_pipeline, a_project, some_facts, without

ENFORCE = "enforceNoAccessToSecretsFromForks"
OFF = {ENFORCE: False}


def handing_out(**others: object) -> Pipeline:
    return a_github_pipeline(trigger={"forks_enabled": True, "allow_secrets": True, **others})


ROWS = (
    Row("as it should be", some_facts(), Is.HEALTHY),
    Row(
        "handed out",
        some_facts(
            settings={"enforceNoAccessToSecretsFromForks": False},
            organization_settings={"enforceNoAccessToSecretsFromForks": False},
            pipelines=[a_github_pipeline(trigger={"forks_enabled": True, "allow_secrets": True})],
        ),
        Is.UNHEALTHY,
    ),
    Row(
        "the project forbids it",
        some_facts(pipelines=[a_github_pipeline(trigger={"forks_enabled": True, "allow_secrets": True})]),
        Is.HEALTHY,
    ),
    Row(
        "the definition tells that it is forbidden",
        some_facts(
            settings=OFF, organization_settings=OFF, pipelines=[handing_out(enforced={ENFORCE: True})]
        ),
        Is.HEALTHY,
        "withholds",
    ),
    Row(
        "the project builds no forks",
        some_facts(
            settings={**OFF, "forkProtectionEnabled": True, "buildsEnabledForForks": False},
            organization_settings=OFF,
            pipelines=[handing_out()],
        ),
        Is.HEALTHY,
        "does not build forks",
    ),
    Row(
        "a switch that says nothing while forks are not protected",
        some_facts(
            settings={**OFF, "forkProtectionEnabled": False, "buildsEnabledForForks": False},
            organization_settings=OFF,
            pipelines=[handing_out()],
        ),
        Is.UNHEALTHY,
    ),
    Row(
        "not told",
        some_facts(
            settings={}, pipelines=[a_github_pipeline(trigger={"forks_enabled": None, "allow_secrets": None})]
        ),
        Is.UNKNOWN,
    ),
    Row(
        "the project does not tell",
        some_facts(
            settings={}, pipelines=[a_github_pipeline(trigger={"forks_enabled": True, "allow_secrets": True})]
        ),
        Is.UNKNOWN,
    ),
    Row(
        "the project unread",
        without(
            some_facts(pipelines=[a_github_pipeline(trigger={"forks_enabled": True, "allow_secrets": True})]),
            FactKind.PIPELINE_SETTINGS,
        ),
        Is.UNKNOWN,
    ),
    Row("no pull requests", some_facts(pipelines=[a_pipeline()]), Is.NOT_APPLICABLE),
    Row("unlisted", without(some_facts(), FactKind.PIPELINES), Is.UNKNOWN),
    Row("project being deleted", some_facts(project=a_project(state="deleting")), Is.NOT_APPLICABLE),
)
