"""Pages over HTTP: whole, safe, of what the viewer may see, and the same as files and lists."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared.model.assessment import Resource, ResourceKind
from shared.model.command import OnboardOrganization
from shared.model.connector import AuthorizationState, AuthorizationStatus
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.mapping import (
    Confidence,
    Edge,
    EdgeKind,
    GraphFacts,
    Node,
    Source,
    cloud_resource_node,
    image_node,
    repository_node,
    run_node,
    tag_node,
)
from shared.model.organization import OnboardingState
from shared.wiring.principals import LocalViewers, NoViewers, PlatformViewers
from tests.pages.visit import KNOWN, Visited, everything, visit, visit_as
from tests.views.bench import (
    CONTOSO,
    ELSEWHERE,
    FABRIKAM,
    MAIN,
    NOW,
    OTHER,
    REPOSITORY_RULE,
    TOKEN,
    Bench,
    fill,
    of_repository,
    opened,
    project,
    project_id,
    repository,
    repository_id,
)

PAGES = (
    "/security",
    "/security?view=table",
    "/security?view=table&sort=-findings",
    "/security?severity=high&text=web",
    "/security/recommendations",
    "/security/recommendations?view=resources",
    "/security/recommendations?view=all&status=open",
    "/security/recommendations?view=all&status=exempted",
    "/security/recommendations/ADO-REPO-001",
    "/security/recommendations/ADO-REPO-001?status=all",
    f"/security/organizations/{CONTOSO}",
    f"/security/organizations/{CONTOSO}?show=all",
    "/security/connectors",
)
HOSTILE = (
    "<script>alert(1)</script>",
    "\u202egnp.exe",
    "javascript:alert(1)",
    "x" * 400,
    "a\"b'c&d",
    "100% of #1?",
    "half \ud800 pair",
    "new\nline",
    "..%2f..",
    "=HYPERLINK(1)",
    "{{ 7 * 7 }}{% x %}",
    "</title></svg><img src=x onerror=alert(1)>",
)


def is_whole(page: Visited) -> None:
    """A page of ours, with nothing in it that somebody else wrote."""
    read = page.read
    assert read.tags <= KNOWN, read.tags - KNOWN
    assert not read.scripts
    assert not [one for one in read.attributes if one.startswith("on") or one == "style"]
    for link in read.links:
        assert link.startswith(("/security", "https://", "#main", "data:,")) or link == "/changes", link
    assert "\u202e" not in page.text
    assert "None" not in page.text
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("target", PAGES)
def test_every_page_is_whole(furnished: Bench, target: str) -> None:
    page = visit(furnished, target)
    assert page.status == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    is_whole(page)


@pytest.mark.parametrize("target", PAGES)
def test_an_app_that_knows_nothing_yet_says_what_to_do(empty: Bench, target: str) -> None:
    page = visit(empty, target)
    assert page.status == (404 if "organizations" in target else 200)
    is_whole(page)
    if target == "/security":
        assert "ado-connector connector create" in page.text


def test_every_link_leads_somewhere(furnished: Bench) -> None:
    found = everything(furnished, {"Authorization": f"Bearer {TOKEN}"}, most=250)
    assert len(found) == 250
    for target, page in found.items():
        assert page.status == 200, target
        if page.headers["Content-Type"].startswith("text/html"):
            is_whole(page)


def test_hostile_names_are_texts_everywhere(empty: Bench) -> None:
    empty.connect(MAIN, "<b>main</b>")
    empty.enroll(MAIN, CONTOSO, "<i>contoso</i>")
    projects = [project(number, name) for number, name in enumerate(HOSTILE, start=1)]
    repositories = [
        repository(number, number, name, default_branch=f"refs/heads/{name}")
        for number, name in enumerate(HOSTILE, start=1)
    ]
    empty.add(CONTOSO, projects, repositories)
    for owner, one in zip(projects, repositories, strict=True):
        connection = Resource(ResourceKind.SERVICE_CONNECTION, f"{owner.id}/c", owner.name, owner.id)
        empty.assess(
            CONTOSO,
            owner,
            (of_repository(one), REPOSITORY_RULE, "unhealthy"),
            (connection, REPOSITORY_RULE, "unknown"),
        )
    empty.state.append_journal(
        [
            JournalEntry(
                NOW,
                JournalEvent.REPOSITORY_RENAMED,
                organization=CONTOSO,
                subject=repository_id(1),
                subject_name=HOSTILE[0],
                before=HOSTILE[1],
                after=HOSTILE[11],
                reason=HOSTILE[4],
            )
        ]
    )
    opening = f"/security?open={CONTOSO},{','.join(one.id for one in projects)}"
    pages = everything(empty, {"Authorization": f"Bearer {TOKEN}"}, most=150)
    pages[opening] = visit(empty, opening)
    for target, page in pages.items():
        assert page.status == 200, target
        if page.headers["Content-Type"].startswith("text/html"):
            is_whole(page)
    whole = pages[opening].read
    told = " ".join(whole.words)
    for name in ("<script>alert(1)</script>", "javascript:alert(1)", "{{ 7 * 7 }}{% x %}", "x" * 400):
        assert name in told
    assert "\\u202egnp.exe" in told
    for name in ("inventory", "recommendations"):
        for row in csv.DictReader(
            io.StringIO(visit(empty, f"/security/{name}.csv").body.decode("utf-8-sig"))
        ):
            assert not [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
            assert not [cell for cell in row.values() if "\n" in cell or "\u202e" in cell]
    found = visit(empty, "/security?view=table&text=%3Cscript%3Ealert(1)%3C/script%3E%22%27")
    is_whole(found)


# --- what is shown ----------------------------------------------------------------------------------------


def rows_of(bench: Bench, target: str) -> list[dict[str, str]]:
    file = visit(bench, target)
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert file.headers["Content-Disposition"].startswith('attachment; filename="')
    return list(csv.DictReader(io.StringIO(file.body.decode("utf-8-sig"))))


@pytest.mark.parametrize(
    "wanted", ["", "organization=contoso", "kind=repository&state=active", "severity=low"]
)
def test_the_table_shows_the_rows_of_the_file(furnished: Bench, wanted: str) -> None:
    rows = rows_of(furnished, f"/security/inventory.csv?{wanted}")
    page = visit(furnished, f"/security?view=table&{wanted}")
    links = [one for one in page.read.links if "/projects/" in one]
    shown = [one.rpartition("/")[2] for one in links]
    assert shown == [row["id"] for row in rows if row["projectId"]]
    assert f">{len(rows)} row" in page.text


def test_programs_get_the_rows_as_json_page_by_page(furnished: Bench) -> None:
    for name in ("inventory", "recommendations"):
        rows = rows_of(furnished, f"/security/{name}.csv?organization=contoso")
        told: list[dict[str, object]] = []
        target = f"/security/{name}.json?organization=contoso"
        while target:
            page = visit(furnished, target)
            assert page.headers["Content-Type"] == "application/json"
            document = json.loads(page.body)
            told += document["value"]
            target = document.get("nextLink", "")
        key = "id" if name == "inventory" else "resourceId"
        assert [one[key] for one in told] == [one[key] for one in rows]
        assert list(told[0]) == list(rows[0])


def test_recommendations_show_the_rows_of_the_file(furnished: Bench) -> None:
    rows = rows_of(furnished, "/security/recommendations.csv?status=open&severity=high")
    page = visit(furnished, "/security/recommendations?view=all&status=open&severity=high")
    assert f">{len(rows)} row" in page.text
    assert {row["status"] for row in rows} == {"unhealthy"}
    assert {row["severity"] for row in rows} == {"high"}
    assert {row["exempted"] for row in rows} == {"false"}


def test_what_is_missing_stale_and_never_assessed_is_told_apart(empty: Bench) -> None:
    fill(empty)
    page = visit(empty, f"/security?open={CONTOSO},{project_id(1)}")
    words = " ".join(page.read.words)
    assert "missing" in words
    assert "left" in words
    assert "buried" not in words, "it is deleted"
    assert "not onboarded" in words
    assert "because" in words, "why it is not onboarded"
    whole = " ".join(visit(empty, f"/security/organizations/{CONTOSO}/projects/{project_id(1)}").read.words)
    assert "never assessed" in whole
    inside = f"/security/organizations/{CONTOSO}/projects/{project_id(1)}/repositories/{repository_id(1)}"
    assert "is unhealthy" in " ".join(visit(empty, inside).read.words)


def test_what_ails_a_connector_is_told_on_every_page(empty: Bench) -> None:
    ended = AuthorizationState(
        AuthorizationStatus.ENDED, NOW, NOW, "SignInEnded", "The sign-in ended.", "Sign in."
    )
    empty.connect(MAIN, "main", authorization=ended)
    empty.enroll(MAIN, CONTOSO, "contoso")
    for target in (
        "/security",
        "/security/recommendations",
        "/security/connectors",
        f"/security/organizations/{CONTOSO}",
    ):
        page = visit(empty, target)
        assert 'role="alert"' in page.text
        assert "The sign-in ended. Sign in." in page.text


def test_a_repository_shows_the_images_that_were_built_from_it(empty: Bench) -> None:
    fill(empty)
    code, run = repository_node(repository_id(1)), run_node(CONTOSO, 7)
    image, other = image_node(f"sha256:{'a' * 64}"), image_node(f"sha256:{'b' * 64}")
    tag, place = (
        tag_node("contoso.azurecr.io", "shop", "v1"),
        cloud_resource_node("/subscriptions/1/aks/shop"),
    )
    away = cloud_resource_node("/subscriptions/1/aks/old")
    said = (Source.REPORT, Confidence.CLAIMED, NOW)
    empty.runtime.state.record_mappings(
        GraphFacts(
            nodes=(
                Node(run, NOW, "20260301.7", {"number": "20260301.7"}),
                Node(tag, NOW, "contoso.azurecr.io/shop:v1"),
                Node(place, NOW, "aks-<b>shop</b>"),
            ),
            edges=(
                Edge(run, EdgeKind.CHECKED_OUT, code, *said, detail="c0ffee" * 6),
                Edge(image, EdgeKind.BUILT_BY, run, *said),
                Edge(tag, EdgeKind.NAMES, image, *said),
                Edge(place, EdgeKind.RUNS, image, *said),
                Edge(away, EdgeKind.RUNS, image, *said, ended_at=NOW),
                Edge(other, EdgeKind.BUILT_FROM, code, *said, detail="deadbeef"),
            ),
        )
    )
    there = f"/security/organizations/{CONTOSO}/projects/{project_id(1)}/repositories"
    page = visit(empty, f"{there}/{repository_id(1)}")
    is_whole(page)
    words = " ".join(page.read.words)
    for told in ("contoso.azurecr.io/shop:v1", "c0ffeec0ffee", "20260301.7", "aks-<b>shop</b>", "deadbeef"):
        assert told in words
    assert "aks/old" not in words
    assert "No image is known." in visit(empty, f"{there}/{repository_id(2)}").text


def test_how_full_queues_are_is_told_to_those_who_see_everything(in_azure: Bench) -> None:
    # For later: the host of the test would take it at once.
    later = NOW + timedelta(days=1)
    in_azure.runtime.queue.send(OnboardOrganization("contoso", "ana"), not_before=later)
    whole = visit_as(in_azure, "/security/connectors", principal("SecurityReader"))
    is_whole(whole)
    words = " ".join(whole.read.words).split()
    place = words.index("onboarding")
    assert words[place + 1 : place + 5] == ["0", "1", "0", "0"]
    part = visit_as(in_azure, "/security/connectors", principal(f"SecurityReader/connectors/{MAIN}"))
    assert "Queues" not in part.text


def test_a_page_on_which_nothing_changed_is_not_sent_again(empty: Bench) -> None:
    fill(empty)
    empty.settle()
    first = visit(empty, "/security")
    headers = {"Authorization": f"Bearer {TOKEN}", "If-None-Match": first.headers["ETag"]}
    again = visit_as(empty, "/security", headers)
    assert (again.status, again.body) == (304, b"")
    empty.add(CONTOSO, [project(77, "Brand New")], [])
    empty.settle()
    changed = visit_as(empty, "/security", headers)
    assert changed.status == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


@pytest.mark.parametrize(
    "target",
    [
        "/security/nothing",
        "/security/organizations/nobody",
        f"/security/organizations/{CONTOSO}/projects/nobody",
        f"/security/organizations/{CONTOSO}/projects/{project_id(1)}/repositories/nobody",
        "/security/recommendations/ADO-REPO-999",
        "/security/recommendations/470742ea-324a-406c-b91f-fc1da6a27c0c",
        "/security/assets/x/../../rendering.py",
        "/security/organizations/%2e%2e",
    ],
)
def test_what_is_not_there_is_told_so(furnished: Bench, target: str) -> None:
    assert visit(furnished, target).status == 404


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999", "1e3", "²"])
@pytest.mark.parametrize(
    "target", ["/security?view=table", "/security/recommendations?view=all", "/security?"]
)
def test_odd_pages_are_pages(furnished: Bench, target: str, page: str) -> None:
    answered = visit(
        furnished, f"{target}&page={page.encode().hex() if page == '²' else page}&sort=odd&view=odd"
    )
    assert answered.status == 200
    is_whole(answered)


# --- who sees it ------------------------------------------------------------------------------------------


def test_the_printed_address_lets_a_browser_in_once(empty: Bench) -> None:
    viewers = empty.runtime.viewers
    assert isinstance(viewers, LocalViewers)
    told = empty.said[0]
    target = told[told.index("/security?token=") :].partition(" ")[0] if "/security?token=" in told else ""
    entry = f"/security?token={viewers.entry}"
    assert not target or target == entry
    assert visit_as(empty, "/security?token=guess", {}).status == 401
    first = visit_as(empty, entry, {})
    assert (first.status, first.headers["Location"]) == (303, "/security")
    cookie = first.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {one.strip() for one in cookie.split(";")}
    assert visit_as(empty, entry, {}).status == 401, "once"
    let_in = {"Cookie": f"other=1; {cookie.partition(';')[0]}"}
    assert visit_as(empty, "/security", let_in).status == 200
    assert visit_as(empty, "/security", {"Cookie": "ado-connector=guess"}).status == 401
    assert viewers.token not in cookie
    assert "guess" not in visit_as(empty, "/security", {"Cookie": "ado-connector=guess"}).text
    for name, value in (
        ("Host", "evil.example"),
        ("Origin", "https://evil.example"),
        ("Sec-Fetch-Site", "cross-site"),
    ):
        refused = visit_as(empty, "/security", {**let_in, name: value})
        assert refused.status == 403, name
        assert "DevOps security</h1>" not in refused.text


def test_the_entry_is_not_for_a_page_of_elsewhere(empty: Bench) -> None:
    viewers = empty.runtime.viewers
    assert isinstance(viewers, LocalViewers)
    entry = f"/security?token={viewers.entry}"
    assert visit_as(empty, entry, {"Host": "evil.example"}).status == 403
    assert visit_as(empty, entry, {"Sec-Fetch-Site": "cross-site"}).status == 403
    assert visit_as(empty, entry, {}).status == 303, "and is not used up by it"


def test_nothing_is_changed_from_a_page(furnished: Bench) -> None:
    for target in ("/security", "/security/connectors", f"/security/organizations/{CONTOSO}"):
        assert visit(furnished, target, "POST").status == 405


def principal(*roles: str, name: str = "Bob") -> dict[str, str]:
    """What the platform sets for somebody who has these roles."""
    claims = [{"typ": "roles", "val": role} for role in roles] + [{"typ": "name", "val": name}]
    document = {"auth_typ": "aad", "claims": claims, "name_typ": "name", "role_typ": "roles"}
    return {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(document).encode()).decode()}


@pytest.fixture
def in_azure(tmp_path: Path) -> Iterator[Bench]:
    with opened(tmp_path, PlatformViewers()) as bench:
        fill(bench)
        yield bench


def test_whoever_is_not_known_is_sent_to_sign_in_and_back(in_azure: Bench) -> None:
    sent = visit_as(in_azure, "/security/recommendations?view=all&text=a%20b", {})
    assert sent.status == 302
    assert sent.headers["Location"] == (
        "/.auth/login/aad?post_login_redirect_uri=%2Fsecurity%2Frecommendations%3Fview%3Dall%26text%3Da%2520b"
    )
    assert visit_as(in_azure, "/security?token=x", {}).status == 401


def test_whoever_has_no_role_is_told_which_to_ask_for(in_azure: Bench) -> None:
    refused = visit_as(in_azure, "/security", principal("SomethingElse"))
    assert refused.status == 403
    assert "Security Reader" in refused.text
    assert "contoso" not in refused.text


def test_without_the_platform_s_authentication_nobody_sees_anything(tmp_path: Path) -> None:
    with opened(tmp_path, NoViewers()) as bench:
        fill(bench)
        for headers in ({}, principal("SecurityReader"), {"Cookie": "ado-connector=x"}):
            assert visit_as(bench, "/security", headers).status == 403


def test_a_forged_principal_opens_no_page_on_a_workstation(empty: Bench) -> None:
    fill(empty)
    refused = visit_as(empty, "/security", principal("SecurityReader"))
    assert refused.status == 401
    assert "contoso" not in refused.text


HIDDEN = (
    "Hush Project", "hush-repository", project_id(2), repository_id(5), "fabrikam", "tailspin", "northwind",
    "Foreign", FABRIKAM, ELSEWHERE, "main", "other", "margies",
)  # fmt: skip
"""What a reader of the Web Shop may learn nothing of; the connectors' names among it."""


def test_a_reader_of_one_project_learns_of_nothing_else(in_azure: Bench) -> None:
    """By any link, and by any address that a reader of everything has."""
    some = principal(f"SecurityReader/organizations/{CONTOSO}/projects/{project_id(1)}")
    mine = everything(in_azure, some)
    others = everything(in_azure, principal("SecurityReader"), most=300)
    filtered = (
        "/security?text=hush",
        "/security?organization=fabrikam",
        "/security/inventory.csv?project=Hush%20Project",
        "/security/recommendations?view=all&text=hush-repository",
        "/security/recommendations.csv",
        "/security/connectors",
    )
    targets = {*mine, *others, *filtered}
    assert len(targets) > 60
    for target in targets:
        answered = visit_as(in_azure, target, some)
        assert answered.status in {200, 404}, target
        told = answered.text
        for name in HIDDEN:
            if name in {"main", "other"}:
                continue  # words of ours
            if name in target or name.casefold().replace(" ", "%20") in target.casefold():
                continue  # asked for by name: the form shows what was asked for
            assert name.casefold() not in told.casefold(), (target, name)
    shown = visit_as(in_azure, "/security?view=table", some)
    assert "Web Shop" in shown.text
    assert ">4 rows" in shown.text
    counts = visit_as(in_azure, "/security/recommendations.csv", some).body.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(counts)))
    assert {row["projectId"] for row in rows} == {project_id(1)}


def test_denied_looks_the_same_as_absent(in_azure: Bench) -> None:
    some = principal(f"SecurityReader/organizations/{CONTOSO}/projects/{project_id(1)}")

    def told(target: str) -> tuple[int, str]:
        answered = visit_as(in_azure, target, some)
        return answered.status, answered.text

    assert told(f"/security/organizations/{FABRIKAM}") == told("/security/organizations/nobody")
    there = f"/security/organizations/{CONTOSO}/projects"
    assert told(f"{there}/{project_id(2)}") == told(f"{there}/nobody")
    assert told(f"{there}/{project_id(2)}/repositories/{repository_id(5)}") == told(
        f"{there}/nobody/repositories/nobody"
    )


def test_a_reader_of_a_connector_sees_what_it_knows(in_azure: Bench) -> None:
    shown = visit_as(in_azure, "/security", principal(f"SecurityReader/connectors/{MAIN}")).text
    assert "contoso" in shown
    assert "tailspin" in shown
    assert "northwind" not in shown


def test_an_organization_that_two_connectors_know_is_one(empty: Bench) -> None:
    fill(empty)
    empty.enroll(OTHER, CONTOSO, "contoso", OnboardingState.ONBOARDED_BY_OTHER_CONNECTOR)
    page = visit(empty, f"/security/organizations/{CONTOSO}")
    assert "Also known to" in page.text
    assert visit(empty, "/security").text.count(f'href="/security/organizations/{CONTOSO}"') == 1
