"""Writes `docs/operate/events.md` and `metrics.md`: `python -m local.telemetry_reference`."""

from __future__ import annotations

from pathlib import Path

from shared.model.event import CONTEXT, EVENTS
from shared.views.status import GAUGES, WORK_DURATION, Metric

FOLDER = Path(__file__).parent.parent / "docs" / "operate"

_EVENTS = """# Log events

Everything that the app logs has one of these names. In Application Insights an event is a row of `AppTraces`
whose `Message` is JSON: `parse_json(Message).event` is its name, and its fields stand beside it
([queries](README.md#queries)). `LOG_LEVEL` says from which level on events are written: by default from
*warning*.

This page is written by `python -m local.telemetry_reference`; a test keeps it in step, and holds every call
in the code against it.

## Fields of all events

The first three always, `trace` wherever a function runs, the others where there is such a thing: a timer
that looks at everything has no work, and a connector that cannot list its organizations names none.

| field | meaning |
| --- | --- |
"""

_METRICS = """# Metrics

Told through OpenTelemetry: to Application Insights (table `AppMetrics`), where
`APPLICATIONINSIGHTS_CONNECTION_STRING` names one; to the exporters that OpenTelemetry's own variable
`OTEL_METRICS_EXPORTER` names (`console` needs nothing more, `otlp` the package
`opentelemetry-exporter-otlp`); without either to the meter provider of the process, where a program that
embeds the app has set one. Where there is none of these nothing is collected and nothing loaded. Gauges are
read from the state by the timer `report_status`, so that they hold for all instances together;
`ado-connector run --once` tells them at its end. What is not known is not told: a missing value is no zero.
See them here: `OTEL_METRICS_EXPORTER=console ado-connector run --once`.

This page is written by `python -m local.telemetry_reference`; a test keeps it in step.

| metric | kind | unit | attributes | meaning |
| --- | --- | --- | --- | --- |
"""


def events_page() -> str:
    """The page of events."""
    rows = [f"| `{name}` | {meaning} |" for name, meaning in CONTEXT.items()]
    told = ["", "## Events", "", "| event | level | fields | meaning |", "| --- | --- | --- | --- |"]
    for one in sorted(EVENTS, key=lambda one: one.name):
        fields = ", ".join(f"`{name}`" for name in one.fields)
        told.append(f"| `{one.name}` | {one.level.value} | {fields} | {one.meaning} |")
    return _EVENTS + "\n".join([*rows, *told]) + "\n"


def metrics_page() -> str:
    """The page of metrics."""
    rows = [_row(one, "gauge") for one in GAUGES] + [_row(WORK_DURATION, "histogram")]
    return _METRICS + "\n".join(rows) + "\n"


def _row(metric: Metric, kind: str) -> str:
    attributes = ", ".join(f"`{name}`" for name in metric.attributes)
    return f"| `{metric.name}` | {kind} | `{metric.unit}` | {attributes} | {metric.meaning} |"


def main() -> None:
    """Write both."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "events.md").write_text(events_page(), encoding="utf-8")
    (FOLDER / "metrics.md").write_text(metrics_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
