"""Who may see what: each way in that must stay shut has a test of its own."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.read_defender_api import read_defender_api
from local.host import way_in
from shared import wiring
from shared.model.organization import OnboardingState
from shared.model.viewer import Grant, Viewer, read_role
from shared.model.web import WebReply, WebRequest
from shared.wiring.principals import LocalViewers, NoViewers, PlatformViewers, platform_viewers
from tests.views.bench import (
    ASSESSMENTS_VERSION,
    CONNECTOR_VERSION,
    CONTOSO,
    DEVOPS_VERSION,
    FABRIKAM,
    MAIN,
    OTHER,
    SUBSCRIPTION,
    TOKEN,
    Bench,
    fill,
    made_bench,
    path_of,
    project_id,
)

ASSESSMENTS = "/providers/Microsoft.Security/assessments"
CONNECTORS = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Security/securityConnectors"


# --- on a workstation -------------------------------------------------------------------------------------


def test_without_the_token_nothing_is_told(bench: Bench) -> None:
    for headers in ({}, {"Authorization": "Bearer guess"}, {"Authorization": f"Basic {TOKEN}"}):
        answered = bench.send("GET", f"{CONNECTORS}?api-version={CONNECTOR_VERSION}", headers)
        assert (answered.status, answered.code) == (401, "AuthenticationRequired")
        assert answered.headers["WWW-Authenticate"] == "Bearer"
        assert TOKEN not in json.dumps(answered.document)


def test_strangers_do_not_even_learn_which_addresses_there_are(bench: Bench) -> None:
    answers = {
        json.dumps(bench.send("GET", path, {}).document)
        for path in (CONNECTORS, path_of("contoso"), "/subscriptions/x/y/z", f"{CONNECTORS}?api-version=x")
    }
    assert len(answers) == 1


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example", "0.0.0.0:7071", ""]
)
def test_a_name_that_was_bent_to_this_machine_is_refused(bench: Bench, host: str) -> None:
    answered = bench.get(path_of("contoso"), headers={"Host": host})
    assert (answered.status, answered.code) == (403, "WrongHost")


def test_a_foreign_origin_is_refused(bench: Bench) -> None:
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        answered = bench.get(path_of("contoso"), headers={"Origin": origin})
        assert (answered.status, answered.code) == (403, "WrongOrigin")
    answered = bench.get(path_of("contoso"), headers={"Sec-Fetch-Site": "cross-site"})
    assert (answered.status, answered.code) == (403, "WrongOrigin")
    assert bench.get(path_of("contoso"), headers={"Origin": bench.host.http_url}).status == 200


def test_a_forged_principal_is_worth_nothing_on_a_workstation(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "True")
    headers = {"X-MS-CLIENT-PRINCIPAL": principal("SecurityReader")}
    answered = bench.send("GET", f"{CONNECTORS}?api-version={CONNECTOR_VERSION}", headers)
    assert answered.status == 401


def test_whoever_runs_it_is_told_where_to_ask_and_with_what(bench: Bench) -> None:
    assert bench.said == [bench.host.http_url]
    told = way_in(bench.host.http_url, bench.runtime)
    assert f"{bench.host.http_url}/subscriptions" in told
    assert told.endswith(f"Authorization: Bearer {TOKEN}")


def test_each_process_has_a_token_of_its_own() -> None:
    tokens = {LocalViewers().token for _ in range(5)}
    assert len(tokens) == 5
    assert min(len(one) for one in tokens) >= 40


# --- in Azure ---------------------------------------------------------------------------------------------


def principal(*roles: str, **fields: Any) -> str:
    claims = [{"typ": "roles", "val": one} for one in roles] + [{"typ": "name", "val": "Ada"}]
    document = {"auth_typ": "aad", "name_typ": "name", "role_typ": "roles", "claims": claims, **fields}
    return base64.b64encode(json.dumps(document).encode()).decode()


def test_the_principal_is_believed_only_where_the_platform_sets_it() -> None:
    assert isinstance(platform_viewers({"WEBSITE_AUTH_ENABLED": "True"}), PlatformViewers)
    for value in ({}, {"WEBSITE_AUTH_ENABLED": "False"}, {"WEBSITE_AUTH_ENABLED": ""}):
        assert isinstance(platform_viewers(value), NoViewers)


def test_a_functions_worker_without_authentication_shows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_URL", f"sqlite:///{tmp_path / 'state.db'}")
    monkeypatch.delenv("WEBSITE_AUTH_ENABLED", raising=False)
    before = wiring._runtime
    wiring.use(None)
    try:
        runtime = wiring.current()
        reply = ask(runtime, path_of(), {"x-ms-client-principal": principal("SecurityReader")})
        assert reply.status == 403
        assert b"AuthenticationOff" in reply.body
        runtime.close()
    finally:
        wiring.use(before)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "%%%",
        base64.b64encode(b"[]").decode(),
        base64.b64encode(b"{").decode(),
        "A" * 70_000,
        principal("SecurityReader", auth_typ="github"),
    ],
)
def test_a_principal_that_is_none_is_refused(sealed: Bench, header: str) -> None:
    reply = ask(sealed.runtime, path_of(), {"x-ms-client-principal": header})
    assert reply.status == 401


@pytest.mark.parametrize(
    "claims",
    [
        None,
        "text",
        7,
        [1],
        [{"typ": "roles", "val": ["SecurityReader"]}],
        [{"typ": "roles"}],
        [{"val": "SecurityReader"}],
        [{"typ": ["roles"], "val": "x"}],
    ],
)
def test_odd_claims_grant_nothing(sealed: Bench, claims: object) -> None:
    headers = {"x-ms-client-principal": principal(claims=claims)}
    reply = ask(sealed.runtime, CONNECTORS, headers, CONNECTOR_VERSION)
    assert (reply.status, json.loads(reply.body)) == (200, {"value": []})
    assert ask(sealed.runtime, path_of(), headers, CONNECTOR_VERSION).status == 404


@given(st.text(max_size=60).filter(lambda one: one != "SecurityReader"))
def test_a_role_is_ours_as_it_is_written_or_not_at_all(text: str) -> None:
    assert read_role(text) is None
    assert read_role(f"SecurityReader{text or 's'}") is None or "/" in text


def test_roles_grant_what_they_say() -> None:
    assert read_role("SecurityReader") == Grant()
    assert read_role(f"SecurityReader/connectors/{MAIN}") == Grant(connector=MAIN)
    assert read_role(f"SecurityReader/organizations/{CONTOSO.upper()}") == Grant(organization=CONTOSO)
    narrow = f"SecurityReader/organizations/{CONTOSO}/projects/{project_id(1)}"
    assert len(narrow) <= 120  # what Microsoft Entra takes
    assert read_role(narrow) == Grant(organization=CONTOSO, project=project_id(1))
    assert read_role(f"SecurityReader/projects/{project_id(1)}") is None


# --- a reader of one project ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """An app behind App Service Authentication. It is asked directly: the one that serves is `bench`."""
    folder = tmp_path_factory.mktemp("sealed")
    made = made_bench(folder, PlatformViewers())
    fill(made)
    yield made
    made.runtime.close()


def ask(
    runtime: Any, path: str, headers: Mapping[str, str], version: str = DEVOPS_VERSION, more: str = ""
) -> WebReply:
    url = f"https://app.azurewebsites.net{path}?api-version={version}{more}"
    return read_defender_api(WebRequest("GET", url, headers), runtime.dependencies, runtime.viewers)


def as_reader(*roles: str) -> dict[str, str]:
    return {"x-ms-client-principal": principal(*roles)}


WEB_SHOP = as_reader(f"SecurityReader/organizations/{CONTOSO}/projects/{project_id(1)}")
EVERYTHING = as_reader("SecurityReader")

FOREIGN = (
    "Hush Project",
    "hush-repository",
    "fabrikam",
    "tailspin",
    "northwind",
    "Foreign",
    "margies-group",
    project_id(2),
    project_id(11),
    FABRIKAM,
    OTHER,
)


def every_address() -> list[tuple[str, str]]:
    """Every listing and every scope that the whole viewer can come to."""
    devops = f"{path_of()}/devops/default"
    organizations = ("contoso", "fabrikam", "northwind", "tailspin")
    projects = (("contoso", "Web Shop"), ("contoso", "Hush Project"), ("fabrikam", "Other"))
    return [
        (CONNECTORS, CONNECTOR_VERSION),
        (path_of(), CONNECTOR_VERSION),
        (path_of(connector="other", group="margies-group"), CONNECTOR_VERSION),
        (f"{path_of()}/devops", DEVOPS_VERSION),
        (devops, DEVOPS_VERSION),
        (f"{devops}/azureDevOpsOrgs", DEVOPS_VERSION),
        (f"{devops}/listAvailableAzureDevOpsOrgs", DEVOPS_VERSION),
        *((path_of(one), DEVOPS_VERSION) for one in organizations),
        *((f"{path_of(one)}/projects", DEVOPS_VERSION) for one in organizations),
        *((f"{path_of(*names)}/repos", DEVOPS_VERSION) for names in projects),
        *((path_of(*names), DEVOPS_VERSION) for names in projects),
        (path_of("contoso", "Hush Project", "hush-repository"), DEVOPS_VERSION),
        (f"/subscriptions/{SUBSCRIPTION}{ASSESSMENTS}", ASSESSMENTS_VERSION),
        (f"{path_of()}{ASSESSMENTS}", ASSESSMENTS_VERSION),
        *((f"{path_of(one)}{ASSESSMENTS}", ASSESSMENTS_VERSION) for one in organizations),
        *((f"{path_of(*names)}{ASSESSMENTS}", ASSESSMENTS_VERSION) for names in projects),
    ]


@pytest.mark.parametrize(("path", "version"), every_address())
def test_a_reader_of_one_project_sees_nothing_of_others(sealed: Bench, path: str, version: str) -> None:
    reply = ask(sealed.runtime, path, WEB_SHOP, version)
    told = reply.body.decode()
    assert reply.status in {200, 404}
    assert [one for one in FOREIGN if one in told] == []


def test_what_a_reader_of_one_project_does_see(sealed: Bench) -> None:
    def names(path: str) -> list[str]:
        found = json.loads(ask(sealed.runtime, path, WEB_SHOP).body)["value"]
        return [one["name"] for one in found]

    assert names(f"{path_of()}/devops/default/azureDevOpsOrgs") == ["contoso"]
    assert names(f"{path_of('contoso')}/projects") == ["Web Shop"]
    assert names(f"{path_of('contoso', 'Web Shop')}/repos") == ["shop", "späti", "left"]
    organization = json.loads(ask(sealed.runtime, path_of("contoso"), WEB_SHOP).body)["properties"]
    assert organization == {
        "onboardingState": "Onboarded",
        "provisioningState": "Succeeded",
        "adoConnector": {"id": CONTOSO},
    }
    assessed = json.loads(
        ask(sealed.runtime, f"{path_of('contoso')}{ASSESSMENTS}", WEB_SHOP, ASSESSMENTS_VERSION).body
    )["value"]
    projects = {one["properties"]["adoConnector"]["projectId"] for one in assessed}
    assert projects == {project_id(1)}


@pytest.mark.parametrize(
    ("denied", "absent"),
    [
        (path_of("contoso", "Hush Project"), path_of("contoso", "Nothing")),
        (f"{path_of('contoso', 'Hush Project')}/repos", f"{path_of('contoso', 'Nothing')}/repos"),
        (path_of("fabrikam"), path_of("nowhere")),
        (
            path_of(connector="other", group="margies-group"),
            path_of(connector="another", group="margies-group"),
        ),
        (f"{path_of('fabrikam')}{ASSESSMENTS}", f"{path_of('nowhere')}{ASSESSMENTS}"),
        (
            f"{path_of('contoso')}{ASSESSMENTS}/ADO-ORG-001",
            f"{path_of('contoso')}{ASSESSMENTS}/ADO-ORG-999",
        ),
    ],
)
def test_denied_looks_like_absent(sealed: Bench, denied: str, absent: str) -> None:
    version = ASSESSMENTS_VERSION if ASSESSMENTS in denied else DEVOPS_VERSION
    if "/devops" not in denied:
        version = CONNECTOR_VERSION
    assert ask(sealed.runtime, denied, EVERYTHING, version).status == 200
    told, expected = (ask(sealed.runtime, one, WEB_SHOP, version) for one in (denied, absent))
    assert told.status == 404
    assert told == expected


def test_a_page_token_of_somebody_else_opens_nothing(sealed: Bench) -> None:
    scope = f"/subscriptions/{SUBSCRIPTION}{ASSESSMENTS}"
    first = json.loads(ask(sealed.runtime, scope, EVERYTHING, ASSESSMENTS_VERSION).body)
    token = first["nextLink"].partition("skipToken=")[2]
    reply = ask(sealed.runtime, scope, WEB_SHOP, ASSESSMENTS_VERSION, f"&$skipToken={token}")
    assert [one for one in FOREIGN if one in reply.body.decode()] == []


@pytest.mark.parametrize(
    ("role", "organizations"),
    [
        ("SecurityReader", ["contoso", "fabrikam"]),
        (f"SecurityReader/connectors/{MAIN}", ["contoso", "fabrikam"]),
        (f"SecurityReader/organizations/{FABRIKAM}", ["fabrikam"]),
        (f"SecurityReader/organizations/{FABRIKAM}/projects/{project_id(1)}", ["fabrikam"]),
    ],
)
def test_a_role_is_as_wide_as_it_says(sealed: Bench, role: str, organizations: list[str]) -> None:
    path = f"{path_of()}/devops/default/azureDevOpsOrgs"
    found = json.loads(ask(sealed.runtime, path, as_reader(role)).body)["value"]
    assert [one["name"] for one in found] == organizations


def test_a_role_of_one_connector_shows_no_other(sealed: Bench) -> None:
    reply = ask(
        sealed.runtime, CONNECTORS, as_reader(f"SecurityReader/connectors/{OTHER}"), CONNECTOR_VERSION
    )
    assert [one["name"] for one in json.loads(reply.body)["value"]] == ["other"]


def test_what_another_connector_found_is_not_told(empty: Bench) -> None:
    fill(empty)
    empty.enroll(OTHER, CONTOSO, "contoso", OnboardingState.ONBOARDED_BY_OTHER_CONNECTOR)
    devops = f"{path_of(connector='other', group='margies-group')}/devops/default"
    available = empty.get(f"{devops}/listAvailableAzureDevOpsOrgs", method="POST").document["value"]
    (contoso,) = [one["properties"] for one in available if one["name"] == "contoso"]
    assert contoso["onboardingState"] == "OnboardedByOtherConnector"
    assert not {"projects", "repositories", "owner", "lastCompleteListing"} & set(contoso["adoConnector"])
    assert empty.get(f"{devops}/azureDevOpsOrgs").names == ["northwind"]


def test_a_project_of_one_organization_is_none_of_another() -> None:
    viewer = Viewer("Ada", (Grant(organization=FABRIKAM, project=project_id(1)),))
    assert not viewer.sees_project(MAIN, CONTOSO, project_id(1))
