"""What the rules say of one project, from its facts alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.model.assessment import AssessmentStatus, Resource, ResourceKind, Verdict
from shared.model.facts import ProjectFacts
from shared.model.ids import RuleId
from shared.model.inventory import WELL_FORMED
from shared.posture.rule import Rule
from shared.posture.subjects import judged_repositories, project_resource, repository_resource
from shared.posture.verdicts import not_applicable

ResourceKey = tuple[str, str]
"""Kind and id: which resource of a project is meant."""


def key_of(resource: Resource) -> ResourceKey:
    """Kind and id of the resource."""
    return resource.kind.value, resource.id


@dataclass(frozen=True, slots=True)
class JudgedResource:
    """A resource with what each rule said of it."""

    resource: Resource
    verdicts: Mapping[RuleId, Verdict]


def verdicts_of(rule: Rule, facts: ProjectFacts) -> tuple[tuple[Resource, Verdict], ...]:
    """What one rule says of a project. A project that is being made or deleted is judged by no rule."""
    state = facts.project.state
    if state == WELL_FORMED:
        return tuple(rule.evaluate(facts))
    verdict = not_applicable(f"The project is not ready for use: its state is {state}.", {"state": state})
    if rule.resource is ResourceKind.REPOSITORY:
        return tuple((repository_resource(one), verdict) for one in judged_repositories(facts))
    return ((project_resource(facts.project), verdict),)


def judge_project(
    facts: ProjectFacts, rules: Iterable[Rule], known: Iterable[Resource] = ()
) -> dict[ResourceKey, JudgedResource]:
    """What all rules say of everything in a project, in a stable order.

    `known` are the resources that were judged before. Where a rule judges the project as a whole, because
    it cannot be told what there is to judge, the known resources of its kind are judged likewise: they are
    neither gone nor as they were.
    """
    resources: dict[ResourceKey, Resource] = {}
    verdicts: dict[ResourceKey, dict[RuleId, Verdict]] = {}
    before = tuple(known)
    for rule in rules:
        said = {key_of(resource): (resource, verdict) for resource, verdict in verdicts_of(rule, facts)}
        for resource, verdict in tuple(said.values()):
            if resource.kind is not rule.resource:
                for other in before:
                    if other.kind is rule.resource:
                        said.setdefault(key_of(other), (other, verdict))
        for key, (resource, verdict) in said.items():
            resources[key] = resource
            verdicts.setdefault(key, {})[rule.id] = verdict
    return {key: JudgedResource(resources[key], verdicts[key]) for key in sorted(resources)}


def count_statuses(judged: Mapping[ResourceKey, JudgedResource]) -> dict[AssessmentStatus, int]:
    """How many verdicts of each status there are."""
    counts: dict[AssessmentStatus, int] = {}
    for one in judged.values():
        for verdict in one.verdicts.values():
            counts[verdict.status] = counts.get(verdict.status, 0) + 1
    return counts
