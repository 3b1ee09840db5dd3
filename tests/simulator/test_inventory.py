"""Projects and repositories, and what happens to them."""

from __future__ import annotations

from typing import Any

import pytest

from local.ado_simulator import Fault, Organization, Simulator
from tests.simulator.client import Client, Json

PROJECTS = "/dev.azure.com/contoso/_apis/projects"
REPOSITORIES = "/dev.azure.com/contoso/_apis/git/repositories"


def by_name(answer: Json) -> dict[str, Any]:
    return {item["name"]: item for item in answer.json()["value"]}


def all_pages(client: Client, **query: str) -> list[str]:
    names: list[str] = []
    token: str | None = ""
    for _ in range(100):
        answer = client.get(PROJECTS, **query, **({"continuationToken": token} if token else {}))
        names += [item["name"] for item in answer.json()["value"]]
        token = answer.headers.get("x-ms-continuationtoken")
        if token is None:
            return names
    raise AssertionError("the listing has no end")


def test_a_project_has_the_keys_of_the_wire(client: Client, contoso: Organization) -> None:
    project = by_name(client.get(PROJECTS))["Shop"]
    assert list(project) == [
        "id", "name", "description", "url", "state", "revision", "visibility", "lastUpdateTime"
    ]  # fmt: skip
    assert project["visibility"] == "organization"
    assert project["id"] == contoso.project("shop").id


def test_projects_come_in_pages_with_an_offset_in_a_header(client: Client, contoso: Organization) -> None:
    for number in range(5):
        contoso.add_project(f"P{number}")
    first = client.get(PROJECTS, __top="3")
    assert first.headers["x-ms-continuationtoken"] == "3"
    assert first.json()["count"] == 3
    assert all_pages(client, __top="3") == client.names(PROJECTS)
    assert client.names(PROJECTS, __top="2", __skip="5") == client.names(PROJECTS)[5:7]


def test_top_is_capped_by_the_page_limit(client: Client, simulator: Simulator, contoso: Organization) -> None:
    simulator.options.page_size = 2
    for number in range(3):
        contoso.add_project(f"P{number}")
    assert client.get(PROJECTS, __top="500").json()["count"] == 2
    assert len(all_pages(client, __top="500")) == 5


def test_a_page_that_ends_the_listing_has_no_token(client: Client) -> None:
    assert "x-ms-continuationtoken" not in client.get(PROJECTS, __top="2").headers


@pytest.mark.parametrize("token", ["x", "-1", "1.5"])
def test_a_token_that_was_never_given_is_refused(client: Client, token: str) -> None:
    assert client.get(PROJECTS, continuationToken=token).status_code == 400


def test_states_select_projects(client: Client, contoso: Organization) -> None:
    contoso.add_project("Coming", state="createPending")
    contoso.add_project("Going", state="deleting")
    contoso.add_project("Gone").delete()
    assert client.names(PROJECTS) == ["Ops & Tools", "Shop"]
    assert client.names(PROJECTS, stateFilter="createPending") == ["Coming"]
    assert client.names(PROJECTS, stateFilter="all") == ["Coming", "Going", "Ops & Tools", "Shop"]
    assert client.names(PROJECTS, stateFilter="deleted") == ["Gone"]
    assert client.get(PROJECTS, stateFilter="nonsense").status_code == 400


def test_one_project_is_found_by_id_and_by_name(client: Client, contoso: Organization) -> None:
    project = contoso.project("Shop")
    by_id = client.get(f"{PROJECTS}/{project.id}", includeCapabilities="true").json()
    assert by_id["capabilities"]["versioncontrol"]["gitEnabled"] == "True"
    assert by_id["_links"]["collection"]["href"].endswith(contoso.instance_id)
    assert client.get(f"{PROJECTS}/Ops%20&%20Tools").json()["name"] == "Ops & Tools"
    missing = client.get(f"{PROJECTS}/nothing")
    assert (missing.status_code, missing.json()["typeKey"]) == (404, "ProjectDoesNotExistWithNameException")


def test_repositories_of_the_organization_come_in_one_answer_value_first(client: Client) -> None:
    answer = client.get(REPOSITORIES)
    assert answer.text.startswith('{"value":[')
    assert answer.json()["count"] == 5
    assert "x-ms-continuationtoken" not in answer.headers


def test_repositories_have_the_keys_of_the_wire(client: Client) -> None:
    repositories = by_name(client.get(REPOSITORIES))
    web = repositories["web"]
    assert list(web) == [
        "id", "name", "url", "project", "defaultBranch", "size", "remoteUrl", "sshUrl", "webUrl",
        "isDisabled", "isInMaintenance",
    ]  # fmt: skip
    assert web["remoteUrl"] == "https://contoso@dev.azure.com/contoso/Shop/_git/web"
    assert web["project"] == by_name(client.get(PROJECTS))["Shop"]
    assert "defaultBranch" not in repositories["empty"]
    assert repositories["empty"]["size"] == 0
    assert repositories["forked"]["isFork"] is True
    assert (repositories["sleeping"]["isDisabled"], "defaultBranch" in repositories["sleeping"]) == (
        True,
        True,
    )
    assert repositories["c++ #1"]["size"] > 2**31
    assert repositories["c++ #1"]["webUrl"].endswith("/Ops%20%26%20Tools/_git/c%2B%2B%20%231")


def test_repositories_of_one_project(client: Client) -> None:
    assert client.names("/dev.azure.com/contoso/Shop/_apis/git/repositories") == [
        "web", "empty", "forked", "sleeping"
    ]  # fmt: skip


def test_one_repository(client: Client, contoso: Organization) -> None:
    repository = contoso.project("Shop").repository("web")
    assert client.get(f"{REPOSITORIES}/{repository.id}").json()["name"] == "web"
    shop = "/dev.azure.com/contoso/shop/_apis/git/repositories"
    assert client.get(f"{shop}/WEB").json()["id"] == repository.id
    for name in ("nothing", "sleeping"):
        missing = client.get(f"{shop}/{name}")
        assert (missing.status_code, missing.json()["typeKey"]) == (404, "GitRepositoryNotFoundException")


def test_a_rename_keeps_the_id(client: Client, contoso: Organization) -> None:
    before = by_name(client.get(REPOSITORIES))["web"]["id"]
    contoso.project("Shop").repository("web").rename("website")
    contoso.project("Shop").rename("Store")
    after = by_name(client.get(REPOSITORIES))["website"]
    assert after["id"] == before
    assert after["project"]["name"] == "Store"


def test_a_deleted_repository_lies_in_the_recycle_bin(client: Client, contoso: Organization) -> None:
    repository = contoso.project("Shop").repository("web")
    repository.delete()
    assert "web" not in by_name(client.get(REPOSITORIES))
    for path in ("recycleBin/repositories", "deletedrepositories"):
        (deleted,) = client.get(f"/dev.azure.com/contoso/Shop/_apis/git/{path}").json()["value"]
        assert deleted["id"] == repository.id
        assert set(deleted) == {"id", "name", "project", "deletedBy", "createdDate", "deletedDate"}
    repository.restore()
    assert "web" in by_name(client.get(REPOSITORIES))
    repository.destroy()
    assert client.get("/dev.azure.com/contoso/Shop/_apis/git/recycleBin/repositories").json()["count"] == 0


def test_a_moved_repository_keeps_its_id(client: Client, contoso: Organization) -> None:
    repository = contoso.project("Shop").repository("web")
    repository.move(contoso.project("Ops & Tools"))
    moved = by_name(client.get(REPOSITORIES))["web"]
    assert (moved["id"], moved["project"]["name"]) == (repository.id, "Ops & Tools")


def test_a_deleted_project_takes_its_repositories_along(client: Client, contoso: Organization) -> None:
    shop = contoso.project("Shop")
    shop.delete()
    assert list(by_name(client.get(REPOSITORIES))) == ["c++ #1"]
    assert client.get(f"{PROJECTS}/{shop.id}").status_code == 404
    shop.restore()
    assert len(by_name(client.get(REPOSITORIES))) == 5
    shop.destroy()
    assert client.names(PROJECTS, stateFilter="deleted") == []


def test_a_name_used_again_is_a_new_id(client: Client, contoso: Organization) -> None:
    before = contoso.project("Shop").id
    contoso.project("Shop").delete()
    contoso.add_project("Shop")
    assert by_name(client.get(PROJECTS))["Shop"]["id"] != before


def test_hidden_things_are_left_out_silently(client: Client, contoso: Organization) -> None:
    shop, tools = contoso.project("Shop"), contoso.project("Ops & Tools")
    contoso.deny_read(shop.repository("web"))
    contoso.deny_read(tools)
    assert client.names(PROJECTS) == ["Shop"]
    assert set(by_name(client.get(REPOSITORIES))) == {"empty", "forked", "sleeping"}
    web = f"{REPOSITORIES}/{shop.repository('web').id}"
    assert client.get(web).json()["typeKey"] == "GitRepositoryNotFoundException"
    assert client.get(f"{PROJECTS}/{tools.id}").json()["typeKey"] == "ProjectDoesNotExistWithNameException"
    contoso.direct_denial = 403
    assert client.get(web).json()["typeKey"] == "AccessCheckException"
    assert client.get(f"{PROJECTS}/{tools.id}").status_code == 403
    contoso.allow_read(tools)
    assert client.names(PROJECTS) == ["Ops & Tools", "Shop"]


def test_stakeholders_see_no_code(client: Client, contoso: Organization) -> None:
    contoso.set_licence("stakeholder")
    assert client.get(REPOSITORIES).json() == {"value": [], "count": 0}
    assert client.get(f"{REPOSITORIES}/{contoso.project('Shop').repository('web').id}").status_code == 404


def test_the_world_may_change_between_two_pages(
    client: Client, simulator: Simulator, contoso: Organization
) -> None:
    contoso.add_project("Aaa")
    fault = Fault("run", path="continuationToken", times=1, action=contoso.project("Aaa").delete)
    simulator.add_fault(fault)
    assert all_pages(client, __top="1") == ["Aaa", "Shop"], "the middle one slipped through"
    assert all_pages(client, __top="1") == ["Ops & Tools", "Shop"]


def test_dates_come_in_every_form_of_the_wire(client: Client, contoso: Organization) -> None:
    for number in range(60):
        contoso.add_project(f"P{number}")
    dates = [item["lastUpdateTime"] for item in client.get(PROJECTS).json()["value"]]
    assert any(not date.endswith("Z") for date in dates), "some have no zone"
    assert {len(date.rstrip("Z").partition(".")[2]) for date in dates} >= {3, 7}


def test_refs_show_the_default_branch(client: Client) -> None:
    shop = "/dev.azure.com/contoso/Shop/_apis/git/repositories"
    assert client.names(f"{shop}/web/refs") == ["refs/heads/main"]
    assert client.names(f"{shop}/web/refs", filter="tags/") == []
    assert client.names(f"{shop}/empty/refs") == []
