"""Faults: every kind over a real connection, and what they hit."""

from __future__ import annotations

import json
import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from local.ado_simulator import Fault, FaultKind, Organization, Simulator, World
from tests.simulator.client import PATIENCE, Client, Json

PROJECTS = "/dev.azure.com/contoso/_apis/projects"
REPOSITORIES = "/dev.azure.com/contoso/_apis/git/repositories"
USERS = "/vsaex.dev.azure.com/contoso/_apis/userentitlements"


@pytest.mark.parametrize(
    ("kind", "status", "content_type", "type_key"),
    [
        ("sign-in", 203, "text/html", None),
        ("web-page", 200, "text/html", None),
        ("sign-in-redirect", 302, "text/html", None),
        ("redirect", 302, None, None),
        ("unauthorized", 401, None, None),
        ("unauthorized-user", 401, "application/json", "UnauthorizedRequestException"),
        ("access-denied", 403, "application/json", "AccessCheckException"),
        ("not-found", 404, "application/json", "GitRepositoryNotFoundException"),
        ("not-found-plain", 404, "text/plain", None),
        ("not-found-html", 404, "text/html", None),
        ("conflict", 409, "application/json", "ExtensionAlreadyInstalledException"),
        ("blocked", 429, "application/json", "RequestBlockedException"),
        ("trouble", 500, "text/html", None),
        ("stopped", 503, "application/json", "VssServiceException"),
        ("empty", 200, "application/json", None),
        ("empty-list", 200, "application/json", None),
    ],
)
def test_replacing_faults(
    client: Client,
    simulator: Simulator,
    kind: str,
    status: int,
    content_type: str | None,
    type_key: str | None,
) -> None:
    simulator.add_fault(Fault(kind))
    answer = client.get(PROJECTS)
    assert answer.status_code == status
    assert answer.headers.get("content-type", "").startswith(content_type or "")
    if type_key:
        assert json.loads(answer.content.decode("utf-8-sig"))["typeKey"] == type_key


def test_blocked_has_headers_only_when_asked(client: Client, simulator: Simulator) -> None:
    simulator.add_fault(Fault("blocked", times=1))
    simulator.add_fault(Fault("blocked", times=1, retry_after=17))
    simulator.add_fault(Fault("blocked", times=1, retry_after=60, retry_after_date=True))
    assert "retry-after" not in client.get(PROJECTS).headers
    assert client.get(PROJECTS).headers["retry-after"] == "17"
    before = time.time()
    date = parsedate_to_datetime(client.get(PROJECTS).headers["retry-after"])
    # A date tells whole seconds.
    assert before + 59 < date.timestamp() <= time.time() + 60
    assert client.get(PROJECTS).status_code == 200


def test_slow_down_keeps_the_answer(client: Client, simulator: Simulator) -> None:
    regular = client.get(PROJECTS)
    simulator.add_fault(Fault("slow-down", retry_after=3))
    answer = client.get(PROJECTS)
    assert answer.json() == regular.json()
    assert answer.headers["retry-after"] == "3"
    assert float(answer.headers["x-ratelimit-delay"]) > 0
    names = {"x-ratelimit-resource", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}
    assert names <= {name.lower() for name in answer.headers}


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("form", ["text/html", "application/json"])
def test_trouble_comes_as_page_or_json(client: Client, simulator: Simulator, status: int, form: str) -> None:
    simulator.add_fault(Fault("trouble", status=status, content_type=form))
    answer = client.get(PROJECTS)
    assert (answer.status_code, answer.headers["content-type"]) == (status, form)


def test_any_status_body_and_headers(client: Client, simulator: Simulator) -> None:
    simulator.add_fault(Fault("status", status=418, body="short", headers={"X-Odd": "1"}, content_type="a/b"))
    answer = client.get(PROJECTS)
    assert (answer.status_code, answer.text, answer.headers["x-odd"]) == (418, "short", "1")
    simulator.clear_faults()
    simulator.add_fault(Fault("status", status=410, type_key="GoneException"))
    assert client.get(PROJECTS).json()["typeKey"] == "GoneException"


def test_a_redirect_leads_elsewhere(client: Client, simulator: Simulator) -> None:
    simulator.add_fault(Fault("redirect", status=307, location="https://elsewhere.example.com/x"))
    answer = client.get(PROJECTS)
    assert (answer.status_code, answer.headers["location"]) == (307, "https://elsewhere.example.com/x")


@pytest.mark.parametrize("kind", ["reset", "hang", "truncated"])
def test_broken_connections(client: Client, simulator: Simulator, kind: str) -> None:
    simulator.add_fault(Fault(kind, times=1))
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client.get(PROJECTS)
    assert client.get(PROJECTS).status_code == 200
    assert simulator.requests[0].status == (200 if kind == "truncated" else 0)


def test_a_delay_can_outlast_the_caller(client: Client, simulator: Simulator) -> None:
    # For ever, as it were: the simulator's end cuts it short.
    simulator.add_fault(Fault("delay", seconds=PATIENCE, times=1))
    with pytest.raises(requests.Timeout):
        client.get(PROJECTS, timeout=0.05)
    simulator.add_fault(Fault("delay", seconds=0.05, times=1))
    start = time.monotonic()
    assert client.get(PROJECTS).status_code == 200
    assert time.monotonic() - start >= 0.05


def test_malformed_json(client: Client, simulator: Simulator) -> None:
    simulator.add_fault(Fault("malformed"))
    answer = client.get(PROJECTS)
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_a_mutation_of_the_decoded_body(client: Client, simulator: Simulator) -> None:
    def forget_names(document: Json) -> Json:
        for item in document["value"]:
            del item["name"]
        return document

    simulator.add_fault(Fault(FaultKind.MUTATE, mutate=forget_names))
    assert all("name" not in item for item in client.get(PROJECTS).json()["value"])


def test_a_mistake_in_a_fault_is_told(
    client: Client, simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    simulator.add_fault(Fault("mutate", mutate=lambda document: document["nothing"]))
    answer = client.get(PROJECTS)
    assert (answer.status_code, answer.json()["typeKey"]) == (500, "SimulatorException")
    assert "KeyError" in capsys.readouterr().err


def test_shapes_that_no_parser_expects(client: Client, simulator: Simulator) -> None:
    def first(kind: str, path: str = PROJECTS) -> Json:
        simulator.clear_faults()
        simulator.add_fault(Fault(kind))
        return client.get(path).json()["value"][0]

    assert first("wrong-types")["id"] == 12345
    assert "id" not in first("missing-ids")
    assert len(first("huge-names")["name"]) > 100_000
    nested, depth = first("deep-nesting")["unexpected"], 0
    while "deeper" in nested:
        nested, depth = nested["deeper"][0], depth + 1
    assert depth == 400


def test_items_dropped_and_doubled(client: Client, simulator: Simulator) -> None:
    regular = client.get(REPOSITORIES).json()
    simulator.add_fault(Fault("drop-items", times=1))
    simulator.add_fault(Fault("duplicate-items", times=1, after=1))
    dropped = client.get(REPOSITORIES).json()
    assert (dropped["count"], dropped["value"]) == (3, regular["value"][::2])
    doubled = client.get(REPOSITORIES).json()
    assert (doubled["count"], doubled["value"]) == (10, regular["value"] * 2)


def test_tokens_that_never_end(client: Client, simulator: Simulator) -> None:
    simulator.add_fault(Fault("repeat-token", path="projects"))
    assert client.get(PROJECTS, continuationToken="1").headers["x-ms-continuationtoken"] == "1"
    simulator.clear_faults()
    simulator.add_fault(Fault("loop-token"))
    token, seen = "", []
    for _ in range(3):
        answer = client.get(PROJECTS, **({"continuationToken": token} if token else {}))
        token = answer.headers["x-ms-continuationtoken"]
        seen.append(token)
    assert seen == ["1", "0", "1"]
    token = client.get(USERS).json()["continuationToken"]
    again = client.get(USERS, continuationToken=token)
    assert again.status_code == 200
    assert token != again.json()["continuationToken"]


def test_one_page_of_a_listing_fails(client: Client, simulator: Simulator, contoso: Organization) -> None:
    for number in range(4):
        contoso.add_project(f"P{number}")
    simulator.add_fault(Fault("trouble", status=503, page=2, path="projects"))
    assert client.get(PROJECTS, __top="2").status_code == 200
    assert client.get(PROJECTS, __top="2", continuationToken="2").status_code == 503
    assert client.get(PROJECTS, __top="2", continuationToken="4").status_code == 200


def test_a_page_of_entitlements_fails(
    client: Client, simulator: Simulator, world: World, contoso: Organization
) -> None:
    simulator.options.entitlement_page_size = 1
    contoso.add_member(world.add_identity("second"))
    simulator.add_fault(Fault("sign-in", page=2))
    token = client.get(USERS).json()["continuationToken"]
    assert client.get(USERS, continuationToken=token).status_code == 203


@pytest.mark.parametrize(
    "filters",
    [
        {"host": "vsaex.dev.azure.com"},
        {"organization": "fabrikam"},
        {"method": "POST"},
        {"path": "^/contoso/_apis/git"},
        {"path": r"\$top=7"},
        {"token": "another"},
        {"after": 1},
        {"times": 0},
        {"page": 2},
    ],
)
def test_filters_spare_what_does_not_match(
    client: Client, simulator: Simulator, filters: dict[str, Any]
) -> None:
    fault = simulator.add_fault(Fault("blocked", **filters))
    assert client.get(PROJECTS).status_code == 200
    assert fault.fired == 0


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"host": "DEV.azure.com"},
        {"organization": "Contoso"},
        {"method": "get"},
        {"path": "/_apis/PROJECTS"},
        {"path": r"\$top=7"},
        {"times": 1},
        {"page": 1},
    ],
)
def test_filters_hit_what_matches(client: Client, simulator: Simulator, filters: dict[str, Any]) -> None:
    fault = simulator.add_fault(Fault("blocked", **filters))
    assert client.get(PROJECTS, __top="7").status_code == 429
    assert fault.fired == 1


def test_after_and_times_count_matches(client: Client, simulator: Simulator) -> None:
    fault = simulator.add_fault(Fault("blocked", path="projects", after=1, times=2))
    statuses = [client.get(PROJECTS).status_code for _ in range(5)]
    assert statuses == [200, 429, 429, 200, 200]
    assert (fault.seen, fault.fired) == (5, 2)


def test_faults_combine(client: Client, simulator: Simulator) -> None:
    ran: list[int] = []
    simulator.add_fault(Fault("run", action=lambda: ran.append(1)))
    simulator.add_fault(Fault("slow-down"))
    simulator.add_fault(Fault("drop-items"))
    answer = client.get(REPOSITORIES)
    assert (ran, answer.json()["count"], answer.headers["retry-after"]) == ([1], 3, "5")


def test_a_replaced_request_changes_nothing(
    client: Client, simulator: Simulator, contoso: Organization
) -> None:
    contoso.share_extension("p", "e")
    simulator.add_fault(Fault("trouble", method="POST"))
    path = "/extmgmt.dev.azure.com/contoso/_apis/extensionmanagement/installedextensionsbyname/p/e"
    assert client.post(path, version="7.1-preview.1").status_code == 500
    assert contoso.extensions == {}


@pytest.mark.parametrize(
    "fields", [{"kind": "nonsense"}, {"kind": "mutate"}, {"kind": "run"}, {"kind": "status"}]
)
def test_faults_that_make_no_sense_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Fault(**fields)
