"""The app as the real worker library runs it, with data in the shapes that the real host sends."""

from __future__ import annotations

import codecs
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.connector_state import open_state
from shared.ports import State
from shared.queue.receiver import MESSAGE_BYTES, Delivery, Property
from tests.host.app_under_test import BINDINGS
from tests.worker.worker import FUNCTIONS, TRACE, Worker

pytestmark = [pytest.mark.python_313, pytest.mark.timeout(600)]

WORK = {"version": 1, "organizationId": "none", "kind": "inventory", "revision": 7}
TIMERS = sorted(name for name, (binding, *_) in BINDINGS.items() if binding["type"] == "timerTrigger")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('state') / 'state.db'}"


@pytest.fixture(scope="module")
def worker(package: Path, worker_python: Path, place: str) -> Iterator[Worker]:
    with Worker(package, worker_python, {"STATE_URL": place, "LOG_LEVEL": "info"}) as running:
        yield running


@pytest.fixture(scope="module")
def state(place: str, worker: Worker) -> Iterator[State]:
    assert worker.app["problem"] == "None"
    with open_state(place) as opened:
        yield opened


def message(
    body: bytes, queue: str = "inventory", *, count: int = 1, properties: dict[str, Property] | None = None
) -> Delivery:
    now = datetime.now(UTC)
    return Delivery(
        queue, 7, "m-1", body, count, now, str(uuid.uuid4()), now, "c-1", properties or {"tenant": "a"}
    )


def test_all_functions_are_found_and_loaded(worker: Worker) -> None:
    assert worker.app["python"] == [3, 13]
    assert worker.app["problem"] == "None"
    assert worker.app["functions"] == BINDINGS
    assert set(worker.app["loaded"].values()) == {"Success"}
    assert worker.app["loaded"].keys() == BINDINGS.keys()


def test_a_report_is_answered(worker: Worker) -> None:
    headers = {"Content-Type": "application/json", "Authorization": "Bearer a.b.c"}
    told = worker.request("receive_container_mapping", b"{}", headers)
    assert told.is_success, told
    assert told.answer is not None
    assert told.answer["status"] == 401
    assert json.loads(told.answer["body"])["error"]["code"] == "NotAToken"
    assert {name.lower() for name in told.answer["headers"]} >= {"content-type", "www-authenticate"}


@pytest.mark.parametrize("timer", TIMERS)
@pytest.mark.parametrize("past_due", [False, True])
def test_timers_run(worker: Worker, timer: str, past_due: bool) -> None:
    before = len(worker.log.read_text())
    assert worker.fire(timer, past_due=past_due).message == ""
    told = worker.log.read_text()[before:]
    assert ("timer.pastDue" in told) == (f'"trace": "{TRACE}"' in told) == past_due


@pytest.mark.parametrize("queue", [name for name in FUNCTIONS if name != "onboarding"])
@pytest.mark.parametrize("kind", ["string", "bytes"])
def test_a_message_of_work_that_is_outdated_is_done(worker: Worker, queue: str, kind: str) -> None:
    body = json.dumps({**WORK, "kind": queue}).encode()
    told = worker.deliver(message(body, queue, count=3), kind=kind)
    assert (told.status, told.message) == ("Success", "")


def test_a_forced_onboarding_is_answered_in_the_journal(worker: Worker, state: State) -> None:
    body = (
        codecs.BOM_UTF8
        + json.dumps(
            {"version": 1, "organization": "contoso", "requestedBy": "ana", "reason": "audit"}
        ).encode()
    )
    assert worker.deliver(message(body, "onboarding"), kind="bytes").is_success
    (entry,) = state.journal()
    assert (entry.event.value, entry.requested_by) == ("onboarding.refused", "ana")
    assert "connector" in entry.reason


@pytest.mark.parametrize(
    ("queue", "body", "said"),
    [
        ("inventory", b"no JSON", "body: is not JSON"),
        ("inventory", b"\xff\xfe", "body: is not JSON"),
        ("inventory", b"[]", "body: is not a JSON object"),
        ("inventory", json.dumps({**WORK, "kind": "posture"}).encode(), "kind: is 'posture'"),
        ("inventory", json.dumps({**WORK, "version": 2}).encode(), "version: is not 1"),
        ("inventory", json.dumps({**WORK, "revision": "7"}).encode(), "revision: "),
        ("onboarding", b'{"version": 1}', "organization: is missing"),
        ("onboarding", b'{"version": 1, "organization": "' + b"x" * MESSAGE_BYTES + b'"}', "body: has"),
    ],
)
def test_a_message_that_cannot_be_read_fails_with_its_reason(
    worker: Worker, queue: str, body: bytes, said: str
) -> None:
    told = worker.deliver(message(body, queue), kind="bytes")
    assert told.status == "Failure"
    assert f"MessageRefused: {said}" in told.message
    assert "messages.py" in told.trace


def test_after_a_failure_the_next_message_is_done(worker: Worker) -> None:
    assert not worker.deliver(message(b"no JSON")).is_success
    assert worker.deliver(message(json.dumps(WORK).encode())).is_success


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"STATE_URL": "postgresql://me:hunter2@host/db"}, "STATE_URL: "),
        (
            {"STATE_URL": "@Microsoft.KeyVault(SecretUri=https://hunter2.vault.azure.net/secrets/a/)"},
            "STATE_URL: Key Vault did not give the secret",
        ),
        (
            {"ServiceBusConnection": "@Microsoft.KeyVault(VaultName=hunter2;SecretName=b)"},
            "ServiceBusConnection: Key Vault did not give the secret",
        ),
        (
            {"STATE_URL": "tables://contoso", "ServiceBusConnection": ""},
            "ServiceBusConnection__fullyQualifiedNamespace: is not set",
        ),
    ],
)
def test_a_wrong_setting_is_told_by_its_name(
    package: Path, worker_python: Path, place: str, settings: dict[str, str], said: str
) -> None:
    """The app loads all the same: a host that cannot index it would say nothing of use."""
    bus = "Endpoint=sb://127.0.0.1:9;SharedAccessKeyName=n;SharedAccessKey=k;UseDevelopmentEmulator=true"
    settings = {"STATE_URL": place, "ServiceBusConnection": bus, **settings}
    with Worker(package, worker_python, settings) as running:
        assert running.app["functions"] == BINDINGS
        told = running.fire("refresh_posture")
    assert told.status == "Failure"
    assert said in told.message
    assert "hunter2" not in told.message + told.trace + running.log.read_text()
