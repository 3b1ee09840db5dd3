"""Messages to the webhook: signed, once, and every answer taken for what it is."""

from __future__ import annotations

import base64
import socket
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.ado import transport
from shared.model.failure import FailureKind, ServiceError
from shared.ports import SecretUnavailable
from shared.webhook.sender import SecretError, Webhook, signature, signing_key
from tests.contract.adapters import FakeClock
from tests.webhook.receiver import SECRET, Receiver, receiving

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ROOT = Path(__file__).parent.parent.parent
BODY = b'{"specversion":"1.0"}'


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def send(url: str, secret: str = SECRET) -> None:
    Webhook(url, lambda: secret, FakeClock(NOW), timeout=60).send("id-1", BODY, NOW)


def failure_of(url: str) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        send(url)
    told = caught.value.failure.sentence()
    assert "hidden" not in told
    assert SECRET not in told
    return caught.value


def test_a_message_is_signed_as_standard_webhooks_has_it(receiver: Receiver) -> None:
    send(receiver.url)
    (one,) = receiver.received
    assert one.body == BODY
    assert one.path == "/hook/hidden-path?token=hidden-token"
    assert one.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert one.headers["webhook-id"] == "id-1"
    assert one.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert one.is_signed()
    assert not one.is_signed(b"another secret")
    assert "authorization" not in one.headers


def test_who_sends_is_told_with_the_version_that_it_is(receiver: Receiver) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = ".".join(project["version"].split(".")[:2])
    send(receiver.url)
    assert receiver.received[0].headers["user-agent"] == f"ado-connector/{version}"
    assert f"ado-connector/{version}" == transport.USER_AGENT


def test_the_published_example_has_the_published_signature() -> None:
    """The example of https://github.com/standard-webhooks/standard-webhooks (libraries' test vector)."""
    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    told = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert told == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_is_text_or_base64_behind_its_prefix() -> None:
    assert signing_key("plain text") == b"plain text"
    assert signing_key("whsec_" + base64.b64encode(b"\x00\xff").decode()) == b"\x00\xff"
    with pytest.raises(SecretError):
        signing_key("whsec_*")


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_is_success(receiver: Receiver, status: int) -> None:
    receiver.status = status
    send(receiver.url)
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (408, FailureKind.TRANSIENT),
        (429, FailureKind.TRANSIENT),
        (500, FailureKind.TRANSIENT),
        (503, FailureKind.TRANSIENT),
        (302, FailureKind.DENIED),
        (400, FailureKind.DENIED),
        (401, FailureKind.DENIED),
        (404, FailureKind.DENIED),
        (410, FailureKind.DENIED),
    ],
)
def test_every_other_answer_says_whether_to_try_again(
    receiver: Receiver, status: int, kind: FailureKind
) -> None:
    receiver.status = status
    receiver.headers = {"Location": receiver.url}
    error = failure_of(receiver.url)
    assert error.failure.kind is kind
    assert str(status) in error.failure.reason
    assert len(receiver.received) == 1, "no redirect is followed, nothing is tried again here"


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("30", 30),
        ("Thu, 01 Jan 2026 12:01:00 GMT", 60),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0),
        ("999999", 3600),
        ("9" * 400, None),
        ("soon", None),
        ("", None),
    ],
)
def test_how_long_to_wait_is_believed_within_bounds(
    receiver: Receiver, told: str, seconds: int | None
) -> None:
    receiver.status, receiver.headers = 429, {"Retry-After": told}
    expected = None if seconds is None else NOW + timedelta(seconds=seconds)
    assert failure_of(receiver.url).failure.retry_at == expected


def test_nobody_there_is_tried_again() -> None:
    # Held meanwhile, and not listened on: else somebody else could take the port.
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        error = failure_of(f"http://127.0.0.1:{unused.getsockname()[1]}/hidden")
    assert (error.failure.kind, error.failure.code) == (FailureKind.TRANSIENT, "WebhookUnreachable")


def test_an_answer_that_does_not_come_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/hidden"
        webhook = Webhook(url, lambda: SECRET, FakeClock(NOW), timeout=0.2)
        with pytest.raises(ServiceError, match="did not answer in time") as caught:
            webhook.send("id-1", BODY, NOW)
    assert caught.value.failure.kind is FailureKind.TRANSIENT


def test_an_answer_is_not_read(receiver: Receiver) -> None:
    receiver.headers = {"Content-Length": "9999999999"}
    send(receiver.url)
    assert len(receiver.received) == 1


def test_a_secret_that_is_away_is_our_own_outage(receiver: Receiver) -> None:
    def away() -> str:
        raise SecretUnavailable("The vault does not answer.")

    with pytest.raises(SecretUnavailable):
        Webhook(receiver.url, away, FakeClock(NOW)).send("id-1", BODY, NOW)
    assert receiver.received == []
