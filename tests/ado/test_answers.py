"""Single answers: what is taken from each, and what makes it unreadable."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.ado import errors
from shared.model.facts import Fact
from shared.model.failure import Unreadable
from shared.model.identity import Account, Connection, ExtensionOffer, ExtensionRequests
from shared.ports import AzureDevOps
from tests.ado.bench import ME, PROJECT, TENANT
from tests.ado.wire_server import WireServer, failure, reply

HERE = Connection(PROJECT, ME, "aad.x", "Conn Svc")
LEVEL = {"licensingSource": "account", "accountLicenseType": "earlyAdopter", "status": "active"}
POLICIES = "ms.vss-admin-web.organization-policies-data-provider"
PIPELINES = "ms.vss-build-web.pipelines-org-settings-data-provider"
EXTENSION = {"extensionId": "e", "publisherId": "p", "version": "1", "installState": {"flags": "none"}}


def page_of(policies: object) -> dict[str, Any]:
    return {"fps": {"dataProviders": {"data": {POLICIES: {"policies": policies}}}}}


def policy(**fields: object) -> dict[str, Any]:
    return {"security": [{"policy": {"name": "Policy.DisallowSecureShell"} | fields}]}


def test_groups_are_told_by_their_sids(server: WireServer, ado: AzureDevOps) -> None:
    groups = ["Microsoft.TeamFoundation.Identity;S-1-9-1", {"identifier": "S-1-9-2", "identityType": "x"}]
    server.say(reply(200, {"value": [{"id": ME, "memberOf": groups}]}))
    assert ado.group_sids("contoso", "aad.x+/=") == {"S-1-9-1", "S-1-9-2"}
    assert "subjectDescriptors=aad.x%2B%2F%3D&queryMembership=expandedUp" in server.asked[0].target


@pytest.mark.parametrize("value", [[], [None]])
def test_an_unknown_identity_is_in_no_known_group(
    server: WireServer, ado: AzureDevOps, value: list[None]
) -> None:
    server.say(reply(200, {"value": value}))
    with pytest.raises(errors.NotFound):
        ado.group_sids("contoso", "aad.x")


@pytest.mark.parametrize("member", [{}, {"memberOf": None}, {"memberOf": "x"}, {"memberOf": [7]}, "x"])
def test_groups_that_are_not_told_are_unknown(server: WireServer, ado: AzureDevOps, member: object) -> None:
    server.say(reply(200, {"value": [member]}))
    with pytest.raises(errors.WrongField):
        ado.group_sids("contoso", "aad.x")


def test_an_access_level_without_a_subscription(server: WireServer, ado: AzureDevOps) -> None:
    server.say(reply(200, {"accessLevel": LEVEL}))
    level = ado.entitlement("contoso", HERE)
    assert (level.account_license, level.msdn_license, level.status) == ("earlyadopter", "none", "active")
    assert server.asked[0].target.startswith(f"/vsaex.dev.azure.com/contoso/_apis/userentitlements/{ME}?")


@pytest.mark.parametrize("name", ["licensingSource", "accountLicenseType", "status"])
@pytest.mark.parametrize("value", [None, "", 3])
def test_an_access_level_must_be_told(server: WireServer, ado: AzureDevOps, name: str, value: object) -> None:
    server.say(reply(200, {"accessLevel": LEVEL | {name: value}}))
    with pytest.raises(errors.WrongField, match=f"accessLevel.{name}"):
        ado.entitlement("contoso", HERE)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"value": False, "effectiveValue": True}, (False, True)),
        ({"value": "true", "effectiveValue": "False"}, (True, False)),
        ({"value": None}, (None, None)),
    ],
)
def test_policies_keep_both_values(
    server: WireServer, ado: AzureDevOps, fields: dict[str, Any], expected: tuple[bool | None, bool | None]
) -> None:
    server.say(reply(200, page_of(policy(**fields))))
    value = ado.policies("contoso").policies["Policy.DisallowSecureShell"]
    assert (value.value, value.effective) == expected
    (asked,) = server.asked
    assert asked.target == "/dev.azure.com/contoso/_settings/organizationPolicy?__rt=fps&__ver=2"
    assert asked.headers["accept"] == "application/json"


@pytest.mark.parametrize(
    "first",
    [
        reply(200, "<html>", "text/html"),
        reply(200, {"fps": {"dataProviders": {"data": {}}}}),
        reply(200, page_of(policy(value=7))),
        reply(200, page_of(None)),
        reply(200, b"{"),
        reply(401, b"", None),
        failure(404, "X"),
    ],
)
def test_what_the_page_does_not_tell_is_queried(server: WireServer, ado: AzureDevOps, first: object) -> None:
    answer = {"dataProviders": {"ms.vss-web.shared-data": None, POLICIES: {"policies": policy(value=True)}}}
    server.say(first, reply(200, answer))  # type: ignore[arg-type]
    assert ado.policies("contoso").policies["Policy.DisallowSecureShell"].value is True
    asked = server.asked[1]
    assert asked.method == "POST"
    assert POLICIES.encode() in asked.body
    assert asked.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "providers",
    [{}, {PIPELINES: None}, {PIPELINES: {}}, {PIPELINES: {"errorMessage": "no"}}, {"other": {"a": True}}],
)
def test_settings_that_are_left_out_are_unknown(
    server: WireServer, ado: AzureDevOps, providers: dict[str, Any]
) -> None:
    server.say(reply(200, {"dataProviders": providers, "dataProviderExceptions": {PIPELINES: {}}}))
    with pytest.raises(errors.ProviderUnavailable):
        ado.organization_pipeline_settings("contoso")


def test_settings_are_switches_and_nothing_else(server: WireServer, ado: AzureDevOps) -> None:
    data = {"enforceSettableVar": True, "statusBadgesArePrivate": "true", "more": {"a": True}, "off": False}
    server.say(reply(200, {"dataProviders": {PIPELINES: data}}))
    settings = ado.organization_pipeline_settings("contoso").settings
    assert settings == {"enforceSettableVar": True, "off": False}


def test_flags_and_issues_of_an_extension(server: WireServer, ado: AzureDevOps) -> None:
    state = {"flags": "multiVersion,  unInstalled ,", "installationIssues": [{"message": "m" * 500}, "t", {}]}
    server.say(reply(200, EXTENSION | {"installState": state}))
    found = ado.installed_extension("contoso", "p", "e")
    assert found is not None
    assert found.flags == ("multiVersion", "unInstalled")
    assert [len(issue) for issue in found.issues] == [200, 1, len("an issue without a message")]


@pytest.mark.parametrize(
    "changes",
    [
        {"installState": None},
        {"installState": {}},
        {"installState": {"flags": 1}},
        {"installState": {"flags": "none", "installationIssues": [7]}},
        {"extensionId": ""},
        {"publisherId": None},
    ],
)
def test_an_extension_that_is_not_told_is_not_installed_and_not_missing(
    server: WireServer, ado: AzureDevOps, changes: dict[str, Any]
) -> None:
    server.say(reply(200, EXTENSION | changes))
    with pytest.raises(errors.WrongField):
        ado.installed_extension("contoso", "p", "e")


def test_a_conflict_of_another_kind_is_a_refusal(server: WireServer, ado: AzureDevOps) -> None:
    server.say(failure(409, "SomethingElseException"))
    with pytest.raises(errors.RequestRefused):
        ado.install_extension("contoso", "p", "e")


def operation(kind: str, state: str = "allow", **more: object) -> dict[str, Any]:
    return {"operationType": kind, "operationState": state, **more}


@pytest.mark.parametrize(
    ("operations", "offer"),
    [
        ([operation("install"), operation("request")], ExtensionOffer(is_shared=True)),
        ([operation("Install", "Allow")], ExtensionOffer(is_shared=True)),
        (
            [operation("install", "disallow", reason="no right"), operation("request")],
            ExtensionOffer(is_shared=True, refusal="no right"),
        ),
        ([operation("install", "disallow")], ExtensionOffer(is_shared=True, refusal="no reason is told.")),
        ([operation("request")], ExtensionOffer(is_shared=True, refusal="it may be asked for only.")),
    ],
)
def test_an_offer(
    server: WireServer, ado: AzureDevOps, operations: list[object], offer: ExtensionOffer
) -> None:
    server.say(reply(200, {"operations": operations}))
    assert ado.extension_offer("contoso", "p", "e") == offer
    assert "acquisitionoptions?itemId=p.e&" in server.asked[0].target


@pytest.mark.parametrize("operations", [None, [], "x", [7], [{}], [operation("buy")]])
def test_an_offer_that_is_not_told_is_unknown(
    server: WireServer, ado: AzureDevOps, operations: object
) -> None:
    server.say(reply(200, {"operations": operations}))
    with pytest.raises(errors.WrongField):
        ado.extension_offer("contoso", "p", "e")


def test_only_the_gallery_says_that_an_extension_is_not_shared(server: WireServer, ado: AzureDevOps) -> None:
    server.say(failure(404, "ExtensionDoesNotExistException"), failure(404, "SomethingElseException"))
    assert ado.extension_offer("contoso", "p", "e") == ExtensionOffer(is_shared=False)
    with pytest.raises(errors.NotFound):
        ado.extension_offer("contoso", "p", "e")


def test_requests_for_an_extension(server: WireServer, ado: AzureDevOps) -> None:
    requests = [
        {"requestState": "open", "requestDate": "2025-02-01T00:00:00Z"},
        {"requestState": "Open", "requestDate": "2025-01-01T00:00:00.1234567Z"},
        {"requestState": "rejected"},
        {"requestState": "accepted", "requestDate": "2024-01-01T00:00:00Z"},
    ]
    mine = {"publisherName": "P", "extensionName": "E", "extensionRequests": requests}
    server.say(reply(200, {"value": [mine | {"publisherName": "q"}, mine]}), reply(200, {"value": []}))
    found = ado.extension_requests("contoso", "p", "e")
    assert (found.waiting, found.rejected) == (2, 1)
    assert found.since == datetime(2025, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
    assert ado.extension_requests("contoso", "p", "e") == ExtensionRequests()


@pytest.mark.parametrize(
    "value", [None, [7], [{}], [{"publisherName": "p", "extensionName": "e", "extensionRequests": [{}]}]]
)
def test_requests_that_are_not_told_are_unknown(server: WireServer, ado: AzureDevOps, value: object) -> None:
    server.say(reply(200, {"value": value}))
    with pytest.raises(errors.WrongField):
        ado.extension_requests("contoso", "p", "e")


def test_an_installation_that_is_answered_stands_where_it_may_not_be_looked_at(
    server: WireServer, ado: AzureDevOps
) -> None:
    server.say(reply(200, EXTENSION), failure(403, "AccessCheckException"))
    assert ado.install_extension("contoso", "p", "e").name == "e"
    assert [one.method for one in server.asked] == ["POST", "GET"]


def test_an_installation_whose_answer_is_lost_and_may_not_be_looked_at_is_tried_later(
    server: WireServer, ado: AzureDevOps
) -> None:
    server.say(failure(500, "Exception"), failure(403, "AccessCheckException"))
    with pytest.raises(errors.ServerTrouble):
        ado.install_extension("contoso", "p", "e")
    assert [one.method for one in server.asked] == ["POST", "GET"]


def test_a_refused_installation_is_not_repeated(server: WireServer, ado: AzureDevOps) -> None:
    server.say(failure(403, "AccessCheckException"))
    with pytest.raises(errors.PermissionMissing):
        ado.install_extension("contoso", "p", "e")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"pipelines": [], "allPipelines": {"authorized": True}}, True),
        ({"pipelines": [], "allPipelines": {"authorized": False}}, False),
        ({"pipelines": [], "allPipelines": {}}, False),
        ({"pipelines": [{"id": 6, "authorized": True}], "allPipelines": None}, False),
        ({"pipelines": []}, False),
        ({"pipelines": [], "allPipelines": {"authorized": "yes"}}, None),
        ({"allPipelines": {"authorized": True}}, True),
        ({"resource": {"type": "endpoint"}}, None),
        ([], None),
    ],
)
def test_open_only_if_the_service_says_so(
    server: WireServer, ado: AzureDevOps, answer: object, *, expected: bool | None
) -> None:
    server.say(reply(200, answer))  # type: ignore[arg-type]
    if expected is None:
        with pytest.raises(Unreadable):
            ado.is_open_to_all("contoso", PROJECT, "endpoint", ME)
    else:
        assert ado.is_open_to_all("contoso", PROJECT, "endpoint", ME) is expected


def test_a_service_connection_of_which_little_is_told(server: WireServer, ado: AzureDevOps) -> None:
    endpoint = {"id": ME, "name": "azure", "type": None}
    server.say(reply(200, {"count": 1, "value": [endpoint]}))
    unasked = Fact.read(False)
    (found,) = ado.service_connections("contoso", PROJECT, unasked)
    assert found.open_to_all_pipelines is unasked
    assert (found.type, found.scheme, found.is_shared) == ("", "", False)
    assert "includeFailed=true" in server.asked[0].target


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "1"},
        {"id": None},
        {"type": {"id": "x"}},
        {"isEnabled": None},
        {"isBlocking": "true"},
        {"settings": []},
        {"settings": {"scope": {}}},
        {"settings": {"scope": [{"repositoryId": "all"}]}},
        {"settings": {"scope": ["x"]}},
    ],
)
def test_one_policy_that_is_not_understood_makes_all_unknown(
    server: WireServer, ado: AzureDevOps, changes: dict[str, Any]
) -> None:
    good = {"id": 1, "type": {"id": ME}, "isEnabled": True, "isBlocking": True}
    server.say(reply(200, {"value": [good, good | changes]}))
    with pytest.raises(Unreadable, match=r"field value\[1\]"):
        ado.branch_policies("contoso", PROJECT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"\ufeffOrganization Id, Organization Name, Url, Owner\r\n{ME}, contoso, https://x/, o\r\n",
            (Account(ME, "contoso"),),
        ),
        ("Organization Id, Organization Name\r\n", ()),
        (f"Organization Id, Organization Name\r\n{ME}\r\n", None),
        ("Id, Name\r\n1, contoso\r\n", None),
        ("Organization Id\r\n1\r\n", None),
        ("", None),
        ("nothing", None),
        ("Organization Id, Organization Name\r\nx, contoso\r\n", None),
    ],
)
def test_the_catalog_of_a_tenant(
    server: WireServer, ado: AzureDevOps, text: str, expected: tuple[Account, ...] | None
) -> None:
    server.say(reply(200, text, "text/csv"))
    observed = ado.tenant_organizations(TENANT)
    assert observed.complete is (expected is not None)
    assert observed.items == (expected or ())


def test_old_answers_of_accounts_are_told_apart_from_none(server: WireServer, ado: AzureDevOps) -> None:
    server.say(reply(200, [{"AccountId": ME, "AccountName": "contoso"}]))
    assert not ado.accounts(ME).complete
    server.say(reply(200, {"count": 1, "value": [{"accountId": ME, "accountName": "contoso"}]}))
    assert ado.accounts(ME).items == (Account(ME, "contoso"),)
    assert (
        server.asked[0].target == f"/app.vssps.visualstudio.com/_apis/accounts?memberId={ME}&api-version=7.1"
    )
