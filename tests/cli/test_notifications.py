"""Notifications end to end: from a setting of Azure DevOps to the webhook, through the queue."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.ado_simulator import Simulator
from tests.cli.conftest import CommandLine
from tests.webhook.receiver import SECRET, Receiver, receiving


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiving() as running:
        monkeypatch.setenv("NOTIFICATION_URL", running.url)
        monkeypatch.setenv("NOTIFICATION_SECRET", SECRET)
        yield running


def test_each_organization_is_one_message_and_an_unchanged_run_is_none(
    ado: CommandLine, simulator: Simulator, receiver: Receiver
) -> None:
    ado("connector", "create", "--name", "one")
    ado("run", "--once", code=None)
    high = ado.json("recommendations", "list", "--status", "unhealthy", "--severity", "high")
    assert len(receiver.received) == len(simulator.world.organizations)
    assert sum(one["data"]["counts"]["unhealthy"] for one in receiver.events) == len(high)
    assert all(one.is_signed() for one in receiver.received)
    ado("run", "--once", "--now", code=None)
    assert len(receiver.received) == len(simulator.world.organizations)


def test_a_webhook_that_is_away_is_told_and_tried_again(
    ado: CommandLine, simulator: Simulator, receiver: Receiver
) -> None:
    receiver.status = 503
    ado("connector", "create", "--name", "one")
    told = ado("run", "--once", code=2)
    assert "Notifying of changes failed" in told.out
    assert "hidden" not in told.out + told.err
    tried = {one.headers["webhook-id"] for one in receiver.received}
    receiver.status = 200
    ado("run", "--once", code=None)
    taken = receiver.received[-len(simulator.world.organizations) :]
    assert {one.headers["webhook-id"] for one in taken} == tried


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("NOTIFICATION_SECRET", "", "is missing"),
        ("NOTIFICATION_SECRET", "abc-123-xyz", "is too short"),
        ("NOTIFICATION_SECRET", "whsec_c2hvcnQgb25lLg==", "is too short"),
        ("NOTIFICATION_SECRET", "whsec_not base64 at all", "not base64"),
        ("NOTIFICATION_URL", "http://example.com/hook", "must be https"),
        ("NOTIFICATION_URL", "http://127.0.0.1.example.com/hook", "must be https"),
        ("NOTIFICATION_URL", "https://example.com:99999/hook", "not an http(s) URL"),
        ("NOTIFICATION_URL", "https://[::1/hook", "not an http(s) URL"),
        ("NOTIFICATION_URL", "https://example.com/a hook", "holds a space"),
        ("NOTIFICATION_URL", "https://@example.com/", "must not carry credentials"),
        ("NOTIFICATION_URL", "ftp://example.com/hook", "not an http(s) URL"),
        ("NOTIFICATION_URL", "https://user:password@example.com/", "must not carry credentials"),
        ("NOTIFICATION_SEVERITY", "huge", "NOTIFICATION_SEVERITY"),
    ],
)
def test_wrong_settings_are_told(
    ado: CommandLine,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    told: str,
) -> None:
    assert receiver.url
    monkeypatch.setenv(name, value)
    err = ado("status", code=2).err
    assert name in err
    assert told in err
    assert not value or name == "NOTIFICATION_SEVERITY" or value not in err
