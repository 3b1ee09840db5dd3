"""Who may do what: no role that is not in this table, and each with its reason in the docs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pytest

from tests.infra.bicep import ROOT, templates

PAGE = ROOT / "docs" / "deploy" / "README.md"


@dataclass(frozen=True)
class Role:
    """A built-in role, with the id that it has in every tenant."""

    name: str
    id: str


BLOB_OWNER = Role("Storage Blob Data Owner", "b7e6dc6d-f1e8-4753-8033-0f276bb0955b")
TABLES = Role("Storage Table Data Contributor", "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3")
RECEIVER = Role("Azure Service Bus Data Receiver", "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0")
SENDER = Role("Azure Service Bus Data Sender", "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39")
SECRETS_USER = Role("Key Vault Secrets User", "4633458b-17de-408a-b874-0445c86b69e6")
SECRETS_OFFICER = Role("Key Vault Secrets Officer", "b86a8fe4-44ce-4948-aee5-eccb2c155cd7")
PUBLISHER = Role("Monitoring Metrics Publisher", "3913510d-42f4-4e42-8a64-420c390055eb")

GIVEN = {
    # where, on what, to whom: why
    ("storage", "account", "appPrincipalId", BLOB_OWNER): "timers, locks and packages are blobs of the host",
    ("storage", "account", "appPrincipalId", TABLES): "the connector state",
    ("storage", "account", "operatorId", TABLES): "the command line reads and changes the state",
    ("service-bus-queue", "queue", "appPrincipalId", RECEIVER): "queues set functions off",
    ("service-bus-queue", "queue", "appPrincipalId", SENDER): "timers queue what is due",
    ("service-bus-queue", "queue", "operatorId", RECEIVER): "counts, dead letters",
    ("service-bus-queue", "queue", "operatorId", SENDER): "onboarding by hand, replaying dead letters",
    ("key-vault-roles", "vault", "appPrincipalId", SECRETS_USER): "the key of sign-ins, references",
    ("key-vault-roles", "vault", "operatorId", SECRETS_OFFICER): "makes the key with the first sign-in",
    ("monitoring", "applicationInsights", "appPrincipalId", PUBLISHER): "writes logs without a key",
}

DEPLOYER = {
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Role Based Access Control Administrator": "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
}
"""Of the pipelines' identity, on the subscription; the second may give the roles above and no other."""

GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def assignments() -> list[tuple[str, str, str, str]]:
    found = []
    for one in templates():
        names = {name: told["value"] for name, told in one.plain.get("variables", {}).items()}
        for body in one.made("Microsoft.Authorization/roleAssignments"):
            role = body["properties"]["roleDefinitionId"]["function"]["parameters"]
            assert role["resource_type"] == "Microsoft.Authorization/roleDefinitions"
            given = names[role["resource_name_1"]]
            found.append((one.path.stem, body["scope"], body["properties"]["principalId"], given))
    return found


def test_exactly_these_roles_are_given() -> None:
    expected = [(where, what, who, role.id) for where, what, who, role in GIVEN]
    assert sorted(assignments()) == sorted(expected)


def test_the_operator_gets_roles_only_where_one_is_named() -> None:
    for one in templates():
        for resource in one.resources.values():
            if resource["type"] != "Microsoft.Authorization/roleAssignments":
                continue
            if "operatorId" in json.dumps(resource["config"]):
                assert resource["config"]["condition"]["operator"]["type"] == "not"


@pytest.mark.parametrize("one", templates(), ids=lambda one: one.name)
def test_ids_in_the_templates_are_those_of_roles(one: object) -> None:
    known = {role.id for _, _, _, role in GIVEN}
    text = getattr(one, "text", "")
    assert set(GUID.findall(text)) <= known


def test_variables_are_named_after_the_role() -> None:
    roles = {role.id: role.name for _, _, _, role in GIVEN}
    for one in templates():
        for name, told in one.plain.get("variables", {}).items():
            if isinstance(told["value"], str) and GUID.fullmatch(told["value"]):
                words = roles[told["value"]].removeprefix("Azure ").replace(" ", "")
                assert name.lower() == words.lower()


def test_the_page_names_each_role_with_its_reason() -> None:
    rows = re.findall(
        r"^\| (.+?) \| .+? \| (\w+) \| (.+?) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    people = {"appPrincipalId": "app", "operatorId": "operator"}
    for (_, _, who, role), why in GIVEN.items():
        assert (role.name, people[who], why) in rows
    assert all(name in PAGE.read_text(encoding="utf-8") for name in DEPLOYER)


def test_the_page_names_each_choice() -> None:
    text = PAGE.read_text(encoding="utf-8")
    told = json.loads((ROOT / "infra" / "main.parameters.json").read_text(encoding="utf-8"))["parameters"]
    names = {re.sub(r"\W.*", "", one["value"][2:]) for one in told.values()}
    assert {one for one in names if f"`{one}`" not in text} == {"AZURE_ENV_NAME", "AZURE_LOCATION"}
