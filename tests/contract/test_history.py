"""Changes of status: numbered in their order, found by number, time and resource, and forgotten by age."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from shared.model.assessment import (
    AssessmentChange,
    AssessmentStatus,
    Resource,
    ResourceKind,
    StatusChange,
)
from shared.model.ids import RuleId
from shared.model.notification import Notified
from shared.model.work import Lease, WorkKind
from shared.ports import LeaseLost
from tests.contract.adapters import START, State, StatePlace
from tests.contract.records import ORGANIZATION, OTHER, lease, project
from tests.contract.strategies import records

DAY = timedelta(days=1)
PROJECT = project(1).id


def resource(number: int) -> Resource:
    return Resource(ResourceKind.REPOSITORY, f"r{number}", f"repository {number}", PROJECT)


def change(number: int, at: datetime = START) -> StatusChange:
    return StatusChange(
        at=at,
        resource=resource(number),
        rule=RuleId("ADO-REPO-001"),
        before=AssessmentStatus.HEALTHY,
        after=AssessmentStatus.UNHEALTHY,
        since=START - DAY,
        first_seen=START - 2 * DAY,
        reason="Because.",
    )


def write(state: State, held: Lease, *changes: StatusChange, at: datetime = START) -> None:
    state.apply_assessments(held, PROJECT, AssessmentChange(history=changes), at)


def numbers(state: State, **options: object) -> list[tuple[int, str]]:
    return [
        (one.sequence, one.resource.id)
        for one in state.status_changes(ORGANIZATION, **options)  # type: ignore[arg-type]
    ]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records(StatusChange, sequence=0))
def test_a_change_is_read_back_as_it_was_written(state: State, drawn: StatusChange) -> None:
    state.drop_work(ORGANIZATION, WorkKind.POSTURE)
    write(state, lease(state, WorkKind.POSTURE), drawn)
    *_, last = state.status_changes(ORGANIZATION)
    assert replace(last, sequence=0) == drawn


def test_they_are_numbered_in_their_order_over_runs_and_handles(
    state: State, state_place: StatePlace
) -> None:
    write(state, lease(state, WorkKind.POSTURE), change(1), change(2))
    state.drop_work(ORGANIZATION, WorkKind.POSTURE)
    other = state_place.open()
    held = lease(other, WorkKind.POSTURE)
    write(other, held, change(3))
    write(other, held)
    write(other, held, change(1))
    other.close()
    assert numbers(state) == [(1, "r1"), (2, "r2"), (3, "r3"), (4, "r1")]
    assert list(state.status_changes(OTHER)) == []


def test_they_are_found_by_number_time_and_resource(state: State) -> None:
    held = lease(state, WorkKind.POSTURE)
    for day in range(10):
        at = START + day * DAY
        write(state, held, change(1, at), change(2, at), at=at)
    assert numbers(state, after=18) == [(19, "r1"), (20, "r2")]
    assert numbers(state, after=17) == [(18, "r2"), (19, "r1"), (20, "r2")]
    assert numbers(state, after=20) == []
    for day in range(10):
        assert len(numbers(state, since=START + day * DAY)) == 2 * (10 - day)
    assert numbers(state, since=START + 8 * DAY + timedelta(microseconds=1)) == [(19, "r1"), (20, "r2")]
    assert numbers(state, since=START + 10 * DAY) == []
    assert numbers(state, resource="r2", since=START + 8 * DAY) == [(18, "r2"), (20, "r2")]
    assert numbers(state, resource="nothing") == []


def test_more_than_fits_into_one_transaction(state: State) -> None:
    held = lease(state, WorkKind.POSTURE)
    many = [change(number) for number in range(1, 12_001)]
    write(state, held, *many)
    assert numbers(state) == [(number, f"r{number}") for number in range(1, 12_001)]
    assert numbers(state, after=11_999) == [(12_000, "r12000")]


def test_the_oldest_are_forgotten_and_no_number_is_given_twice(state: State) -> None:
    held = lease(state, WorkKind.POSTURE)
    for day in range(5):
        write(state, held, change(day, START + day * DAY))
    state.forget_status_changes(held, START - DAY)
    assert len(numbers(state)) == 5
    state.forget_status_changes(held, START + 3 * DAY)
    assert numbers(state) == [(4, "r3"), (5, "r4")]
    assert numbers(state, since=START) == [(4, "r3"), (5, "r4")]
    assert numbers(state, since=START + 4 * DAY) == [(5, "r4")]
    state.forget_status_changes(held, START + 30 * DAY)
    assert numbers(state) == []
    write(state, held, change(9))
    assert numbers(state) == [(6, "r9")]


def test_many_are_forgotten(state: State) -> None:
    held = lease(state, WorkKind.POSTURE)
    for number in range(1, 231):
        write(state, held, change(number))
    later = START + DAY
    write(state, held, change(231, later))
    state.forget_status_changes(held, later)
    assert numbers(state) == [(231, "r231")]


def test_who_lost_the_lease_forgets_nothing(state: State) -> None:
    held = lease(state, WorkKind.POSTURE)
    write(state, held, change(1))
    state.drop_work(ORGANIZATION, WorkKind.POSTURE)
    with pytest.raises(LeaseLost):
        state.forget_status_changes(held, START + DAY)
    with pytest.raises(LeaseLost):
        write(state, held, change(2))
    assert numbers(state) == [(1, "r1")]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records(Notified))
def test_how_far_it_was_told_is_read_back(state: State, drawn: Notified) -> None:
    state.drop_work(ORGANIZATION, WorkKind.NOTIFICATIONS)
    held = lease(state, WorkKind.NOTIFICATIONS)
    state.put_notified(held, drawn)
    assert state.notified(ORGANIZATION) == drawn
    assert state.notified(OTHER) == Notified()
    state.drop_work(ORGANIZATION, WorkKind.NOTIFICATIONS)
    with pytest.raises(LeaseLost):
        state.put_notified(held, Notified())
