"""Where the queues and the timers of a process are, by its settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.wiring.places import queue_place, timers_file
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
