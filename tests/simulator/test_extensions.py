"""Extensions: installed, in what state, shared, and who may change that."""

from __future__ import annotations

from typing import Any

import pytest

from local.ado_simulator import CONTAINER_MAPPING, SCANNER, Organization, World
from tests.simulator.client import Client

BASE = "/extmgmt.dev.azure.com/contoso/_apis/extensionmanagement"
PREVIEW = "7.1-preview.1"
MAPPING = f"{BASE}/installedextensionsbyname/ms-securitydevops/ms-dfd-code-to-cloud"


def test_an_extension_that_is_not_installed(client: Client) -> None:
    answer = client.get(MAPPING, version=PREVIEW)
    assert (answer.status_code, answer.json()["typeKey"]) == (404, "InstalledExtensionNotFoundException")


@pytest.mark.parametrize(
    "flags",
    ["none", "trusted", "disabled", "unInstalled", "needsReauthorization", "error", "builtIn, trusted"],
)
def test_flags_are_told_as_they_are(client: Client, contoso: Organization, flags: str) -> None:
    contoso.install_extension(*CONTAINER_MAPPING, flags=flags)
    answer = client.get(MAPPING, version=PREVIEW)
    assert (answer.status_code, answer.json()["installState"]["flags"]) == (200, flags)


def test_names_are_found_in_any_case(client: Client, contoso: Organization) -> None:
    contoso.install_extension(*CONTAINER_MAPPING)
    assert client.get(MAPPING.replace("ms-dfd", "MS-DFD"), version=PREVIEW).status_code == 200


def test_installing_needs_sharing_and_happens_once(client: Client, contoso: Organization) -> None:
    refused = client.post(MAPPING, version=PREVIEW)
    assert (refused.status_code, refused.json()["typeKey"]) == (404, "ExtensionDoesNotExistException")
    contoso.share_extension(*CONTAINER_MAPPING)
    installed = client.post(MAPPING, version=PREVIEW)
    assert (installed.status_code, installed.json()["extensionId"]) == (200, "ms-dfd-code-to-cloud")
    again = client.post(f"{MAPPING}/1.0.12", version=PREVIEW)
    assert (again.status_code, again.json()["typeKey"]) == (409, "ExtensionAlreadyInstalledException")


def test_public_extensions_need_no_sharing(client: Client) -> None:
    path = f"{BASE}/installedextensionsbyname/{'/'.join(SCANNER)}"
    assert client.post(path, version=PREVIEW).status_code == 200


def test_an_uninstalled_one_can_be_installed_again(client: Client, contoso: Organization) -> None:
    contoso.share_extension(*CONTAINER_MAPPING)
    contoso.install_extension(*CONTAINER_MAPPING, flags="unInstalled")
    assert client.post(MAPPING, version=PREVIEW).json()["installState"]["flags"] == "none"


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_changing_needs_an_administrator(client: Client, contoso: Organization, method: str) -> None:
    contoso.share_extension(*CONTAINER_MAPPING)
    contoso.set_pca("none")
    answer = client.send(method, MAPPING, version=PREVIEW)
    assert (answer.status_code, answer.json()["typeKey"]) == (403, "AccessCheckException")
    assert answer.json()["customProperties"]["RequestedPermissions"] == 2


def test_a_fresh_installation_may_take_a_while_to_be_seen(client: Client, contoso: Organization) -> None:
    contoso.share_extension(*CONTAINER_MAPPING)
    contoso.extension_lag = 2
    client.post(MAPPING, version=PREVIEW)
    assert [client.get(MAPPING, version=PREVIEW).status_code for _ in range(3)] == [404, 404, 200]


def test_uninstalling(client: Client, contoso: Organization) -> None:
    contoso.install_extension(*CONTAINER_MAPPING)
    assert client.send("DELETE", MAPPING, version=PREVIEW, reason="gone").status_code == 204
    assert client.send("DELETE", MAPPING, version=PREVIEW).status_code == 404


def test_the_list_leaves_out_disabled_ones_unless_asked(client: Client, contoso: Organization) -> None:
    contoso.install_extension(*SCANNER)
    contoso.install_extension(*CONTAINER_MAPPING, flags="disabled")
    path = f"{BASE}/installedextensions"
    assert client.get(path, version=PREVIEW).json()["count"] == 1
    assert client.get(path, version=PREVIEW, includeDisabledExtensions="true").json()["count"] == 2


def test_enabling_goes_through_the_list(client: Client, contoso: Organization) -> None:
    contoso.install_extension(*CONTAINER_MAPPING, flags="disabled")
    body = {
        "publisherId": "ms-securitydevops",
        "extensionId": "ms-dfd-code-to-cloud",
        "installState": {"flags": "none"},
    }
    assert client.send("PATCH", MAPPING, version=PREVIEW, json=body).status_code == 405
    answer = client.send("PATCH", f"{BASE}/installedextensions", version=PREVIEW, json=body)
    assert answer.json()["installState"]["flags"] == "none"


def test_members_may_ask_for_an_extension(client: Client) -> None:
    path = f"{BASE}/requestedextensions"
    assert client.get(path, version=PREVIEW).json()["count"] == 0
    client.post(f"{path}/ms-securitydevops/ms-dfd-code-to-cloud", version=PREVIEW)
    assert client.get(path, version=PREVIEW).json()["value"][0]["extensionName"] == "ms-dfd-code-to-cloud"


def test_only_the_publisher_shares(client: Client, world: World, contoso: Organization) -> None:
    gallery = "/marketplace.visualstudio.com/_apis/gallery/publishers/ms-securitydevops/extensions"
    path = f"{gallery}/ms-dfd-code-to-cloud/accounts/contoso"
    assert client.post(path).status_code == 403
    world.publishers["ms-securitydevops"] = {world.token}
    assert client.post(path).status_code == 204
    assert CONTAINER_MAPPING in contoso.shared_extensions


def options(client: Client, name: str = ".".join(CONTAINER_MAPPING)) -> Any:
    return client.get(f"{BASE}/acquisitionoptions", version=PREVIEW, itemId=name)


def install_operation(client: Client) -> Any:
    return next(one for one in options(client).json()["operations"] if one["operationType"] == "install")


def test_what_is_not_shared_is_not_offered(client: Client, contoso: Organization) -> None:
    answer = options(client)
    assert (answer.status_code, answer.json()["typeKey"]) == (404, "ExtensionDoesNotExistException")
    contoso.share_extension(*CONTAINER_MAPPING)
    assert install_operation(client)["operationState"] == "allow"
    assert options(client, "no-item").status_code == 400
    assert options(client, ".".join(SCANNER)).status_code == 200


def test_the_offer_knows_who_may_install(client: Client, contoso: Organization) -> None:
    contoso.share_extension(*CONTAINER_MAPPING)
    contoso.set_pca("none")
    told = install_operation(client)
    assert told["operationState"] == "disallow"
    assert "permission" in told["reason"]


def test_what_is_there_is_not_offered_again(client: Client, contoso: Organization) -> None:
    contoso.install_extension(*CONTAINER_MAPPING)
    assert "already installed" in install_operation(client)["reason"]


def test_requests_are_kept_with_their_answers(client: Client, contoso: Organization) -> None:
    def states() -> list[str]:
        told = client.get(f"{BASE}/requestedextensions", version=PREVIEW).json()["value"]
        return [one["requestState"] for one in told[0]["extensionRequests"]]

    for _ in range(2):
        client.post(f"{BASE}/requestedextensions/{'/'.join(CONTAINER_MAPPING)}", version=PREVIEW)
    assert states() == ["open"]
    contoso.answer_extension_requests(*CONTAINER_MAPPING, "rejected")
    client.post(f"{BASE}/requestedextensions/{'/'.join(CONTAINER_MAPPING)}", version=PREVIEW)
    contoso.install_extension(*CONTAINER_MAPPING)
    assert states() == ["rejected", "accepted"]


def test_dates_and_issues_are_told(client: Client, contoso: Organization) -> None:
    contoso.install_extension(*CONTAINER_MAPPING).issues.append("A demand is not met.")
    contoso.set_extension_dates(
        *CONTAINER_MAPPING, updated="2024-01-01T00:00:00Z", published="2025-01-01T00:00:00Z"
    )
    told = client.get(MAPPING, version=PREVIEW).json()
    assert (told["installState"]["lastUpdated"], told["lastPublished"]) == (
        "2024-01-01T00:00:00Z",
        "2025-01-01T00:00:00Z",
    )
    assert told["installState"]["installationIssues"][0]["message"] == "A demand is not met."
