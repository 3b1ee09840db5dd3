"""Metrics through OpenTelemetry: to Application Insights and the exporters that the environment names.

Where it names none, they go to the meter provider of this process, if somebody has set one; else nowhere.
Loading the libraries takes most of a second: they load with the first value, and never where there is nowhere
to send it. Nothing that goes wrong here stops work, or holds it up for long.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import structlog

from shared.views.status import GAUGES, WORK_DURATION, Metric, Reading
from shared.wiring.telemetry import LOGGER

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Histogram, Observation
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricReader
    from structlog.typing import EventDict, WrappedLogger

APPLICATION_INSIGHTS = "APPLICATIONINSIGHTS_CONNECTION_STRING"
"""The setting of Azure that says where telemetry goes."""

EXPORTERS = "OTEL_METRICS_EXPORTER"
"""The variable of OpenTelemetry that names exporters: `console`, or what an installed package brings."""

OUTCOMES = {"work.done": "done", "work.failed": "failed"}
"""Events whose `seconds` are the duration of a slice of work."""

EVERY = 60_000
"""Milliseconds between two exports."""

_FLUSH = 10
"""Seconds that a timer waits until its readings are sent: twice that at most, where nobody answers."""

MakeReaders = Callable[[], "Sequence[MetricReader]"]
"""Makes what metrics are sent with. Raises `WrongSetting`."""


class WrongSetting(ValueError):
    """Metrics cannot be sent as the setting says."""

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__(problem)
        self.setting = setting


class Meters:
    """Takes values to the readers, which are made when the first comes."""

    def __init__(self, make_readers: MakeReaders | None) -> None:
        """Without `make_readers` values go to the process's own meter provider, if there is one then."""
        self._make_readers = make_readers
        self._lock = threading.RLock()
        self._own: MeterProvider | None = None
        self._readings: tuple[Reading, ...] = ()
        self._duration: Histogram | None = None

    def record(self, readings: Iterable[Reading]) -> None:
        """Have them sent, once: this process may be frozen then, and another may read the state next.

        Somebody else's provider is left to collect when it does: it finds the last that were told.
        """
        with self._lock:
            if not self._is_open():
                return
            own = self._own
        self._readings = tuple(readings)
        if own is None:
            return
        try:
            _as_far_as_it_goes(lambda: own.force_flush(_FLUSH * 1000))
        finally:
            self._readings = ()

    def measure(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        """A structlog processor: takes durations from events, whether or not they are logged."""
        del logger, method
        outcome, seconds = OUTCOMES.get(str(event.get("event"))), event.get("seconds")
        if outcome is not None and isinstance(seconds, int | float):
            with self._lock:
                if self._is_open() and self._duration is not None:
                    self._duration.record(seconds, {"kind": str(event.get("kind", "")), "outcome": outcome})
        return event

    def close(self) -> None:
        """Send what was not sent yet."""
        with self._lock:
            own, self._own, self._duration = self._own, None, None
            if own is not None:
                _as_far_as_it_goes(lambda: own.shutdown(_FLUSH * 1000))

    def _is_open(self) -> bool:
        """Whether there is anywhere to send to; makes the instruments there the first time."""
        if self._duration is not None:
            return True
        provider = self._provider()
        if provider is None:
            return False
        meter = provider.get_meter("ado_connector")
        told = WORK_DURATION
        self._duration = meter.create_histogram(told.name, told.unit, told.meaning)
        for one in GAUGES:
            meter.create_observable_gauge(one.name, [self._observed(one)], one.unit, one.meaning)
        return True

    def _provider(self) -> MeterProvider | None:
        if self._make_readers is None:
            return _provider_of_this_process()
        from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 - see the module docstring

        try:
            readers = self._make_readers()
        except WrongSetting as error:
            self._make_readers = None
            log = structlog.stdlib.get_logger(LOGGER)
            log.warning("metrics.unavailable", setting=error.setting, error=str(error))
            return None
        self._own = MeterProvider(metric_readers=readers, shutdown_on_exit=False)
        return self._own

    def _observed(self, metric: Metric) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observe(options: CallbackOptions) -> Iterable[Observation]:
            from opentelemetry.metrics import Observation  # noqa: PLC0415 - see the module docstring

            del options
            return [
                Observation(one.value, dict(one.attributes)) for one in self._readings if one.metric == metric
            ]

        return observe


def _as_far_as_it_goes(send: Callable[[], object]) -> None:
    """Send. Where that takes too long the library raises; the next occasion tells the values of then."""
    with contextlib.suppress(Exception):
        send()


def open_meters(environment: Mapping[str, str]) -> Meters:
    """To wherever the environment says."""
    makers: list[MakeReaders] = []
    if environment.get(APPLICATION_INSIGHTS):
        makers.append(_application_insights)
    names = [one.strip() for one in environment.get(EXPORTERS, "").split(",")]
    wanted = [one for one in names if one not in {"", "none"}]
    if wanted:
        makers.append(lambda: [_named(one) for one in wanted])
    return Meters((lambda: [reader for make in makers for reader in make()]) if makers else None)


def _provider_of_this_process() -> MeterProvider | None:
    """What somebody has set through OpenTelemetry's own interface; whoever did has loaded its SDK."""
    if "opentelemetry.sdk.metrics" not in sys.modules:
        return None
    from opentelemetry.metrics import get_meter_provider  # noqa: PLC0415 - it is loaded
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 - it is loaded

    provider = get_meter_provider()
    return provider if isinstance(provider, MeterProvider) else None


def _named(name: str) -> MetricReader:
    from opentelemetry.sdk.metrics.export import (  # noqa: PLC0415 - see the module docstring
        MetricReader,
        PeriodicExportingMetricReader,
    )

    found = next(iter(entry_points(group="opentelemetry_metrics_exporter", name=name)), None)
    if found is None:
        raise WrongSetting(EXPORTERS, f'no package that is installed brings an exporter "{name}"')
    made = found.load()()
    return (
        made
        if isinstance(made, MetricReader)
        else PeriodicExportingMetricReader(made, export_interval_millis=EVERY)
    )


def _application_insights() -> list[MetricReader]:
    """As the managed identity where APPLICATIONINSIGHTS_AUTHENTICATION_STRING, which it reads, says so."""
    from azure.monitor.opentelemetry.exporter import (  # noqa: PLC0415 - see the module docstring
        AzureMonitorMetricExporter,
    )
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415

    # What Microsoft's library would tell Microsoft about itself, and be told by it.
    for name in ("STATSBEAT_DISABLED_ALL", "SDKSTATS_DISABLED", "CONTROLPLANE_DISABLED"):
        os.environ.setdefault(f"APPLICATIONINSIGHTS_{name}", "true")
    try:
        # The application's folder is read-only, and what could not be sent is told anew at the next occasion.
        # Left to itself the library waits five minutes for an answer, ten times over.
        exporter = AzureMonitorMetricExporter(
            disable_offline_storage=True, timeout=_FLUSH, read_timeout=_FLUSH, retry_backoff_max=1
        )
    except ValueError as error:
        raise WrongSetting(APPLICATION_INSIGHTS, str(error)) from None
    return [PeriodicExportingMetricReader(exporter, export_interval_millis=EVERY)]
