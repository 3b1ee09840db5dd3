"""A bench, and what it logs and measures."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)

from local.ado_simulator import Simulator, World, generate_world
from shared import wiring
from shared.wiring import metrics
from shared.wiring.metrics import Meters
from tests.scenarios.bench import Bench


class Taken(MetricExporter):
    """Where metrics go: to this list."""

    def __init__(self) -> None:
        super().__init__()
        self.data: list[MetricsData] = []

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        del timeout_millis, kwargs
        self.data.append(metrics_data)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        del timeout_millis
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        del timeout_millis, kwargs


class Watched:
    """A bench whose log events and metrics are read as Azure would."""

    def __init__(self, bench: Bench, caplog: pytest.LogCaptureFixture, taken: Taken) -> None:
        self.bench = bench
        self._caplog = caplog
        self._taken = taken

    def report(self) -> list[dict[str, Any]]:
        """What the timer logs now."""
        self.clear()
        self.bench.host.fire("report_status")
        self.bench.host.drain()
        return self.events()

    def events(self) -> list[dict[str, Any]]:
        """What was logged since the last report."""
        return [json.loads(one.getMessage()) for one in self.records()]

    def records(self) -> list[logging.LogRecord]:
        """The same as they are handed to Azure."""
        return [one for one in self._caplog.records if one.name == "ado_connector"]

    def clear(self) -> None:
        """Forget what was logged."""
        self._caplog.clear()

    def named(self, *names: str) -> list[dict[str, Any]]:
        """Those of these names."""
        return [one for one in self.events() if one["event"] in names]

    def metrics(self) -> dict[str, dict[tuple[str, ...], Any]]:
        """By name and values of attributes, the points that were sent since this was last asked."""
        sent = [resource for data in self._taken.data for resource in data.resource_metrics]
        self._taken.data.clear()
        found: dict[str, dict[tuple[str, ...], Any]] = {}
        for resource in sent:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    points = found.setdefault(metric.name, {})
                    for point in metric.data.data_points:
                        key = tuple(str(value) for value in (point.attributes or {}).values())
                        points[key] = getattr(point, "value", None) if hasattr(point, "value") else point
        return found


MakeWatched = Callable[..., Watched]


@pytest.fixture
def world() -> World:
    return generate_world(seed=11, organizations=2, projects=3, repositories=2)


@pytest.fixture
def make_watched(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MakeWatched]:
    """Makes a watched bench with settings of its own."""
    monkeypatch.setattr(metrics, "_FLUSH", 60)
    with ExitStack() as stack:

        def make(**settings: Any) -> Watched:
            simulator = stack.enter_context(Simulator(world, page_size=100))
            taken = Taken()
            meters = Meters(lambda: [PeriodicExportingMetricReader(taken, export_interval_millis=math.inf)])
            bench = Bench(world, simulator, tmp_path, meters=meters, **settings)
            stack.callback(bench.runtime.close)
            stack.callback(wiring.use, None)
            return Watched(bench, caplog, taken)

        yield make
