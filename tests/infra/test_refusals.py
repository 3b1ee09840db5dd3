"""What the compiler or Azure would refuse, and tests over single templates do not see."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.infra.bicep import INFRA, Template, body_of, template, templates

ALL = pytest.mark.parametrize("one", templates(), ids=lambda one: one.name)

SUFFIX = "a" * 13
"""As long as what `uniqueString` gives."""

ENVIRONMENT = "e" * 40
"""The longest name that the parameter takes."""

NAMES = {
    # module and parameter: the pattern of Azure
    ("identity", "name"): r"[\w-]{3,128}",
    ("monitoring", "workspaceName"): r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
    ("monitoring", "applicationInsightsName"): r"[\w.()-]{1,260}",
    ("alerts", "actionGroupName"): r"[\w-]{1,260}",
    ("storage", "name"): r"[a-z0-9]{3,24}",
    ("network", "name"): r"[A-Za-z0-9][\w.-]{0,62}\w",
    # The host takes the first 32 characters for its id: longer ones of two apps could be the same.
    ("app", "name"): r"[a-z0-9][a-z0-9-]{1,30}[a-z0-9]",
    ("app", "planName"): r"[A-Za-z0-9-]{1,40}",
}
NEW = {
    "vaultName": r"[a-z](?!.*--)[a-z0-9-]{1,22}[a-z0-9]",
    "serviceBusName": r"[a-z](?!.*(?:-sb|-mgmt)$)[a-z0-9-]{4,48}[a-z0-9]",
}

REFUSED_ON_FLEX = {
    "alwaysOn",
    "cors",
    "functionAppScaleLimit",
    "functionsRuntimeScaleMonitoringEnabled",
    "linuxFxVersion",
    "minimumElasticInstanceCount",
    "netFrameworkVersion",
    "numberOfWorkers",
    "preWarmedInstanceCount",
    "pythonVersion",
    "use32BitWorkerProcess",
    "vnetRouteAllEnabled",
    "windowsFxVersion",
}
"""Of `siteConfig`: Flex Consumption answers 51021, or has it elsewhere."""

PLACELESS = {"Microsoft.Authorization/roleAssignments", "Microsoft.Resources/resourceGroups"}


def filled(text: str) -> str:
    return text.replace("${suffix}", SUFFIX).replace("${environmentName}", ENVIRONMENT)


def made(one: Template) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (name, told["type"], body_of(told["config"]))
        for name, told in one.resources.items()
        if not told["existing"]
    ]


@pytest.mark.parametrize(("module", "parameter"), NAMES)
def test_names_are_such_as_azure_takes(module: str, parameter: str) -> None:
    given = body_of(template("main").modules[module]["config"])["params"][parameter]
    assert re.fullmatch(NAMES[module, parameter], filled(given)), given


@pytest.mark.parametrize("name", NEW)
def test_names_of_what_may_be_there_already_are_such_as_azure_takes(name: str) -> None:
    (given,) = re.findall(rf"^var {name} = \w+ \? '(.+?)' : ", template("main").text, re.MULTILINE)
    assert re.fullmatch(NEW[name], filled(given)), given


def test_environments_beside_one_another_take_no_name_from_each_other() -> None:
    """Storage accounts, vaults, namespaces and apps share their names with the whole world."""
    main = template("main")
    assert "\nvar suffix = toLower(uniqueString(subscription().id, environmentName, location))\n" in main.text
    assert "${environmentName}" in main.plain["variables"]["groupName"]["value"]
    given = [body_of(main.modules[module]["config"])["params"][parameter] for module, parameter in NAMES]
    given += re.findall(rf"^var (?:{'|'.join(NEW)}) = \w+ \? '(.+?)' : ", main.text, re.MULTILINE)
    assert len(given) == len(NAMES) + len(NEW)
    assert [name for name in given if "${suffix}" not in name] == []


def test_names_of_deployments_and_of_the_group_are_short_enough() -> None:
    for module in template("main").modules.values():
        name = filled(body_of(module["config"])["name"]).replace("${queueName}", "q" * 20)
        assert re.fullmatch(r"[\w.()-]{1,64}", name), name
    group = template("main").plain["variables"]["groupName"]["value"]
    assert len(filled(group)) <= 90


@ALL
def test_a_role_is_given_on_one_resource_of_the_template_under_a_name_of_its_own(one: Template) -> None:
    """The name tells scope, person and role, so that deploying again changes nothing and nothing clashes."""
    for name, kind, body in made(one):
        if kind != "Microsoft.Authorization/roleAssignments":
            continue
        assert one.resources[body["scope"]]["type"] != "Microsoft.Resources/resourceGroups", name
        who = body["properties"]["principalId"]
        role = body["properties"]["roleDefinitionId"]["function"]["parameters"]["resource_name_1"]
        assert re.search(
            rf"resource {name} .*\n  name: guid\({body['scope']}\.id, {who}, {role}\)\n", one.text
        ), name
        # Without it a role for an identity that was just made is refused, until it is known everywhere.
        expected = {"appPrincipalId": "ServicePrincipal", "operatorId": "operatorType"}
        assert body["properties"]["principalType"] == expected[who]


@ALL
def test_what_is_made_has_a_place_and_a_parent(one: Template) -> None:
    for name, kind, body in made(one):
        if kind.count("/") > 1:
            assert re.sub(r"\[\w+\]", "", str(body["parent"])) in one.resources or "[" in one.text, name
        elif kind not in PLACELESS:
            assert "location" in body, name
            assert "tags" in body, name


@ALL
def test_outputs_of_a_conditional_module_are_read_under_its_condition(one: Template) -> None:
    conditional = dict(re.findall(r"^module (\w+) '.+' = if \((\w+)\)", one.text, re.MULTILINE))
    for line in one.text.splitlines():
        for module, condition in conditional.items():
            if f"{module}.outputs" in line:
                assert f"{condition} ? {module}.outputs" in line


@ALL
def test_what_is_waited_for_is_there(one: Template) -> None:
    for listed in re.findall(r"dependsOn: \[\n(.*?)\]", one.text, re.DOTALL):
        assert set(listed.split()) <= set(one.resources) | set(one.modules)


def test_the_app_waits_for_all_that_it_starts_with() -> None:
    (listed,) = re.findall(r"dependsOn: \[\n((?:(?!\]).)*)\]\n}\s*output", template("main").text, re.DOTALL)
    named = set(listed.split()) | set(
        re.findall(
            r"(\w+)\.outputs", template("main").text.split("module app ")[1].split("output AZURE_LOCATION")[0]
        )
    )
    assert named >= {"vaultRoles", "queues", "storage", "identity", "monitoring", "network"}


def test_the_site_is_one_of_flex_consumption() -> None:
    (app,) = template("app").made("Microsoft.Web/sites")
    properties = app["properties"]
    assert set(properties["siteConfig"]) & REFUSED_ON_FLEX == set()
    assert "appSettings" not in properties["siteConfig"]  # a second list would replace the first
    assert properties["functionAppConfig"]["deployment"]["storage"]["authentication"] == {
        "type": "UserAssignedIdentity",
        "userAssignedIdentityResourceId": "identityId",
    }
    (subnet,) = [
        one
        for one in template("network").made("Microsoft.Network/virtualNetworks")[0]["properties"]["subnets"]
        if one["name"] == "app"
    ]
    assert [one["properties"]["serviceName"] for one in subnet["properties"]["delegations"]] == [
        "Microsoft.App/environments"
    ]
    assert "_" not in subnet["name"]


def test_sign_in_names_a_provider_only_where_there_is_one() -> None:
    text = template("app").text
    assert "redirectToProvider: empty(apiClientId) ? null : 'azureactivedirectory'" in text
    assert "identityProviders: empty(apiClientId) ? {} : {" in text


def test_alert_rules_are_within_what_azure_evaluates() -> None:
    for rule in json.loads((INFRA / "alerts.json").read_text(encoding="utf-8")):
        assert rule["severity"] in range(5)
        assert 1 <= rule["periods"] <= 6
        assert rule["window"] in {"PT15M", "PT30M", "PT1H", "PT2H"}
        assert len(rule["dimensions"]) <= 6
        assert re.fullmatch(r"[a-z-]{1,60}", rule["name"])
    (rules,) = template("alerts").made("Microsoft.Insights/scheduledQueryRules")
    # What is told once is over after a window; a rule that does not look so often would never see it.
    assert rules["properties"]["evaluationFrequency"] == "PT15M"
    assert rules["properties"]["autoMitigate"] is True
    periods = re.findall(r"(\w+FailingPeriods\w*|\w+EvaluationPeriods): (\S+)", template("alerts").text)
    assert {value for _, value in periods} == {"alert.periods"}


HELD = {
    # file and type: what stands in the template for it to be evaluated at all
    ("alerts", "Microsoft.Insights/scheduledQueryRules"): [
        "    enabled: true\n    scopes: [\n      applicationInsights.id\n    ]",
        "timeAggregation: 'Count'",
        "operator: alert.operator\n          threshold: alert.threshold\n",
        "dimensions: alert.dimensions",
    ],
    ("workbook", "Microsoft.Insights/workbooks"): ["sourceId: applicationInsights.id"],
}


@pytest.mark.parametrize(("file", "kind"), HELD)
def test_what_sets_a_rule_to_work_is_said(file: str, kind: str) -> None:
    assert template(file).made(kind)
    assert [line for line in HELD[file, kind] if line not in template(file).text] == []


def test_each_module_waits_for_the_group_that_it_is_made_in() -> None:
    """`scope: group` says so; one by its name is there already, or made by what is waited for."""
    by_name = {
        name
        for name, module in template("main").modules.items()
        if body_of(module["config"])["scope"] != "group"
    }
    assert by_name == {"vaultRoles", "queues"}
