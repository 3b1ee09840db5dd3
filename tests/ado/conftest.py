"""A scripted server and a bench on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.ports import AzureDevOps
from tests.ado.bench import Bench
from tests.ado.wire_server import WireServer


@pytest.fixture
def server() -> Iterator[WireServer]:
    server = WireServer()
    yield server
    server.close()


@pytest.fixture
def bench(server: WireServer) -> Iterator[Bench]:
    bench = Bench(server.url)
    yield bench
    bench.close()


@pytest.fixture
def ado(bench: Bench) -> AzureDevOps:
    return bench.connect()
