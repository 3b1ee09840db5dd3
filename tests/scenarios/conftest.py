"""A bench for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from local.ado_simulator import Simulator, World, generate_world
from shared import wiring
from tests.scenarios.bench import Bench

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
