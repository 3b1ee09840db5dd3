"""Every row of the error table, over the wire."""

from __future__ import annotations

import re

import pytest

from shared.ado import errors
from shared.model.failure import FailureKind, ServiceError
from shared.ports import AzureDevOps
from tests.ado.bench import CONNECTION, PATIENCE, TENANT, TOKEN, Bench
from tests.ado.wire_server import HTML, Reply, WireServer, failure, reply

SIGN_IN = "<!DOCTYPE html><title>Azure DevOps Services | Sign In</title>" + "x" * 16_000
TENANT_HEADERS = {
    "WWW-Authenticate": f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}, TFS-Federated",
    "X-VSS-ResourceTenant": TENANT,
}
SIGN_IN_ADDRESS = "https://spsprodeus27.vssps.visualstudio.com/_signin?realm=dev.azure.com"

TABLE: list[tuple[str, Reply, type[ServiceError], FailureKind]] = [
    ("203", reply(203, SIGN_IN, HTML), errors.SignInRequired, FailureKind.DENIED),
    ("203 json", reply(203, CONNECTION), errors.SignInRequired, FailureKind.DENIED),
    ("200 html", reply(200, SIGN_IN, HTML), errors.SignInRequired, FailureKind.DENIED),
    (
        "302 to sign-in",
        reply(302, b"", HTML, {"Location": SIGN_IN_ADDRESS}),
        errors.SignInRequired,
        FailureKind.DENIED,
    ),
    (
        "302 elsewhere",
        reply(302, b"", None, {"Location": "https://elsewhere.example.com/"}),
        errors.Redirected,
        FailureKind.UNREADABLE,
    ),
    ("307 without location", reply(307, b"", None), errors.Redirected, FailureKind.UNREADABLE),
    (
        "302 to a broken address",
        reply(302, b"", None, {"Location": "https://[broken/"}),
        errors.Redirected,
        FailureKind.UNREADABLE,
    ),
    (
        "401 empty",
        reply(401, b"", None, {"WWW-Authenticate": 'Basic realm="https://dev.azure.com/"'}),
        errors.TokenRefused,
        FailureKind.DENIED,
    ),
    (
        "401 not a member",
        failure(401, "UnauthorizedRequestException", TENANT_HEADERS),
        errors.NotAMember,
        FailureKind.DENIED,
    ),
    ("401 html", reply(401, SIGN_IN, HTML), errors.TokenRefused, FailureKind.DENIED),
    ("403", failure(403, "AccessCheckException"), errors.PermissionMissing, FailureKind.DENIED),
    ("403 html", reply(403, "<html>", HTML), errors.PermissionMissing, FailureKind.DENIED),
    ("404 json", failure(404, "ProjectDoesNotExistWithNameException"), errors.NotFound, FailureKind.GONE),
    (
        "404 json with a byte order mark",
        failure(404, "ProjectDoesNotExistWithNameException", bom=True),
        errors.NotFound,
        FailureKind.GONE,
    ),
    (
        "404 plain",
        reply(404, "The controller for path '/x' was not found", "text/plain; charset=utf-8"),
        errors.RouteUnknown,
        FailureKind.UNREADABLE,
    ),
    ("404 html", reply(404, "<html>", HTML), errors.OrganizationNotFound, FailureKind.GONE),
    ("404 nothing", reply(404, b"", None), errors.RouteUnknown, FailureKind.UNREADABLE),
    ("400", failure(400, "VssVersionException"), errors.RequestRefused, FailureKind.UNREADABLE),
    ("405", reply(405, "no", "text/plain"), errors.RequestRefused, FailureKind.UNREADABLE),
    ("409", failure(409, "SomethingExistsException"), errors.RequestRefused, FailureKind.UNREADABLE),
    (
        "429 with Retry-After",
        failure(429, "RequestBlockedException", {"Retry-After": "120"}),
        errors.RateLimited,
        FailureKind.THROTTLED,
    ),
    ("429 bare", reply(429, b"", None), errors.RateLimited, FailureKind.THROTTLED),
    ("500 html", reply(500, "<html>", HTML), errors.ServerTrouble, FailureKind.TRANSIENT),
    ("500 json", failure(500, "VssServiceException"), errors.ServerTrouble, FailureKind.TRANSIENT),
    ("502", reply(502, "<html>", HTML), errors.ServerTrouble, FailureKind.TRANSIENT),
    ("503 html", reply(503, "<html>", HTML), errors.ServerTrouble, FailureKind.TRANSIENT),
    ("503 json", failure(503, "VssServiceException"), errors.ServerTrouble, FailureKind.TRANSIENT),
    ("504", reply(504, b"", None), errors.ServerTrouble, FailureKind.TRANSIENT),
    (
        "503 stopped",
        reply(
            503, b'\xef\xbb\xbf{"message":"TF24668: x","typeKey":"VssServiceException"}', "application/json"
        ),
        errors.OrganizationStopped,
        FailureKind.DENIED,
    ),
    ("204", Reply(b"HTTP/1.1 204 No Content\r\n\r\n"), errors.BrokenAnswer, FailureKind.UNREADABLE),
    ("wrong content type", reply(200, "a,b", "text/csv"), errors.BrokenAnswer, FailureKind.UNREADABLE),
    ("no content type", reply(200, "{}", None), errors.BrokenAnswer, FailureKind.UNREADABLE),
    ("not HTTP", Reply(b"SSH-2.0-OpenSSH\r\n", "close"), errors.NoConnection, FailureKind.TRANSIENT),
    ("closed", Reply(b"", "close"), errors.NoConnection, FailureKind.TRANSIENT),
    ("reset", Reply(b"", "reset"), errors.NoConnection, FailureKind.TRANSIENT),
    ("silence", Reply(b"", "hang"), errors.TimedOut, FailureKind.TRANSIENT),
]


@pytest.mark.parametrize(
    ("told", "expected", "kind"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_an_answer_is_told_for_what_it_is(
    server: WireServer, bench: Bench, told: Reply, expected: type[ServiceError], kind: FailureKind
) -> None:
    server.say(told)
    with pytest.raises(ServiceError) as caught:
        bench.connect(timeout=0.2 if told.then == "hang" else PATIENCE).connection("contoso")
    failed = caught.value.failure
    assert type(caught.value) is expected
    assert failed.kind is kind
    assert failed.code == expected.__name__
    assert failed.reason.startswith("Organization contoso: reading who we are failed: ")
    assert failed.fix
    assert caught.value.__context__ is None
    status = re.match(rb"HTTP/1.1 (\d+)", told.data)
    if status and expected is not errors.RateLimited:
        assert failed.status == int(status.group(1))
    assert TOKEN not in repr(failed)


@pytest.mark.parametrize(
    ("told", "tries"),
    [
        (reply(500, "<html>", HTML), 3),
        (Reply(b"", "reset"), 3),
        (Reply(b"", "close"), 3),
        (reply(401, b"", None), 1),
        (failure(403, "AccessCheckException"), 1),
        (failure(404, "NotHereException"), 1),
        (reply(203, SIGN_IN, HTML), 1),
    ],
)
def test_only_passing_trouble_is_tried_again(
    server: WireServer, bench: Bench, ado: AzureDevOps, told: Reply, tries: int
) -> None:
    server.say(told)
    with pytest.raises(ServiceError):
        ado.connection("contoso")
    assert len(server.asked) == tries
    assert len(bench.clock.slept) == tries - 1
    assert all(0.2 <= pause <= 1.2 for pause in bench.clock.slept)


def test_trouble_that_passes_is_not_noticed(server: WireServer, ado: AzureDevOps) -> None:
    server.say(reply(503, "<html>", HTML), Reply(b"", "reset"), reply(200, CONNECTION))
    assert ado.connection("contoso").instance_id == "2ad38d1e-3eaf-4769-931c-3a2da67bbb01"


def test_the_right_tenant_is_named(server: WireServer, ado: AzureDevOps) -> None:
    server.say(failure(401, "UnauthorizedRequestException", TENANT_HEADERS))
    with pytest.raises(errors.NotAMember) as caught:
        ado.connection("contoso")
    assert TENANT in caught.value.failure.reason
    assert TENANT in caught.value.failure.fix


def test_the_activity_id_and_the_permission_are_told(server: WireServer, ado: AzureDevOps) -> None:
    server.say(failure(403, "AccessCheckException", {"ActivityId": "7abd520f"}))
    listing = ado.projects("contoso")
    assert listing.failure is not None
    assert listing.failure.activity == "7abd520f"
    assert "vso.project" in listing.failure.permission
    assert "AccessCheckException" in listing.failure.reason


def test_messages_decide_nothing(server: WireServer, ado: AzureDevOps) -> None:
    body = {"typeKey": "VssServiceException", "message": "TF24668: sign in, not found, 404"}
    server.say(reply(503, body, headers={"ActivityId": "a"}))
    with pytest.raises(errors.ServerTrouble):
        ado.connection("contoso")


def test_a_misleading_header_does_not_reach_the_reader(server: WireServer, ado: AzureDevOps) -> None:
    server.say(failure(401, "UnauthorizedRequestException", {"X-VSS-ResourceTenant": "\x1b[31m" + "t" * 500}))
    with pytest.raises(errors.NotAMember) as caught:
        ado.connection("contoso")
    assert "\x1b" not in caught.value.failure.sentence()
    assert len(caught.value.failure.reason) < 300


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = set(re.findall(r"(?:├|└)── (\w+)", errors.__doc__ or ""))
    classes = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, ServiceError)
    }
    assert drawn == classes - {"ServiceError", "AzureDevOpsError"}
