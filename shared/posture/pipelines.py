"""What pipelines build: code of one's own, or code that others may write."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from shared.model.assessment import Verdict
from shared.model.facts import Pipeline, ProjectFacts, PullRequestTrigger, Variable
from shared.model.thresholds import Thresholds
from shared.posture.verdicts import healthy, not_applicable, unhealthy, unknown

JudgePipeline = Callable[[ProjectFacts, Pipeline, Thresholds], Verdict]

OWN = frozenset({"tfsgit", "tfsversioncontrol"})
"""Repository types of the organization itself."""


def is_external(pipeline: Pipeline) -> bool | None:
    """Whether it builds a repository outside of the organization; None where its type is not told."""
    return pipeline.repository_type.casefold() not in OWN if pipeline.repository_type else None


def pull_request_trigger(pipeline: Pipeline) -> PullRequestTrigger | Verdict:
    """Its settings for pull requests, or that it has none."""
    if pipeline.pull_requests is None:
        return not_applicable("It has no settings for pull requests.", {"pullRequestTrigger": None})
    return pipeline.pull_requests


def trigger_is_off(
    read: Callable[[PullRequestTrigger], bool | None], name: str, *, good: str, bad: str
) -> JudgePipeline:
    """Healthy where forks are not built, or one thing is not given to their builds."""

    def judge(_: ProjectFacts, pipeline: Pipeline, __: Thresholds) -> Verdict:
        trigger = pull_request_trigger(pipeline)
        if isinstance(trigger, Verdict):
            return trigger
        value = read(trigger)
        evidence = {"forks.enabled": trigger.forks_enabled, name: value}
        if trigger.forks_enabled is False:
            return healthy("Pull requests of forks are not built.", evidence)
        if value is False:
            return healthy(good, evidence)
        if trigger.forks_enabled and value:
            return unhealthy(bad, evidence)
        return unknown("The pipeline does not tell how it treats forks.", evidence)

    return judge


def no_variable(
    variables: Iterable[Variable], is_wrong: Callable[[Variable], bool], *, good: str, bad: str
) -> Verdict:
    """Healthy where no variable is such. Evidence names variables, never their values."""
    found = {one.name: one.looks_like or "set" for one in variables if is_wrong(one)}
    evidence = {"variables": dict(sorted(found.items())[:20]), "number": len(found)}
    if found:
        return unhealthy(f"{bad} {', '.join(sorted(found)[:3])}.", evidence)
    return healthy(good, evidence)
