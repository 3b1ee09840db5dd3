"""Which runs were seen: none twice, none left out, whatever is read in which portions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.model.ids import ProjectId
from shared.model.run import PipelineRun
from shared.tracing.seen_runs import FIRST_LOOK, SeenRuns, pack_seen, unpack_seen

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHOP = ProjectId("p1")
MINUTES = st.integers(-60, 60)


def run(number: int, minutes: int) -> PipelineRun:
    return PipelineRun(number, SHOP, NOON + timedelta(minutes=minutes))


@given(st.lists(MINUTES, max_size=30), st.integers(1, 7), st.data())
def test_every_run_is_seen_once_though_some_fail_first(
    ends: list[int], size: int, data: st.DataObject
) -> None:
    runs = [run(number, minutes) for number, minutes in enumerate(ends)]
    failing = set(data.draw(st.lists(st.integers(0, 29), max_size=4)))
    seen, read = SeenRuns(NOON).of(SHOP), list[int]()
    for _ in range(60):
        listed = [one for one in runs if one.finished_at >= seen.since]
        unseen = seen.unseen(listed)[:size]
        done = [one for one in unseen if one.id not in failing]
        left = [one.finished_at for one in unseen if one.id in failing]
        failing -= {one.id for one in unseen}
        read += [one.id for one in done]
        seen = seen.with_runs(done, min(left, default=None))
        seen = unpack_seen(pack_seen(SeenRuns(NOON).with_project(SHOP, seen)), NOON).of(SHOP)
    assert sorted(read) == [one.id for one in runs]


def test_the_first_look_has_an_end_and_what_is_kept_does_not_grow() -> None:
    seen = SeenRuns(NOON).of(SHOP)
    assert seen.since == NOON - FIRST_LOOK
    assert seen.unseen([run(1, -60 * 24 * 31)]) == ()
    for number in range(1_000):
        seen = seen.with_runs([run(number, number)])
    assert len(seen.runs) <= 16


def test_what_another_version_kept_is_looked_at_anew() -> None:
    assert unpack_seen(b"", NOON) == SeenRuns(NOON)
