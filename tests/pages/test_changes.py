"""Changes from pages: made by whoever may, journalled, and by nobody else."""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from handlers.change_from_page import change_from_page
from handlers.onboard_organization import remove_organization
from shared.model.exemption import Exemption
from shared.model.journal import JournalEvent
from shared.model.organization import OnboardingState
from shared.model.viewer import Grant
from shared.model.web import WebRequest
from shared.wiring.principals import PlatformViewers
from shared.wiring.runtime import build_runtime
from shared.wiring.settings import Settings
from tests.pages.test_pages import is_whole, principal
from tests.pages.visit import Visited, visit_as
from tests.views.bench import (
    CONTOSO,
    FABRIKAM,
    MAIN,
    NOW,
    PATIENCE,
    TOKEN,
    Bench,
    Still,
    fill,
    opened,
    project_id,
    repository_id,
)

TEXT = "x" * 43
COOKIE = {"Cookie": f"ado-connector-form={TEXT}"}
ALL = principal("ConnectorContributor", name="Ana")
OF_PROJECT = principal(f"ConnectorContributor/organizations/{CONTOSO}/projects/{project_id(1)}", name="Ben")
READER = principal("SecurityReader", name="Cleo")
EXEMPT = {
    "change": "exempt",
    "organization": CONTOSO,
    "kind": "repository",
    "resource": repository_id(1),
    "rule": "ADO-REPO-001",
    "reason": "It is archived.",
    "as": "waiver",
    "days": "30",
}
ONBOARD = {"change": "onboard", "organization": CONTOSO, "connector": MAIN}
REMOVE = {"change": "remove", "organization": CONTOSO, "connector": MAIN}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """The app, whose host is not running: it would take messages out of the queues."""
    runtime = build_runtime(
        Settings(state_url=f"sqlite:///{tmp_path}/state.db", queue_url=f"sqlite:///{tmp_path}/queue.db"),
        clock=Still(),
        viewers=PlatformViewers(),
    )
    made = Bench(runtime)
    fill(made)
    made.settle()
    yield made
    runtime.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Bench]:
    with opened(tmp_path, PlatformViewers()) as bench:
        fill(bench)
        bench.settle()
        yield bench


def body_of(fields: Mapping[str, str], form: str = TEXT) -> bytes:
    return urlencode({**({"form": form} if form else {}), **fields}).encode()


def send(bench: Bench, fields: Mapping[str, str], headers: Mapping[str, str], form: str = TEXT) -> Visited:
    """What the handler answers to a form that comes with these headers."""
    told = {"host": "app.example", **{name.lower(): value for name, value in headers.items()}}
    runtime = bench.runtime
    reply = change_from_page(
        WebRequest("POST", "https://app.example/changes", told, body_of(fields, form)),
        runtime.dependencies,
        runtime.viewers,
        runtime.sheets,
        remove_organization,
        runtime.settings.longest_exemption,
    )
    return Visited(reply.status, reply.body, dict(reply.headers))


def send_over_http(bench: Bench, fields: Mapping[str, str], headers: Mapping[str, str]) -> Visited:
    body = body_of(fields)
    parts = urlsplit(bench.host.http_url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=PATIENCE)
    try:
        connection.putrequest("POST", "/changes", skip_host="Host" in headers)
        sent = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Content-Length": str(len(body)),
            **headers,
        }
        for name, value in sent.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        return Visited(response.status, response.read(), dict(response.getheaders()))
    finally:
        connection.close()


def exemptions(bench: Bench) -> tuple[Exemption, ...]:
    return bench.state.exemptions()


def is_untouched(bench: Bench) -> bool:
    """Nothing was changed, journalled or sent."""
    (enrolled,) = bench.state.enrollments(connector=MAIN, organization=CONTOSO)
    told = [one for one in bench.state.journal(limit=1_000) if one.requested_by]
    return (
        not exemptions(bench)
        and enrolled.state is OnboardingState.ONBOARDED
        and not told
        and not bench.runtime.queue.receive("onboarding")
    )


def test_a_finding_is_exempted_and_the_exemption_ended(served: Bench) -> None:
    bench, send = served, send_over_http
    page = f"/security/organizations/{CONTOSO}/projects/{project_id(1)}/repositories/{repository_id(1)}"
    sent = send(bench, {**EXEMPT, "back": f"{page}?page=1"}, {**ALL, **COOKIE})
    assert sent.status == 303, sent.text
    back = urlsplit(sent.headers["Location"])
    assert (back.scheme, back.netloc, back.path) == ("", "", page)
    assert "exempted" in parse_qs(back.query)["done"][0]
    (one,) = exemptions(bench)
    assert (one.by, one.reason, one.kind.value) == ("Ana", "It is archived.", "waiver")
    assert (one.expires_at - NOW).days == 30
    assert (one.target.organization, one.target.resource) == (CONTOSO, repository_id(1))
    (told,) = bench.state.journal(event=JournalEvent.EXEMPTION_ADDED)
    assert (told.requested_by, told.reason) == ("Ana", "It is archived.")
    shown = visit_as(bench, sent.headers["Location"], {**ALL, **COOKIE})
    is_whole(shown)
    words = " ".join(shown.read.words)
    assert "exempted" in words
    assert "End the exemption" in words
    again = send(bench, {**EXEMPT, "days": "90"}, {**ALL, **COOKIE})
    assert again.status == 303
    (changed,) = exemptions(bench)
    assert (changed.id, changed.created_at) == (one.id, one.created_at)
    end = {**EXEMPT, "change": "endExemption", "exemption": one.id}
    assert send(bench, end, {**ALL, **COOKIE}).status == 303
    assert exemptions(bench) == ()
    assert send(bench, end, {**ALL, **COOKIE}).status == 404


def test_an_organization_is_refreshed_now(bench: Bench) -> None:
    assert send(bench, ONBOARD, {**ALL, **COOKIE}).status == 303
    (received,) = bench.runtime.queue.receive("onboarding")
    assert b'"requestedBy":"Ana"' in received.body.replace(b" ", b"")


def test_an_organization_is_removed(bench: Bench) -> None:
    assert send(bench, REMOVE, {**ALL, **COOKIE}).status == 303
    (enrolled,) = bench.state.enrollments(connector=MAIN, organization=CONTOSO)
    assert (enrolled.state, enrolled.removed_by) == (OnboardingState.NOT_ONBOARDED, "Ana")
    assert any(one.requested_by == "Ana" for one in bench.state.journal(limit=100))
    assert list(bench.state.repositories(CONTOSO))


@pytest.mark.parametrize("fields", [EXEMPT, ONBOARD, REMOVE], ids=lambda one: str(one["change"]))
@pytest.mark.parametrize(
    ("headers", "form"),
    [
        (ALL, TEXT),
        ({**ALL, **COOKIE}, ""),
        ({**ALL, **COOKIE}, "y" * 43),
        ({**ALL, "Cookie": "ado-connector-form="}, ""),
        ({**ALL, "Cookie": "ado-connector-form=short"}, "short"),
        ({**ALL, **COOKIE, "Origin": "https://evil.example"}, TEXT),
        ({**ALL, **COOKIE, "Origin": "null"}, TEXT),
        ({**ALL, **COOKIE, "Sec-Fetch-Site": "cross-site"}, TEXT),
        ({**ALL, **COOKIE, "Sec-Fetch-Site": "same-site"}, TEXT),
    ],
    ids=[
        "no cookie", "no text", "another text", "empty", "a text that is none of ours", "a foreign origin",
        "an origin that is hidden", "another site", "a neighbour",
    ],
)  # fmt: skip
def test_a_form_that_is_none_of_ours_changes_nothing(
    bench: Bench, fields: Mapping[str, str], headers: Mapping[str, str], form: str
) -> None:
    assert send(bench, fields, headers, form).status == 403
    assert is_untouched(bench)


@pytest.mark.parametrize(
    ("who", "fields", "status"),
    [
        (READER, EXEMPT, 404),
        (READER, ONBOARD, 404),
        (READER, REMOVE, 404),
        (OF_PROJECT, ONBOARD, 404),
        (OF_PROJECT, REMOVE, 404),
        (OF_PROJECT, {**EXEMPT, "resource": repository_id(5)}, 404),
        (OF_PROJECT, {**EXEMPT, "organization": FABRIKAM}, 404),
        (principal("Nothing"), EXEMPT, 404),
        ({}, EXEMPT, 401),
    ],
)
def test_who_may_not_change_it_changes_nothing(
    bench: Bench, who: Mapping[str, str], fields: Mapping[str, str], status: int
) -> None:
    assert send(bench, fields, {**who, **COOKIE}).status == status
    assert is_untouched(bench)


def test_who_may_change_one_project_changes_what_is_in_it(bench: Bench) -> None:
    assert send(bench, EXEMPT, {**OF_PROJECT, **COOKIE}).status == 303
    (one,) = exemptions(bench)
    assert one.by == "Ben"


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"reason": "  "}, 400, "reason: is missing."),
        ({"reason": "x" * 2_001}, 400, "reason: is longer than 2000 characters."),
        ({"days": "31"}, 400, "days: is not one of the choices."),
        ({"rule": "ADO-REPO-999"}, 404, "you may not change it"),
        ({"resource": repository_id(2)}, 409, "not unhealthy any more"),
        ({"change": "nothing"}, 400, "change: is none of"),
        ({"resource": "<script>"}, 404, "you may not change it"),
    ],
)
def test_what_cannot_be_done_is_told(bench: Bench, change: Mapping[str, str], status: int, told: str) -> None:
    refused = send(bench, {**EXEMPT, **change}, {**ALL, **COOKIE})
    assert refused.status == status
    assert told in " ".join(refused.read.words)
    assert is_untouched(bench)


@pytest.mark.parametrize(
    "back",
    [
        "https://evil.example/security/",
        "//evil.example",
        "/elsewhere",
        "javascript:alert(1)",
        "/security\r\nX: y",
        "/securityé",
    ],
)
def test_the_way_back_is_a_page_of_ours(bench: Bench, back: str) -> None:
    sent = send(bench, {**EXEMPT, "back": back}, {**ALL, **COOKIE})
    assert sent.status == 303
    assert sent.headers["Location"].startswith("/security?done=") or sent.headers["Location"].startswith(
        "/securityX"
    )
    assert "X" not in sent.headers


def test_forms_are_shown_to_those_who_may_send_them(served: Bench) -> None:
    bench = served
    page = f"/security/organizations/{CONTOSO}"
    for who, shown in ((ALL, True), (READER, False), (OF_PROJECT, False)):
        told = visit_as(bench, page, {**who, **COOKIE})
        assert ("Refresh now" in told.text) is shown
        is_whole_or_form(told)
    inside = f"{page}/projects/{project_id(1)}/repositories/{repository_id(1)}"
    assert 'value="exempt"' in visit_as(bench, inside, {**OF_PROJECT, **COOKIE}).text
    assert 'value="exempt"' not in visit_as(bench, inside, {**READER, **COOKIE}).text


def is_whole_or_form(page: Visited) -> None:
    """Forms lead to changes, everything else is as on any page."""
    assert {one for one in page.read.links if one == "/changes"} <= {"/changes"}
    assert not page.read.scripts


def test_a_page_brings_the_cookie_that_its_forms_need(served: Bench) -> None:
    bench = served
    first = visit_as(bench, "/security", ALL)
    told = {one.strip() for one in first.headers["Set-Cookie"].split(";")}
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= told
    assert "Set-Cookie" not in visit_as(bench, "/security", {**ALL, **COOKIE}).headers


def test_the_person_at_the_workstation_may_change(tmp_path: Path) -> None:
    with opened(tmp_path) as bench:
        fill(bench)
        bench.settle()
        headers = {"Authorization": f"Bearer {TOKEN}", **COOKIE}
        assert send_over_http(bench, EXEMPT, headers).status == 303
        (one,) = exemptions(bench)
        assert one.by == "local"
        assert send_over_http(bench, EXEMPT, {**headers, "Host": "evil.example"}).status == 403
        assert Grant(may_change=True).is_all
