"""A bench for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.ado_simulator import Simulator, World, generate_world
from shared import wiring
from shared.connector_state import open_state
from tests.azurite.server import Azurite
from tests.scenarios.bench import Bench, ManualClock
from tests.scenarios.spoiled_state import STORES, Place

MakeBench = Callable[..., Bench]


@pytest.fixture
def world() -> World:
    """Two organizations of a few projects, in which everything is as it should be."""
    return generate_world(seed=7, organizations=2, projects=4, repositories=3)


@pytest.fixture
def make_bench(world: World, tmp_path: Path) -> Iterator[MakeBench]:
    """Makes a bench with settings of its own."""
    with ExitStack() as stack:

        def make(**settings: Any) -> Bench:
            simulator = stack.enter_context(Simulator(world, page_size=settings.pop("page_size", 100)))
            bench = Bench(world, simulator, tmp_path, **settings)
            stack.callback(bench.runtime.close)
            stack.callback(wiring.use, None)
            return bench

        yield make


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    """A bench with default settings."""
    return make_bench()


@pytest.fixture
def name(world: World) -> str:
    """The name of the organization that things happen to."""
    return world.organizations[0].name


@pytest.fixture(scope="module")
def whole_world() -> World:
    made = generate_world(seed=4, organizations=2, projects=3, repositories=2)
    for one in made.organizations:
        one.share_extension("ms-securitydevops", "ms-dfd-code-to-cloud")
    return made


@pytest.fixture(scope="module")
def whole_simulator(whole_world: World) -> Iterator[Simulator]:
    with Simulator(whole_world) as running:
        yield running


@pytest.fixture(scope="module")
def whole(
    whole_world: World, whole_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, datetime]:
    """A state after a life: what was deleted, renamed, moved, exempted and forgotten."""
    folder = tmp_path_factory.mktemp("whole")
    bench = Bench(whole_world, whole_simulator, folder, history_retention=timedelta(days=3))
    bench.connect()
    bench.run()
    first, second, _ = whole_world.organizations[0].projects.values()
    next(iter(first.repositories.values())).delete()
    next(iter(second.repositories.values())).rename("renamed")
    whole_world.organizations[1].rename("renamed-too")
    bench.run()
    second.delete()
    first.set_visibility("private")
    bench.run()
    bench.run()
    bench.runtime.close()
    return folder / "state.db", bench.clock.now()


@pytest.fixture(params=STORES)
def place(
    request: pytest.FixtureRequest,
    whole: tuple[Path, datetime],
    whole_world: World,
    whole_simulator: Simulator,
    tmp_path: Path,
    azurite: Azurite,
) -> Iterator[Place]:
    file, now = whole
    url = f"sqlite:///{tmp_path}/state.db"
    shutil.copy(file, tmp_path / "state.db")
    if request.param == "tables":
        with open_state(url) as source:
            url = azurite.url()
            with open_state(url, importing=True) as state:
                state.import_records(source.records(), "digest")
    clock = ManualClock()
    clock.time = now
    with open_state(url) as state:
        yield Place(url, state, clock, whole_world, whole_simulator, tmp_path, azurite)
