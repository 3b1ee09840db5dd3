"""Facts of all sorts, for what must hold whatever the facts are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import strategies as st

from shared.model.facts import FactKind, ProjectFacts
from tests.posture.builders import (
    CONNECTION,
    NOW,
    REFUSED,
    REPOSITORY,
    a_connection,
    a_policy,
    a_project,
    a_repository,
    some_facts,
    without,
)

variants = st.builds(
    some_facts,
    project=st.sampled_from([a_project(), a_project(name="renamed"), a_project(state="deleting")]),
    repositories=st.lists(
        st.sampled_from(
            [
                a_repository(),
                a_repository(REPOSITORY[:-1] + "2", default_branch=None),
                a_repository(REPOSITORY[:-1] + "3", is_disabled=True),
                replace(a_repository(REPOSITORY[:-1] + "4"), missing_since=NOW),
            ]
        ),
        unique_by=lambda one: one.id,
    ),
    settings=st.sampled_from([None, {}, {"disableClassicPipelineCreation": False}]),
    organization_settings=st.sampled_from([None, {"disableClassicPipelineCreation": True}]),
    policies=st.sampled_from([None, [], [a_policy({})]]),
    connections=st.lists(
        st.sampled_from(
            [
                a_connection(),
                a_connection(CONNECTION[:-1] + "2", is_open=True, kind="azure"),
                a_connection(CONNECTION[:-1] + "3", is_open=REFUSED),
            ]
        ),
        unique_by=lambda one: one.id,
    ),
)
unread = st.sets(st.sampled_from(FactKind))
some = st.tuples(variants, unread).map(lambda pair: lacking(*pair))


def lacking(facts: ProjectFacts, kinds: Iterable[FactKind]) -> ProjectFacts:
    for kind in kinds:
        facts = without(facts, kind)
    return facts
