"""What is kept of the past does not grow without end: after the retention as much goes as comes."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

from benchmarks.year import Life, fill
from shared.connector_state import open_state
from shared.model.record import RecordKind
from shared.ports import State

RETENTION = 8


def kept(state: State) -> Counter[RecordKind]:
    return Counter(one.kind for one in state.records())


def test_after_the_retention_the_past_grows_no_more(tmp_path: Path) -> None:
    with open_state(f"sqlite:///{tmp_path}/state.db") as state:
        life = Life(state, fill(state, tmp_path, 2), timedelta(days=RETENTION), seed=3)
        found = []
        for day in range(5 * RETENTION):
            life.day(day)
            if day % RETENTION == RETENTION - 1:
                found.append(kept(state))
        # The first days are in `found[0]` still, with all that the first assessment wrote.
        for kind in (RecordKind.JOURNAL, RecordKind.STATUS_CHANGE):
            assert found[0][kind] > 0
            later = [one[kind] for one in found[2:]]
            assert max(later) < found[0][kind]
        # What is of the present, and tombstones, are never forgotten for their age.
        assert found[-1][RecordKind.REPOSITORY] > found[0][RecordKind.REPOSITORY]
        # As many repositories go as come, and what was said of them goes with them.
        assert found[-1][RecordKind.ASSESSMENT] < 1.1 * found[0][RecordKind.ASSESSMENT]
