"""The server underneath: connections that stay open, large answers, many callers at once."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from local.ado_simulator import Fault, Organization, RateLimit, Simulator, World, generate_world
from tests.simulator.client import PATIENCE, Client

PROJECTS = "/dev.azure.com/contoso/_apis/projects"
REPOSITORIES = "/dev.azure.com/contoso/_apis/git/repositories"


def test_a_connection_serves_many_requests(simulator: Simulator, world: World) -> None:
    port = int(simulator.url.rpartition(":")[2])
    request = (
        f"GET {PROJECTS}?api-version=7.1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.token}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(request * 3)
        received = b""
        while received.count(b'"Shop"') < 3:
            received += connection.recv(65536)
    assert received.count(b"HTTP/1.1 200 OK") == 3


def test_a_connection_ends_when_asked(client: Client) -> None:
    answer = client.get(PROJECTS, headers={"Connection": "close"})
    assert answer.headers["connection"] == "close"


def test_a_body_may_come_in_chunks_or_after_a_pause(client: Client, simulator: Simulator) -> None:
    path = f"{simulator.url}/_control/configure"
    answer = requests.post(path, data=iter([b'{"latency"', b": 0.0}"]), timeout=PATIENCE)
    assert answer.status_code == 200
    answer = client.session.post(
        path, data=b'{"latency": 0}', headers={"Expect": "100-continue"}, timeout=PATIENCE
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "noise", [b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"]
)
def test_noise_ends_a_connection_and_nothing_else(client: Client, simulator: Simulator, noise: bytes) -> None:
    port = int(simulator.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(noise)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    assert client.get(PROJECTS).status_code == 200


def test_large_listings_come_in_chunks(client: Client, simulator: Simulator, contoso: Organization) -> None:
    simulator.options.chunk_above = 10_000
    project = contoso.add_project("Big")
    for number in range(1000):
        project.add_repository(f"repository-{number}")
    answer = client.get(REPOSITORIES)
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.json()["count"] == 1005


def test_latency_is_added_to_every_answer(client: Client, simulator: Simulator) -> None:
    simulator.options.latency = 0.05
    start = time.monotonic()
    client.get(PROJECTS)
    assert time.monotonic() - start >= 0.05
    assert simulator.requests[0].duration >= 0.05


def test_callers_at_once_are_served_at_once_and_counted(client: Client, simulator: Simulator) -> None:
    all_there = threading.Barrier(8, timeout=PATIENCE)
    simulator.add_fault(Fault("run", action=all_there.wait))
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: client.get(PROJECTS).status_code, range(8)))
    assert statuses == [200] * 8
    assert simulator.requests.peak("contoso") == 8


def test_changes_while_listing_never_tear_an_answer(
    client: Client, simulator: Simulator, contoso: Organization
) -> None:
    done = threading.Event()

    def change() -> None:
        while not done.is_set():
            project = contoso.add_project("Passing")
            project.add_repository("r").rename("s")
            project.destroy()

    changer = threading.Thread(target=change)
    changer.start()
    try:
        for _ in range(100):
            answer = client.get(REPOSITORIES).json()
            assert answer["count"] == len(answer["value"]) >= 5
    finally:
        done.set()
        changer.join()
    assert simulator.requests.count(status=200) == 100


def test_a_budget_warns_then_slows_then_refuses(client: Client, simulator: Simulator) -> None:
    simulator.set_rate_limit(RateLimit(requests=10, window=3600, blocked_at=1.2))
    answers = [client.get(PROJECTS) for _ in range(13)]
    assert [answer.status_code for answer in answers] == [200] * 12 + [429]
    assert "x-ratelimit-remaining" not in answers[7].headers
    assert answers[8].headers["x-ratelimit-remaining"] == "1"
    assert "retry-after" not in answers[9].headers
    assert 3500 <= int(answers[10].headers["retry-after"]) <= 3600
    assert answers[12].json()["typeKey"] == "RequestBlockedException"
    assert int(answers[12].headers["retry-after"]) > 0
    assert simulator.throttle.ignored == 2
    simulator.set_rate_limit(None)
    assert client.get(PROJECTS).status_code == 200


def test_a_budget_is_one_of_organization_and_identity(
    client: Client, simulator: Simulator, world: World
) -> None:
    world.add_organization("fabrikam")
    client.control("set_rate_limit", requests=1, window=60, blocked_at=1, organization="Contoso")
    assert [client.get(PROJECTS).status_code for _ in range(2)] == [200, 429]
    fabrikam = PROJECTS.replace("contoso", "fabrikam")
    assert [client.get(fabrikam).status_code for _ in range(2)] == [200, 200]
    other = world.add_identity("other")
    world.organization("contoso").add_member(other)
    client.token = other.token
    assert client.get(PROJECTS).status_code == 200
    client.control("set_rate_limit")
    assert simulator.throttle.limit is None


def test_a_large_organization_is_served_in_moments() -> None:
    world = generate_world(1, 1, 1000, 10, exact=True, posture=False)
    with Simulator(world) as simulator:
        client = Client(simulator, world.token)
        with client.session:
            # What it works for it, on whatever thread; not what the machine does meanwhile.
            start = time.process_time()
            answer = client.get(REPOSITORIES)
            assert answer.json()["count"] == 10_000
            assert time.process_time() - start < 20


def test_stopping_ends_open_connections(world: World) -> None:
    simulator = Simulator(world).start()
    client = Client(simulator, world.token)
    with client.session:
        assert client.get(PROJECTS).status_code == 200
        simulator.stop()
        with pytest.raises(requests.ConnectionError):
            client.get(PROJECTS)


def test_stopping_ends_connections_that_nobody_has_read_from_yet(world: World) -> None:
    simulator = Simulator(world).start()
    port = int(simulator.url.rpartition(":")[2])
    with contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
            for _ in range(50)
        ]
        simulator.stop()
        for connection in connections:
            # One that was not even accepted is reset.
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(1) == b""
