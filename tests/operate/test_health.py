"""The health endpoint: what everybody is told, what those who may look are told, and what it costs."""

from __future__ import annotations

import json
from typing import Any

import pytest

import function_app
from handlers.read_health import KEPT_FOR, Kept, read_health
from local.ado_simulator import World
from shared import wiring
from shared.model.web import WebReply, WebRequest
from shared.wiring.principals import LocalViewers
from tests.operate.conftest import MakeWatched, Watched

URL = "http://127.0.0.1:7071/api/health"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a process that has just started."""
    monkeypatch.setattr(function_app, "_HEALTH", Kept())


def ask(watched: Watched | None = None, *, known: bool = False) -> tuple[int, dict[str, Any]]:
    headers = {"host": "127.0.0.1:7071"}
    if known and watched is not None:
        viewers = watched.bench.runtime.viewers
        assert isinstance(viewers, LocalViewers)
        headers["authorization"] = f"Bearer {viewers.token}"
    reply: WebReply = read_health(WebRequest("GET", URL, headers), function_app._means, function_app._HEALTH)
    assert reply.headers["Cache-Control"] == "no-store"
    return reply.status, json.loads(reply.body)


def test_everybody_is_told_one_word(make_watched: MakeWatched, world: World) -> None:
    watched = make_watched()
    watched.bench.connect(name="the-secret-name")
    watched.bench.run(minutes=1)
    before = watched.bench.simulator.requests
    assert ask() == (200, {"status": "healthy"})
    watched.bench.clock.advance(days=1)
    assert ask() == (503, {"status": "degraded"})
    assert watched.bench.simulator.requests == before
    assert world.organizations[0].name not in str(ask())


def test_whoever_may_look_is_told_what_is_wrong(make_watched: MakeWatched) -> None:
    watched = make_watched()
    watched.bench.connect(name="northwind")
    watched.bench.run(minutes=1)
    status, told = ask(watched, known=True)
    assert (status, told["status"], told["problems"]) == (200, "healthy", [])
    watched.bench.clock.advance(days=1)
    status, told = ask(watched, known=True)
    assert (status, told["status"]) == (503, "degraded")
    assert "timers: the organizations of connector northwind were looked for 24.0 h ago." in told["problems"]
    assert any("work of kind inventory" in one for one in told["problems"])


@pytest.mark.parametrize("part", ["queue", "state"])
def test_a_state_or_a_queue_that_is_away_is_degraded(make_watched: MakeWatched, part: str) -> None:
    watched = make_watched()
    getattr(watched.bench.runtime, part).close()
    status, told = ask(watched, known=True)
    assert status == 503
    assert [one.partition(":")[0] for one in told["problems"]] == [part.replace("queue", "queues")]


def test_an_app_that_cannot_start_is_degraded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_URL", "nowhere://at/all")
    wiring.use(None)
    assert ask() == (503, {"status": "degraded"})


def test_an_answer_is_kept_for_a_while(make_watched: MakeWatched) -> None:
    watched = make_watched()
    watched.bench.connect()
    watched.bench.run(minutes=1)
    assert ask()[0] == 200
    for work in watched.bench.state.work():
        watched.bench.state.bring_forward(work.organization, work.kind, work.due_at - KEPT_FOR * 1000)
    watched.bench.clock.advance(seconds=KEPT_FOR.total_seconds() - 1)
    assert ask()[0] == 200
    watched.bench.clock.advance(seconds=1)
    assert ask()[0] == 503
