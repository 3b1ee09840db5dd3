"""Metrics reach Application Insights, and nothing is loaded or stopped where there is none."""

from __future__ import annotations

import gzip
import http.server
import json
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MetricsTimeoutError
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from shared.views.status import DISCOVERY_LAG, WORK_DURATION, Reading
from shared.wiring import metrics
from shared.wiring.metrics import APPLICATION_INSIGHTS, EXPORTERS, Meters, open_meters
from shared.wiring.telemetry import configure_logging

KEY = "11111111-2222-3333-4444-555555555555"


@contextmanager
def ingestion(received: list[dict[str, Any]]) -> Iterator[str]:
    """Takes telemetry as Application Insights does; gives its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            items = json.loads(body)
            received.extend(items)
            answer = json.dumps(
                {"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []}
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def printed(program: str) -> str:
    """What the program prints, in a process of its own that has nothing to complain of."""
    done = subprocess.run(  # noqa: S603 - a program of these tests
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stderr == ""
    return done.stdout


def test_values_arrive_under_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_FLUSH", 60)
    received: list[dict[str, Any]] = []
    with ingestion(received) as url:
        text = f"InstrumentationKey={KEY};IngestionEndpoint={url}"
        monkeypatch.setenv(APPLICATION_INSIGHTS, text)
        meters = open_meters({APPLICATION_INSIGHTS: text})
        meters.measure(None, "info", {"event": "work.done", "kind": "inventory", "seconds": 1.5})
        meters.measure(None, "info", {"event": "work.queued", "kind": "inventory", "seconds": 9})
        meters.record([Reading(DISCOVERY_LAG, 42.0, {"connector": "contoso"})])
        meters.close()
    told = {
        metric["name"]: (metric["value"], item["data"]["baseData"]["properties"])
        for item in received
        for metric in item["data"]["baseData"]["metrics"]
    }
    assert told[DISCOVERY_LAG.name] == (42.0, {"connector": "contoso"})
    value, properties = told[WORK_DURATION.name]
    assert (value, properties) == (1.5, {"kind": "inventory", "outcome": "done"})
    lags = [item for item in received if DISCOVERY_LAG.name in str(item)]
    assert len(lags) == 1  # not told again by this process, which knows it no better


@pytest.mark.parametrize(
    ("setting", "value"), [(APPLICATION_INSIGHTS, "InstrumentationKey=nonsense"), (EXPORTERS, "nowhere")]
)
def test_a_wrong_setting_is_told_and_stops_nothing(
    setting: str, value: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(setting, value)
    meters = open_meters({setting: value})
    configure_logging("warning", measure=meters.measure)
    with caplog.at_level(logging.WARNING):
        meters.record([Reading(DISCOVERY_LAG, 42.0)])
        meters.measure(None, "info", {"event": "work.done", "kind": "inventory", "seconds": 1.5})
    meters.close()
    assert caplog.text.count("metrics.unavailable") == 1
    assert setting in caplog.text


def test_where_nobody_answers_the_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes the connection and says nothing would else be waited for for five minutes, ten times."""
    monkeypatch.setattr(metrics, "_FLUSH", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        text = f"InstrumentationKey={KEY};IngestionEndpoint=http://127.0.0.1:{silent.getsockname()[1]}/"
        monkeypatch.setenv(APPLICATION_INSIGHTS, text)
        meters = open_meters({APPLICATION_INSIGHTS: text})
        began = time.monotonic()
        meters.record([Reading(DISCOVERY_LAG, 42.0, {"connector": "contoso"})])
        meters.close()
        assert time.monotonic() - began < 60
        silent.accept()[0].close()  # it was asked


class TooSlow(InMemoryMetricReader):
    """What the library raises where reading the values, or sending them, takes longer than it may."""

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        raise MetricsTimeoutError(f"not in {timeout_millis} ms")

    def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
        raise MetricsTimeoutError(f"not in {timeout_millis} ms")


def test_what_takes_too_long_stops_nothing() -> None:
    meters = Meters(lambda: [TooSlow()])
    meters.record([Reading(DISCOVERY_LAG, 42.0, {"connector": "contoso"})])
    meters.close()


def test_an_exporter_of_opentelemetry_is_told() -> None:
    told = printed(
        "from shared.views.status import DISCOVERY_LAG, Reading\n"
        "from shared.wiring.metrics import open_meters\n"
        "meters = open_meters({'OTEL_METRICS_EXPORTER': 'none, console'})\n"
        "meters.record([Reading(DISCOVERY_LAG, 42.0, {'connector': 'contoso'})])\n"
        "meters.close()\n"
    )
    assert f'"name": "{DISCOVERY_LAG.name}"' in told
    assert '"connector": "contoso"' in told


def test_the_provider_of_the_process_is_told_where_no_setting_names_another() -> None:
    """A provider is set once in a process. Whoever set it collects, and closes it."""
    told = printed(
        "from opentelemetry import metrics\n"
        "from opentelemetry.sdk.metrics import MeterProvider\n"
        "from opentelemetry.sdk.metrics.export import InMemoryMetricReader\n"
        "from shared.views.status import DISCOVERY_LAG, Reading\n"
        "from shared.wiring.metrics import open_meters\n"
        "meters = open_meters({})\n"
        "reader = InMemoryMetricReader()\n"
        "metrics.set_meter_provider(MeterProvider([reader]))\n"
        "meters.measure(None, 'info', {'event': 'work.done', 'seconds': 1, 'kind': 'inventory'})\n"
        "meters.record([Reading(DISCOVERY_LAG, 42.0, {'connector': 'contoso'})])\n"
        "meters.close()\n"
        "(resource,) = reader.get_metrics_data().resource_metrics\n"
        "print(sorted(one.name for scope in resource.scope_metrics for one in scope.metrics))\n"
    )
    assert told == f"{sorted([DISCOVERY_LAG.name, WORK_DURATION.name])}\n"


def test_without_application_insights_nothing_is_loaded() -> None:
    told = printed(
        "import sys\n"
        "from shared.wiring import runtime\n"
        "from shared.wiring.metrics import open_meters\n"
        "meters = open_meters({})\n"
        "meters.measure(None, 'info', {'event': 'work.done', 'seconds': 1, 'kind': 'inventory'})\n"
        "meters.record([])\n"
        "meters.close()\n"
        "print([one for one in sys.modules if one.startswith(('opentelemetry', 'azure.monitor'))])\n"
    )
    assert told == "[]\n"
