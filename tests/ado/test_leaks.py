"""The token shows nowhere: in no log record, no exception, no repr, no stored record."""

from __future__ import annotations

import base64
import logging
import traceback
from typing import Any

import pytest
import structlog

from shared.ado.parse import BrokenJsonError, ShapeError
from shared.model.failure import ServiceError
from tests.ado.bench import CONNECTION, PATIENCE, TOKEN, Bench
from tests.ado.wire_server import HTML, Reply, WireServer, failure, reply

ENCODED = base64.b64encode(f":{TOKEN}".encode()).decode()
ANSWERS = [
    reply(200, CONNECTION),
    reply(203, "<html>", HTML),
    reply(302, b"", None, {"Location": "https://elsewhere.example.com/"}),
    reply(401, b"", None),
    failure(403, "AccessCheckException"),
    failure(429, "RequestBlockedException", {"Retry-After": "60"}),
    reply(500, "<html>", HTML),
    reply(200, b"{"),
    reply(200, {}),
    Reply(b"", "reset"),
    Reply(b"", "hang"),
    Reply(reply(200, CONNECTION).data[:-5], "close"),
]


def shown(error: BaseException) -> str:
    """Everything that a reporter could print of an exception, with the variables of its frames."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    report.stack[:] = [frame for frame in report.stack if "shared" in frame.filename]
    assert report.stack
    return "".join(report.format())


@pytest.mark.parametrize("answer", ANSWERS, ids=range(len(ANSWERS)))
def test_the_token_shows_nowhere(
    server: WireServer, bench: Bench, caplog: pytest.LogCaptureFixture, answer: Reply
) -> None:
    for logger in ("", "urllib3", "requests", "ado_connector", "ado_connector.ado"):
        caplog.set_level(logging.DEBUG, logger)
    server.say(answer)
    ado: Any = bench.connect(timeout=0.2 if answer.then == "hang" else PATIENCE)
    texts = [repr(ado), repr(vars(ado)), repr(ado._client._credential)]
    contexts: list[type] = []
    try:
        ado.connection("contoso")
    except ServiceError as error:
        texts += [str(error), repr(error), repr(error.failure), shown(error)]
        contexts = [type(error.__context__)]
    bench.close()
    texts += [str(vars(record)) for record in caplog.records]
    texts += [caplog.text, repr(bench.store.records)]
    told = "\n".join(texts)
    assert caplog.records
    # An error of requests would carry the request, with its headers.
    assert set(contexts) <= {type(None), ShapeError, BrokenJsonError}
    assert TOKEN not in told
    assert ENCODED not in told


def test_one_event_per_request(server: WireServer, bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    structlog.reset_defaults()
    caplog.set_level(logging.DEBUG, "ado_connector.ado")
    server.say(
        reply(200, {"value": []}, headers={"x-ms-continuationtoken": "tok-1", "ActivityId": "activity-9"}),
        reply(200, {"value": []}),
    )
    assert bench.connect().projects("contoso").complete
    events = [record.getMessage() for record in caplog.records if record.name == "ado_connector.ado"]
    assert len(events) == 2
    for event in events:
        for part in ("ado.request", "dev.azure.com", "contoso", "/{organization}/_apis/projects", "200"):
            assert part in event
        assert "tok-1" not in event
    assert "activity-9" in events[0]
