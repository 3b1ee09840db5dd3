"""Queues of an Azure Service Bus namespace."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.servicebus import (
    ServiceBusClient,
    ServiceBusMessage,
    ServiceBusMessageState,
    ServiceBusReceivedMessage,
    ServiceBusReceiver,
    ServiceBusSender,
    ServiceBusSubQueue,
)
from azure.servicebus.exceptions import (
    MessageAlreadySettled,
    MessageLockLostError,
    MessageNotFoundError,
    MessageSizeExceededError,
    MessagingEntityNotFoundError,
    ServiceBusAuthenticationError,
    ServiceBusAuthorizationError,
    ServiceBusConnectionError,
    ServiceBusError,
    ServiceBusQuotaExceededError,
    ServiceBusServerBusyError,
)

from shared.azure_sign_in import SignIn
from shared.model.command import Command
from shared.ports import Clock
from shared.queue.checks import check_message, check_name, storable
from shared.queue.receiver import (
    MESSAGE_BYTES,
    QUEUES,
    DeadLetter,
    Delivery,
    MessageLockLost,
    MessageTooLarge,
    Property,
    QueueCounts,
    QueueUnavailable,
    UnknownQueue,
)

COUNTED = 1_000
"""How many messages of a queue, and how many dead letters, are looked at to count them."""

SEND_SECONDS = 30.0
"""How long sending may take, with all attempts: left alone, the client waits for an outcome for ever."""

WAIT_SECONDS = 0.5
"""How long a message that was seen may take to come: in vain, where somebody else has it."""

_PAGE = 100
_FURTHER = 2_000
_REASON_CHARACTERS = 4096
_INT32, _INT64 = 1 << 31, 1 << 63
_DEEPEST = 5
"""Of errors in errors: the client wraps what a credential raised."""

_REFUSED = (ServiceBusAuthenticationError, ServiceBusAuthorizationError)
_LOST = (MessageLockLostError, MessageAlreadySettled, MessageNotFoundError)

S = TypeVar("S")
T = TypeVar("T")


@dataclass(slots=True)
class _Source:
    """A receiver with the messages it holds. Settling goes over the link that a message came by."""

    receiver: ServiceBusReceiver
    held: dict[str, ServiceBusReceivedMessage] = field(default_factory=dict)
    retired: bool = False


@dataclass(slots=True)
class _Receiving:
    """What one queue, or its dead-letter sub-queue, is received and looked at with: one thread at a time."""

    open: Callable[[], ServiceBusReceiver]
    lock: threading.Lock = field(default_factory=threading.Lock)
    source: _Source | None = None
    sources: dict[str, _Source] = field(default_factory=dict)
    """By lock token, which source holds the message."""

    def current(self) -> _Source:
        if self.source is None:
            self.source = _Source(self.open())
        return self.source

    def retire(self) -> None:
        """Receive over a new link from now on; the old one stays for as long as it holds messages."""
        source, self.source = self.source, None
        if source is not None:
            source.retired = True
            self._close_if_done(source)

    def hold(self, source: _Source, message: ServiceBusReceivedMessage) -> None:
        token = str(message.lock_token)
        source.held[token] = message
        self.sources[token] = source

    def forget(self, token: str) -> None:
        source = self.sources.pop(token, None)
        if source is not None:
            source.held.pop(token, None)
            self._close_if_done(source)

    def forget_expired(self, now: datetime) -> None:
        ended = [
            token
            for token, source in self.sources.items()
            if (until := source.held[token].locked_until_utc) is None or until <= now
        ]
        for token in ended:
            self.forget(token)

    def held_numbers(self, now: datetime) -> dict[int, datetime]:
        """What this process holds, by sequence number, with the end of each lock."""
        found: dict[int, datetime] = {}
        for token, source in self.sources.items():
            message = source.held[token]
            if message.locked_until_utc is not None and message.locked_until_utc > now:
                found[message.sequence_number or 0] = message.locked_until_utc
        return found

    def close(self) -> None:
        opened = {id(source): source for source in self.sources.values()}
        if self.source is not None:
            opened[id(self.source)] = self.source
        self.source = None
        self.sources.clear()
        for source in opened.values():
            _close(source.receiver)

    @staticmethod
    def _close_if_done(source: _Source) -> None:
        if source.retired and not source.held:
            _close(source.receiver)


@dataclass(slots=True)
class _Sending:
    open: Callable[[], ServiceBusSender]
    lock: threading.Lock = field(default_factory=threading.Lock)
    sender: ServiceBusSender | None = None

    def current(self) -> ServiceBusSender:
        if self.sender is None:
            self.sender = self.open()
        return self.sender

    def close(self) -> None:
        sender, self.sender = self.sender, None
        if sender is not None:
            _close(sender)


class ServiceBusQueue:
    """Sends (`shared.ports.CommandSender`), receives and keeps dead letters (`shared.queue.receiver`).

    The queues must exist, with dead-lettering by delivery count (the service always does that), without
    sessions, and without duplicate detection: that would drop a replayed message silently. Links are opened
    on first use, kept, and opened again after a connection was lost; each is used by one thread at a time.

    What the service does not tell: which messages others hold locked. Those count as active, and as
    available now. `client` says how the namespace is reached and how often a request is tried again;
    `max_delivery_count` is what the queues were created with (the service's default); `wait_seconds` is how
    long a message that was seen there may take to come.
    """

    def __init__(
        self,
        client: ServiceBusClient,
        clock: Clock,
        *,
        setting: str = "QUEUE_URL",
        max_delivery_count: int = 10,
        identity: SignIn | None = None,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._client = client
        self._clock = clock
        self._setting = setting
        self._max_delivery_count = max_delivery_count
        self._identity = identity
        self._wait_seconds = wait_seconds
        self._namespace = client.fully_qualified_namespace
        self._sending = {name: _Sending(self._opener_of_sender(name)) for name in QUEUES}
        self._receiving = {name: _Receiving(self._opener(name)) for name in QUEUES}
        self._dead = {name: _Receiving(self._opener(name, dead=True)) for name in QUEUES}

    @property
    def max_delivery_count(self) -> int:
        """What the queues are taken to be created with: only the management plane could tell."""
        return self._max_delivery_count

    def close(self) -> None:
        """Close all links. Locks stay until they run out."""

        def close(part: _Sending | _Receiving) -> None:
            with part.lock:
                part.close()

        parts: list[_Sending | _Receiving] = [
            *self._sending.values(),
            *self._receiving.values(),
            *self._dead.values(),
        ]
        _together(close, parts)
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _fix(self) -> str:
        """What helps where there was no token."""
        if self._identity is None:
            return "Check the key."
        host, separate, _ = self._setting.partition("__")
        return self._identity.fix(f"{host}__clientId" if separate else f"{self._setting}'s client_id")

    # --- sending ------------------------------------------------------------------------------------------

    def send(self, command: Command, *, not_before: datetime | None = None) -> None:
        from shared.queue.messages import encode  # noqa: PLC0415 - loads pydantic

        self.send_raw(command.queue, encode(command), not_before=not_before)

    def send_raw(
        self,
        queue: str,
        body: bytes,
        *,
        not_before: datetime | None = None,
        message_id: str = "",
        correlation_id: str = "",
        properties: Mapping[str, Property] | None = None,
    ) -> None:
        check_name(queue)
        message_id = message_id or uuid.uuid4().hex
        given = dict(properties or {})
        check_message(queue, body, message_id, correlation_id, given)
        self._send(
            queue,
            ServiceBusMessage(
                body,
                content_type="application/json",
                message_id=message_id,
                correlation_id=correlation_id or None,
                application_properties=_encodable(given),
                scheduled_enqueue_time_utc=_whole_milliseconds(not_before) if not_before else None,
            ),
        )

    def _send(self, queue: str, message: ServiceBusMessage) -> None:
        sending = self._sending[queue]
        with sending.lock, self._told(queue):
            sending.current().send_messages(message, timeout=SEND_SECONDS)

    # --- receiving ----------------------------------------------------------------------------------------

    def receive(self, queue: str, *, max_messages: int = 1) -> tuple[Delivery, ...]:
        check_name(queue)
        if max_messages < 1:
            return ()
        receiving = self._receiving[queue]
        with receiving.lock, self._told(queue):
            receiving.forget_expired(self._clock.now())
            return tuple(_delivery(queue, one) for one in self._take(receiving, max_messages))

    def _take(self, receiving: _Receiving, most: int) -> list[ServiceBusReceivedMessage]:
        """Lock messages that are there. Asking for more would lock whatever comes later, for nobody."""
        held = receiving.held_numbers(self._clock.now())
        source = receiving.current()
        seen = 0
        for message in _peeked(source.receiver, len(held) + most + _FURTHER):
            if message.state == ServiceBusMessageState.ACTIVE and message.sequence_number not in held:
                seen += 1
                if seen == most:
                    break
        messages: list[ServiceBusReceivedMessage] = []
        while len(messages) < seen:
            # The client waits for the first that comes, and only a moment for those behind it.
            try:
                more = source.receiver.receive_messages(
                    max_message_count=seen - len(messages), max_wait_time=self._wait_seconds
                )
            except AzureError:
                if not messages:
                    raise
                more = []  # those that came are held, and must be told of
            for message in more:
                receiving.hold(source, message)
            if not more:
                break
            messages += more
        if len(messages) < seen:
            # Somebody else was faster. What was asked for and did not come is taken back with the link.
            receiving.retire()
        return messages

    def renew(self, delivery: Delivery) -> Delivery:
        with self._held(delivery) as (source, message):
            until = source.receiver.renew_message_lock(message)
        return replace(delivery, locked_until=until)

    def complete(self, delivery: Delivery) -> None:
        with self._held(delivery, settles=True) as (source, message):
            source.receiver.complete_message(message)

    def abandon(self, delivery: Delivery) -> None:
        with self._held(delivery, settles=True) as (source, message):
            source.receiver.abandon_message(message)

    def dead_letter(self, delivery: Delivery, *, reason: str, description: str = "") -> None:
        with self._held(delivery, settles=True) as (source, message):
            source.receiver.dead_letter_message(
                message,
                reason=storable(reason)[:_REASON_CHARACTERS],
                error_description=storable(description)[:_REASON_CHARACTERS],
            )

    @contextmanager
    def _held(
        self, delivery: Delivery, *, settles: bool = False
    ) -> Iterator[tuple[_Source, ServiceBusReceivedMessage]]:
        """The message that this delivery is of, and where it came from."""
        check_name(delivery.queue)
        receiving = self._receiving[delivery.queue]
        with receiving.lock:
            source = receiving.sources.get(delivery.lock_token)
            if source is None:
                raise _lock_lost(delivery)
            try:
                with self._told(delivery.queue):
                    yield source, source.held[delivery.lock_token]
            except _LOST:
                receiving.forget(delivery.lock_token)
                raise _lock_lost(delivery) from None
            if settles:
                receiving.forget(delivery.lock_token)

    # --- dead letters -------------------------------------------------------------------------------------

    def dead_letters(self, queue: str, *, limit: int = 100) -> tuple[DeadLetter, ...]:
        check_name(queue)
        dead = self._dead[queue]
        with dead.lock, self._told(queue):
            return tuple(_dead_letter(queue, one) for one in _peeked(dead.current().receiver, max(limit, 0)))

    def replay(self, queue: str, sequence_numbers: Iterable[int] | None = None) -> int:
        """Send these (or all) again; returns how many there were.

        Each copy is sent before its dead letter is deleted. Whoever is stopped in between leaves both, and
        sends a second copy the next time: handlers take a message that they see twice.
        """

        def again(message: ServiceBusReceivedMessage) -> None:
            self._send(
                queue,
                ServiceBusMessage(
                    _body(message),
                    content_type=message.content_type,
                    message_id=message.message_id,
                    correlation_id=message.correlation_id,
                    application_properties=_encodable(_properties(message)),
                ),
            )

        return self._resolve(queue, sequence_numbers, again)

    def discard(self, queue: str, sequence_numbers: Iterable[int] | None = None) -> int:
        return self._resolve(queue, sequence_numbers, lambda _: None)

    def _resolve(
        self, queue: str, wanted: Iterable[int] | None, act: Callable[[ServiceBusReceivedMessage], None]
    ) -> int:
        """Lock dead letters from the front until the wanted ones came by; act on these, then delete them."""
        check_name(queue)
        dead = self._dead[queue]
        done = 0
        with dead.lock, self._told(queue):
            receiver = dead.current().receiver
            left = _present(receiver, wanted)
            passed: list[ServiceBusReceivedMessage] = []
            try:
                while left:
                    messages = receiver.receive_messages(
                        max_message_count=1, max_wait_time=self._wait_seconds
                    )
                    if not messages:
                        break
                    (message,) = messages
                    if message.sequence_number not in left:
                        passed.append(message)
                        continue
                    left.discard(message.sequence_number)
                    act(message)
                    receiver.complete_message(message)
                    done += 1
            finally:
                for message in passed:
                    with suppress(ServiceBusError, ValueError):
                        receiver.abandon_message(message)
                if left:
                    dead.retire()
        return done

    # --- looking ------------------------------------------------------------------------------------------

    def counts(self) -> dict[str, QueueCounts]:
        """By looking at the first `COUNTED` messages and dead letters of each queue: at most so many.

        `locked` are those that this process holds; what others hold counts as active.
        """
        alive = _together(self._count, QUEUES)
        given_up = _together(self._count_dead, QUEUES)
        return {
            queue: replace(one, dead_lettered=dead)
            for queue, one, dead in zip(QUEUES, alive, given_up, strict=True)
        }

    def _count(self, queue: str) -> QueueCounts:
        receiving = self._receiving[queue]
        active = scheduled = locked = 0
        with receiving.lock, self._told(queue):
            held = receiving.held_numbers(self._clock.now())
            for message in _peeked(receiving.current().receiver, COUNTED):
                if message.state == ServiceBusMessageState.SCHEDULED:
                    scheduled += 1
                elif message.sequence_number in held:
                    locked += 1
                elif message.state == ServiceBusMessageState.ACTIVE:
                    active += 1
        return QueueCounts(active=active, scheduled=scheduled, locked=locked)

    def _count_dead(self, queue: str) -> int:
        dead = self._dead[queue]
        with dead.lock, self._told(queue):
            return sum(1 for _ in _peeked(dead.current().receiver, COUNTED))

    def next_available_at(self, queue: str) -> datetime | None:
        """When a message can be received from this queue at the earliest, if nobody does anything.

        Not later than now when one can be received already; None when there is none to come. Judged by the
        first `COUNTED` messages. One that somebody else holds seems available now.
        """
        check_name(queue)
        receiving = self._receiving[queue]
        now = self._clock.now()
        times: list[datetime] = []
        with receiving.lock, self._told(queue):
            held = receiving.held_numbers(now)
            for message in _peeked(receiving.current().receiver, COUNTED):
                if message.sequence_number in held:
                    if (message.delivery_count or 0) + 1 < self._max_delivery_count:
                        times.append(held[message.sequence_number])
                elif message.state == ServiceBusMessageState.ACTIVE:
                    return _enqueued(message, now)
                elif message.state == ServiceBusMessageState.SCHEDULED:
                    times.append(message.scheduled_enqueue_time_utc or now)
        return min(times, default=None)

    # --- parts of the above -------------------------------------------------------------------------------

    def _opener_of_sender(self, queue: str) -> Callable[[], ServiceBusSender]:
        return lambda: self._client.get_queue_sender(queue)

    def _opener(self, queue: str, *, dead: bool = False) -> Callable[[], ServiceBusReceiver]:
        sub_queue = ServiceBusSubQueue.DEAD_LETTER if dead else None
        return lambda: self._client.get_queue_receiver(queue, sub_queue=sub_queue)

    @contextmanager
    def _told(self, queue: str) -> Iterator[None]:
        """Tell the client's errors in our own words. They never hold a key; the client's texts might."""
        place = f"Queue {queue} of {self._namespace}"
        try:
            yield
        except _LOST:
            raise
        except MessageSizeExceededError:
            raise MessageTooLarge(
                f"{place}: the message is larger than the queue takes, at most {MESSAGE_BYTES:,} bytes with "
                "all that is around it. It was not sent; put less into it."
            ) from None
        except MessagingEntityNotFoundError:
            raise UnknownQueue(
                f"{place}: there is no such queue. Create it, without sessions and without duplicate "
                f"detection, or correct {self._setting}."
            ) from None
        except _REFUSED as error:
            if self._identity is None:
                raise QueueUnavailable(
                    f"{place}: the key in {self._setting} was refused ({type(error).__name__}). Copy the "
                    "connection string anew."
                ) from None
            raise QueueUnavailable(
                f"{place} ({self._setting}) refuses {self._identity.whom} ({type(error).__name__}). Give it "
                "the roles Azure Service Bus Data Sender and Data Receiver on each queue; a new role takes "
                "up to ten minutes to hold."
            ) from None
        except ServiceBusServerBusyError:
            raise QueueUnavailable(
                f"{place}: the namespace is busy and refused every attempt. It is tried again later; if this "
                "lasts, give the namespace more capacity."
            ) from None
        except ServiceBusQuotaExceededError:
            raise QueueUnavailable(
                f"{place}: the queue is full or the namespace has too many connections. Have its messages "
                "and dead letters worked off, or raise the limit."
            ) from None
        except (ServiceBusConnectionError, ServiceBusError) as error:
            if _lacks_token(error):
                raise QueueUnavailable(
                    f"{place}: there is no token for it ({self._setting}). {self._fix()}"
                ) from None
            raise QueueUnavailable(
                f"{place}: cannot be reached ({type(error).__name__}). Check that {self._setting} names "
                "the namespace and that the network lets port 5671 through."
            ) from None
        except AzureError as error:
            raise QueueUnavailable(
                f"{place}: signing in failed ({type(error).__name__}). Check the identity of the app, or "
                f"{self._setting}."
            ) from None


def _together(act: Callable[[S], T], on: Sequence[S]) -> list[T]:
    """Act on all at once: opening and closing a link takes about half a second each, most of it waiting."""
    with ThreadPoolExecutor(len(on)) as pool:
        return list(pool.map(act, on))


def _peeked(receiver: ServiceBusReceiver, most: int) -> Iterator[ServiceBusReceivedMessage]:
    """The first so many messages by sequence number, whatever their state, without a change."""
    first = 1
    while most > 0:
        page = receiver.peek_messages(max_message_count=min(most, _PAGE), sequence_number=first)
        if not page:
            return
        yield from page
        most -= len(page)
        first = (page[-1].sequence_number or 0) + 1


def _present(receiver: ServiceBusReceiver, wanted: Iterable[int] | None) -> set[int]:
    """The numbers of the messages that are there: all, or those of them that are wanted."""
    if wanted is None:
        return {one.sequence_number or 0 for one in _peeked(receiver, _INT64)}
    found: set[int] = set()
    for number in {number for number in wanted if 0 < number < _INT64}:
        page = receiver.peek_messages(max_message_count=1, sequence_number=number)
        found.update(number for one in page if one.sequence_number == number)
    return found


def _delivery(queue: str, message: ServiceBusReceivedMessage) -> Delivery:
    if message.enqueued_time_utc is None or message.locked_until_utc is None:
        raise QueueUnavailable(f"Queue {queue}: the broker sent a message without its times.")
    return Delivery(
        queue=queue,
        sequence_number=message.sequence_number or 0,
        message_id=message.message_id or "",
        body=_body(message),
        # AMQP counts the deliveries that failed before this one.
        delivery_count=(message.delivery_count or 0) + 1,
        enqueued_time=message.enqueued_time_utc,
        lock_token=str(message.lock_token),
        locked_until=message.locked_until_utc,
        correlation_id=message.correlation_id or "",
        properties=_properties(message),
    )


def _dead_letter(queue: str, message: ServiceBusReceivedMessage) -> DeadLetter:
    if message.enqueued_time_utc is None:
        raise QueueUnavailable(f"Queue {queue}: the broker sent a message without its times.")
    return DeadLetter(
        queue=queue,
        sequence_number=message.sequence_number or 0,
        message_id=message.message_id or "",
        body=_body(message),
        delivery_count=message.delivery_count or 0,
        enqueued_time=message.enqueued_time_utc,
        reason=message.dead_letter_reason or "",
        description=message.dead_letter_error_description or "",
        correlation_id=message.correlation_id or "",
        properties=_properties(message),
    )


def _body(message: ServiceBusReceivedMessage) -> bytes:
    body = message.body
    return body if isinstance(body, bytes) else b"".join(body)


def _properties(message: ServiceBusReceivedMessage) -> dict[str, Property]:
    """What the sender gave; the client leaves texts as the bytes they came in."""
    found: dict[str, Property] = {}
    for name, value in (message.application_properties or {}).items():
        key = name.decode() if isinstance(name, bytes) else name
        if key not in {"DeadLetterReason", "DeadLetterErrorDescription"}:
            found[key] = _property(value)
    return found


def _property(value: object) -> Property:
    if isinstance(value, str | int | float):
        return value
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _encodable(properties: Mapping[str, Property]) -> dict[str | bytes, Any]:
    """As the client takes them: a number beyond 32 bits needs its AMQP type named (`_pyamqp/_encode.py`)."""
    return {
        name: {"TYPE": "LONG", "VALUE": value}
        if isinstance(value, int) and not -_INT32 <= value < _INT32
        else value
        for name, value in properties.items()
    }


def _whole_milliseconds(time: datetime) -> datetime:
    """That time or just after it, as AMQP can tell it: no earlier."""
    return time + timedelta(microseconds=-time.microsecond % 1000)


def _enqueued(message: ServiceBusReceivedMessage, now: datetime) -> datetime:
    return min(message.enqueued_time_utc or now, now)


def _lock_lost(delivery: Delivery) -> MessageLockLost:
    return MessageLockLost(
        f"Message {delivery.sequence_number} of queue {delivery.queue} is no longer locked for this receiver."
    )


def _close(link: ServiceBusReceiver | ServiceBusSender) -> None:
    """Closing what is broken already may fail, and changes nothing for us."""
    with suppress(AzureError, ValueError, OSError):
        link.close()


def _lacks_token(error: BaseException | None) -> bool:
    """Whether it failed for want of a token, before anything was asked of the namespace."""
    for _ in range(_DEEPEST):
        if error is None:
            return False
        if isinstance(error, ClientAuthenticationError):
            return True
        error = getattr(error, "inner_exception", None) or error.__cause__ or error.__context__
    return False
