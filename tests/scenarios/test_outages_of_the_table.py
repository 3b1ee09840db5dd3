"""The whole app with its state in Azure Table Storage, which goes away in the middle of everything."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.ado_simulator import World
from shared.model.work import Work
from tests.azurite.server import Azurite
from tests.connector_state.table_proxy import Answer, Forward, Proxy, answer
from tests.scenarios.bench import Bench
from tests.scenarios.conftest import MakeBench

TIMERS = (
    "discover_organizations",
    "refresh_prerequisites",
    "refresh_inventory",
    "refresh_extensions",
    "refresh_posture",
)


@pytest.fixture
def proxy(azurite: Azurite) -> Iterator[Proxy]:
    with Proxy(azurite.port) as opened:
        yield opened


@pytest.fixture
def bench(make_bench: MakeBench, proxy: Proxy, tmp_path: Path) -> Bench:
    return make_bench(
        state_url=proxy.url(f"t{uuid.uuid4().hex}"), queue_url=f"sqlite:///{tmp_path / 'queue.db'}"
    )


def dead(bench: Bench) -> int:
    return sum(one.dead_lettered for one in bench.runtime.queue.counts().values())


def equals(bench: Bench, world: World) -> bool:
    return all(bench.equals_the_world(one.name) for one in world.organizations)


def is_at_rest(work: Work) -> bool:
    return work.leased_until is None and work.last_failure is None and work.last_success is not None


def go_away(proxy: Proxy, after: int) -> None:
    """From the request of this number on, until told otherwise, the table refuses everything."""
    left = [after]
    refuse = answer(403)  # which the client does not try again, so that the test need not wait for it

    def trouble(method: str, path: str, body: bytes, forward: Forward) -> Answer | None:
        left[0] -= 1
        return refuse(method, path, body, forward) if left[0] < 0 else None

    proxy.trouble(trouble, times=1_000_000)


@pytest.mark.parametrize("after", [0, 7, 20, 45, 80, 120, 170])
def test_a_table_that_vanishes_in_mid_run_costs_nothing(
    bench: Bench, proxy: Proxy, world: World, after: int
) -> None:
    bench.connect()
    go_away(proxy, after)
    for timer in TIMERS:
        bench.host.fire(timer)
        bench.host.drain()
    assert not proxy.is_over
    proxy.calm()
    assert dead(bench) == 0

    bench.run(minutes=6)  # the longest that a message is put off, and every timer once
    assert dead(bench) == 0
    assert equals(bench, world)
    assert all(is_at_rest(work) for work in bench.state.work())


def test_a_table_that_is_busy_all_the_time_only_makes_it_slow(
    bench: Bench, proxy: Proxy, world: World
) -> None:
    bench.connect()
    proxy.always(answer(503, {"Retry-After": "0"}), answer(500), every=4)
    bench.run(seconds=0)
    proxy.calm()
    assert dead(bench) == 0
    assert equals(bench, world)
