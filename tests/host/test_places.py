"""Where the queues and the timers of a process are, by its settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.wiring.places import check_kept, queue_place, state_setting, timers_file
from shared.wiring.settings import Settings, SettingsError

FILE = "sqlite:////var/lib/x/state.db"
TABLES = "tables://contoso"
BY_KEY = "Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=a;SharedAccessKey=b"


@pytest.mark.parametrize(
    ("state", "queue", "environment", "place"),
    [
        (FILE, "", {}, (FILE, "STATE_URL")),
        (FILE, "", {"ServiceBusConnection": BY_KEY}, (FILE, "STATE_URL")),
        (TABLES, FILE, {"ServiceBusConnection": BY_KEY}, (FILE, "QUEUE_URL")),
        (TABLES, "", {"ServiceBusConnection": BY_KEY}, (BY_KEY, "ServiceBusConnection")),
        (
            TABLES,
            "",
            {"ServiceBusConnection__fullyQualifiedNamespace": "x.servicebus.windows.net"},
            (
                "servicebus://x.servicebus.windows.net",
                "ServiceBusConnection__fullyQualifiedNamespace",
            ),
        ),
        (
            TABLES,
            "",
            {
                "ServiceBusConnection__fullyQualifiedNamespace": "x.servicebus.windows.net",
                "ServiceBusConnection__clientId": "c1",
            },
            (
                "servicebus://x.servicebus.windows.net?client_id=c1",
                "ServiceBusConnection__fullyQualifiedNamespace",
            ),
        ),
    ],
)
def test_messages_are_sent_to_where_they_are_taken_from(
    state: str, queue: str, environment: dict[str, str], place: tuple[str, str]
) -> None:
    assert queue_place(Settings(state_url=state, queue_url=queue), environment) == place


def test_under_the_functions_host_messages_go_where_it_listens_wherever_the_state_is() -> None:
    """Else nobody would ever take those that are put beside a file."""
    listened_to = {"ServiceBusConnection": BY_KEY}
    assert queue_place(Settings(state_url=FILE), listened_to, hosted=True) == (BY_KEY, "ServiceBusConnection")
    assert queue_place(Settings(state_url=FILE), {}, hosted=True) == (FILE, "STATE_URL")
    with pytest.raises(SettingsError, match="ServiceBusConnection__fullyQualifiedNamespace: is not set"):
        queue_place(Settings(state_url=TABLES), {}, hosted=True)
    told = Settings(state_url=FILE, queue_url=FILE)
    assert queue_place(told, listened_to, hosted=True) == (FILE, "QUEUE_URL")


def test_capital_letters_in_names_of_connections_count_as_little_as_to_the_host() -> None:
    environment = {"servicebusconnection__FULLYQUALIFIEDNAMESPACE": "x.servicebus.windows.net"}
    url, _ = queue_place(Settings(state_url=TABLES), environment)
    assert url == "servicebus://x.servicebus.windows.net"


@pytest.mark.parametrize(
    ("environment", "url", "setting"),
    [
        ({"AzureWebJobsStorage__accountName": "contoso"}, TABLES, "AzureWebJobsStorage__accountName"),
        (
            {"AzureWebJobsStorage__accountName": "contoso", "AzureWebJobsStorage__clientId": "c1"},
            f"{TABLES}?client_id=c1",
            "AzureWebJobsStorage__accountName",
        ),
        (
            {
                "AzureWebJobsStorage__tableServiceUri": "https://contoso.table.core.windows.net",
                "AzureWebJobsStorage__clientId": "c1",
            },
            "https://contoso.table.core.windows.net?client_id=c1",
            "AzureWebJobsStorage__tableServiceUri",
        ),
        (
            {"AzureWebJobsStorage__accountName": "contoso", "STATE_URL": "tables://other"},
            "tables://other",
            "STATE_URL",
        ),
    ],
)
def test_the_state_is_in_the_storage_account_of_the_host_unless_it_is_said_where(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str, setting: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert (settings.state_url, state_setting(settings, environment)) == (url, setting)


def test_in_azure_no_state_is_kept_in_a_file_that_nobody_asked_for() -> None:
    azure = {"WEBSITE_SITE_NAME": "func-contoso"}
    with pytest.raises(SettingsError, match=r"STATE_URL=tables://ACCOUNT\?client_id=ID"):
        check_kept(Settings(), azure)
    check_kept(Settings(), {})
    check_kept(Settings(state_url=FILE), azure)


def test_a_state_elsewhere_without_queues_is_refused_with_the_setting_to_set() -> None:
    with pytest.raises(SettingsError, match="QUEUE_URL") as refusal:
        queue_place(Settings(state_url="AccountName=a;AccountKey=geheim"), {})
    assert "geheim" not in str(refusal.value)


@pytest.mark.parametrize(
    ("state", "queue", "file"),
    [
        (FILE, "", Path("/var/lib/x/state.timers.db")),
        (TABLES, "sqlite:////q/queue.db", Path("/q/queue.timers.db")),
        (FILE, "servicebus://x.servicebus.windows.net", Path("/var/lib/x/state.timers.db")),
    ],
)
def test_timers_are_remembered_beside_a_file_that_is_there_anyway(state: str, queue: str, file: Path) -> None:
    assert timers_file(Settings(state_url=state, queue_url=queue)) == file


def test_timers_have_a_place_where_neither_is_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/s")
    monkeypatch.setenv("LOCALAPPDATA", "/s")
    assert timers_file(Settings(state_url=TABLES)).name == "host.timers.db"
