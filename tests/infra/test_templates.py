"""What can be known of the templates without the compiler and without Azure."""

from __future__ import annotations

import fnmatch
import json
import re
from pathlib import Path

import pytest
import yaml

from shared.queue.receiver import QUEUES
from tests.host.app_under_test import BINDINGS
from tests.infra.bicep import (
    FUNCTIONS,
    INFRA,
    ROOT,
    Template,
    body_of,
    every,
    template,
    templates,
    written,
)

ALL = pytest.mark.parametrize("one", templates(), ids=lambda one: one.name)

PARAMETER_FILE = json.loads((INFRA / "main.parameters.json").read_text(encoding="utf-8"))["parameters"]


# --- it holds together ------------------------------------------------------------------------------------


@ALL
def test_it_is_bicep(one: Template) -> None:
    assert one.plain["globals"]["scope"]["value"] == (
        "subscription" if one.name == "main.bicep" else "resourceGroup"
    )
    assert one.parameters


@ALL
def test_every_name_is_declared_and_every_declaration_is_used(one: Template) -> None:
    named = one.named()
    loops = set(re.findall(r" in (\w+):", one.text))
    assert named - one.declared() - FUNCTIONS == set()
    shown = set(one.outputs) | set(one.resources) | set(one.modules)
    assert one.declared() - named - loops - shown == set()


def test_a_name_that_is_not_declared_is_found(tmp_path: Path) -> None:
    """The check above is our own, so it is shown to find what it is there for."""
    file = tmp_path / "wrong.bicep"
    file.write_text(
        "param a string\nvar b = a ? c : 'x${d}'\noutput e string = '${f(b)}'\n", encoding="utf-8"
    )
    assert Template(file).named() - Template(file).declared() - FUNCTIONS == {"c", "d", "f"}


@ALL
def test_modules_are_given_what_they_ask_for(one: Template) -> None:
    for name, module in one.modules.items():
        path = INFRA / module["detail"]["path"]
        assert path.is_file(), name
        asked = template(path.stem).parameters
        given = set(body_of(module["config"])["params"])
        assert {key for key, value in asked.items() if value["default"] is None} <= given <= set(asked), name


@ALL
def test_outputs_that_are_used_exist(one: Template) -> None:
    for module, output in one.outputs_used():
        path = INFRA / one.modules[module]["detail"]["path"]
        assert output in template(path.stem).outputs, f"{module}.outputs.{output}"


def test_every_template_is_used() -> None:
    used = {module["detail"]["path"] for module in template("main").modules.values()}
    assert used == {one.name for one in templates()} - {"main.bicep"}


def test_one_api_version_a_type_and_none_in_preview() -> None:
    versions: dict[str, set[str]] = {}
    for one in templates():
        for kind, version in re.findall(r"'(Microsoft\.[\w./]+)@([^']+)'", one.text):
            assert re.fullmatch(r"20\d\d-\d\d-\d\d", version), f"{kind}@{version}"
            # Parent and child go together.
            versions.setdefault("/".join(kind.split("/")[:2]), set()).add(version)
    assert len(versions) > 10
    assert {kind: found for kind, found in versions.items() if len(found) > 1} == {}


# --- parameters -------------------------------------------------------------------------------------------


def test_each_parameter_says_what_it_is_and_azd_hands_over_each() -> None:
    parameters = template("main").parameters
    for name, one in parameters.items():
        (text,) = [mark["argument"] for mark in one["decorators"] if mark["type"] == "description"]
        assert text.endswith("."), name
    assert set(PARAMETER_FILE) == set(parameters)


def test_what_azd_hands_over_by_default_is_the_default() -> None:
    for name, one in template("main").parameters.items():
        found = re.fullmatch(r"\$\{([A-Z_]+)(?:=(.*))?\}", PARAMETER_FILE[name]["value"])
        assert found, name
        default = one["default"]
        shown = json.dumps(default) if isinstance(default, bool | int) else default
        assert found[2] == shown, name


# --- what is made -----------------------------------------------------------------------------------------


def test_the_queues_are_those_of_the_app() -> None:
    names = template("main").plain["variables"]["queueNames"]["value"]
    assert sorted(names) == sorted(QUEUES)
    (queue,) = template("service-bus-queue").made("Microsoft.ServiceBus/namespaces/queues")
    assert queue["properties"] == {
        "lockDuration": "PT5M",
        "maxDeliveryCount": 10,
        "deadLetteringOnMessageExpiration": True,
        "defaultMessageTimeToLive": "P14D",
        "requiresDuplicateDetection": False,
        "requiresSession": False,
        "maxSizeInMegabytes": 1024,
    }


def test_the_app_is_python_313_on_flex_consumption() -> None:
    (plan,) = template("app").made("Microsoft.Web/serverfarms")
    assert plan["sku"] == {"name": "FC1", "tier": "FlexConsumption"}
    (app,) = template("app").made("Microsoft.Web/sites")
    assert app["properties"]["functionAppConfig"]["runtime"] == {"name": "python", "version": "3.13"}
    # In functionAppConfig, and from api-version 2023-12-01 on.
    assert "siteUpdateStrategy: {\n        type: updateStrategy" in template("app").text
    strategy = template("main").parameters["updateStrategy"]
    assert strategy["default"] == "RollingUpdate"
    assert "'azd-service-name': 'connector'" in template("app").text


# --- nothing is open --------------------------------------------------------------------------------------

CLOSED: dict[tuple[str, str], dict[str, object]] = {
    ("storage", "Microsoft.Storage/storageAccounts"): {
        "allowSharedKeyAccess": False,
        "allowBlobPublicAccess": False,
        "supportsHttpsTrafficOnly": True,
        "minimumTlsVersion": "TLS1_2",
    },
    ("service-bus", "Microsoft.ServiceBus/namespaces"): {
        "disableLocalAuth": True,
        "minimumTlsVersion": "1.2",
    },
    ("key-vault", "Microsoft.KeyVault/vaults"): {"enableRbacAuthorization": True, "enableSoftDelete": True},
    ("monitoring", "Microsoft.Insights/components"): {"DisableLocalAuth": True},
    ("app", "Microsoft.Web/sites"): {"httpsOnly": True},
}


@pytest.mark.parametrize(("file", "kind"), CLOSED)
def test_no_key_and_no_password_lets_anybody_in(file: str, kind: str) -> None:
    (made,) = template(file).made(kind)
    assert {key: made["properties"].get(key) for key in CLOSED[file, kind]} == CLOSED[file, kind]


def test_logs_are_not_written_with_a_key_either() -> None:
    (workspace,) = template("monitoring").made("Microsoft.OperationalInsights/workspaces")
    assert workspace["properties"]["features"] == {"disableLocalAuth": True}


def test_deployments_take_no_password() -> None:
    made = template("app").made("Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    assert {one["name"]: one["properties"]["allow"] for one in made} == {"scm": False, "ftp": False}


def test_no_public_endpoint_without_authentication() -> None:
    """The app takes nothing from outside without a token; the others are closed in a private network.

    The one path that App Service lets through is the intake, which verifies the tokens of pipelines itself.
    """
    (app,) = template("app").made("Microsoft.Web/sites")
    config = app["properties"]["siteConfig"]
    assert config["ftpsState"] == "Disabled"
    text = template("app").text
    closed = "(empty(apiClientId) && mappingIntake == 'off') ? 'Deny' : 'Allow'"
    assert f"ipSecurityRestrictionsDefaultAction: {closed}" in text
    assert template("main").parameters["apiClientId"]["default"] == ""
    assert template("main").parameters["mappingIntake"]["default"] == "off"
    (sign_in,) = [
        one for one in template("app").made("Microsoft.Web/sites/config") if one["name"] == "authsettingsV2"
    ]
    assert sign_in["properties"]["platform"] == {"enabled": True}
    validation = sign_in["properties"]["globalValidation"]
    assert validation["requireAuthentication"] is True
    assert validation["excludedPaths"] == ["/api/container-mappings", "/api/health"]
    assert "unauthenticatedClientAction: empty(apiClientId) ? 'Return401' : 'RedirectToLoginPage'" in text
    assert function_route("receive_container_mapping") == "api/container-mappings"
    for file in ("storage", "service-bus", "key-vault"):
        assert "publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'" in template(file).text


def function_route(name: str) -> str:
    (binding,) = (one for one in BINDINGS[name] if one["type"] == "httpTrigger")
    return str(binding["route"])


@ALL
def test_no_key_is_read_and_no_secret_is_handed_on(one: Template) -> None:
    assert re.search(r"\blist\w*\(|AccountKey|SharedAccess\w*Key|primaryKey|@secure", one.text) is None
    texts = [*one.outputs, *(value for value in every(one.outputs) if isinstance(value, str))]
    secret = re.compile(r"connection_?string|password|secret$", re.IGNORECASE)
    assert [text for text in texts if secret.search(text)] == []


def test_outputs_are_names_and_addresses() -> None:
    assert {name: written(told["value"]) for name, told in template("main").outputs.items()} == {
        "AZURE_LOCATION": "location",
        "AZURE_TENANT_ID": "tenant().tenantId",
        "AZURE_RESOURCE_GROUP": "group.name",
        "FUNCTION_APP_NAME": "app.outputs.name",
        "STORAGE_ACCOUNT_NAME": "storage.outputs.name",
        "PACKAGE_CONTAINER": "storage.outputs.packageContainer",
        "APP_CLIENT_ID": "identity.outputs.clientId",
        "APP_OBJECT_ID": "identity.outputs.principalId",
        "KEY_VAULT_NAME": "vaultName",
        "STATE_URL": "tables://${storage.outputs.name}",
        "QUEUE_URL": "servicebus://${serviceBusName}.servicebus.windows.net",
        "TOKEN_KEY": "keyvault://${vaultName}/${tokenKeySecret}",
    }
    assert {
        (one.name, name): written(told["value"])
        for one in templates()
        for name, told in one.outputs.items()
        if one.name != "main.bicep"
    } == {
        ("app.bicep", "name"): "app.name",
        ("identity.bicep", "id"): "identity.id",
        ("identity.bicep", "clientId"): "identity.properties.clientId",
        ("identity.bicep", "principalId"): "identity.properties.principalId",
        ("monitoring.bicep", "applicationInsightsName"): "applicationInsights.name",
        ("network.bicep", "appSubnetId"): "${network.id}/subnets/app",
        ("storage.bicep", "id"): "account.id",
        ("storage.bicep", "name"): "account.name",
        ("storage.bicep", "packageContainer"): "packages.name",
    }


# --- azd --------------------------------------------------------------------------------------------------


def test_azd_makes_these_resources_and_deploys_this_folder_to_the_app() -> None:
    told = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))
    assert set(told) == {"name", "metadata", "requiredVersions", "infra", "services"}  # and runs nothing else
    assert told["infra"] == {"provider": "bicep", "path": "infra"}
    assert (ROOT / told["infra"]["path"] / "main.bicep").is_file()
    # azd finds the app by the tag, and has Azure install the packages, as it does for Python unless told.
    (app,) = template("app").made("Microsoft.Web/sites")
    assert app["tags"]["function"]["parameters"]["arg_2"] == {"'azd-service-name'": "connector"}
    assert told["services"] == {"connector": {"project": ".", "language": "python", "host": "function"}}
    assert "'azd-env-name': environmentName" in template("main").text


# --- what is deployed -------------------------------------------------------------------------------------


def test_what_is_not_deployed_is_ignored() -> None:
    """Every file at the top of the project is deployed or named in .funcignore."""
    lines = (ROOT / ".funcignore").read_text(encoding="utf-8").splitlines()
    ignored = [line for line in lines if not line.startswith("#")]
    deployed = {"function_app.py", "host.json", "requirements.txt", "handlers", "shared"}
    assert deployed & set(ignored) == set()
    # What people put there as well: an export of the state holds sealed sign-ins.
    put = {"backups", ".azure", "local.settings.json", "state.db", "state.jsonl", "connector.yaml"}
    top = {one.name for one in ROOT.iterdir()} | put
    assert {".github", "azure-pipelines.yml"} <= top
    kept = {name for name in top if not any(fnmatch.fnmatchcase(name, one) for one in ignored)}
    assert kept == deployed
