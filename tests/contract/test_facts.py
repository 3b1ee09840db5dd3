"""What a refresh leaves for the next one: facts of projects, and up to when they were seen to hold."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import pytest

from shared.model.assessment import AssessmentChange
from shared.model.work import WorkKind
from shared.ports import LeaseLost
from tests.contract.adapters import START, State
from tests.contract.records import ORGANIZATION, OTHER, lease, project

HERE, THERE = project(1).id, project(2).id
LATER = START + timedelta(hours=8)


def test_facts_are_kept_by_project_and_replaced(state: State) -> None:
    held = lease(state, WorkKind.POSTURE)
    assert state.facts(ORGANIZATION, HERE) == b""
    state.put_facts(held, HERE, b"first")
    state.put_facts(held, THERE, b"other")
    state.put_facts(held, HERE, b"second")
    assert state.facts(ORGANIZATION, HERE) == b"second"
    assert state.facts(ORGANIZATION, THERE) == b"other"
    assert state.facts(OTHER, HERE) == b""
    assert state.partial(ORGANIZATION, WorkKind.POSTURE) == b""
    state.put_facts(held, HERE, b"")
    assert state.facts(ORGANIZATION, HERE) == b""
    assert state.facts(ORGANIZATION, THERE) == b"other"


def test_large_facts_are_read_back_and_leave_nothing_behind(state: State) -> None:
    held = lease(state, WorkKind.POSTURE)
    large = b"".join(sha256(str(n).encode()).digest() for n in range(40_000))
    state.put_facts(held, HERE, large)
    assert state.facts(ORGANIZATION, HERE) == large
    state.put_facts(held, HERE, b"small")
    assert state.facts(ORGANIZATION, HERE) == b"small"


def test_what_was_seen_to_hold_stands_on_the_summary_and_outlasts_assessments(state: State) -> None:
    held = lease(state, WorkKind.POSTURE)
    state.apply_assessments(held, HERE, AssessmentChange(), START)
    state.confirm_assessments(held, START, LATER)
    state.apply_assessments(held, THERE, AssessmentChange(), START)
    (work,) = state.work(organization=ORGANIZATION, kind=WorkKind.POSTURE)
    state.finish_work(held, work)
    told = state.posture_summaries()[ORGANIZATION]
    assert (told.read_since, told.confirmed_at, told.projects) == (START, LATER, 2)
    held = lease(state, WorkKind.POSTURE)
    state.confirm_assessments(held, None, None)
    (work,) = state.work(organization=ORGANIZATION, kind=WorkKind.POSTURE)
    state.finish_work(held, work)
    told = state.posture_summaries()[ORGANIZATION]
    assert (told.read_since, told.confirmed_at, told.projects) == (None, None, 2)


def test_who_lost_the_lease_keeps_and_confirms_nothing(state: State) -> None:
    held = lease(state, WorkKind.POSTURE)
    state.drop_work(ORGANIZATION, WorkKind.POSTURE)
    with pytest.raises(LeaseLost):
        state.put_facts(held, HERE, b"late")
    with pytest.raises(LeaseLost):
        state.confirm_assessments(held, START, LATER)
    assert state.facts(ORGANIZATION, HERE) == b""
