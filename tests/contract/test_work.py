"""Work: due, queued, leased, finished; every transition as the port tells it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model.failure import Failure, FailureKind
from shared.model.work import Lease, Work, WorkKind
from shared.ports import LeaseLost
from tests.contract.adapters import START, State
from tests.contract.records import INVENTORY, ORGANIZATION, OTHER, entry, lease, organization, subjects

LATER = START + timedelta(hours=1)
SOON = START + timedelta(minutes=1)
TRANSIENT = Failure(FailureKind.TRANSIENT, "ServerError", "The service answered 503.")
THROTTLED = Failure(FailureKind.THROTTLED, "RateLimited", "The rate limit asks us to wait.", retry_at=LATER)


def only(state: State) -> Work:
    (work,) = state.work()
    return work


def test_work_is_created_once(state: State) -> None:
    created = state.ensure_work(ORGANIZATION, INVENTORY, START)
    assert created == Work(ORGANIZATION, INVENTORY, START)
    assert state.ensure_work(ORGANIZATION, INVENTORY, LATER) == created
    assert only(state) == created


def test_work_is_found_by_organization_and_by_kind(state: State) -> None:
    ours = state.ensure_work(ORGANIZATION, INVENTORY, START)
    posture = state.ensure_work(ORGANIZATION, WorkKind.POSTURE, START)
    other = state.ensure_work(OTHER, INVENTORY, START)
    assert set(state.work()) == {ours, posture, other}
    assert set(state.work(kind=INVENTORY)) == {ours, other}
    assert set(state.work(organization=ORGANIZATION)) == {ours, posture}
    assert state.work(organization=OTHER, kind=WorkKind.POSTURE) == ()


def test_bringing_forward_creates_work(state: State) -> None:
    assert state.bring_forward(ORGANIZATION, INVENTORY, SOON) == Work(ORGANIZATION, INVENTORY, SOON)


def test_bringing_forward_never_delays(state: State) -> None:
    state.ensure_work(ORGANIZATION, INVENTORY, SOON)
    assert state.bring_forward(ORGANIZATION, INVENTORY, LATER).due_at == SOON
    assert state.bring_forward(ORGANIZATION, INVENTORY, START).due_at == START
    assert only(state).due_at == START


def finished(state: State, **changes: object) -> Work:
    """One run that ended so."""
    held = lease(state)
    return state.finish_work(held, replace(only(state), **changes))  # type: ignore[arg-type]


def test_bringing_forward_drops_a_backoff(state: State) -> None:
    finished(state, due_at=START, not_before=LATER, last_failure=TRANSIENT)
    brought = state.bring_forward(ORGANIZATION, INVENTORY, START)
    assert brought.not_before is None
    assert brought.last_failure == TRANSIENT
    assert only(state) == brought


def test_bringing_forward_keeps_a_wait_that_the_rate_limit_asked_for(state: State) -> None:
    finished(state, due_at=START, not_before=LATER, last_failure=THROTTLED)
    assert state.bring_forward(ORGANIZATION, INVENTORY, START).not_before == LATER


def test_a_message_timed_for_later_than_the_work_is_now_due_does_not_count_as_queued(state: State) -> None:
    work = state.ensure_work(ORGANIZATION, INVENTORY, LATER)
    state.mark_queued(work, LATER)
    assert state.bring_forward(ORGANIZATION, INVENTORY, SOON).queued_at is None


def test_a_message_that_is_on_its_way_stays_queued(state: State) -> None:
    work = state.ensure_work(ORGANIZATION, INVENTORY, SOON)
    state.mark_queued(work, START)
    assert state.bring_forward(ORGANIZATION, INVENTORY, SOON).queued_at == START


def test_bringing_forward_leaves_the_lease_alone(state: State) -> None:
    held = lease(state)
    state.bring_forward(ORGANIZATION, INVENTORY, SOON)
    renewed = state.renew_lease(held, LATER)
    assert renewed == replace(held, until=LATER)


def test_what_is_asked_for_during_a_run_outlasts_its_end(state: State) -> None:
    held = lease(state)
    current = only(state)
    state.bring_forward(ORGANIZATION, INVENTORY, SOON)
    ended = state.finish_work(held, replace(current, due_at=LATER, last_success=SOON))
    assert ended.due_at == SOON
    assert only(state) == ended


def test_what_is_asked_for_during_a_slice_outlasts_all_of_them(state: State) -> None:
    held = lease(state)
    state.bring_forward(ORGANIZATION, INVENTORY, SOON)
    cut = state.finish_work(held, replace(only(state), checkpoint="half"))
    assert cut.checkpoint == "half"
    assert finished(state, checkpoint="most", due_at=START).due_at == START
    assert finished(state, checkpoint="", due_at=LATER).due_at == SOON
    assert finished(state, checkpoint="", due_at=LATER).due_at == LATER


def test_what_is_asked_for_between_two_slices_outlasts_the_last(state: State) -> None:
    finished(state, checkpoint="half", due_at=LATER)
    assert state.bring_forward(ORGANIZATION, INVENTORY, SOON).due_at == SOON
    work = only(state)
    assert state.mark_queued(work, START) is not None
    assert finished(state, checkpoint="", due_at=LATER).due_at == SOON


def test_what_was_asked_for_before_a_run_is_done_by_it(state: State) -> None:
    state.ensure_work(ORGANIZATION, INVENTORY, LATER)
    state.bring_forward(ORGANIZATION, INVENTORY, START)
    assert finished(state, due_at=LATER).due_at == LATER


def test_what_was_asked_of_a_run_that_died_is_done_by_the_next(state: State) -> None:
    lease(state, minutes=1)
    state.bring_forward(ORGANIZATION, INVENTORY, START)
    held = lease(state, now=LATER)
    assert state.finish_work(held, replace(only(state), due_at=LATER)).due_at == LATER


def test_of_two_that_see_work_due_one_queues_it(state: State) -> None:
    work = state.ensure_work(ORGANIZATION, INVENTORY, START)
    assert state.mark_queued(work, SOON) == replace(work, queued_at=SOON)
    assert state.mark_queued(work, SOON) is None
    assert only(state).queued_at == SOON


def test_work_that_changed_is_not_marked(state: State) -> None:
    work = state.ensure_work(ORGANIZATION, INVENTORY, LATER)
    state.bring_forward(ORGANIZATION, INVENTORY, START)
    assert state.mark_queued(work, SOON) is None
    leased = only(state)
    lease(state)
    assert state.mark_queued(leased, SOON) is None
    state.drop_work(ORGANIZATION, INVENTORY)
    assert state.mark_queued(leased, SOON) is None


def test_a_lease_is_on_one_revision(state: State) -> None:
    state.ensure_work(ORGANIZATION, INVENTORY, START)
    for revision in (0, 2):
        assert state.lease_work(ORGANIZATION, INVENTORY, revision, owner="w", now=START, until=LATER) is None
    taken = state.lease_work(ORGANIZATION, INVENTORY, 1, owner="w", now=START, until=LATER)
    assert taken == Lease(ORGANIZATION, INVENTORY, 1, 1, "w", LATER)
    work = only(state)
    assert (work.leased_by, work.leased_until, work.attempt) == ("w", LATER, 1)


def test_there_is_nothing_to_lease_without_work(state: State) -> None:
    assert state.lease_work(ORGANIZATION, INVENTORY, 1, owner="w", now=START, until=LATER) is None


@pytest.mark.parametrize("owner", ["worker", "another"])
def test_a_live_lease_keeps_everybody_out(state: State, owner: str) -> None:
    held = lease(state, minutes=10)
    just_before = held.until - timedelta(microseconds=1)
    assert state.lease_work(ORGANIZATION, INVENTORY, 1, owner=owner, now=just_before, until=LATER) is None


def test_a_lease_that_ran_out_is_taken_with_the_next_attempt(state: State) -> None:
    held = lease(state, minutes=10)
    taken = state.lease_work(ORGANIZATION, INVENTORY, 1, owner="another", now=held.until, until=LATER)
    assert taken is not None
    assert taken.attempt == 2
    with pytest.raises(LeaseLost):
        state.renew_lease(held, LATER)
    with pytest.raises(LeaseLost):
        state.finish_work(held, only(state), [entry("late")])
    assert only(state).leased_by == "another"
    assert subjects(state) == []


def test_the_same_worker_does_not_keep_an_old_lease_by_its_name(state: State) -> None:
    held = lease(state, minutes=10)
    assert state.lease_work(ORGANIZATION, INVENTORY, 1, owner="worker", now=held.until, until=LATER)
    with pytest.raises(LeaseLost):
        state.renew_lease(held, LATER)


def test_a_slow_worker_keeps_a_lease_that_nobody_took(state: State) -> None:
    held = lease(state, minutes=1)
    assert state.finish_work(held, replace(only(state), last_success=LATER)).last_success == LATER


def test_renewing_holds_others_off_and_leaves_earlier_copies_valid(state: State) -> None:
    held = lease(state, minutes=1)
    state.renew_lease(held, LATER)
    assert state.lease_work(ORGANIZATION, INVENTORY, 1, owner="x", now=SOON, until=LATER) is None
    assert state.finish_work(held, only(state)).revision == 2


def test_a_finished_run_is_the_next_revision_unleased_and_unqueued(state: State) -> None:
    work = state.ensure_work(ORGANIZATION, INVENTORY, START)
    state.mark_queued(work, START)
    held = lease(state)
    told = replace(
        only(state),
        due_at=LATER,
        checkpoint="after project 7",
        failures_in_a_row=3,
        not_before=SOON,
        last_success=SOON,
        last_failure=TRANSIENT,
        last_failure_at=START,
    )
    ended = state.finish_work(held, told, [entry("ended")])
    assert ended == replace(told, revision=2, queued_at=None, leased_until=None, leased_by="", attempt=0)
    assert only(state) == ended
    assert subjects(state) == ["ended"]
    with pytest.raises(LeaseLost):
        state.finish_work(held, told)


def test_the_next_run_goes_on_at_the_checkpoint(state: State) -> None:
    ended = finished(state, checkpoint="after project 7")
    taken = state.lease_work(ORGANIZATION, INVENTORY, ended.revision, owner="w", now=START, until=LATER)
    assert taken is not None
    assert taken.checkpoint == "after project 7"
    assert state.lease_work(ORGANIZATION, INVENTORY, 1, owner="w", now=LATER, until=LATER) is None


def test_leases_of_dead_workers_are_freed(state: State) -> None:
    held = lease(state, owner="dead")
    living = lease(state, WorkKind.POSTURE, owner="living")
    assert state.release_leases_of(["dead", "dead", "unheard of"]) == 1
    assert state.release_leases_of(["dead"]) == 0
    with pytest.raises(LeaseLost):
        state.renew_lease(held, LATER)
    state.renew_lease(living, LATER)
    again = lease(state, owner="next")
    assert (again.revision, again.attempt) == (1, 2)


def test_dropped_work_is_gone_and_its_lease_lost(state: State) -> None:
    held = lease(state)
    state.drop_work(ORGANIZATION, INVENTORY)
    assert state.work() == ()
    assert state.lease_work(ORGANIZATION, INVENTORY, 1, owner="w", now=LATER, until=LATER) is None
    with pytest.raises(LeaseLost):
        state.finish_work(held, Work(ORGANIZATION, INVENTORY, START))
    state.drop_work(ORGANIZATION, INVENTORY)
    state.drop_work(OTHER, INVENTORY)


@pytest.mark.parametrize("how", ["ensure_work", "bring_forward"])
def test_work_that_comes_back_starts_afresh(state: State, how: str) -> None:
    finished(state, checkpoint="old", last_failure=TRANSIENT, not_before=LATER)
    state.drop_work(ORGANIZATION, INVENTORY)
    fresh = getattr(state, how)(ORGANIZATION, INVENTORY, SOON)
    assert fresh == Work(ORGANIZATION, INVENTORY, SOON, revision=fresh.revision)
    assert only(state) == fresh


@pytest.mark.parametrize("how", ["ensure_work", "bring_forward"])
def test_work_that_comes_back_is_not_open_to_leases_and_messages_of_old(state: State, how: str) -> None:
    old = lease(state)
    state.drop_work(ORGANIZATION, INVENTORY)
    getattr(state, how)(ORGANIZATION, INVENTORY, SOON)
    assert state.lease_work(ORGANIZATION, INVENTORY, old.revision, owner="w", now=LATER, until=LATER) is None
    new = lease(state)
    assert (old.owner, old.attempt) == (new.owner, new.attempt)
    with pytest.raises(LeaseLost):
        state.renew_lease(old, LATER)
    state.renew_lease(new, LATER)


def test_a_lease_is_on_one_kind_of_one_organization(state: State) -> None:
    state.put_organization(organization())
    held = lease(state)
    state.ensure_work(OTHER, INVENTORY, START)
    for foreign in (replace(held, organization=OTHER), replace(held, kind=WorkKind.POSTURE)):
        with pytest.raises(LeaseLost):
            state.renew_lease(foreign, LATER)
    with pytest.raises(ValueError, match="other work"):
        state.finish_work(held, Work(OTHER, INVENTORY, START))


def test_a_lease_that_a_wrong_clock_took_holds_nobody_up(state: State) -> None:
    ahead = START + timedelta(hours=5)
    held = lease(state, owner="ahead", now=ahead)
    until = START + timedelta(minutes=10)
    taken = state.lease_work(ORGANIZATION, INVENTORY, held.revision, owner="w", now=START, until=until)
    assert taken is not None
    with pytest.raises(LeaseLost):
        state.renew_lease(held, ahead)
    state.renew_lease(taken, until)


def test_clocks_that_differ_by_minutes_take_no_lease_from_each_other(state: State) -> None:
    held = lease(state, owner="ahead", now=START + timedelta(minutes=4))
    until = START + timedelta(minutes=10)
    assert state.lease_work(ORGANIZATION, INVENTORY, held.revision, owner="w", now=START, until=until) is None


def test_since_when_work_fails_is_kept(state: State) -> None:
    work = finished(state, last_failure=TRANSIENT, failing_since=START, failures_in_a_row=2)
    assert only(state) == work
    assert work.failing_since == START
