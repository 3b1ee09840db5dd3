"""Listings of several pages: to the end, or a partial observation that says why."""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.ado.calls import LIST_PROJECTS
from shared.ado.pages import Page, read_pages
from shared.model.failure import FailureKind, Unreadable
from shared.ports import AzureDevOps
from tests.ado.bench import PROJECT
from tests.ado.wire_server import Asked, Reply, WireServer, failure, reply


def projects(*numbers: int, token: str | None = None, header: str = "x-ms-continuationtoken") -> Reply:
    items = [
        {
            "id": str(uuid.UUID(int=number)),
            "name": f"P{number}",
            "state": "wellFormed",
            "visibility": "private",
        }
        for number in numbers
    ]
    headers = {} if token is None else {header: token}
    return reply(200, {"count": len(items), "value": items}, headers=headers)


def token_of(asked: Asked) -> str | None:
    return parse_qs(urlsplit(asked.target).query).get("continuationToken", [None])[0]


def names(items: tuple[Any, ...]) -> list[str]:
    return [item.name for item in items]


def test_one_page(server: WireServer, ado: AzureDevOps) -> None:
    server.say(projects(1, 2))
    observed = ado.projects("contoso")
    assert observed.complete
    assert names(observed.items) == ["P1", "P2"]
    (asked,) = server.asked
    assert asked.target == "/dev.azure.com/contoso/_apis/projects?stateFilter=all&$top=500&api-version=7.1"


def test_deleted_projects_have_a_filter_of_their_own(server: WireServer, ado: AzureDevOps) -> None:
    server.say(projects(1))
    assert ado.deleted_projects("contoso").complete
    assert "stateFilter=deleted" in server.asked[0].target


@pytest.mark.parametrize("header", ["x-ms-continuationtoken", "X-MS-ContinuationToken"])
def test_tokens_are_followed_through_short_and_empty_pages(
    server: WireServer, ado: AzureDevOps, header: str
) -> None:
    server.say(
        projects(1, token="1", header=header), projects(token="2", header=header), projects(2, 3, token="")
    )
    observed = ado.projects("contoso")
    assert observed.complete
    assert names(observed.items) == ["P1", "P2", "P3"]
    assert [token_of(asked) for asked in server.asked] == [None, "1", "2"]


def test_a_token_comes_back_as_it_was(server: WireServer, ado: AzureDevOps) -> None:
    token = "+RID:~x=#RT:1#TRC:100#ISV:2#FPC:AQ/A%20A+AAA==&stateFilter=deleted"
    server.say(projects(1, token=token), projects(2))
    assert ado.projects("contoso").complete
    assert token_of(server.asked[1]) == token
    assert "+" not in server.asked[1].target
    assert parse_qs(urlsplit(server.asked[1].target).query)["stateFilter"] == ["all"]


@pytest.mark.parametrize(
    "script",
    [
        [projects(1, token="1"), projects(2, token="1")],
        [projects(1, token="1"), projects(2, token="2"), projects(3, token="1")],
        [projects(1, token="0"), projects(2, token="https://elsewhere.example.com/next")],
        [projects(1, token="0"), projects(2, token="t" * 9_000)],
    ],
    ids=["same token", "circle", "address", "endless token"],
)
def test_a_listing_that_does_not_end_is_partial(
    server: WireServer, ado: AzureDevOps, script: list[Reply]
) -> None:
    server.say(*script)
    observed = ado.projects("contoso")
    assert not observed.complete
    assert observed.failure is not None
    assert observed.failure.code == "EndlessListing"
    assert "contoso" in observed.failure.reason
    assert len(observed.items) == len(server.asked) == len(script)


def test_pages_are_counted() -> None:
    numbers = iter(range(100))

    def fetch(token: str | None) -> Page[int]:
        del token
        number = next(numbers)
        return Page([number], str(number))

    observed = read_pages(fetch, LIST_PROJECTS.where("contoso"), most=3)
    assert observed.items == (0, 1, 2)
    assert observed.failure is not None
    assert observed.failure.kind is FailureKind.UNREADABLE


@pytest.mark.parametrize("end", [None, ""])
def test_null_and_nothing_end(end: str | None) -> None:
    tokens = iter(["+a", end])
    assert read_pages(lambda _: Page([1], next(tokens)), LIST_PROJECTS.where("contoso")).complete


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (failure(403, "AccessCheckException"), "PermissionMissing"),
        (failure(404, "X"), "NotFound"),
        (reply(203, "<html>", "text/html"), "SignInRequired"),
        (reply(500, "<html>", "text/html"), "ServerTrouble"),
        (reply(200, b'{"count":1,"value":['), "BrokenAnswer"),
        (reply(200, {"value": [{"id": "x"}]}), "WrongField"),
        (failure(429, "RequestBlockedException", {"Retry-After": "600"}), "RateLimited"),
    ],
)
def test_a_page_that_fails_leaves_the_pages_before_it(
    server: WireServer, ado: AzureDevOps, broken: Reply, code: str
) -> None:
    server.say(projects(1, 2, token="2"), broken)
    observed = ado.projects("contoso")
    assert not observed.complete
    assert names(observed.items) == ["P1", "P2"]
    assert observed.failure is not None
    assert observed.failure.code == code


def test_a_page_with_one_bad_item_counts_for_nothing(server: WireServer, ado: AzureDevOps) -> None:
    good = json.loads(projects(2).data.partition(b"\r\n\r\n")[2])["value"]
    server.say(projects(1, token="1"), reply(200, {"value": [*good, {"id": good[0]["id"], "name": ""}]}))
    observed = ado.projects("contoso")
    assert names(observed.items) == ["P1"]
    assert "value[1].name" in (observed.failure.reason if observed.failure else "")


def test_a_project_on_two_pages_counts_once(server: WireServer, ado: AzureDevOps) -> None:
    server.say(projects(1, 2, token="2"), projects(2, 3))
    assert names(ado.projects("contoso").items) == ["P1", "P2", "P3"]


def test_a_policy_listing_is_whole_or_an_error(server: WireServer, ado: AzureDevOps) -> None:
    policy = {"id": 1, "type": {"id": str(uuid.UUID(int=9))}, "isEnabled": True, "isBlocking": True}
    first = reply(200, {"value": [policy]}, headers={"x-ms-continuationtoken": "1"})
    second = reply(
        200, {"value": [policy | {"id": 2, "settings": {"scope": [{"repositoryId": None}], "a": 1}}]}
    )
    server.say(first, second)
    one, two = ado.branch_policies("contoso", PROJECT)
    assert (one.id, two.id) == (1, 2)
    assert one.scopes == ()
    assert two.settings == {"a": 1}
    assert two.scopes[0].repository_id is None
    server.say(first, reply(200, b"{"))
    with pytest.raises(Unreadable, match="cut short"):
        ado.branch_policies("contoso", PROJECT)
