"""What is particular to Azure Service Bus: links, connections that are lost, refusals, signing in."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.servicebus import ServiceBusClient

from shared.azure_sign_in import SignIn
from shared.queue import open_queue
from shared.queue.namespace import options
from shared.queue.receiver import (
    MESSAGE_BYTES,
    QUEUES,
    MessageTooLarge,
    QueueCounts,
    Queues,
    QueueUnavailable,
    QueueUrlError,
    UnknownQueue,
)
from shared.queue.servicebus import ServiceBusQueue
from shared.wiring.clock import SystemClock
from tests.amqp_broker.broker import SERVER_BUSY, Broker
from tests.amqp_broker.client import PATIENCE, patient_queue

# The client leaves the socket of a lost connection to the garbage collector, which `broker` calls in time.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

NAME = "inventory"
ROOT = Path(__file__).parents[2]
KEY = "c2VjcmV0LWtleQ=="


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker(QUEUES) as started:
        yield started
    gc.collect()


@pytest.fixture
def queue(broker: Broker) -> Iterator[Queues]:
    with patient_queue(broker.connection_string, SystemClock()) as opened:
        yield opened


class Credential:
    """Stands in for an identity: gives a token, or fails as one does that cannot sign in."""

    def __init__(self, *, fails: bool = False) -> None:
        self.scopes: list[str] = []
        self._fails = fails

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        self.scopes.extend(scopes)
        if self._fails:
            raise ClientAuthenticationError("The identity said no to secret-token.")
        return AccessToken("secret-token", 4_000_000_000)


def by_identity(broker: Broker, credential: Credential) -> ServiceBusQueue:
    client = ServiceBusClient(broker.namespace, credential, use_tls=False, **options())
    return ServiceBusQueue(client, SystemClock(), identity=SignIn(), wait_seconds=PATIENCE)


# --- links --------------------------------------------------------------------------------------------------


def test_links_are_opened_once_and_only_where_needed(broker: Broker, queue: Queues) -> None:
    for n in range(20):
        queue.send_raw(NAME, str(n).encode())
    for _ in range(20):
        (delivery,) = queue.receive(NAME)
        queue.complete(delivery)
    assert queue.receive(NAME) == ()
    assert {name: broker.senders[name] for name in QUEUES} == {**dict.fromkeys(QUEUES, 0), NAME: 1}
    assert {name: broker.receivers[name] for name in QUEUES} == {**dict.fromkeys(QUEUES, 0), NAME: 1}


def test_threads_share_a_link(broker: Broker, queue: Queues) -> None:
    def send() -> None:
        for _ in range(10):
            queue.send_raw(NAME, b"1")

    threads = [threading.Thread(target=send) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broker.accepted[NAME] == 50
    assert broker.senders[NAME] == 1


def test_an_idle_receiver_takes_nothing_that_comes_later(broker: Broker, queue: Queues) -> None:
    queue.send_raw(NAME, b"1")
    with open_queue(broker.connection_string, SystemClock()) as other:
        (held,) = queue.receive(NAME)
        assert other.receive(NAME) == ()  # asked for the one that it saw, and did not get it
        queue.abandon(held)
        (again,) = queue.receive(NAME)
        assert (again.body, again.delivery_count) == (b"1", 2)
        queue.complete(again)


# --- lost connections ---------------------------------------------------------------------------------------


def test_a_lost_connection_is_opened_again(broker: Broker, queue: Queues) -> None:
    queue.send_raw(NAME, b"1")
    queue.dead_letters(NAME)
    assert broker.drop_connections() == 2
    queue.send_raw(NAME, b"2")
    assert broker.senders[NAME] == 2
    assert [one.body for one in queue.receive(NAME, max_messages=5)] == [b"1", b"2"]
    broker.drop_connections()
    assert queue.dead_letters(NAME) == ()
    assert queue.receive(NAME) == ()


def test_a_message_is_settled_although_its_connection_was_lost(broker: Broker, queue: Queues) -> None:
    for body in (b"1", b"2", b"3"):
        queue.send_raw(NAME, body)
    first, second = queue.receive(NAME, max_messages=2)
    broker.drop_connections()
    (third,) = queue.receive(NAME)
    queue.complete(second)
    assert broker.numbers(NAME) == [first.sequence_number, third.sequence_number]
    queue.renew(third)
    queue.dead_letter(first, reason="Bug", description="why")
    assert broker.numbers(NAME) == [third.sequence_number]
    assert [(one.body, one.reason, one.description) for one in queue.dead_letters(NAME)] == [
        (b"1", "Bug", "why")
    ]
    queue.abandon(third)
    assert [one.body for one in queue.receive(NAME, max_messages=5)] == [b"3"]


def test_an_outage_is_told_and_is_over_when_it_is(broker: Broker, queue: Queues) -> None:
    queue.send_raw(NAME, b"1")
    broker.begin_outage()
    for act in (lambda: queue.send_raw(NAME, b"2"), lambda: queue.receive(NAME)):
        with pytest.raises(QueueUnavailable) as told:
            act()
        assert f"Queue {NAME} of {broker.namespace}: cannot be reached" in str(told.value)
        assert KEY not in str(told.value)
    broker.end_outage()
    queue.send_raw(NAME, b"3")
    assert [one.body for one in queue.receive(NAME, max_messages=5)] == [b"1", b"3"]


# --- refusals -----------------------------------------------------------------------------------------------


def test_a_busy_namespace_is_asked_again(broker: Broker, queue: Queues) -> None:
    broker.fail_sends(2)
    queue.send_raw(NAME, b"1")
    assert broker.failures_left == 0
    assert broker.accepted[NAME] == 1


@pytest.mark.parametrize(
    ("condition", "message"),
    [(SERVER_BUSY, "is busy"), ("amqp:resource-limit-exceeded", "is full")],
)
def test_a_namespace_that_goes_on_refusing_is_unavailable(
    broker: Broker, queue: Queues, condition: str, message: str
) -> None:
    broker.fail_sends(100, condition)
    with pytest.raises(QueueUnavailable, match=message) as told:
        queue.send_raw(NAME, b"1")
    assert f"Queue {NAME} of {broker.namespace}" in str(told.value)
    assert broker.accepted[NAME] == 0
    broker.fail_sends(0)
    queue.send_raw(NAME, b"1")
    assert broker.accepted[NAME] == 1


def test_what_is_too_large_never_leaves(broker: Broker, queue: Queues) -> None:
    with pytest.raises(MessageTooLarge):
        queue.send_raw(NAME, b"x" * (MESSAGE_BYTES + 1))
    assert broker.senders == {}


def test_a_queue_that_takes_less_is_told() -> None:
    with (
        Broker(QUEUES, message_bytes=1024) as small,
        open_queue(small.connection_string, SystemClock()) as queue,
    ):
        with pytest.raises(MessageTooLarge, match=NAME):
            queue.send_raw(NAME, b"x" * 2000)
        queue.send_raw(NAME, b"x")
        assert small.accepted[NAME] == 1


def test_a_queue_that_was_not_created_is_named() -> None:
    with Broker(["posture"]) as broker, open_queue(broker.connection_string, SystemClock()) as queue:
        acts = (lambda: queue.send_raw(NAME, b"1"), lambda: queue.receive(NAME), queue.counts)
        for act in acts:
            with pytest.raises(UnknownQueue, match=r"there is no such queue\. Create it") as told:
                act()
            assert broker.namespace in str(told.value)
        queue.send_raw("posture", b"1")


# --- dead letters -------------------------------------------------------------------------------------------


def give_up(queue: Queues, body: bytes) -> int:
    queue.send_raw(NAME, body, message_id=body.decode(), correlation_id="c", properties={"big": 1 << 40})
    (delivery,) = queue.receive(NAME)
    queue.dead_letter(delivery, reason="Bug")
    return queue.dead_letters(NAME)[-1].sequence_number


def test_a_dead_letter_is_deleted_after_its_copy_was_sent(broker: Broker, queue: Queues) -> None:
    give_up(queue, b"1")
    give_up(queue, b"2")
    broker.log.clear()
    assert queue.replay(NAME) == 2
    assert broker.log == [("accepted", NAME), ("completed", f"{NAME}/$DeadLetterQueue")] * 2
    first, second = queue.receive(NAME, max_messages=5)
    assert (first.body, first.message_id, first.correlation_id) == (b"1", "1", "c")
    assert second.properties == {"big": 1 << 40}


def test_a_dead_letter_that_cannot_be_sent_again_stays(broker: Broker, queue: Queues) -> None:
    give_up(queue, b"1")
    broker.fail_sends(100)
    with pytest.raises(QueueUnavailable):
        queue.replay(NAME)
    assert [one.body for one in queue.dead_letters(NAME)] == [b"1"]
    broker.fail_sends(0)
    broker.advance(3600)
    assert queue.replay(NAME) == 1
    assert queue.dead_letters(NAME) == ()


def test_dead_letters_that_were_passed_over_can_be_taken_at_once(queue: Queues) -> None:
    give_up(queue, b"1")
    give_up(queue, b"2")
    assert queue.discard(NAME, [give_up(queue, b"3")]) == 1
    assert [one.body for one in queue.dead_letters(NAME)] == [b"1", b"2"]
    assert queue.replay(NAME) == 2


# --- counting -----------------------------------------------------------------------------------------------


def test_what_others_hold_counts_as_active(broker: Broker, queue: Queues) -> None:
    queue.send_raw(NAME, b"1")
    queue.send_raw(NAME, b"2")
    with patient_queue(broker.connection_string, SystemClock()) as other:
        other.receive(NAME)
        queue.receive(NAME)
        assert other.counts()[NAME] == queue.counts()[NAME] == QueueCounts(active=1, locked=1)


# --- signing in ---------------------------------------------------------------------------------------------


def test_an_identity_signs_in_with_a_token(broker: Broker) -> None:
    credential = Credential()
    with by_identity(broker, credential) as queue:
        queue.send_raw(NAME, b"1")
        (delivery,) = queue.receive(NAME)
    assert delivery.body == b"1"
    assert {one["type"] for one in broker.tokens} == {"jwt"}
    assert set(credential.scopes) == {"https://servicebus.azure.net//.default"}


def test_a_refused_sign_in_names_the_roles(broker: Broker) -> None:
    broker.refuse_tokens()
    with by_identity(broker, Credential()) as queue:
        with pytest.raises(QueueUnavailable, match="Data Sender and Data Receiver") as told:
            queue.send_raw(NAME, b"1")
        assert broker.namespace in str(told.value)
        broker.refuse_tokens(refuse=False)
        queue.send_raw(NAME, b"1")


def test_an_identity_that_gives_no_token_is_told_without_what_it_said(broker: Broker) -> None:
    with by_identity(broker, Credential(fails=True)) as queue:
        with pytest.raises(QueueUnavailable, match=broker.namespace) as told:
            queue.send_raw(NAME, b"1")
        assert "secret-token" not in str(told.value)


# --- addresses ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("Endpoint=;SharedAccessKeyName=n;SharedAccessKey=hush", "Endpoint is not sb://NAMESPACE"),
        (
            "Endpoint=https://a.b/;SharedAccessKeyName=n;SharedAccessKey=hush",
            "Endpoint is not sb://NAMESPACE",
        ),
        ("Endpoint=sb://a.b/;SharedAccessKey=hush", "SharedAccessKeyName or SharedAccessKey is missing"),
        ("Endpoint=sb://a.b/;SharedAccessKeyName=hush", "SharedAccessKeyName or SharedAccessKey is missing"),
        (
            "Endpoint=sb://a.b/;SharedAccessKeyName=n;SharedAccessKey=hush;EntityPath=inventory",
            "EntityPath limits it to one queue",
        ),
        ("Endpoint=sb://a.b/;SharedAccessKeyName=n;SharedAccessKey=x;hush", "it cannot be read"),
        ("servicebus://", "is not the address of a Service Bus namespace"),
        ("servicebus://hush", "is not the address of a Service Bus namespace"),
        ("servicebus://hush@a.servicebus.windows.net", "is not the address of a Service Bus namespace"),
        ("servicebus://https://hush.servicebus.windows.net", "is not the address of a Service Bus namespace"),
        ("servicebus://hush.servicebus.windows.net:5672", "is not the address of a Service Bus namespace"),
        ("servicebus://a.servicebus.windows.net/hush", "is not the address of a Service Bus namespace"),
        ("servicebus://a.servicebus.windows.net?key=hush", "is not the address of a Service Bus namespace"),
        ("amqps://hush", "Supported: sqlite:///PATH"),
    ],
)
def test_a_wrong_address_is_explained_and_not_repeated(url: str, problem: str) -> None:
    with pytest.raises(QueueUrlError, match="QUEUE_URL") as told:
        open_queue(url, SystemClock())
    assert problem in str(told.value)
    assert "hush" not in str(told.value)


def test_a_wrong_namespace_is_explained_as_azure_wants_it_written() -> None:
    """In a setting of the Functions host there is nothing before the namespace."""
    setting = "ServiceBusConnection__fullyQualifiedNamespace"
    with pytest.raises(QueueUrlError, match=rf"Write {setting}=NAMESPACE\.servicebus\.windows\.net, without"):
        open_queue("servicebus://https://contoso.servicebus.windows.net/", SystemClock(), setting=setting)


@pytest.mark.parametrize(
    "url",
    [
        "servicebus://localhost",
        "servicebus://127.0.0.1:5672?client_id=6b1f",
        "servicebus://contoso.servicebus.windows.net",
        "servicebus://contoso.servicebus.windows.net/",
        "servicebus://contoso.servicebus.windows.net?client_id=6b1f",
        f"Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKeyName=n;SharedAccessKey={KEY}",
    ],
)
def test_opening_connects_to_nothing(url: str) -> None:
    with open_queue(url, SystemClock()) as queue, pytest.raises(UnknownQueue):
        queue.receive("invetnory")


def test_nobody_else_loads_the_client(tmp_path: Path) -> None:
    program = (
        "import sys, function_app, shared.queue, shared.wiring.runtime\n"
        "from shared.wiring.clock import SystemClock\n"
        "shared.queue.open_queue('sqlite:///' + sys.argv[1], SystemClock()).close()\n"
        "print([name for name in sys.modules if name.startswith(('azure.servicebus', 'azure.identity'))])\n"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program, str(tmp_path / "queue.db")],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_the_broker_runs_on_its_own() -> None:
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "tests.amqp_broker", "--queue", NAME],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        with patient_queue(told["connectionString"], SystemClock()) as queue:
            queue.send_raw(NAME, b"1")
            assert [one.body for one in queue.receive(NAME)] == [b"1"]
        process.terminate()
        assert process.wait(PATIENCE) == 0
