"""One list of settings: code, sample, pages and templates tell of the same, by the same name."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest

from shared.wiring.connections import SERVICE_BUS
from shared.wiring.places import queue_place
from shared.wiring.settings import Settings
from tests.host.app_under_test import BINDINGS
from tests.infra.bicep import INFRA, ROOT, template, written

PLATFORM = {
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "AzureWebJobsStorage__accountName": "AzureWebJobsStorage",
    "AzureWebJobsStorage__clientId": "AzureWebJobsStorage",
    "AzureWebJobsStorage__credential": "AzureWebJobsStorage",
    "ServiceBusConnection__clientId": "ServiceBusConnection",
    "ServiceBusConnection__credential": "ServiceBusConnection",
    "ServiceBusConnection__fullyQualifiedNamespace": "ServiceBusConnection",
}
"""What Azure is told in the app's settings beside the app's own, and the name that it has in the sample."""

NOT_ON_FLEX = {
    "ENABLE_ORYX_BUILD",
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTIONS_WORKER_RUNTIME",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_CONTENTSHARE",
    "WEBSITE_RUN_FROM_PACKAGE",
    "WEBSITE_TIME_ZONE",
    "WEBSITE_VNET_ROUTE_ALL",
}
"""Settings of other plans, refused or without effect on Flex Consumption."""

SECRETS = {"ADO_PAT": "pat", "AZURE_CLIENT_SECRET": "secret"}
"""Each with the secret that `deployed` has in the vault for it."""

CLIENT_ID = "11111111-2222-3333-4444-555555555555"


def pairs(text: str) -> list[str]:
    """The keys of the innermost objects of a JSON text, those that are there twice too."""
    found: list[str] = []

    def note(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found.extend(key for key, _ in items)
        return dict(items)

    json.loads(text, object_pairs_hook=note)
    return found


def deployed() -> dict[str, str]:
    """What the templates set, with every part that is asked for, and names in the place of references."""
    known = template("app").plain["variables"]
    values: dict[str, Any] = {**known["places"]["value"], **known["limits"]["value"]}
    for part in ("personalAccessToken", "clientSecret"):
        values |= known[part]["value"]["operator"]["operands"]["false_value"]
    values |= json.loads((INFRA / "settings.json").read_text(encoding="utf-8"))
    names = {
        "identityClientId": CLIENT_ID,
        "storageName": "contosoconnector",
        "serviceBusName": "contoso",
        "vaultName": "contoso-vault",
        "tokenKeySecret": "token-key",
        "patSecretName": "pat",
        "clientSecretName": "secret",
        "mappingIntake": "on",
    }

    def filled(value: object) -> str:
        if not isinstance(value, str):
            return "4"  # a number that is handed on as text
        text = names.get(value, value)
        for name, meaning in names.items():
            text = text.replace(f"${{{name}}}", meaning)
        return text

    return {name: filled(value) for name, value in values.items()}


# --- the same names everywhere ----------------------------------------------------------------------------


def test_code_sample_pages_and_templates_agree() -> None:
    code = {name.upper() for name in Settings.model_fields}
    text = (ROOT / "local.settings.sample.json").read_text(encoding="utf-8")
    sample = set(json.loads(text)["Values"])
    assert [name for name, times in Counter(pairs(text)).items() if times > 1] == []
    assert sample == code | set(PLATFORM.values()) | {"FUNCTIONS_WORKER_RUNTIME"}
    for page in ("settings.md", "functions.md"):
        rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.MULTILINE)
        assert [name for name in rows if rows.count(name) > 1 and name in code] == [], page
        assert code <= set(rows), page
    templates = set(deployed())
    assert templates - set(PLATFORM) <= code
    assert set(PLATFORM) <= templates
    assert templates & NOT_ON_FLEX == set()


def test_settings_that_bindings_name_are_set() -> None:
    named = set(re.findall(r"%(\w+)%", json.dumps(BINDINGS)))
    assert named
    assert named <= set(deployed())


def test_the_sample_holds_the_defaults_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
    assert {sample[name] for name in {*SECRETS, "NOTIFICATION_SECRET", "TOKEN_KEY"}} == {""}
    assert {sample[name] for name in PLATFORM.values()} == {"", "UseDevelopmentStorage=true"}
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    default = Settings(state_url="sqlite:///state.db")
    for name, value in sample.items():
        if value and name.lower() in Settings.model_fields:
            monkeypatch.setenv(name, value)
    assert Settings(state_url="sqlite:///state.db") == default


def test_each_choice_of_the_templates_reaches_the_app() -> None:
    assert written(template("app").plain["variables"]["limits"]["value"]) == {
        "REQUESTS_AT_ONCE": "string(requestsAtOnce)",
        "HOURLY_REQUEST_CAP": "string(hourlyRequestCap)",
        "MAPPING_INTAKE": "mappingIntake",
    }


def test_what_an_operator_chooses_starts_with_the_defaults() -> None:
    chosen = json.loads((INFRA / "settings.json").read_text(encoding="utf-8"))
    assert {name: Settings.model_fields[name.lower()].default for name in chosen} == chosen
    # Each schedule, for the bindings, and what bounds the volume of logs.
    assert set(chosen) == set(re.findall(r"%(\w+)%", json.dumps(BINDINGS))) | {"LOG_LEVEL"}


# --- and they work ----------------------------------------------------------------------------------------


def test_the_app_reads_what_the_templates_set(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = deployed()
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    read = Settings()
    assert read.state_url == f"tables://contosoconnector?client_id={CLIENT_ID}"
    assert read.token_key == f"keyvault://contoso-vault/token-key?client_id={CLIENT_ID}"
    assert queue_place(read, settings) == (
        f"servicebus://contoso.servicebus.windows.net?client_id={CLIENT_ID}",
        f"{SERVICE_BUS}__fullyQualifiedNamespace",
    )


def test_limits_are_those_of_the_settings() -> None:
    """A parameter that the templates take must be one that the app takes."""
    parameters = template("main").parameters
    for parameter, field in (
        ("requestsAtOnce", "requests_at_once"),
        ("hourlyRequestCap", "hourly_request_cap"),
    ):
        bounds = {mark["type"]: mark["argument"] for mark in parameters[parameter]["decorators"]}
        told = Settings.model_fields[field]
        least = [one.ge for one in told.metadata if hasattr(one, "ge")]
        most = [one.le for one in told.metadata if hasattr(one, "le")]
        assert [bounds["min_value"]] == least
        assert [value for key, value in bounds.items() if key == "max_value"] == most
        assert parameters[parameter]["default"] == told.default


def test_secrets_are_references_to_the_vault_and_only_when_asked_for() -> None:
    settings = deployed()
    for name, secret in SECRETS.items():
        reference = f"@Microsoft.KeyVault(SecretUri=${{secretsUri}}/{secret}/)"
        assert settings[name] == reference, "each by its own name, and its newest version"
    text = template("app").text
    assert "\nvar secretsUri = 'https://${vaultName}${environment().suffixes.keyvaultDns}/secrets'\n" in text
    assert "empty(patSecretName) ? {} : {" in text
    assert "empty(clientSecretName) ? {} : {" in text
    assert set(re.findall(r"@Microsoft\.KeyVault", text)) == {"@Microsoft.KeyVault"}
    (app,) = template("app").made("Microsoft.Web/sites")
    assert app["properties"]["keyVaultReferenceIdentity"] == "identityId"


def test_connections_are_by_identity() -> None:
    settings = deployed()
    for connection in ("AzureWebJobsStorage", "ServiceBusConnection"):
        assert connection not in settings
        assert settings[f"{connection}__credential"] == "managedidentity"
        assert settings[f"{connection}__clientId"] == CLIENT_ID
    # Without the client id telemetry would be sent as a system-assigned identity, which the app has not.
    whose = settings["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"]
    assert set(whose.split(";")) == {f"ClientId={CLIENT_ID}", "Authorization=AAD"}
