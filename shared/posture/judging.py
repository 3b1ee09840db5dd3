"""What the rules say of one project, or of the organization itself, from its facts alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.model.assessment import AssessmentStatus, Resource, ResourceKind, Verdict
from shared.model.facts import OrganizationFacts, ProjectFacts
from shared.model.ids import RuleId
from shared.model.inventory import WELL_FORMED
from shared.model.thresholds import DEFAULTS, Thresholds
from shared.posture.rule import OfOrganization, Rule
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


def verdicts_of(
    rule: Rule, facts: ProjectFacts | OrganizationFacts, thresholds: Thresholds
) -> Iterable[tuple[Resource, Verdict]]:
    """What one rule says. A rule about the organization says nothing of a project, and the other way round.

    A project that is being made or deleted is judged by no rule.
    """
    evaluate = rule.evaluate
    if isinstance(facts, OrganizationFacts):
        return evaluate.judge(facts, thresholds) if isinstance(evaluate, OfOrganization) else ()
    if isinstance(evaluate, OfOrganization):
        return ()
    state = facts.project.state
    if state == WELL_FORMED:
        return evaluate.judge(facts, thresholds)
    verdict = not_applicable(f"The project is not ready for use: its state is {state}.", {"state": state})
    if rule.resource is ResourceKind.REPOSITORY:
        return tuple((repository_resource(one), verdict) for one in judged_repositories(facts))
    return ((project_resource(facts.project), verdict),)


def judge_facts(
    facts: ProjectFacts | OrganizationFacts,
    rules: Iterable[Rule],
    known: Iterable[Resource] = (),
    thresholds: Thresholds = DEFAULTS,
) -> dict[ResourceKey, JudgedResource]:
    """What all rules say of everything in a project (or in the organization itself), in a stable order.

    `known` are the resources that were judged before. Where a rule judges the project as a whole, because
    it cannot be told what there is to judge, the known resources of its kind are judged likewise: they are
    neither gone nor as they were.
    """
    # Keyed by the kind itself rather than its text: this is where judging spends its time.
    found: dict[tuple[ResourceKind, str], tuple[Resource, dict[RuleId, Verdict]]] = {}
    before = tuple(known)
    for rule in rules:
        kind, name = rule.resource, rule.id
        for resource, verdict in verdicts_of(rule, facts, thresholds):
            key = (resource.kind, resource.id)
            one = found.get(key)
            if one is None:
                found[key] = (resource, {name: verdict})
            else:
                one[1][name] = verdict
            if resource.kind is not kind:
                for other in before:
                    if other.kind is kind:
                        _, said = found.setdefault((other.kind, other.id), (other, {}))
                        said.setdefault(name, verdict)
    judged = {key_of(resource): JudgedResource(resource, verdicts) for resource, verdicts in found.values()}
    return {key: judged[key] for key in sorted(judged)}


def count_statuses(judged: Mapping[ResourceKey, JudgedResource]) -> dict[AssessmentStatus, int]:
    """How many verdicts of each status there are."""
    counts: dict[AssessmentStatus, int] = {}
    for one in judged.values():
        for verdict in one.verdicts.values():
            counts[verdict.status] = counts.get(verdict.status, 0) + 1
    return counts
