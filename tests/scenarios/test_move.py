"""An organization is moved between connectors while both work on it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from handlers.move_organization import move_organization
from shared.model.journal import JournalEvent
from shared.model.organization import OnboardingState
from tests.scenarios.bench import PATIENCE, Bench

MOVES = 20


def test_moved_to_and_fro_under_load_it_always_has_one_holder_and_loses_nothing(
    bench: Bench, name: str
) -> None:
    one, two = bench.connect(), bench.connect()
    bench.run()
    record = bench.organization(name)
    ended = threading.Event()
    holders = set()
    seen = {one.id: threading.Event(), two.id: threading.Event()}

    def watch() -> None:
        while not ended.is_set():
            holder = bench.state.holder(record.tenant, record.id)
            holders.add(holder)
            if holder in seen:
                seen[holder].set()

    def work() -> None:
        while not ended.is_set():
            bench.run(hours=9)

    with ThreadPoolExecutor(3) as pool:
        watched, worked = pool.submit(watch), pool.submit(work)
        try:
            for number in range(MOVES):
                target = two if number % 2 == 0 else one
                moved = move_organization(name, target, "ana", bench.runtime.dependencies)
                assert moved.refusal == "", moved.refusal
                # Until each was seen once, they are not moved faster than somebody looks.
                assert seen[target.id].wait(PATIENCE)
        finally:
            ended.set()
        watched.result()
        worked.result()

    assert holders == {one.id, two.id}
    bench.run()
    bench.run()
    assert bench.equals_the_world(name)
    assert bench.enrollment(name, one).state is OnboardingState.ONBOARDED
    assert bench.enrollment(name, two).state is OnboardingState.ONBOARDED_BY_OTHER_CONNECTOR
    assert len(bench.journal(JournalEvent.CLAIM_MOVED)) == MOVES
    assert not bench.journal(JournalEvent.PROJECT_RETIRED, JournalEvent.REPOSITORY_RETIRED)
    assert not bench.journal(JournalEvent.CLAIM_RELEASED)
