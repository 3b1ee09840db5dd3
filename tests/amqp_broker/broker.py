"""An imitation of Azure Service Bus queues that the real `azure-servicebus` client works with.

Plain AMQP 1.0 on python-qpid-proton: token requests on `$cbs`, senders, receivers in both modes, dead-letter
sub-queues, and the request-response operations of `QUEUE/$management` ("AMQP 1.0 in Azure Service Bus:
request-response-based operations"). It was never compared with the real service. Unlike the service it can
be told to fail, and what time it is.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar

from proton import (
    UNDESCRIBED,
    Array,
    Condition,
    Connection,
    Data,
    Delivery,
    Endpoint,
    Event,
    Handler,
    Link,
    Message,
    Receiver,
    Sender,
    int32,
    symbol,
)
from proton.handlers import EndpointStateHandler
from proton.reactor import Container

from tests.amqp_broker import sections
from tests.amqp_broker.entity import DEAD, Entity

LOCK = timedelta(minutes=5)
MAX_DELIVERY_COUNT = 10
MESSAGE_BYTES = 256 * 1024
SERVER_BUSY = "com.microsoft:server-busy"
LOCK_LOST = "com.microsoft:message-lock-lost"
NOT_FOUND = "amqp:not-found"
TOO_LARGE = "amqp:link:message-size-exceeded"

_MANAGEMENT = "/$management"
_TICK = 0.01
_PATIENCE = 60.0
"""Seconds that its own thread may take on a busy machine."""
_CREDIT = 500
T = TypeVar("T")
Answer = tuple[int, object, str]


class Broker(Handler):  # type: ignore[misc] # the library has no types
    """A namespace of queues on a port of its own, served by a thread of its own.

    The methods under "control" may be called by any thread. `senders` and `receivers` count the links that
    clients opened by address, `accepted` the messages that were taken by queue; `log` tells what was accepted
    and settled in which queue, in order.
    """

    def __init__(
        self,
        queues: Iterable[str],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        lock: timedelta = LOCK,
        max_delivery_count: int = MAX_DELIVERY_COUNT,
        message_bytes: int = MESSAGE_BYTES,
    ) -> None:
        super().__init__()
        self.handlers = [EndpointStateHandler()]
        self.host, self.port = host, port
        self.message_bytes = message_bytes
        self.senders: Counter[str] = Counter()
        self.receivers: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        self.log: list[tuple[str, str]] = []
        self.tokens: list[Mapping[str, object]] = []
        self._fixed: float | None = None
        self._ahead = 0.0
        self._entities = {
            name.lower(): Entity.with_dead_letters(
                name, self.now_ms, int(lock.total_seconds() * 1000), max_delivery_count
            )
            for name in queues
        }
        self._connections: set[Connection] = set()
        self._replies: dict[tuple[Connection, str], Sender] = {}
        self._waiting: dict[str, dict[Sender, None]] = defaultdict(dict)
        self._failures: list[str] = []
        self._refuses_tokens = False
        self._tasks: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._ready = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._serve, name="amqp-broker", daemon=True)

    # --- control ------------------------------------------------------------------------------------------

    def start(self) -> Self:
        self._thread.start()
        if not self._ready.wait(_PATIENCE):
            raise RuntimeError("The broker did not start.")
        return self

    def stop(self) -> None:
        self._stopping = True
        self._thread.join(_PATIENCE)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def namespace(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def connection_string(self) -> str:
        """For the client; `UseDevelopmentEmulator` is how it is told to speak without TLS."""
        return (
            f"Endpoint=sb://{self.namespace};SharedAccessKeyName=owner;SharedAccessKey=c2VjcmV0LWtleQ==;"
            "UseDevelopmentEmulator=true;"
        )

    def now_ms(self) -> float:
        if self._fixed is not None:
            return self._fixed
        return time.time() * 1000 + self._ahead

    def set_time(self, now: datetime) -> None:
        """Stop the clock at this time."""
        # Integers first: a float of seconds cannot tell microseconds of these years exactly.
        microseconds = (now - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        self._fixed = microseconds / 1000
        self.run(self._work)

    def advance(self, seconds: float) -> None:
        """Move the clock on."""
        if self._fixed is not None:
            self._fixed += seconds * 1000
        else:
            self._ahead += seconds * 1000
        self.run(self._work)

    def clear(self) -> None:
        """Empty all queues. Sequence numbers go on."""

        def forget() -> None:
            for entity in self._entities.values():
                for one in (entity, entity.dead):
                    assert one is not None
                    one.clear()

        self.run(forget)

    def drop_connections(self) -> int:
        """Pull the plug: every connection ends without a word. Returns how many there were."""

        def drop() -> int:
            gone = list(self._connections)
            for connection in gone:
                self._unplug(connection)
            return len(gone)

        return self.run(drop)

    def begin_outage(self) -> None:
        """End every connection and refuse new ones."""

        def keep_the_port() -> None:
            """Nobody else may be given it meanwhile. Bound and not listened to, it refuses."""
            self._kept = socket.socket()
            self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._kept.bind((self.host, self.port))

        self.run(self._acceptor_close)  # which takes effect when the thread is done with the task
        self.run(keep_the_port)
        self.drop_connections()

    def end_outage(self) -> None:
        def end() -> None:
            self._kept.close()
            self._listen()

        self.run(end)

    def fail_sends(self, times: int, condition: str = SERVER_BUSY) -> None:
        """Refuse the next so many messages with this condition."""
        self._failures = [condition] * times

    @property
    def failures_left(self) -> int:
        return len(self._failures)

    def refuse_tokens(self, *, refuse: bool = True) -> None:
        """Answer every token with 401."""
        self._refuses_tokens = refuse

    def entity(self, name: str, *, dead: bool = False) -> Entity:
        """The queue, to look at."""
        entity = self._entities[name.lower()]
        if not dead:
            return entity
        assert entity.dead is not None
        return entity.dead

    def numbers(self, name: str, *, dead: bool = False) -> list[int]:
        """The sequence numbers that are in the queue."""

        def look() -> list[int]:
            self._work()
            return sorted(self.entity(name, dead=dead).entries)

        return self.run(look)

    def run(self, task: Callable[[], T]) -> T:
        """Do this on the broker's own thread and return what it gives."""
        if threading.current_thread() is self._thread:
            return task()
        future: Future[T] = Future()

        def do() -> None:
            try:
                future.set_result(task())
            except BaseException as error:  # noqa: BLE001 - told to whoever asked
                future.set_exception(error)

        self._tasks.put(do)
        return future.result(_PATIENCE)

    # --- the thread ---------------------------------------------------------------------------------------

    def _serve(self) -> None:
        self._container = Container(self)
        self._container.run()

    def _listen(self) -> None:
        self._acceptor = self._container.listen(f"{self.host}:{self.port}")
        if not self.port:
            self.port = self._acceptor._selectable._delegate.getsockname()[1]

    def _acceptor_close(self) -> None:
        self._acceptor.close()

    def _unplug(self, connection: Connection) -> None:
        self._forget(connection)
        transport = connection.transport
        if transport is not None:
            transport.close_tail()
            transport.close_head()

    def _forget(self, connection: Connection) -> None:
        self._connections.discard(connection)
        for links in self._waiting.values():
            for link in [link for link in links if link.connection == connection]:
                del links[link]
        for key in [key for key in self._replies if key[0] == connection]:
            del self._replies[key]

    def on_reactor_init(self, event: Event) -> None:
        self._container = event.reactor
        self._listen()
        self._ready.set()
        event.reactor.schedule(_TICK, self)

    def on_timer_task(self, event: Event) -> None:
        for _ in range(self._tasks.qsize()):  # those that come meanwhile are done when these took effect
            self._tasks.get()()
        if self._stopping:
            self._acceptor_close()
            for connection in list(self._connections):
                self._unplug(connection)
            event.reactor.stop()
            return
        self._work()
        event.reactor.schedule(_TICK, self)

    def _work(self) -> None:
        for entity in self._entities.values():
            entity.tick()
            self._push(entity)
            assert entity.dead is not None
            entity.dead.tick()
            self._push(entity.dead)

    def on_connection_remote_open(self, event: Event) -> None:
        self._connections.add(event.connection)

    def on_transport_closed(self, event: Event) -> None:
        if event.connection is not None:
            self._forget(event.connection)

    # --- links --------------------------------------------------------------------------------------------

    @staticmethod
    def _path(address: str) -> str:
        return address.split("://", 1)[1].partition("/")[2] if "://" in address else address

    def _find(self, address: str) -> Entity | None:
        path = self._path(address)
        dead = path.lower().endswith(DEAD.lower())
        entity = self._entities.get((path[: -len(DEAD)] if dead else path).lower())
        return entity.dead if entity is not None and dead else entity

    def on_link_remote_open(self, event: Event) -> None:
        # An entity that does not exist is refused with the first thing that is asked of it. The service
        # refuses the link; the client then learns why only if it has not yet begun to use it.
        link = event.link
        if link.state & Endpoint.LOCAL_ACTIVE:
            return
        link.source.copy(link.remote_source)
        link.target.copy(link.remote_target)
        address = (link.remote_source if link.is_sender else link.remote_target).address or ""
        link.snd_settle_mode, link.rcv_settle_mode = link.remote_snd_settle_mode, link.remote_rcv_settle_mode
        asked = address == "$cbs" or address.endswith(_MANAGEMENT)
        entity = None if address == "$cbs" else self._find(address.removesuffix(_MANAGEMENT))
        link.context = (address, asked, entity)
        opened = self.senders if link.is_receiver else self.receivers
        opened[self._path(address)] += 1
        if entity is None and address != "$cbs" and not asked and link.is_sender:
            link.source.address = link.target.address = None
            link.open()
            text = f"The messaging entity '{address}' could not be found."
            link.condition = Condition(NOT_FOUND, text)
            link.close()
            return
        if link.is_receiver:
            link.max_message_size = self.message_bytes if not asked else 4 << 20
        link.open()
        if link.is_receiver:
            link.flow(_CREDIT)
        elif asked:
            self._replies[link.session.connection, address] = link

    def on_link_flow(self, event: Event) -> None:
        link = event.link
        if not link.is_sender or not link.context or link.context[1] or link.context[2] is None:
            return
        entity = link.context[2]
        self._waiting[entity.name][link] = None
        entity.tick()
        self._push(entity)
        if link.drain_mode:
            link.drained()
            self._waiting[entity.name].pop(link, None)

    def on_link_remote_close(self, event: Event) -> None:
        if event.link.context and event.link.context[2] is not None:
            self._waiting[event.link.context[2].name].pop(event.link, None)

    on_link_remote_detach = on_link_remote_close

    def _push(self, entity: Entity) -> None:
        """Deliver what is free to the links that asked, in the order in which they asked."""
        links = self._waiting[entity.name]
        for link in list(links):
            deleting = link.snd_settle_mode == Link.SND_SETTLED
            while link.credit > 0:
                entry = entity.take(lock=not deleting)
                if entry is None:
                    return
                token = entry.token or uuid.uuid4()
                delivery = link.delivery(token.bytes_le)
                delivery.context = (entity, entry.token)
                link.send(entry.encoded())
                link.advance()
                if deleting:
                    delivery.settle()
            del links[link]

    # --- deliveries ---------------------------------------------------------------------------------------

    def on_delivery(self, event: Event) -> None:
        delivery = event.delivery
        if delivery.link.is_receiver:
            if delivery.readable and not delivery.partial:
                self._take_in(delivery)
        elif delivery.updated and delivery.context and delivery.remote_state:
            self._settle(delivery)

    def _take_in(self, delivery: Delivery) -> None:
        link: Receiver = delivery.link
        raw = link.recv(delivery.pending)
        link.advance()
        address, asked, entity = link.context
        if entity is None and not asked:
            delivery.local.condition = Condition(
                NOT_FOUND, "There is no such entity.", {symbol("broker"): self.namespace}
            )
            delivery.update(Delivery.REJECTED)
            delivery.settle()
            return
        if link.credit < _CREDIT // 2:
            link.flow(_CREDIT // 2)
        condition = ""
        if asked:
            self._reply(link, address, sections.read(raw), entity)
        elif self._failures:
            condition = self._failures.pop()
        elif len(raw) > self.message_bytes:
            condition = TOO_LARGE
        else:
            for part in sections.messages(raw):
                entity.put(part)
                self.accepted[entity.name] += 1
                self.log.append(("accepted", entity.name))
        if condition:
            # The client reads three fields of an error, also when there is nothing in the last.
            delivery.local.condition = Condition(
                condition, "The broker refuses this.", {symbol("broker"): self.namespace}
            )
        delivery.update(Delivery.REJECTED if condition else Delivery.ACCEPTED)
        delivery.settle()
        if entity is not None:
            self._push(entity)

    def _settle(self, delivery: Delivery) -> None:
        entity, token = delivery.context
        entity.tick()
        state = delivery.remote_state
        if state == Delivery.ACCEPTED:
            done = entity.complete(token)
            self.log.append(("completed", entity.name))
        elif state == Delivery.REJECTED:
            told = delivery.remote.condition
            info = {str(name): value for name, value in ((told.info if told else None) or {}).items()}
            done = entity.dead_letter(
                token, info.get("DeadLetterReason"), info.get("DeadLetterErrorDescription")
            )
        elif state == Delivery.MODIFIED and delivery.remote.undeliverable:
            done = entity.defer(token)
        else:
            done = entity.abandon(token, failed=state == Delivery.MODIFIED)
        if done:
            # The client takes the outcome as applied only when the broker says the same one.
            if state == Delivery.MODIFIED:
                delivery.local.failed = True
                delivery.local.undeliverable = delivery.remote.undeliverable
            delivery.update(state)
        else:
            delivery.local.condition = Condition(LOCK_LOST, "The lock supplied is invalid.")
            delivery.update(Delivery.REJECTED)
        delivery.settle()
        self._push(entity)

    # --- requests -----------------------------------------------------------------------------------------

    def _reply(self, link: Receiver, address: str, request: Message, entity: Entity | None) -> None:
        properties = {str(name): value for name, value in (request.properties or {}).items()}
        if address == "$cbs":
            self.tokens.append({**properties, "token": request.body})
            code, body, condition = (401, None, "") if self._refuses_tokens else (202, None, "")
        elif entity is None:
            code, body, condition = 404, None, NOT_FOUND
        else:
            entity.tick()
            operation = str(properties.get("operation")).rsplit(":", 1)[-1]
            told = {str(name): value for name, value in (request.body or {}).items()}
            code, body, condition = self._manage(entity, operation, told)
        names = ("status-code", "status-description")
        if address != "$cbs":
            names = ("statusCode", "statusDescription")
        answer = Message(body=body, correlation_id=request.id)
        answer.properties = {names[0]: int32(code), names[1]: "OK" if code < 300 else "Refused"}
        if condition:
            answer.properties["errorCondition"] = symbol(condition)
        out = self._replies.get((link.session.connection, address))
        if out is not None:
            delivery = out.delivery(uuid.uuid4().bytes)
            out.send(answer.encode())
            out.advance()
            delivery.settle()

    def _manage(self, entity: Entity, operation: str, told: Mapping[str, Any]) -> Answer:
        operations: dict[str, Callable[[Entity, Mapping[str, Any]], Answer]] = {
            "schedule-message": self._schedule,
            "cancel-scheduled-message": self._cancel,
            "peek-message": self._peek,
            "renew-lock": self._renew,
            "receive-by-sequence-number": self._receive_deferred,
            "update-disposition": self._dispose,
        }
        if operation not in operations:
            return 501, None, "amqp:not-implemented"
        return operations[operation](entity, told)

    def _schedule(self, entity: Entity, told: Mapping[str, Any]) -> Answer:
        if self._failures:
            return 503, None, self._failures.pop()
        numbers = [entity.put(bytes(one["message"])).number for one in told["messages"]]
        self.accepted[entity.name] += len(numbers)
        return 200, {"sequence-numbers": Array(UNDESCRIBED, Data.LONG, *numbers)}, ""

    def _cancel(self, entity: Entity, told: Mapping[str, Any]) -> Answer:
        if entity.cancel(_values(told["sequence-numbers"])):
            return 200, None, ""
        return 404, None, "com.microsoft:message-not-found"

    def _peek(self, entity: Entity, told: Mapping[str, Any]) -> Answer:
        found = entity.peek(told["from-sequence-number"], told["message-count"], self.message_bytes * 2)
        if not found:
            return 204, None, ""
        return 200, {"messages": [{"message": raw} for raw in found]}, ""

    def _renew(self, entity: Entity, told: Mapping[str, Any]) -> Answer:
        ends = [entity.renew(token) for token in _values(told["lock-tokens"])]
        if None in ends:
            return 410, None, LOCK_LOST
        return 200, {"expirations": Array(UNDESCRIBED, Data.TIMESTAMP, *ends)}, ""

    def _receive_deferred(self, entity: Entity, told: Mapping[str, Any]) -> Answer:
        wanted = [entity.entries.get(number) for number in _values(told["sequence-numbers"])]
        entries = [entry for entry in wanted if entry is not None and entry.state and entry.token is None]
        if len(entries) != len(wanted):
            return 404, None, "com.microsoft:message-not-found"
        answers: list[dict[str, object]] = []
        for entry in entries:
            if told.get("receiver-settle-mode", 1):
                entity.lock(entry)
            else:
                del entity.entries[entry.number]
            answers.append({"message": entry.encoded(), "lock-token": entry.token or uuid.uuid4()})
        return 200, {"messages": answers}, ""

    def _dispose(self, entity: Entity, told: Mapping[str, Any]) -> Answer:
        acts: dict[str, Callable[[uuid.UUID], bool]] = {
            "completed": entity.complete,
            "abandoned": entity.abandon,
            "defered": entity.defer,
            "suspended": lambda token: entity.dead_letter(
                token, told.get("deadletter-reason"), told.get("deadletter-description")
            ),
        }
        done = [acts[told["disposition-status"]](token) for token in _values(told["lock-tokens"])]
        self._push(entity)
        return (200, None, "") if all(done) else (410, None, LOCK_LOST)


def _values(told: Any) -> Sequence[Any]:
    return list(told.elements) if isinstance(told, Array) else list(told)
