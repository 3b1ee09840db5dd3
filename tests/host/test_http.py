"""HTTP triggers on the local host: what is served, what is refused at the start, and how it ends."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import azure.functions as func
import pytest

from local.host import EventKind, Host, IndexingError
from local.host.functions import HttpFunction, read_functions
from local.host.http_server import AT_ONCE, HttpServer
from tests.host.bench import HOST_JSON, PATIENCE, MovedClock, Told, make_runtime


def app_of(call: Any, **options: Any) -> func.FunctionApp:
    app = func.FunctionApp()
    told = {"methods": ["POST"], "auth_level": func.AuthLevel.ANONYMOUS, **options}

    @app.route("things", trigger_arg_name="request", **told)
    def take(request: func.HttpRequest) -> func.HttpResponse:
        answer: func.HttpResponse = call(request)
        return answer

    return app


def echo(request: func.HttpRequest) -> func.HttpResponse:
    told = {"body": request.get_body().decode(), "query": dict(request.params), "method": request.method}
    return func.HttpResponse(json.dumps(told), status_code=201, headers={"X-Told": "yes"})


def ask(url: str, path: str = "/api/things?a=1", body: bytes = b"hello") -> tuple[int, str, dict[str, str]]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=PATIENCE)
    try:
        connection.request("POST", path, body)
        response = connection.getresponse()
        return response.status, response.read().decode(), dict(response.getheaders())
    finally:
        connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "host.json").write_text(HOST_JSON, encoding="utf-8")
    return tmp_path


def host_of(folder: Path, app: func.FunctionApp, told: Told, port: int | None = 0) -> Host:
    runtime = make_runtime(folder, MovedClock())
    return Host(app, runtime, host_json=folder / "host.json", on_event=told, http_port=port)


def test_a_function_is_served_while_the_host_runs(folder: Path) -> None:
    told, answers = Told(), list[tuple[int, str, dict[str, str]]]()
    host = host_of(folder, app_of(echo), told)

    def until() -> bool:
        if not answers:
            answers.append(ask(host.http_url))
        return True

    host.run(until=until)
    ((status, body, headers),) = answers
    assert (status, headers["X-Told"]) == (201, "yes")
    assert json.loads(body) == {"body": "hello", "query": {"a": "1"}, "method": "POST"}
    assert [one.kind for one in told.events] == [EventKind.STARTED, EventKind.FINISHED]
    assert host.http_url == ""


def test_without_a_port_nothing_is_served(folder: Path) -> None:
    host = host_of(folder, app_of(echo), Told(), port=None)
    served: set[str] = set()

    def until() -> bool:
        served.add(host.http_url)
        return True

    host.run(until=until)
    assert served == {""}


def test_a_port_that_is_taken_is_told_and_all_else_goes_on(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        host_of(folder, app_of(echo), Told(), port=other.getsockname()[1]).run(until=lambda: True)
    assert "http.notServed" in caplog.text
    assert "HTTP_PORT" in caplog.text


def test_a_function_that_fails_is_an_error_of_the_server(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: func.HttpRequest) -> func.HttpResponse:
        raise ValueError("the secret cause")

    answers: list[tuple[int, str, dict[str, str]]] = []
    host = host_of(folder, app_of(fail), Told())

    def until() -> bool:
        answers.append(ask(host.http_url))
        return True

    host.run(until=until)
    assert answers[0][0] == 500
    assert "secret" not in answers[0][1]
    assert "the secret cause" in caplog.text


def test_what_is_in_hand_is_finished() -> None:
    (function,) = read_functions(app_of(echo), lambda _: None)
    assert isinstance(function, HttpFunction)
    begun, go_on = threading.Event(), threading.Event()
    answers: list[tuple[int, str, dict[str, str]]] = []

    def slow(_: HttpFunction, request: func.HttpRequest) -> func.HttpResponse:
        begun.set()
        assert go_on.wait(PATIENCE)
        return echo(request)

    server = HttpServer(0, [function], slow, grace=PATIENCE)
    with server:
        sender = threading.Thread(target=lambda: answers.append(ask(server.url, "/things")))
        sender.start()
        assert begun.wait(PATIENCE)
        threading.Timer(0.05, go_on.set).start()
    sender.join(PATIENCE)
    assert [status for status, _, _ in answers] == [201]


def test_what_waits_for_a_place_is_not_begun_when_all_is_over() -> None:
    """What it needs is closed by then."""
    (function,) = read_functions(app_of(echo), lambda _: None)
    assert isinstance(function, HttpFunction)
    begun, go_on = threading.Semaphore(0), threading.Event()

    def slow(_: HttpFunction, request: func.HttpRequest) -> func.HttpResponse:
        begun.release()
        assert go_on.wait(PATIENCE)
        return echo(request)

    with ExitStack() as clients:
        server = HttpServer(0, [function], slow, grace=0.05)
        with server:
            address = (str(urlsplit(server.url).hostname), urlsplit(server.url).port)
            for _ in range(AT_ONCE + 1):
                client = clients.enter_context(socket.create_connection(address, PATIENCE))
                client.sendall(b"POST /things HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n")
            for _ in range(AT_ONCE):
                assert begun.acquire(timeout=PATIENCE)
        go_on.set()
        with server._server._changed:
            assert server._server._changed.wait_for(lambda: not server._server._open, PATIENCE)
    assert not begun.acquire(blocking=False)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            {"auth_level": func.AuthLevel.FUNCTION},
            "take: binding request, authLevel: this host knows anonymous",
        ),
        ({"auth_level": func.AuthLevel.ADMIN}, "take: binding request, authLevel"),
    ],
)
def test_what_azure_would_keep_closed_is_not_opened(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(IndexingError, match=problem):
        read_functions(app_of(echo, **options), lambda _: None)


def test_routes_with_parts_that_vary_are_refused() -> None:
    app = func.FunctionApp()

    @app.route("things/{id}", auth_level=func.AuthLevel.ANONYMOUS)
    def take(req: func.HttpRequest) -> func.HttpResponse:
        return echo(req)

    with pytest.raises(IndexingError, match="take: binding req, route: this host knows fixed routes"):
        read_functions(app, lambda _: None)
