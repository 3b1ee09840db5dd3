"""Projects should have the creation of classic pipelines disabled."""

from __future__ import annotations

from collections.abc import Mapping

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import Fact, FactKind, PipelineSettings, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Lifecycle, Rule
from shared.posture.subjects import the_project
from shared.posture.verdicts import healthy, unhealthy, unknown, unread

_BOTH = "disableClassicPipelineCreation"
_KINDS = {
    "build": "disableClassicBuildPipelineCreation",
    "release": "disableClassicReleasePipelineCreation",
}


def _disabled(fact: Fact[PipelineSettings], key: str) -> bool | None:
    """Whether these settings disable it. Where the finer key is absent, the older one speaks for both."""
    settings: Mapping[str, bool] = fact.value.settings if fact.value is not None else {}
    return settings.get(key, settings.get(_BOTH))


def _told(fact: Fact[PipelineSettings]) -> dict[str, object]:
    settings: Mapping[str, bool] = fact.value.settings if fact.value is not None else {}
    return {key: settings[key] for key in (_BOTH, *_KINDS.values()) if key in settings}


def _judge(facts: ProjectFacts, _: Thresholds) -> Verdict:
    """What the organization disables is disabled in every project, whatever the project says."""
    organization, project = facts.organization.organization_pipeline_settings, facts.pipeline_settings
    from_above = {kind: _disabled(organization, key) for kind, key in _KINDS.items()}
    here = {kind: _disabled(project, key) for kind, key in _KINDS.items()}
    if all(from_above.values()):
        return healthy(
            "The organization disables the creation of classic build and release pipelines.",
            {"organization": _told(organization)},
        )
    evidence = {"organization": _told(organization), "project": _told(project)}
    if all(from_above[kind] or here[kind] for kind in _KINDS):
        return healthy("Classic build and release pipelines cannot be created.", evidence)
    allowed = [kind for kind in _KINDS if from_above[kind] is False and here[kind] is False]
    if allowed:
        return unhealthy(f"Classic {' and '.join(allowed)} pipelines can be created.", evidence)
    if project.failure is not None:
        return unread(FactKind.PIPELINE_SETTINGS, project.failure)
    if organization.failure is not None:
        return unread(FactKind.ORGANIZATION_PIPELINE_SETTINGS, organization.failure)
    return unknown("The settings do not say whether classic pipelines can be created.", evidence)


RULE = Rule(
    id=RuleId("ADO-PROJ-001"),
    assessment_key="9f4a17ee-7a02-4978-b968-8c36b74ac8e3",
    title="Projects should have the creation of classic pipelines disabled",
    resource=ResourceKind.PROJECT,
    severity=Severity.HIGH,
    topic="classic-pipelines.disabled",
    aliases=("ADO_Project_DP_Disable_Creation_Of_Classic_Pipeline",),
    why=(
        "Classic pipelines live outside the repository: no branch policy, review or history protects them."
        " Whoever may edit one can print secrets, use service connections or change what is deployed, and the"
        " code looks untouched."
    ),
    judged=(
        "Healthy when the creation of both classic build and classic release pipelines is disabled, each by"
        " the project or by the organization. Where a setting for one of the two is absent, the older setting"
        " for both speaks for it; where that is absent too, nothing is assumed. Unhealthy when neither the"
        " project nor the organization disables one of them."
    ),
    fix=(
        (
            "Open Project settings > Pipelines > Settings or, for every project at once,"
            " Organization settings > Pipelines > Settings."
        ),
        "Turn on Disable creation of classic build pipelines.",
        "Turn on Disable creation of classic release pipelines.",
    ),
    references=(
        "https://learn.microsoft.com/azure/devops/pipelines/security/approach",
        "https://learn.microsoft.com/azure/defender-for-cloud/recommendations-reference-devops",
    ),
    lifecycle=Lifecycle.PREVIEW,
    limits=(
        "Classic pipelines that exist already stay, and run. Microsoft's pages disagree on Defender's key for"
        " this recommendation; the one given here is that of its reference page."
    ),
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS, FactKind.PIPELINE_SETTINGS}),
    evaluate=the_project(_judge),
)
