"""When work is due and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.failure import Failure, FailureKind
from shared.model.ids import OrganizationId
from shared.model.work import Work, WorkKind
from shared.reconcile.work import failed, is_due, next_start, succeeded, to_be_continued

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
REQUEUE = timedelta(minutes=15)
LEASE = timedelta(minutes=12)
WORK = Work(OrganizationId("o"), WorkKind.INVENTORY, due_at=NOW)


@pytest.mark.parametrize(
    ("work", "due"),
    [
        (WORK, True),
        (replace(WORK, due_at=NOW + MINUTE), False),
        (replace(WORK, not_before=NOW + MINUTE), False),
        (replace(WORK, not_before=NOW), True),
        (replace(WORK, leased_until=NOW + MINUTE), False),
        (replace(WORK, leased_until=NOW - MINUTE), True),
        (replace(WORK, queued_at=NOW - MINUTE), False),
        (replace(WORK, queued_at=NOW - REQUEUE), True),
        # Of a clock that was hours ahead, nothing is believed; of one that was a little, all.
        (replace(WORK, leased_until=NOW + LEASE), False),
        (replace(WORK, leased_until=NOW + 5 * HOUR), True),
        (replace(WORK, queued_at=NOW + MINUTE), False),
        (replace(WORK, queued_at=NOW + 5 * HOUR), True),
        (replace(WORK, due_at=NOW + 5 * HOUR), True),
        (replace(WORK, due_at=NOW + 5 * HOUR, last_success=NOW), False),
        (replace(WORK, due_at=NOW + 6 * HOUR, last_success=NOW + 5 * HOUR), True),
        (replace(WORK, not_before=NOW + 5 * HOUR, last_failure_at=NOW), False),
        (replace(WORK, not_before=NOW + 6 * HOUR, last_failure_at=NOW + 5 * HOUR), True),
    ],
)
def test_due(work: Work, due: bool) -> None:
    assert is_due(work, NOW, REQUEUE, LEASE) is due


def test_success_is_due_one_interval_after_it_began() -> None:
    done = succeeded(replace(WORK, failures_in_a_row=3, checkpoint="x"), NOW, NOW + MINUTE, HOUR)
    assert done.due_at == NOW + HOUR
    assert (done.failures_in_a_row, done.checkpoint, done.last_failure) == (0, "", None)


def test_success_forgets_every_failure_and_wait() -> None:
    failure = Failure(FailureKind.TRANSIENT, "Timeout", "It timed out.")
    failing = failed(replace(WORK, checkpoint="p7"), failure, NOW, HOUR, MINUTE, HOUR)
    assert (failing.checkpoint, failing.due_at, failing.not_before) == ("p7", NOW, NOW + MINUTE)
    assert succeeded(failing, NOW, NOW + MINUTE, HOUR) == replace(
        WORK, due_at=NOW + HOUR, last_success=NOW + MINUTE
    )


def test_the_rest_of_a_run_is_due_at_once() -> None:
    waiting = replace(WORK, due_at=NOW + HOUR, not_before=NOW + HOUR, failures_in_a_row=2)
    rest = to_be_continued(waiting, "p7", NOW)
    assert rest == replace(waiting, due_at=NOW, not_before=None, checkpoint="p7")
    assert to_be_continued(replace(WORK, due_at=NOW - HOUR), "p7", NOW).due_at == NOW - HOUR


def test_a_run_longer_than_its_interval_is_due_again_at_once_and_not_in_the_past() -> None:
    assert succeeded(WORK, NOW, NOW + 2 * HOUR, HOUR).due_at == NOW + 2 * HOUR


def test_throttled_work_waits_for_the_rate_limit_and_keeps_its_place() -> None:
    failure = Failure(FailureKind.THROTTLED, "RateLimited", "Wait.", retry_at=NOW + 5 * MINUTE)
    waiting = failed(replace(WORK, checkpoint="p7"), failure, NOW, HOUR, MINUTE, HOUR)
    assert (waiting.not_before, waiting.checkpoint) == (NOW + 5 * MINUTE, "p7")
    assert waiting.failures_in_a_row == 0
    assert next_start(waiting, NOW) == NOW + 5 * MINUTE


def test_transient_failures_back_off_to_a_limit() -> None:
    failure = Failure(FailureKind.TRANSIENT, "Timeout", "It timed out.")
    work, waits = WORK, []
    for _ in range(8):
        work = failed(work, failure, NOW, HOUR, MINUTE, HOUR)
        waits.append((work.not_before or NOW) - NOW)
    assert waits == [MINUTE * n for n in (1, 2, 4, 8, 16, 32, 60, 60)]


def test_since_when_it_fails_is_the_first_failure_in_a_row() -> None:
    failure = Failure(FailureKind.TRANSIENT, "Timeout", "It timed out.")
    once = failed(WORK, failure, NOW, HOUR, MINUTE, HOUR)
    twice = failed(once, failure, NOW + HOUR, HOUR, MINUTE, HOUR)
    assert (twice.failing_since, twice.last_failure_at) == (NOW, NOW + HOUR)
    assert succeeded(twice, NOW, NOW, HOUR).failing_since is None


def test_a_message_is_not_timed_by_a_clock_that_was_wrong() -> None:
    ahead = replace(WORK, due_at=NOW + 6 * HOUR, last_success=NOW + 5 * HOUR)
    assert next_start(ahead, NOW) == NOW


def test_what_a_person_must_mend_is_tried_again_at_the_interval() -> None:
    failure = Failure(FailureKind.DENIED, "NotAMember", "No.")
    assert failed(WORK, failure, NOW, HOUR / 2, MINUTE, HOUR).not_before == NOW + HOUR / 2
    assert failed(WORK, failure, NOW, 8 * HOUR, MINUTE, HOUR).not_before == NOW + HOUR


def test_the_rest_of_a_slice_is_due_at_once() -> None:
    rest = to_be_continued(WORK, "p7", NOW)
    assert rest.checkpoint == "p7"
    assert is_due(replace(rest, queued_at=None), NOW, REQUEUE, LEASE)


@given(
    st.sampled_from(list(FailureKind)),
    st.integers(0, 1000),
    st.one_of(st.none(), st.integers(-10, 10_000).map(lambda s: NOW + timedelta(seconds=s))),
)
def test_no_failure_makes_work_due_in_the_past_or_never(
    kind: FailureKind, before: int, retry_at: datetime | None
) -> None:
    failure = Failure(kind, "Code", "Reason.", retry_at=retry_at)
    after = failed(replace(WORK, failures_in_a_row=before), failure, NOW, HOUR, MINUTE, HOUR)
    assert after.not_before is not None
    assert NOW <= after.not_before <= NOW + timedelta(seconds=10_000)
