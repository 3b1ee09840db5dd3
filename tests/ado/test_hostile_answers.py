"""Answers that are not what the wire contract says: nothing of them counts, and the failure says why."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from shared.ado import errors
from shared.model.failure import ServiceError
from shared.ports import AzureDevOps
from tests.ado.bench import CONNECTION, PROJECT, REPOSITORY, Bench
from tests.ado.wire_server import JSON, Reply, WireServer, reply


def repository(**changes: object) -> dict[str, Any]:
    return {
        "id": REPOSITORY.upper(),
        "name": "web",
        "project": {"id": PROJECT, "name": "Shop"},
        "defaultBranch": "refs/heads/main",
        "webUrl": "https://dev.azure.com/contoso/Shop/_git/web",
        "remoteUrl": "https://contoso@dev.azure.com/contoso/Shop/_git/web",
        "isDisabled": False,
    } | changes


def listing(*items: object) -> bytes:
    return json.dumps({"value": list(items), "count": len(items)}).encode()


def read_repositories(ado: AzureDevOps) -> tuple[Any, ...]:
    observed = ado.repositories("contoso")
    if observed.failure is not None:
        assert observed.items == ()
        raise ServiceError.of(observed.failure)
    return observed.items


def test_repositories_are_one_request(server: WireServer, ado: AzureDevOps) -> None:
    server.say(reply(200, listing(repository())))
    (found,) = read_repositories(ado)
    assert found.id == REPOSITORY
    assert found.project_id == PROJECT
    assert found.project_name == "Shop"
    assert found.default_branch == "refs/heads/main"
    assert not found.is_fork
    assert found.url == "https://dev.azure.com/contoso/Shop/_git/web"
    (asked,) = server.asked
    assert asked.target == "/dev.azure.com/contoso/_apis/git/repositories?api-version=7.1"


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ({"webUrl": None}, "https://dev.azure.com/contoso/Shop/_git/web"),
        ({"webUrl": "http://dev.azure.com/x"}, "https://dev.azure.com/contoso/Shop/_git/web"),
        ({"webUrl": "https://evil.example.com/"}, "https://dev.azure.com/contoso/Shop/_git/web"),
        ({"webUrl": "javascript:alert(1)"}, "https://dev.azure.com/contoso/Shop/_git/web"),
        ({"webUrl": "https://a@b.visualstudio.com/"}, "https://dev.azure.com/contoso/Shop/_git/web"),
        ({"webUrl": "https://[x.visualstudio.com/"}, "https://dev.azure.com/contoso/Shop/_git/web"),
        (
            {"webUrl": None, "name": "a/b ü", "project": {"id": PROJECT, "name": "My Shop"}},
            "https://dev.azure.com/contoso/My%20Shop/_git/a%2Fb%20%C3%BC",
        ),
        (
            {"webUrl": "https://contoso.visualstudio.com/Shop/_git/web"},
            "https://contoso.visualstudio.com/Shop/_git/web",
        ),
    ],
)
def test_the_address_leads_to_azure_devops(
    server: WireServer, ado: AzureDevOps, told: dict[str, Any], shown: str
) -> None:
    server.say(reply(200, listing(repository(**told))))
    assert read_repositories(ado)[0].url == shown


def test_what_may_be_absent_may_be_absent(server: WireServer, ado: AzureDevOps) -> None:
    bare = {"id": REPOSITORY, "name": "web", "project": {"id": PROJECT, "name": "Shop"}}
    server.say(reply(200, listing(bare)))
    (found,) = read_repositories(ado)
    assert found.default_branch is None
    assert not found.is_disabled


def test_a_repository_that_comes_twice_counts_once(server: WireServer, ado: AzureDevOps) -> None:
    server.say(reply(200, listing(repository(), repository())))
    assert len(read_repositories(ado)) == 1


GOOD = listing(repository(), repository(id=PROJECT))
BROKEN: list[tuple[str, bytes, type[ServiceError]]] = [
    ("half", GOOD[: len(GOOD) // 2], errors.BrokenAnswer),
    ("all but the end", GOOD[:-1], errors.BrokenAnswer),
    ("something behind the end", GOOD + b"{}", errors.BrokenAnswer),
    ("empty", b"", errors.BrokenAnswer),
    ("a text", b'"value"', errors.WrongField),
    ("a list", b"[]", errors.WrongField),
    ("null", b"null", errors.WrongField),
    ("no value", b'{"count":0}', errors.WrongField),
    ("an error as a success", b'{"typeKey":"X"}', errors.WrongField),
    ("a dictionary for value", b'{"count":0,"value":{}}', errors.WrongField),
    ("null for value", b'{"value":null}', errors.WrongField),
    ("value twice", b'{"value":[],"value":[]}', errors.WrongField),
    ("wrong count", b'{"value":[],"count":7}', errors.WrongField),
    ("NaN", b'{"value":[],"count":NaN}', errors.BrokenAnswer),
    ("a comma too many", b'{"value":[],}', errors.BrokenAnswer),
    ("items without a comma", b'{"value":[{}{}]}', errors.WrongField),
    ("no UTF-8", b'{"value":[],"x":"\xff\xfe"}', errors.BrokenAnswer),
    ("endless number", b'{"value":[],"x":' + b"9" * 10_000 + b"}", errors.BrokenAnswer),
    ("deep nesting", b'{"x":' + b"[" * 200_000 + b"]" * 200_000 + b',"value":[]}', errors.BrokenAnswer),
    ("deep item", b'{"value":[' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"]}", errors.BrokenAnswer),
    ("a huge name", listing(repository(name="n" * 10_000_000)), errors.BrokenAnswer),
]


@pytest.mark.parametrize(("body", "expected"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_listing_that_is_not_sound_counts_for_nothing(
    server: WireServer, ado: AzureDevOps, body: bytes, expected: type[ServiceError]
) -> None:
    server.say(reply(200, body))
    observed = ado.repositories("contoso")
    assert not observed.complete
    assert observed.items == ()
    assert observed.failure is not None
    assert observed.failure.code == expected.__name__
    assert "contoso" in observed.failure.reason
    assert len(observed.failure.reason) < 400


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ("text", "value[1].(the item)"),
        (repository(id=None), "value[1].id"),
        (repository(id="47c4"), "value[1].id"),
        (repository(id=7), "value[1].id"),
        (repository(id=f"{REPOSITORY}\n"), "value[1].id"),
        (repository(name=None), "value[1].name"),
        (repository(name=""), "value[1].name"),
        (repository(name=["web"]), "value[1].name"),
        (repository(name="n" * 2_000), "value[1].name"),
        (repository(name="\ud800"), "value[1].name"),
        (repository(project=None), "value[1].project"),
        (repository(project="Shop"), "value[1].project"),
        (repository(project={"name": "Shop"}), "value[1].project.id"),
        (repository(project={"id": PROJECT}), "value[1].project.name"),
        (repository(project={"id": PROJECT, "name": {}}), "value[1].project.name"),
        (repository(project={"id": [], "name": "Shop"}), "value[1].project.id"),
        (repository(defaultBranch=1), "value[1].defaultBranch"),
        (repository(isDisabled="false"), "value[1].isDisabled"),
        (repository(isFork=0), "value[1].isFork"),
        (repository(webUrl={}), "value[1].webUrl"),
    ],
)
def test_the_wrong_field_is_named(server: WireServer, ado: AzureDevOps, item: object, field: str) -> None:
    server.say(reply(200, listing(repository(), item)))
    observed = ado.repositories("contoso")
    assert observed.items == ()
    assert observed.failure is not None
    assert observed.failure.code == "WrongField"
    assert f"field {field} of the answer" in observed.failure.reason


def test_a_body_that_is_cut_short_is_read_again(server: WireServer, ado: AzureDevOps) -> None:
    whole = reply(200, GOOD)
    server.say(Reply(whole.data[:-20], "close"), whole)
    assert len(read_repositories(ado)) == 2
    server.say(Reply(whole.data[:-20], "close"))
    with pytest.raises(ServiceError) as caught:
        read_repositories(ado)
    assert caught.value.failure.code == "NoConnection"
    assert len(server.asked) == 3


def test_a_chunked_body_that_is_cut_short_counts_for_nothing(server: WireServer, ado: AzureDevOps) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {JSON}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    server.say(Reply(head + b"%x\r\n%s\r\n" % (len(GOOD), GOOD), "close"))
    with pytest.raises(ServiceError) as caught:
        read_repositories(ado)
    assert caught.value.failure.code == "NoConnection"


def test_a_body_that_stops_coming_times_out(server: WireServer, bench: Bench) -> None:
    server.say(Reply(reply(200, GOOD).data[:-20], "hang"))
    with pytest.raises(ServiceError) as caught:
        read_repositories(bench.connect(timeout=0.1))
    assert caught.value.failure.code == "TimedOut"


def test_a_body_that_comes_byte_by_byte_for_ever_times_out(server: WireServer, bench: Bench) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {JSON}\r\nContent-Length: 1000000\r\n\r\n".encode()
    server.say(Reply(head, "drip"))
    with pytest.raises(ServiceError) as caught:
        read_repositories(bench.connect(timeout=0.1))
    assert caught.value.failure.code == "TimedOut"


def test_compressed_answers_are_read(server: WireServer, ado: AzureDevOps) -> None:
    server.say(reply(200, gzip.compress(GOOD), headers={"Content-Encoding": "gzip"}))
    assert len(read_repositories(ado)) == 2
    server.say(reply(200, b"no gzip at all", headers={"Content-Encoding": "gzip"}))
    with pytest.raises(ServiceError) as caught:
        read_repositories(ado)
    assert caught.value.failure.code == "BrokenAnswer"


def test_an_answer_that_unpacks_beyond_measure_is_refused(server: WireServer, ado: AzureDevOps) -> None:
    bomb = gzip.compress(b" " * 40_000_000)
    server.say(reply(200, bomb, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(errors.BrokenAnswer) as caught:
        ado.connection("contoso")
    assert "larger than" in caught.value.failure.reason


def test_a_byte_order_mark_and_any_order_of_keys_are_fine(server: WireServer, ado: AzureDevOps) -> None:
    server.say(reply(200, b'\xef\xbb\xbf { "count" : 1 , "other":{"value":[1]}, "value" : [ ' + listing()[:0]
               + json.dumps(repository()).encode() + b" ] } \r\n"))  # fmt: skip
    assert len(read_repositories(ado)) == 1
    server.say(reply(200, b"\xef\xbb\xbf" + json.dumps(CONNECTION).encode()))
    assert ado.connection("contoso").display_name == "Conn Svc"


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ([], "(the answer)"),
        ({}, "authenticatedUser"),
        (CONNECTION | {"authenticatedUser": 7}, "authenticatedUser"),
        (CONNECTION | {"instanceId": None}, "instanceId"),
        (CONNECTION | {"instanceId": "x"}, "instanceId"),
        (CONNECTION | {"authenticatedUser": {"id": "x"}}, "authenticatedUser.id"),
        (CONNECTION | {"authenticatedUser": {"id": PROJECT}}, "authenticatedUser.subjectDescriptor"),
    ],
)
def test_a_connection_without_ids_is_none(
    server: WireServer, ado: AzureDevOps, document: dict[str, Any] | list[Any], field: str
) -> None:
    server.say(reply(200, document))
    with pytest.raises(errors.WrongField) as caught:
        ado.connection("contoso")
    assert f"field {field} " in caught.value.failure.reason


def test_nobody_is_not_signed_in(server: WireServer, ado: AzureDevOps) -> None:
    nobody = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
    user = {"id": nobody, "subjectDescriptor": "s", "providerDisplayName": "Anonymous"}
    server.say(reply(200, CONNECTION | {"authenticatedUser": user}))
    with pytest.raises(errors.SignInRequired):
        ado.connection("contoso")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[" * 200_000, b'{"a":1}{}', b"\xff", b'{"a":' + b"1" * 10_000 + b"}", b"NaN"],
)
def test_a_document_that_is_not_sound_is_refused(server: WireServer, ado: AzureDevOps, body: bytes) -> None:
    server.say(reply(200, body))
    with pytest.raises(errors.BrokenAnswer):
        ado.connection("contoso")


@pytest.mark.parametrize(
    ("value", "expected"), [([True], True), ([False], False), (["True"], True), (["false"], False)]
)
def test_permissions_are_told_in_any_case(
    server: WireServer, ado: AzureDevOps, value: list[Any], *, expected: bool
) -> None:
    server.say(reply(200, {"count": 1, "value": value}))
    assert ado.collection_permission("contoso") is expected


@pytest.mark.parametrize("value", [[], [1], ["yes"], [None], [True, True], None, {}, True])
def test_an_unclear_permission_is_no_permission_and_no_refusal(
    server: WireServer, ado: AzureDevOps, value: object
) -> None:
    server.say(reply(200, {"value": value}))
    with pytest.raises(errors.WrongField):
        ado.collection_permission("contoso")
