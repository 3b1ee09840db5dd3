"""The app as the Functions host sees it, and what it costs to load."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from local.host.host_json import read_host_json
from local.settings_reference import shown
from shared.queue.receiver import QUEUES
from shared.wiring.settings import Settings
from tests.host.app_under_test import BINDINGS, ROOT, index

HEAVY = {
    "aiohttp",
    "azure.core",
    "azure.identity",
    "azure.servicebus",
    "click",
    "croniter",
    "cryptography",
    "ijson",
    "jinja2",
    "msal",
    "opentelemetry",
    "pydantic",
    "pydantic_settings",
    "requests",
    "rich",
    "shared.ado",
    "shared.connector_state",
    "shared.queue",
    "sqlite3",
    "structlog",
    "urllib3",
}
"""What must load with the first function that runs, not with the app: loading is the time of a cold start."""

PLATFORM_SETTINGS = {
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "AzureWebJobsStorage",
    "FUNCTIONS_WORKER_RUNTIME",
    "ServiceBusConnection",
}
"""What Azure needs beside the app's own settings."""

EMPTY_IN_SAMPLE = {
    "state_url": "its default is a place of this user",
    "ado_pat": "a secret",
    "azure_client_secret": "a secret",
    "notification_secret": "a secret",
}
"""Settings that the sample names without their value, and why."""

PAGE = (ROOT / "docs" / "functions.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def app() -> dict[str, Any]:
    return index()


@pytest.fixture(scope="module")
def sample() -> dict[str, str]:
    plain = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))
    assert plain["IsEncrypted"] is False
    values: dict[str, str] = plain["Values"]
    return values


def test_the_host_sees_these_functions_and_bindings(app: dict[str, Any]) -> None:
    assert app["functions"] == BINDINGS


def test_every_queue_has_one_function() -> None:
    queues = [one["queueName"] for one, *_ in BINDINGS.values() if "queueName" in one]
    assert sorted(queues) == sorted(QUEUES)


def test_every_function_tells_what_it_does(app: dict[str, Any]) -> None:
    assert [name for name, text in app["documentation"].items() if not (text or "").endswith(".")] == []


def test_loading_the_app_loads_nothing_heavy(app: dict[str, Any]) -> None:
    loaded = set(app["modules"])
    assert "azure.functions" in loaded
    assert loaded & HEAVY == set()


# --- settings ---------------------------------------------------------------------------------------------


def test_the_sample_has_every_setting_and_no_other(sample: dict[str, str]) -> None:
    own = {name.upper() for name in Settings.model_fields}
    assert set(sample) == own | PLATFORM_SETTINGS


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_sample_has_the_defaults(sample: dict[str, str], name: str) -> None:
    if name in EMPTY_IN_SAMPLE:
        assert sample[name.upper()] == ""
    else:
        assert sample[name.upper()] == shown(Settings.model_fields[name].default)


def test_the_sample_is_what_the_app_reads(sample: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in sample:
        monkeypatch.delenv(name, raising=False)
    plain = Settings()
    for name, value in sample.items():
        monkeypatch.setenv(name, value)
    assert Settings() == plain


def test_every_setting_that_a_binding_names_is_in_the_sample(sample: dict[str, str]) -> None:
    named = set(re.findall(r"%(\w+)%", json.dumps(BINDINGS)))
    assert len(named) == 8
    assert named <= set(sample)
    assert all(one["connection"] in sample for one, *_ in BINDINGS.values() if "connection" in one)


# --- host.json --------------------------------------------------------------------------------------------


def test_host_json_gives_the_longest_slice_its_time() -> None:
    options = read_host_json(ROOT / "host.json")
    (longest,) = [one.le for one in Settings.model_fields["time_slice"].metadata if hasattr(one, "le")]
    assert options.max_lock_renewal > longest
    assert options.function_timeout is not None
    assert options.function_timeout >= options.max_lock_renewal


# --- the page that explains them --------------------------------------------------------------------------


def keys_of(plain: dict[str, Any], before: str = "") -> list[str]:
    found = []
    for key, value in plain.items():
        found += keys_of(value, f"{before}{key}.") if isinstance(value, dict) else [f"{before}{key}"]
    return found


def test_the_page_explains_every_line_of_host_json() -> None:
    plain = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
    explained = set(re.findall(r"^\| `([^`]+)` \|", section("host.json"), re.MULTILINE))
    values = dict(re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", section("host.json"), re.MULTILINE))
    assert explained == set(keys_of(plain))
    for key in explained:
        value: Any = plain
        for part in split_key(key, plain):
            value = value[part]
        assert values[key] == (value if isinstance(value, str) and value else json.dumps(value))


def split_key(key: str, plain: dict[str, Any]) -> list[str]:
    """Log categories have dots of their own."""
    parts: list[str] = []
    value: Any = plain
    while key:
        part = next(one for one in value if key == one or key.startswith(f"{one}."))
        parts.append(part)
        value, key = value[part], key.removeprefix(part).removeprefix(".")
    return parts


def test_the_page_explains_every_line_of_the_sample(sample: dict[str, str]) -> None:
    explained = re.findall(r"^\| `([^`]+)` \|", section("local.settings.sample.json"), re.MULTILINE)
    assert set(explained) == set(sample)


def test_the_page_lists_every_trigger_with_what_sets_it_off() -> None:
    rows = dict(re.findall(r"^\| `([^`]+)` \| [^|]*`([^`]+)` \|", section("Triggers"), re.MULTILINE))
    expected = {
        name: (binding.get("queueName") or binding.get("schedule", "").strip("%") or f"/{binding['route']}")
        for name, (binding, *_) in BINDINGS.items()
    }
    assert rows == expected


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
