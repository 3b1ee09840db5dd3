from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import azure.functions as func
import pytest

from local.host.host import GRACE
from shared.ports import Clock
from shared.wiring.runtime import OpenStores
from tests.host.bench import Bench, MovedClock, make_runtime

MakeBench = Callable[..., Bench]


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def make_bench(tmp_path: Path, clock: MovedClock) -> Iterator[MakeBench]:
    """Makes a host of an app; every one that a test makes is a new process's, on the same files."""
    with ExitStack() as stack:

        def make(
            app: func.FunctionApp,
            *,
            own_clock: Clock | None = None,
            settings: Mapping[str, str] | None = None,
            grace: timedelta = GRACE,
            stores: OpenStores | None = None,
        ) -> Bench:
            chosen = own_clock or clock
            runtime = make_runtime(tmp_path, chosen, stores)
            stack.callback(runtime.close)
            return Bench(app, runtime, chosen, tmp_path, settings=settings, grace=grace)

        yield make
