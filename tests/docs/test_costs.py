"""The page of costs, reckoned anew from the amounts and prices that it states, and from the settings."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.infra.bicep import INFRA, template

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploy" / "costs.md").read_text(encoding="utf-8")
ORGANIZATIONS = (1, 10, 100, 1_000)


def number(text: str) -> float:
    return float(text.replace(",", "").replace("*", ""))


def row(title: str) -> list[float]:
    (line,) = [one for one in PAGE.splitlines() if one.startswith(f"| {title}")]
    return [number(one) for one in line.strip("| ").split(" | ")[1:]]


def stated(pattern: str) -> float:
    (found,) = re.findall(pattern, re.sub(r"\s+", " ", PAGE))
    return number(found)


def prices() -> dict[str, float]:
    return {
        "second": stated(r"([\d.]+) a GB-second"),
        "million": stated(r"([\d.]+) a million executions"),
        "free seconds": stated(r"([\d,]+) GB-s and"),
        "free executions": stated(r"and ([\d,]+) executions a month are free"),
        "bus": stated(r"Service Bus Standard \| ([\d.]+) a month"),
        "premium": stated(r"one unit \| ([\d.]+) a month"),
        "transactions": stated(r"([\d.]+) for 10,000 transactions"),
        "gigabyte": stated(r"transactions, ([\d.]+) a GB"),
        "logs": stated(r"Log Analytics \| ([\d.]+) a GB"),
        "free logs": stated(r"; (\d+) GB a month are free"),
        "alert": stated(r"quarter of an hour \| ([\d.]+) a month"),
        "endpoint": stated(r"private endpoint \| ([\d.]+) a month"),
        "zone": stated(r"([\d.]+) a month for its DNS zone"),
        "writes": stated(r"blobs, LRS \| ([\d.]+) for 10,000 writes"),
        "reads": stated(r"writes, ([\d.]+) for 10,000 reads"),
    }


def test_timers_are_those_of_the_templates() -> None:
    chosen = json.loads((INFRA / "settings.json").read_text(encoding="utf-8"))
    minutes = [int(one.split()[1].removeprefix("*/")) for name, one in chosen.items() if "SCHEDULE" in name]
    assert minutes.count(5) == stated(r"(\d+) timers every 5 minutes")
    assert minutes.count(15) == stated(r"and (\d+) every 15 minutes")
    assert sum(730 * 60 / one for one in minutes) == stated(r"2,920 each: ([\d,]+), whatever")
    assert stated(r"(\d+) rules;") == len(json.loads((INFRA / "alerts.json").read_text(encoding="utf-8")))
    (names,) = re.findall(
        r"var queueNames = \[([^\]]+)\]", (INFRA / "main.bicep").read_text(encoding="utf-8")
    )
    assert stated(r"polls of (\d+) queues") == len(names.split())


def test_the_amounts_of_the_table_follow_from_what_is_stated() -> None:
    timers = stated(r"2,920 each: ([\d,]+), whatever")
    messages = stated(r"91 each: ([\d,]+)\.")
    assert messages == 730 + 4 * 91
    seconds = stated(r"= ([\d,]+) s; timers")
    assert seconds == 730 * 2 + 61 * 5 + 30 * 60 + 273 * 2
    # The plan counts no run for less than a second.
    assert stated(r"A timer takes ([\d.]+) s") < 1 == stated(r"and counts for ([\d.]+) s")
    assert timers == stated(r"timers ([\d,]+) s\. At 2 GB")
    assert stated(r": ([\d,]+) GB-s per organization") == 2 * seconds
    assert stated(r"organization, ([\d,]+) for timers") == 2 * stated(r"timers ([\d,]+) s\. At 2 GB")
    assert row("GB-seconds") == [2 * (timers + one * seconds) for one in ORGANIZATIONS]
    assert row("executions") == [timers + one * messages for one in ORGANIZATIONS]


def test_the_prices_of_the_table_follow_from_its_amounts() -> None:
    told = prices()
    functions = [
        max(used - told["free seconds"], 0) * told["second"]
        + max(runs - told["free executions"], 0) / 1e6 * told["million"]
        for used, runs in zip(row("GB-seconds"), row("executions"), strict=True)
    ]
    assert row("Functions, less") == pytest.approx(functions, abs=0.006)
    assert row("Service Bus Standard | 9.81 |") == [told["bus"]] * 4
    transactions = stated(r"Per organization ([\d,]+) transactions")
    kept, timers = stated(r"transactions and (\d+) MB"), stated(r"MB, timers ([\d,]+):")
    tables = [
        (timers + one * transactions) / 10_000 * told["transactions"] + one * kept / 1_000 * told["gigabyte"]
        for one in ORGANIZATIONS
    ]
    assert row("Table Storage | 0.01 |") == pytest.approx(tables, abs=0.006)
    timer_runs = stated(r"2,920 each: ([\d,]+), whatever")
    reads = stated(r"a write a run, and about (\d+) reads")
    blobs = timer_runs / 10_000 * (told["writes"] + reads * told["reads"])
    assert row("blobs | 0.39 |") == pytest.approx([blobs] * 4, abs=0.006)
    megabytes = stated(r"metrics\.\*\* (\d+) MB") + stated(r"MB and (\d+) MB a month per organization")
    logs = [max(one * megabytes / 1_000 - told["free logs"], 0) * told["logs"] for one in ORGANIZATIONS]
    assert row("logs and metrics") == pytest.approx(logs, abs=0.006)
    assert row("alerts") == [stated(r"(\d+) rules;") * told["alert"]] * 4
    parts = ("Functions, less", "logs and metrics", "alerts", "blobs | 0.39 |", "Key Vault | 0.05 |")
    sums = [told["bus"] + tables[place] + sum(row(one)[place] for one in parts) for place in range(4)]
    assert row("**a month**") == pytest.approx(sums, abs=0.016)
    endpoints = stated(r"there are (\d+) endpoints")
    assert endpoints == len(template("network").plain["variables"]["endpoints"]["value"])
    more = told["premium"] - told["bus"] + endpoints * (told["endpoint"] + told["zone"])
    assert row("with `PRIVATE_NETWORK") == pytest.approx(
        [one + more for one in row("**a month**")], abs=0.006
    )
