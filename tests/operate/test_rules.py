"""Alert rules and workbook name only what is documented, and each alert has a runbook."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from shared.model.event import CONTEXT, EVENTS, Level
from shared.views.status import GAUGES, WORK_DURATION
from tests.infra.bicep import INFRA, ROOT, body_of, template

OPERATE = ROOT / "docs" / "operate"
ALERTS: list[dict[str, Any]] = json.loads((INFRA / "alerts.json").read_text(encoding="utf-8"))
WORKBOOK = json.loads((INFRA / "workbook.json").read_text(encoding="utf-8"))
EVENT_OF = {one.name: one for one in EVENTS}
METRIC_OF = {one.name: one for one in (*GAUGES, WORK_DURATION)}

EACH_ALERT = pytest.mark.parametrize("alert", ALERTS, ids=lambda one: one["name"])


def events_in(query: str) -> set[str]:
    listed = re.findall(r'\bevent\)? (?:==|in) \(?((?:"[^"]+"(?:, )?)+)\)?', query)
    return {name for one in listed for name in re.findall(r'"([^"]+)"', one)}


def metrics_in(query: str) -> set[str]:
    return set(re.findall(r'where name == "([^"]+)"', query))


def problems_of(query: str) -> list[str]:
    """What the query names and nobody documents."""
    events, metrics = events_in(query), metrics_in(query)
    known = [EVENT_OF[name] for name in events if name in EVENT_OF]
    fields = set(CONTEXT).union(*(one.fields for one in known)) if known else set(CONTEXT)
    attributes = {key for name in metrics if name in METRIC_OF for key in METRIC_OF[name].attributes}
    used = set(re.findall(r"\btold\.(\w+)", query))
    return [
        *(f"event {name}" for name in events - set(EVENT_OF)),
        *(f"metric {name}" for name in metrics - set(METRIC_OF)),
        *(f"field {name}" for name in used - fields),
        *(
            f"attribute {name}"
            for name in set(re.findall(r'customDimensions\["(\w+)"\]', query)) - attributes
        ),
    ]


def queries_of_workbook() -> list[str]:
    return [one["content"]["query"] for one in WORKBOOK["items"] if one["type"] == 3]


def queries_of_pages() -> list[str]:
    pages = [OPERATE / "README.md", *sorted((OPERATE / "runbooks").glob("*.md"))]
    return [
        found
        for page in pages
        for found in re.findall(r"```kusto\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    ]


@EACH_ALERT
def test_an_alert_asks_for_what_is_documented(alert: dict[str, Any]) -> None:
    query = alert["query"]
    assert problems_of(query) == []
    assert events_in(query) or metrics_in(query)
    # Events below the default level would never arrive.
    assert {EVENT_OF[name].level for name in events_in(query)} <= {Level.WARNING, Level.ERROR}
    for one in alert["dimensions"]:
        assert (one["operator"], one["values"]) == ("Include", ["*"]), "whichever it is"
        assert re.search(rf"\b{one['name']} = tostring\(told\.{one['name']}\)", query)
        assert all(one["name"] in EVENT_OF[name].fields for name in events_in(query))


@pytest.mark.parametrize(
    "query",
    [
        'traces | where event == "queue.unheardOf"',
        'traces | where event in ("queue.late", "queue.unheardOf")',
        'traces | where event == "queue.late" | project told.reason',
        'customMetrics | where name == "ado_connector.unheard_of"',
        'customMetrics | where name == "ado_connector.requests" | extend a = customDimensions["queue"]',
    ],
)
def test_a_name_that_is_not_documented_is_found(query: str) -> None:
    assert problems_of(query)


def test_the_workbook_shows_every_metric_and_what_needs_somebody() -> None:
    queries = queries_of_workbook()
    assert [problem for query in queries for problem in problems_of(query)] == []
    assert set().union(*map(metrics_in, queries)) == set(METRIC_OF)
    alerted = set().union(*(events_in(one["query"]) for one in ALERTS))
    assert alerted <= set().union(*map(events_in, queries))


def test_queries_of_the_pages_name_what_is_documented() -> None:
    queries = queries_of_pages()
    assert len(queries) >= 4
    assert [problem for query in queries for problem in problems_of(query)] == []


@EACH_ALERT
def test_an_alert_looks_at_one_window(alert: dict[str, Any]) -> None:
    """Of several periods each is a window of its own: the last hour four times would be four hours."""
    assert alert["periods"] == 1
    assert alert["window"] in {"PT1H", "PT2H"}


@EACH_ALERT
def test_an_alert_has_a_runbook(alert: dict[str, Any]) -> None:
    text = (OPERATE / "runbooks" / f"{alert['name']}.md").read_text(encoding="utf-8")
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    assert titles == [alert["title"], "What happened", "What to do", "How to see that it is mended"]
    for name in events_in(alert["query"]) | metrics_in(alert["query"]):
        assert f"`{name}`" in text or f'"{name}"' in text
    row = f"| {alert['title']} | {alert['severity']} | [{alert['name']}](runbooks/{alert['name']}.md) |"
    assert row in (OPERATE / "README.md").read_text(encoding="utf-8")


def test_there_is_no_runbook_of_nothing() -> None:
    runbooks = {path.stem for path in (OPERATE / "runbooks").iterdir()}
    assert runbooks == {one["name"] for one in ALERTS}


def test_the_templates_make_each_alert_and_the_workbook() -> None:
    assert template("alerts").plain["variables"]["alerts"]["value"]
    assert "loadJsonContent('alerts.json')" in template("alerts").text
    (rule,) = template("alerts").made("Microsoft.Insights/scheduledQueryRules")
    assert rule["properties"]["description"].endswith("docs/operate/runbooks/${alert.name}.md")
    used = set(re.findall(r"\balert\.(\w+)", template("alerts").text))
    assert all(used == set(one) for one in ALERTS)
    assert all(one["operator"] in {"GreaterThan", "LessThan"} for one in ALERTS)
    (workbook,) = template("workbook").made("Microsoft.Insights/workbooks")
    assert workbook["kind"] == "shared"
    assert "string(loadJsonContent('workbook.json'))" in template("workbook").text
    modules = template("main").modules
    assert body_of(modules["alerts"]["config"])["params"]["alertEmail"] == "alertEmail"


def test_commands_that_runbooks_name_exist() -> None:
    pages = [OPERATE / "README.md", *sorted((OPERATE / "runbooks").glob("*.md"))]
    named = [
        found
        for page in pages
        for found in re.findall(r"`ado-connector ([a-z][a-z -]*)", page.read_text(encoding="utf-8"))
    ]
    assert len(named) > 10
    reference = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    commands = re.findall(r"^## `(.+)`$", reference, re.MULTILINE)
    assert [words for words in named if words.partition(" --")[0].strip() not in commands] == []
