"""The local Functions host: runs the app on this machine, from the decorators that Azure reads too."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import azure.functions as func

from local.host.events import OnEvent
from local.host.functions import (
    HttpFunction,
    IndexingError,
    Lookup,
    QueueFunction,
    TimerFunction,
    read_functions,
)
from local.host.host_json import read_host_json
from local.host.http_server import HttpServer
from local.host.runs import Run, Runner
from local.host.session import Means, Plan, Session, WaitFor
from local.host.timer_store import TimerStore
from shared.queue.receiver import UnknownQueue
from shared.wiring.principals import LocalViewers
from shared.wiring.process import is_alive, process_owner
from shared.wiring.runtime import Runtime
from shared.wiring.settings import Settings, format_duration

GRACE = timedelta(seconds=10)
"""How long what is in hand may take to finish when the host is interrupted."""


class Host:
    """Runs an app's timers on schedule, its queue functions on the embedded queue, and serves its HTTP.

    `run` goes on until it is stopped or interrupted, `fire` runs one timer now, `drain` works off the queues;
    all three call functions the same way. Reads host.json beside the file that defines the functions, unless
    told another. Raises `IndexingError` for an app that it cannot run as Azure would.
    """

    def __init__(
        self,
        app: func.FunctionApp,
        runtime: Runtime,
        *,
        host_json: Path | None = None,
        settings: Mapping[str, str] | None = None,
        on_event: OnEvent | None = None,
        grace: timedelta = GRACE,
        http_port: int | None = None,
        on_serving: Callable[[str], object] | None = None,
    ) -> None:
        """`settings` win over those of the runtime and the environment, for `%NAME%` in bindings.

        `run` serves HTTP on this port of the loopback interface; 0 takes a free one, None serves none.
        `on_serving` is told the address once it serves.
        """
        functions = read_functions(app, _lookup(runtime.settings, settings or {}))
        self._timers = {one.name: one for one in functions if isinstance(one, TimerFunction)}
        self._queues = tuple(one for one in functions if isinstance(one, QueueFunction))
        options = read_host_json(host_json or functions[0].folder / "host.json")
        self._http = tuple(
            replace(one, route=f"{options.route_prefix}/{one.route}".strip("/"))
            for one in functions
            if isinstance(one, HttpFunction)
        )
        self._http_port = http_port
        self._http_url = ""
        self._on_serving = on_serving
        self._grace = grace
        self._check_queues(runtime)
        self._monitor = TimerStore(runtime.timers_file, owner=process_owner(), is_alive=is_alive)
        self._memory = TimerStore(None)
        self._means = Means(
            runner=Runner(runtime.queue, runtime.clock, runtime.dependencies.log, on_event),
            queue=runtime.queue,
            clock=runtime.clock,
            log=runtime.dependencies.log,
            options=options,
            grace=grace,
            store_of=lambda timer: self._monitor if timer.use_monitor else self._memory,
            one_at_a_time={name: threading.Lock() for name in self._timers},
        )
        self._sessions: set[Session] = set()

    @property
    def functions(self) -> tuple[str, ...]:
        """Names of all functions: timers, queues, HTTP, each in the order of the file."""
        return (*self._timers, *(one.name for one in self._queues), *(one.name for one in self._http))

    @property
    def http_url(self) -> str:
        """Where HTTP is served, while it is; else empty."""
        return self._http_url

    @property
    def timers(self) -> tuple[str, ...]:
        """Names of the timer functions, in the order of the file."""
        return tuple(self._timers)

    def run(self, until: Callable[[], bool] | None = None) -> None:
        """Work on schedule until `stop`, until `until` says so, or until Ctrl-C, which is raised again.

        `until` is asked whenever something has happened, and at least twice a second.
        """
        with self._serving():
            self._work(
                Plan(queues=self._queues, timers=tuple(self._timers.values()), until=until, forever=True)
            )

    def drain(self, *, wait_for: WaitFor | None = None) -> None:
        """Work off the queues until no message is available now.

        Messages for later, and those that another process holds, are waited for as far as `wait_for` says so:
        it is asked with the time at which the next one is available.
        """
        self._work(Plan(queues=self._queues, wait_for=wait_for))

    def fire(self, timer: str) -> bool:
        """Run one timer function now, whatever its schedule; returns whether it went well."""
        function = self._timers.get(timer)
        if function is None:
            raise KeyError(f"There is no timer {timer}; there are {', '.join(self._timers)}.")
        return self._work(Plan(fire=function)).went_well

    def stop(self) -> None:
        """Take nothing more, finish what is in hand (within the grace time), and return from `run`."""
        for session in tuple(self._sessions):
            session.stop(hurry=True)

    def wake(self) -> None:
        """Look at timers and queues at once; only needed where something else than time moves the clock."""
        for session in tuple(self._sessions):
            session.wake()

    @contextmanager
    def _serving(self) -> Iterator[None]:
        """Serve HTTP meanwhile. Where the port is taken, most likely another process of ours serves it."""
        if self._http_port is None or not self._http:
            yield
            return
        server, problem = None, ""
        try:
            server = HttpServer(self._http_port, self._http, self._answer, grace=self._grace.total_seconds())
        except OSError as error:
            problem = f"{error.strerror}. Free the port, or set HTTP_PORT to another (0 serves no HTTP)."
        if server is None:
            self._means.log.error("http.notServed", port=self._http_port, error=problem)
            yield
            return
        with server:
            self._http_url = server.url
            self._means.log.info("http.served", url=server.url)
            if self._on_serving is not None:
                self._on_serving(server.url)
            try:
                yield
            finally:
                self._http_url = ""

    def _answer(self, function: HttpFunction, request: func.HttpRequest) -> func.HttpResponse:
        return self._means.runner.run_http(Run(function, self._means.clock.now()), function, request)

    def _work(self, plan: Plan) -> Session:
        session = Session(self._means, plan)
        self._sessions.add(session)
        try:
            session.work()
        finally:
            self._sessions.discard(session)
        return session

    def _check_queues(self, runtime: Runtime) -> None:
        for function in self._queues:
            try:
                runtime.queue.next_available_at(function.queue)
            except UnknownQueue as error:
                raise IndexingError(f"{function.name}: {error}") from None


def way_in(url: str, runtime: Runtime) -> str:
    """How to see what is known, for the person at this machine: the tokens are of this process alone."""
    viewers = runtime.viewers
    if not isinstance(viewers, LocalViewers):
        return f"What is known is shown at {url}/security to those whom your own viewers know."
    return (
        f"Pages: {url}/security?token={viewers.entry} (opens once). "
        f"Programs ask {url}/subscriptions with Authorization: Bearer {viewers.token}"
    )


def _lookup(settings: Settings, first: Mapping[str, str]) -> Lookup:
    """App settings as the bindings see them: what this process was given, then its environment."""

    def lookup(name: str) -> str | None:
        if name in first:
            return first[name]
        value = getattr(settings, name.lower(), None) if name.lower() in Settings.model_fields else None
        if isinstance(value, timedelta):
            return format_duration(value)
        return str(value) if value is not None else os.environ.get(name)

    return lookup
