"""A random world against the app: 100 short fixed examples, or 2,000 random ones with `-m long`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from local.ado_simulator import Simulator
from tests.world.machine import WorldMachine

STEPS = 20
SHORT = 8


@pytest.fixture(scope="module")
def machine() -> Iterator[type[WorldMachine]]:
    """The machine, with one server for all of its worlds."""
    with Simulator(page_size=2) as simulator:
        WorldMachine.simulator = simulator
        yield WorldMachine


def _settings(examples: int, steps: int, *, derandomize: bool) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=derandomize,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.timeout(900)
def test_the_app_follows_the_world(machine: type[WorldMachine]) -> None:
    run_state_machine_as_test(machine, settings=_settings(100, SHORT, derandomize=True))


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_the_app_follows_many_worlds(machine: type[WorldMachine]) -> None:
    run_state_machine_as_test(machine, settings=_settings(2_000, STEPS, derandomize=False))
