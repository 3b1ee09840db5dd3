"""What is asked of Azure DevOps: as little as the rules can do with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given

from shared.model.assessment import AssessmentStatus
from shared.model.facts import Fact, FactKind, ProjectFacts
from shared.model.inventory import Project, Repository
from shared.model.thresholds import DEFAULTS
from shared.posture.gathering import Plan, not_asked, nothing_gathered
from shared.posture.judging import judge_facts
from tests.posture.builders import DISABLES_CLASSIC, NOW, SOME_RULES, a_project, a_repository, some_facts
from tests.posture.variants import some

SETTINGS, POLICIES, CONNECTIONS = (
    FactKind.PIPELINE_SETTINGS,
    FactKind.BRANCH_POLICIES,
    FactKind.SERVICE_CONNECTIONS,
)
PERMISSIONS = FactKind.SERVICE_CONNECTION_PERMISSIONS


def gather(all_there_is: ProjectFacts) -> tuple[ProjectFacts, list[FactKind]]:
    """Ask as a handler does, of a service that has these facts."""
    plan = Plan(SOME_RULES, DEFAULTS)
    facts = nothing_gathered(
        all_there_is.project, all_there_is.repositories, all_there_is.organization, all_there_is.gathered_at
    )
    asked = []
    while (kind := plan.next_fact(facts)) is not None:
        asked.append(kind)
        if kind is SETTINGS:
            facts = replace(facts, pipeline_settings=all_there_is.pipeline_settings)
        elif kind is POLICIES:
            facts = replace(facts, branch_policies=all_there_is.branch_policies)
        elif kind is CONNECTIONS:
            listed = all_there_is.service_connections
            if listed.value is not None:
                unasked = [replace(one, open_to_all_pipelines=not_asked()) for one in listed.value]
                listed = Fact.read(tuple(unasked))
            facts = replace(facts, service_connections=listed)
        else:
            told = {one.id: one for one in all_there_is.service_connections.value or ()}
            assert plan.objects(facts, kind) == tuple(told)
            facts = replace(facts, service_connections=Fact.read(tuple(told.values())))
    return facts, asked


@pytest.mark.parametrize(
    ("project", "repositories", "organization", "asked"),
    [
        (a_project(), [a_repository()], {}, [POLICIES, SETTINGS, CONNECTIONS, PERMISSIONS]),
        (a_project(), [a_repository()], DISABLES_CLASSIC, [POLICIES, CONNECTIONS, PERMISSIONS]),
        (a_project(), [], {}, [SETTINGS, CONNECTIONS, PERMISSIONS]),
        (a_project(), [a_repository(default_branch=None)], {}, [SETTINGS, CONNECTIONS, PERMISSIONS]),
        (a_project(), [a_repository(is_disabled=True)], {}, [SETTINGS, CONNECTIONS, PERMISSIONS]),
        (a_project(), [replace(a_repository(), missing_since=NOW)], {}, [SETTINGS, CONNECTIONS, PERMISSIONS]),
        (a_project(state="deleting"), [a_repository()], {}, []),
    ],
)
def test_asks_only_for_what_could_change_a_verdict(
    project: Project,
    repositories: Sequence[Repository],
    organization: Mapping[str, bool],
    asked: Sequence[FactKind],
) -> None:
    facts = some_facts(project=project, repositories=repositories, organization_settings=organization)
    assert gather(facts)[1] == asked


def test_an_organization_that_does_not_tell_saves_nothing() -> None:
    facts = some_facts()
    assert SETTINGS in gather(facts)[1]


@given(some)
def test_asking_less_answers_the_same(facts: ProjectFacts) -> None:
    """What was not asked is seen in no verdict, neither its status nor its evidence."""
    gathered, _ = gather(facts)
    assert judge_facts(gathered, SOME_RULES) == judge_facts(facts, SOME_RULES)


@given(some)
def test_nothing_is_unknown_for_want_of_asking(facts: ProjectFacts) -> None:
    gathered, _ = gather(facts)
    for one in judge_facts(gathered, SOME_RULES).values():
        for verdict in one.verdicts.values():
            assert verdict.status is not AssessmentStatus.UNKNOWN or verdict.reason != "It was not asked."
