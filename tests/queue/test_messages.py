"""The message format: what is read, what is refused and how it is told."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.command import Command, DoWork, OnboardOrganization
from shared.model.ids import OrganizationId
from shared.model.work import WorkKind
from shared.queue.messages import MessageRefused, decode, encode
from shared.queue.receiver import MESSAGE_BYTES, QUEUES

WORK = DoWork(OrganizationId("6b1f"), WorkKind.INVENTORY, 7)
NAMES = st.from_regex(r"\A[A-Za-z0-9À-ɏ][A-Za-z0-9À-ɏ-]{0,48}\Z")
LINES = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=60).map(str.strip)


def onboarding(**members: object) -> bytes:
    return json.dumps({"version": 1, "organization": "contoso", **members}).encode()


def work(**members: object) -> bytes:
    return json.dumps(
        {"version": 1, "organizationId": "6b1f", "kind": "inventory", "revision": 7, **members}
    ).encode()


def refusal(queue: str, body: bytes) -> MessageRefused:
    with pytest.raises(MessageRefused) as caught:
        decode(queue, body)
    return caught.value


def test_the_documented_formats() -> None:
    assert json.loads(encode(WORK)) == {
        "version": 1,
        "organizationId": "6b1f",
        "kind": "inventory",
        "revision": 7,
    }
    assert json.loads(encode(OnboardOrganization("contoso", "ana", "audit", "main"))) == {
        "version": 1,
        "organization": "contoso",
        "connector": "main",
        "requestedBy": "ana",
        "reason": "audit",
    }


@given(
    st.builds(OnboardOrganization, NAMES, LINES.filter(bool), LINES, LINES)
    | st.builds(DoWork, NAMES.map(OrganizationId), st.sampled_from(WorkKind), st.integers(1, 2**53))
)
def test_what_is_encoded_is_decoded(command: Command) -> None:
    assert decode(command.queue, encode(command)) == command


def test_only_the_organization_is_needed() -> None:
    assert decode("onboarding", onboarding()) == OnboardOrganization("contoso", "unknown")
    nothing = onboarding(connector=None, requestedBy=None, reason=None)
    assert decode("onboarding", nothing) == OnboardOrganization("contoso", "unknown")
    assert decode("onboarding", onboarding(requestedBy="  ")) == OnboardOrganization("contoso", "unknown")


def test_members_of_a_later_day_are_ignored() -> None:
    assert decode("onboarding", onboarding(priority=1)) == OnboardOrganization("contoso", "unknown")
    assert decode("inventory", work(priority=1)) == WORK


def test_a_byte_order_mark_is_ignored() -> None:
    assert decode("inventory", b"\xef\xbb\xbf" + work()) == WORK


@pytest.mark.parametrize(
    "address",
    [
        "contoso",
        " contoso\n",
        "https://dev.azure.com/contoso",
        "https://dev.azure.com/contoso/",
        "HTTPS://Dev.Azure.com/contoso/project/_git/repository?version=GBmain",
        "http://dev.azure.com/contoso#x",
        "https://someone@dev.azure.com/contoso/project",
        "dev.azure.com/contoso",
        "https://contoso.visualstudio.com",
        "https://contoso.visualstudio.com/DefaultCollection",
        "contoso.visualstudio.com",
    ],
)
def test_an_address_is_reduced_to_the_name(address: str) -> None:
    command = decode("onboarding", onboarding(organization=address))
    assert command == OnboardOrganization("contoso", "unknown")
    assert decode("onboarding", encode(OnboardOrganization(address, "unknown"))) == command


@pytest.mark.parametrize(
    "organization",
    [
        "",
        "  ",
        None,
        5,
        ["contoso"],
        {"name": "contoso"},
        "con\0toso",
        "con\ntoso",
        "con\u0085toso",
        "con toso",
        "contoso/project",
        "con\\toso",
        "contoso?x",
        "contoso#x",
        "con%2Ftoso",
        "con:toso",
        "https://dev.azure.com",
        "https://dev.azure.com/",
        "dev.azure.com",
        "https://example.com/contoso",
        "https://dev.azure.com.example.com/contoso",
        "https://example.com/https://dev.azure.com/contoso",
        "https://.visualstudio.com",
        "https://app.contoso.visualstudio.com",
        "ftp://dev.azure.com/contoso",
        "x" * 257,
        "https://dev.azure.com/" + "x" * 257,
    ],
)
def test_what_names_no_organization_is_refused(organization: object) -> None:
    refused = refusal("onboarding", onboarding(organization=organization))
    assert refused.field == "organization"
    assert "https://dev.azure.com/contoso" in refused.fix


def test_the_longest_name_is_read() -> None:
    assert decode("onboarding", onboarding(organization="x" * 256)) == OnboardOrganization(
        "x" * 256, "unknown"
    )


@pytest.mark.parametrize("version", [0, 2, "1", 1.0, True, None, [1]])
@pytest.mark.parametrize("queue", QUEUES)
def test_another_version_is_refused(queue: str, version: object) -> None:
    body = onboarding(version=version) if queue == "onboarding" else work(version=version, kind=queue)
    assert refusal(queue, body).field == "version"


def test_a_version_is_needed() -> None:
    assert refusal("onboarding", b'{"organization": "contoso"}').field == "version"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("organizationId", ""),
        ("organizationId", None),
        ("organizationId", "a\0b"),
        ("organizationId", "x" * 257),
        ("kind", "posture"),
        ("kind", "Inventory"),
        ("kind", 1),
        ("kind", "x" * 10_000),
        ("revision", 0),
        ("revision", -1),
        ("revision", "7"),
        ("revision", 7.0),
        ("revision", True),
        ("revision", 2**53 + 1),
        ("revision", 10**100),
    ],
)
def test_work_that_cannot_be_is_refused_with_the_field(field: str, value: object) -> None:
    refused = refusal("inventory", work(**{field: value}))
    assert refused.field == field
    assert refused.problem
    assert refused.fix


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("connector", 5),
        ("connector", "a\0b"),
        ("connector", "x" * 257),
        ("requestedBy", ["ana"]),
        ("requestedBy", "x" * 257),
        ("reason", {}),
        ("reason", "x" * 2001),
    ],
)
def test_optional_members_are_checked_too(field: str, value: object) -> None:
    assert refusal("onboarding", onboarding(**{field: value})).field == field


def test_line_breaks_in_free_text_become_spaces() -> None:
    command = decode("onboarding", onboarding(reason="one\r\ntwo\0", requestedBy="ana\tb"))
    assert command == OnboardOrganization("contoso", "ana b", "one  two")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe{\x00}\x00",
        b'{"version": 1, "organization": "\xff"}',
        b"contoso",
        b'"contoso"',
        b"null",
        b"[]",
        b"{",
        b'{"version": 1,}',
        b'{"version": 1, "organization": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 40_000,
        b'{"version": 1' + b"0" * 10_000 + b"}",
        b" " * (MESSAGE_BYTES + 1),
    ],
)
@pytest.mark.parametrize("queue", ["onboarding", "inventory"])
def test_what_is_no_json_object_is_refused(queue: str, body: bytes) -> None:
    refused = refusal(queue, body)
    assert refused.field in {"body", "version"}


@given(st.binary(max_size=200), st.sampled_from(QUEUES))
def test_any_bytes_are_refused_and_nothing_else_is_raised(body: bytes, queue: str) -> None:
    assert refusal(queue, body).field


@given(
    st.dictionaries(
        st.sampled_from(["version", "organization", "organizationId", "kind", "revision", "reason"]),
        st.just(1) | st.none() | st.text() | st.lists(st.integers(), max_size=2) | st.booleans(),
    ),
    st.sampled_from(QUEUES),
)
def test_any_object_is_read_or_refused(members: dict[str, object], queue: str) -> None:
    body = json.dumps(members).encode()
    try:
        command = decode(queue, body)
    except MessageRefused as refused:
        told = refused
    else:
        assert command.queue == queue
        return
    assert told.field in {"version", "organization", "organizationId", "kind", "revision", "reason", "body"}


@pytest.mark.parametrize("field", ["organization", "connector", "requestedBy", "reason", "version"])
def test_a_refusal_does_not_repeat_the_body(field: str) -> None:
    secret = "/" + "hunter2" * 400
    refused = refusal("onboarding", onboarding(**{field: secret}))
    assert "hunter2" not in str(refused)
    long_kind = refusal("inventory", work(kind="k" * 500))
    assert "k" * 80 not in str(long_kind)


def test_a_message_for_another_queue_is_refused() -> None:
    refused = refusal("posture", work())
    assert refused.field == "kind"
    assert "'inventory'" in refused.problem
    assert "'posture'" in refused.problem
    assert refusal("nonsense", work(kind="nonsense")).field == "kind"


def test_what_the_receiver_would_refuse_is_not_sent() -> None:
    with pytest.raises(MessageRefused, match="organization"):
        encode(OnboardOrganization("contoso/project", "ana"))
    with pytest.raises(MessageRefused, match="revision"):
        encode(DoWork(OrganizationId("o"), WorkKind.POSTURE, 0))


def test_a_refusal_survives_the_way_between_processes() -> None:
    refused = refusal("onboarding", b"")
    again = pickle.loads(pickle.dumps(refused))  # noqa: S301
    assert (again.field, again.problem, again.fix) == (refused.field, refused.problem, refused.fix)
    assert str(again) == str(refused)
