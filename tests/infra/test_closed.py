"""Nothing is made but what stands here, and what listens or keeps something has no property but these.

A property that is not said is as Azure has it by default, and what is not made can open nothing: so whatever
is added to a template is looked at here as well.
"""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Network
from typing import Any

import pytest

from tests.infra.bicep import body_of, template, templates, written

MADE = {
    "Microsoft.Authorization/roleAssignments@2022-04-01": 10,
    "Microsoft.Insights/actionGroups@2023-01-01": 1,
    "Microsoft.Insights/components@2020-02-02": 1,
    "Microsoft.Insights/scheduledQueryRules@2023-12-01": 1,
    "Microsoft.Insights/workbooks@2022-04-01": 1,
    "Microsoft.KeyVault/vaults@2023-07-01": 1,
    "Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31": 1,
    "Microsoft.Network/privateDnsZones@2020-06-01": 1,
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks@2020-06-01": 1,
    "Microsoft.Network/privateEndpoints@2024-05-01": 1,
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01": 1,
    "Microsoft.Network/virtualNetworks@2024-05-01": 1,
    "Microsoft.OperationalInsights/workspaces@2023-09-01": 1,
    "Microsoft.Resources/resourceGroups@2024-03-01": 1,
    "Microsoft.ServiceBus/namespaces@2024-01-01": 1,
    "Microsoft.ServiceBus/namespaces/queues@2024-01-01": 1,
    "Microsoft.Storage/storageAccounts@2023-05-01": 1,
    "Microsoft.Storage/storageAccounts/blobServices@2023-05-01": 1,
    "Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01": 1,
    "Microsoft.Web/serverfarms@2024-04-01": 1,
    "Microsoft.Web/sites@2024-04-01": 1,
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01": 2,
    "Microsoft.Web/sites/config@2024-04-01": 2,
}
"""Each in a version that Azure has released.

No rule with keys is among them, no trust in another issuer, no public address, no role definition.
"""

UNUSED = "empty(apiClientId) && mappingIntake == off"
NETWORK = "privateNetwork ? Disabled : Enabled"
RULES = {"defaultAction": "privateNetwork ? Deny : Allow", "bypass": "None"}

WHOLE: dict[tuple[str, str], dict[str, Any]] = {
    ("storage", "Microsoft.Storage/storageAccounts"): {
        "allowSharedKeyAccess": False,
        "allowBlobPublicAccess": False,
        "defaultToOAuthAuthentication": True,
        "minimumTlsVersion": "TLS1_2",
        "supportsHttpsTrafficOnly": True,
        "publicNetworkAccess": NETWORK,
        "networkAcls": RULES,
    },
    ("storage", "Microsoft.Storage/storageAccounts/blobServices/containers"): {"publicAccess": "None"},
    ("service-bus", "Microsoft.ServiceBus/namespaces"): {
        "disableLocalAuth": True,
        "minimumTlsVersion": "1.2",
        "publicNetworkAccess": NETWORK,
    },
    ("key-vault", "Microsoft.KeyVault/vaults"): {
        "tenantId": "subscription().tenantId",
        "sku": {"family": "A", "name": "standard"},
        "enableRbacAuthorization": True,
        "enableSoftDelete": True,
        "softDeleteRetentionInDays": 90,
        "publicNetworkAccess": NETWORK,
        "networkAcls": RULES,
    },
    ("monitoring", "Microsoft.Insights/components"): {
        "Application_Type": "web",
        "WorkspaceResourceId": "empty(existingWorkspaceId) ? workspace.id : existingWorkspaceId",
        "DisableLocalAuth": True,
    },
    ("monitoring", "Microsoft.OperationalInsights/workspaces"): {
        "sku": {"name": "PerGB2018"},
        "retentionInDays": "retentionDays",
        "workspaceCapping": {"dailyQuotaGb": "dailyCapGB"},
        "features": {"disableLocalAuth": True},
    },
    ("app", "Microsoft.Web/serverfarms"): {"reserved": True},
    ("app", "Microsoft.Web/sites"): {
        "serverFarmId": "plan.id",
        "httpsOnly": True,
        "keyVaultReferenceIdentity": "identityId",
        "virtualNetworkSubnetId": "empty(subnetId) ? null : subnetId",
        "functionAppConfig": {
            "runtime": {"name": "python", "version": "3.13"},
            "scaleAndConcurrency": {
                "maximumInstanceCount": "maximumInstanceCount",
                "instanceMemoryMB": "instanceMemoryMB",
            },
            "siteUpdateStrategy": {"type": "updateStrategy"},
            "deployment": {
                "storage": {
                    "type": "blobContainer",
                    "value": "https://${storageName}.blob.${environment().suffixes.storage}/${packageContainer}",
                    "authentication": {
                        "type": "UserAssignedIdentity",
                        "userAssignedIdentityResourceId": "identityId",
                    },
                }
            },
        },
        "siteConfig": {
            "minTlsVersion": "1.2",
            "scmMinTlsVersion": "1.2",
            "ftpsState": "Disabled",
            "ipSecurityRestrictionsDefaultAction": f"{UNUSED} ? Deny : Allow",
            "scmIpSecurityRestrictionsDefaultAction": "Allow",
        },
    },
}

SIGN_IN_HOST = "${environment().authentication.loginEndpoint}"
SIGN_IN = {
    "platform": {"enabled": True},
    "globalValidation": {
        "requireAuthentication": True,
        "unauthenticatedClientAction": "empty(apiClientId) ? Return401 : RedirectToLoginPage",
        "redirectToProvider": "empty(apiClientId) ? null : azureactivedirectory",
        "excludedPaths": ["/api/container-mappings", "/api/health"],
    },
    "httpSettings": {"requireHttps": True},
    "identityProviders": {
        "empty(apiClientId) ?": {},
        ":": {
            "azureActiveDirectory": {
                "enabled": True,
                "registration": {
                    "clientId": "apiClientId",
                    "openIdIssuer": f"{SIGN_IN_HOST}${{subscription().tenantId}}/v2.0",
                },
                "validation": {"allowedAudiences": ["apiClientId", "api://${apiClientId}"]},
            }
        },
    },
}


def test_nothing_else_is_made() -> None:
    made = Counter(
        f"{told['type']}@{told['api_version']}"
        for one in templates()
        for told in one.resources.values()
        if not told["existing"]
    )
    assert made == MADE


@pytest.mark.parametrize(("file", "kind"), WHOLE)
def test_what_is_made_has_these_properties_and_no_other(file: str, kind: str) -> None:
    (made,) = template(file).made(kind)
    assert written(made["properties"]) == WHOLE[file, kind]


def test_the_sign_in_is_this_and_nothing_else() -> None:
    settings, sign_in = template("app").made("Microsoft.Web/sites/config")
    assert (settings["name"], sign_in["name"]) == ("appsettings", "authsettingsV2")
    assert written(sign_in["properties"]) == SIGN_IN
    # The last one counts: what an operator chooses puts no other identity or place in.
    assert written(settings["properties"]) == (
        "union(chosen, limits, places, personalAccessToken, clientSecret)"
    )


def test_the_app_has_no_identity_but_its_own() -> None:
    (app,) = template("app").made("Microsoft.Web/sites")
    assert app["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {"'${identityId}'": {}}}


def test_private_endpoints_take_the_dearer_tier_and_nothing_else_does() -> None:
    (namespace,) = template("service-bus").made("Microsoft.ServiceBus/namespaces")
    tier = "privateNetwork ? Premium : Standard"
    assert written(namespace["sku"]) == {"name": tier, "tier": tier, "capacity": "privateNetwork ? 1 : null"}


def test_each_module_is_handed_what_it_asks_for_by_that_name() -> None:
    """What is not named after its parameter stands here, and so does each condition."""
    other: dict[str, Any] = {}
    modules = template("main").modules
    for name, module in modules.items():
        for parameter, value in body_of(module["config"])["params"].items():
            if written(value) != parameter:
                other[f"{name}.{parameter}"] = written(value)
    principals = {f"{name}.appPrincipalId" for name in ("monitoring", "storage", "vaultRoles", "queues")}
    assert {other.pop(name) for name in principals} == {"identity.outputs.principalId"}
    assert other == {
        "identity.name": "id-ado-connector-${suffix}",
        "monitoring.workspaceName": "log-ado-connector-${suffix}",
        "monitoring.applicationInsightsName": "appi-ado-connector-${suffix}",
        "monitoring.existingWorkspaceId": "existingLogAnalyticsId",
        "monitoring.retentionDays": "logRetentionDays",
        "monitoring.dailyCapGB": "dailyLogCapGB",
        "alerts.namePrefix": "ado-connector-${environmentName}",
        "alerts.actionGroupName": "ag-ado-connector-${suffix}",
        "alerts.applicationInsightsName": "monitoring.outputs.applicationInsightsName",
        "workbook.displayName": "Azure DevOps connector ${environmentName}",
        "workbook.applicationInsightsName": "monitoring.outputs.applicationInsightsName",
        "storage.name": "stadoc${suffix}",
        "vault.name": "vaultName",
        "serviceBus.name": "serviceBusName",
        "queues.namespaceName": "serviceBusName",
        "queues.name": "queueName",
        "network.name": "vnet-ado-connector-${suffix}",
        "network.storageId": "storage.outputs.id",
        # In the parser's order.
        "network.vaultId": "resource_id(vaultGroup, Microsoft.KeyVault/vaults, vaultName, vaultSubscription)",
        "network.serviceBusId": (
            "resource_id(serviceBusGroup, Microsoft.ServiceBus/namespaces, serviceBusName, "
            "serviceBusSubscription)"
        ),
        "app.name": "func-ado-connector-${suffix}",
        "app.planName": "plan-ado-connector-${suffix}",
        "app.identityId": "identity.outputs.id",
        "app.identityClientId": "identity.outputs.clientId",
        "app.storageName": "storage.outputs.name",
        "app.packageContainer": "storage.outputs.packageContainer",
        "app.applicationInsightsName": "monitoring.outputs.applicationInsightsName",
        "app.subnetId": "privateNetwork ? network.outputs.appSubnetId : ",
    }
    conditions = {name: written(module["config"].get("condition")) for name, module in modules.items()}
    assert {name: told for name, told in conditions.items() if told} == {
        "vault": "newVault",
        "serviceBus": "newServiceBus",
        "network": "privateNetwork",
    }


# --- the private network ----------------------------------------------------------------------------------


def test_what_is_private_has_an_endpoint_and_the_zone_that_azure_looks_its_name_up_in() -> None:
    endpoints = template("network").plain["variables"]["endpoints"]["value"]
    suffix = "${environment().suffixes.storage}"
    assert [(one["name"], one["target"], one["zone"]) for one in endpoints] == [
        ("blob", "storageId", f"privatelink.blob.{suffix}"),
        ("table", "storageId", f"privatelink.table.{suffix}"),
        ("vault", "vaultId", "privatelink.vaultcore.azure.net"),
        ("namespace", "serviceBusId", "privatelink.servicebus.windows.net"),
    ]


def of_network(kind: str) -> dict[str, Any]:
    (made,) = template("network").made(f"Microsoft.Network/{kind}")
    whole: dict[str, Any] = written(made)
    return whole


def test_each_endpoint_is_of_its_part_and_its_zone_answers_in_the_network() -> None:
    assert of_network("privateDnsZones")["name"] == "endpoint.zone"
    link = of_network("privateDnsZones/virtualNetworkLinks")
    assert link["parent"] == "zones[index]"
    assert link["properties"] == {"registrationEnabled": False, "virtualNetwork": {"id": "network.id"}}
    assert of_network("privateEndpoints")["properties"] == {
        "subnet": {"id": "${network.id}/subnets/endpoints"},
        "privateLinkServiceConnections": [
            {
                "name": "endpoint.name",
                "properties": {"privateLinkServiceId": "endpoint.target", "groupIds": ["endpoint.name"]},
            }
        ],
    }
    group = of_network("privateEndpoints/privateDnsZoneGroups")
    assert group["parent"] == "privateEndpoints[index]"
    (zone,) = group["properties"]["privateDnsZoneConfigs"]
    assert zone["properties"] == {"privateDnsZoneId": "zones[index].id"}


def test_the_subnets_are_apart_and_have_room() -> None:
    network = of_network("virtualNetworks")["properties"]
    (space,) = map(IPv4Network, network["addressSpace"]["addressPrefixes"])
    subnets = {one["name"]: one["properties"] for one in network["subnets"]}
    app, endpoints = (IPv4Network(subnets[name]["addressPrefix"]) for name in ("app", "endpoints"))
    assert set(subnets) == {"app", "endpoints"}
    assert app.subnet_of(space)
    assert endpoints.subnet_of(space)
    assert not app.overlaps(endpoints)
    # One address for each instance, of each function; Azure keeps five of a subnet to itself.
    assert app.num_addresses - 5 >= 2 * 40
    assert "delegations" not in subnets["endpoints"]


# --- who is told ------------------------------------------------------------------------------------------


def test_alerts_are_sent_to_the_address_that_was_told() -> None:
    (people,) = template("alerts").made("Microsoft.Insights/actionGroups")
    assert written(people["properties"]) == {
        "groupShortName": "ado-conn",  # at most twelve characters
        "enabled": True,
        "emailReceivers": [{"name": "operator", "emailAddress": "alertEmail", "useCommonAlertSchema": True}],
    }
    assert written(template("alerts").resources["people"]["config"]["condition"]) == "!empty(alertEmail)"
    (rules,) = template("alerts").made("Microsoft.Insights/scheduledQueryRules")
    assert written(rules["properties"]["actions"]["actionGroups"]) == "empty(alertEmail) ? [] : ['people.id']"
