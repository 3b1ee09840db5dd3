"""Answers against published specifications and against recordings, where the folder with them is present.

Specifications say which keys there are and of what type; recordings say which keys really come, and win where
the two differ. Where the simulator knowingly shows less, the key is listed here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from local.ado_simulator import CONTAINER_MAPPING, Identity, Organization, World
from local.ado_simulator.identity import encode_descriptor, well_known_sid
from local.ado_simulator.router import _ROUTES
from tests.simulator.client import Client, Json
from tests.simulator.contract_cases import (
    CASES,
    DEV,
    INFRASTRUCTURE_HEADERS,
    KEYS_BEYOND_SPECIFICATIONS,
    NOT_PUBLISHED,
    RECORDED,
    SCHEMA_CORRECTIONS,
    SPECIFICATIONS,
    Case,
)


@pytest.fixture
def places(world: World, contoso: Organization, application: Identity) -> dict[str, str]:
    """A world in which every listing holds something, and the ids that paths need."""
    shop = contoso.project("Shop")
    shop.add_repository("old").delete()
    shop.add_branch_policy()
    shop.set_setting("enforceJobAuthScope", value=True)
    shop.add_definition("build")
    shop.add_variable_group("g", {"a": {"value": "1"}, "b": {"isSecret": True}})
    endpoint = shop.add_service_endpoint("azure", all_pipelines=True)
    shop.add_environment("prod")
    contoso.add_audit_stream("siem")
    contoso.add_service_hook("https://example.com/hook")
    contoso.set_access("2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87", "repoV2", {"a;b": (4, 0)})
    shop.repository("web").set_security(secretProtectionEnabled=True, codeSecurityEnabled=True)
    shop.repository("web").scan("secret", high=1)
    contoso.install_extension(*CONTAINER_MAPPING)
    contoso.request_extension("p", "e")
    contoso.set_policy("LogAuditEvents", value=True)
    return {
        "me": world.identity.id,
        "descriptor": world.identity.descriptor,
        "application": application.id,
        "endpoint": endpoint.id,
        "extension": "/".join(CONTAINER_MAPPING),
    }


def fetch(client: Client, places: dict[str, str], name: str) -> Json:
    case = next(case for case in CASES if case.name == name)
    answer = client.get(case.path.format(**places), version=case.version)
    assert answer.status_code == 200, answer.text
    return answer.json()


def part(document: Json, where: str) -> list[Any]:
    """The items to look at; never none."""
    if isinstance(document, dict) and set(document) == {"value"}:
        document = document["value"]
    items = document if where == "" else [document] if where == "." else document[where]
    assert items, "nothing to compare"
    return list(items)


def load(contract: Path, file: str) -> dict[str, Any]:
    text = (contract / "ado-specs" / file).read_text(encoding="utf-8-sig")
    document: dict[str, Any] = json.loads(text)
    return document


def json_schema(node: Json, key: str = "") -> Json:
    """A Swagger 2.0 definition as JSON Schema: anything may be null, corrections applied.

    Additional properties of type object are meant to be anything.
    """
    if isinstance(node, list):
        return [json_schema(each) for each in node]
    if not isinstance(node, dict):
        return node
    if key in SCHEMA_CORRECTIONS:
        return {"type": [SCHEMA_CORRECTIONS[key]["type"], "null"]}
    if key == "additionalProperties" and node.get("type") == "object" and len(node) == 1:
        return True
    result = {name: json_schema(value, name) for name, value in node.items() if not name.startswith("x-ms")}
    if isinstance(result.get("type"), str):
        result["type"] = [result["type"], "null"]
    if "enum" in result and isinstance(result["enum"], list):
        result["enum"] = [*result["enum"], None]
    if "$ref" in result:
        return {"anyOf": [{"$ref": result["$ref"]}, {"type": "null"}]}
    return result


def known_keys(definitions: dict[str, Any], name: str) -> set[str]:
    definition = definitions[name]
    keys = set(definition.get("properties", {}))
    for base in definition.get("allOf", ()):
        keys |= known_keys(definitions, base["$ref"].rpartition("/")[2])
    return keys


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_an_answer_is_what_the_specification_says(
    client: Client, places: dict[str, str], contract: Path, case: Case
) -> None:
    name, definition, where = case.name, case.definition, case.where
    definitions = load(contract, SPECIFICATIONS[case.specification])["definitions"]
    schema = {"$ref": f"#/definitions/{definition}", "definitions": json_schema(definitions)}
    validator = jsonschema.Draft7Validator(schema)
    allowed = known_keys(definitions, definition) | KEYS_BEYOND_SPECIFICATIONS.get(definition, set())
    for item in part(fetch(client, places, name), where):
        errors = [
            f"{'/'.join(map(str, error.path))}: {error.message[:200]}"
            for error in validator.iter_errors(item)
        ]
        assert errors == []
        if name != "identities":
            assert set(item) <= allowed


def recorded(contract: Path, name: str) -> tuple[dict[str, Any], Any]:
    document = json.loads((contract / "recordings" / f"{name}.json").read_text(encoding="utf-8"))
    response = document["response"]
    body = response["body"]
    return response, json.loads(body.removeprefix("\ufeff")) if isinstance(body, str) and body else body


@pytest.mark.parametrize(
    ("name", "recording", "where", "missing"), RECORDED, ids=[each[1] for each in RECORDED]
)
def test_an_answer_has_the_keys_that_were_recorded(
    client: Client,
    places: dict[str, str],
    contract: Path,
    name: str,
    recording: str,
    where: str,
    missing: set[str],
) -> None:
    _, body = recorded(contract, recording)
    items = part(body, where)
    always = set.intersection(*(set(item) for item in items)) - missing
    case = next(each for each in CASES if each.name == name)
    ours = part(fetch(client, places, name), where if where not in {"", "."} else case.where)
    for item in ours:
        assert always <= set(item)


def test_the_envelope_of_git_listings_has_its_order(client: Client, contract: Path) -> None:
    response, body = recorded(contract, "014-repos-list-disabled")
    assert response["body"].startswith('{"value":')
    assert list(client.get(f"{DEV}/_apis/git/repositories").json()) == list(body)
    _, body = recorded(contract, "008-projects-list-default")
    assert list(client.get(f"{DEV}/_apis/projects").json()) == list(body)


def test_repository_keys_come_in_the_recorded_order(client: Client, contract: Path) -> None:
    _, body = recorded(contract, "014-repos-list-disabled")
    ours = {item["name"]: item for item in client.get(f"{DEV}/_apis/git/repositories").json()["value"]}
    assert list(ours["empty"]) == list(body["value"][0])


def test_connection_data_has_the_recorded_keys(client: Client, contract: Path) -> None:
    _, body = recorded(contract, "074-connectiondata")
    ours = client.get(f"{DEV}/_apis/connectionData", version="7.1-preview").json()
    assert list(ours) == list(body)
    optional = {"customDisplayName"}
    assert set(body["authenticatedUser"]) - optional == set(ours["authenticatedUser"])
    assert ours["locationServiceData"].keys() == body["locationServiceData"].keys()


def test_organization_policies_have_the_recorded_keys(client: Client, contract: Path) -> None:
    provider = "ms.vss-admin-web.organization-policies-data-provider"
    _, body = recorded(contract, "110-orgpolicy-fps")
    theirs = body["fps"]["dataProviders"]["data"][provider]["policies"]
    answer = client.get(f"{DEV}/_settings/organizationPolicy?__rt=fps&__ver=2", version=None).json()
    ours = answer["fps"]["dataProviders"]["data"][provider]["policies"]
    assert list(ours) == list(theirs)

    def keys(groups: Json) -> Iterator[set[str]]:
        return (set(entry["policy"]) for entries in groups.values() for entry in entries)

    assert set.union(*keys(ours)) == set.union(*keys(theirs))
    assert {entry["policy"]["name"] for group in theirs.values() for entry in group} <= {
        entry["policy"]["name"] for group in ours.values() for entry in group
    }


def test_general_settings_know_the_recorded_names(
    client: Client, contoso: Organization, contract: Path
) -> None:
    _, body = recorded(contract, "112-project-generalsettings")
    for name, value in body.items():
        contoso.project("Shop").set_setting(name, value=value)
    assert client.get(f"{DEV}/Shop/_apis/build/generalsettings").json() == body


@pytest.mark.parametrize("recording", ["010-projects-list-top1-continuation", "014-repos-list-disabled"])
def test_answers_have_the_recorded_headers(client: Client, contract: Path, recording: str) -> None:
    response, _ = recorded(contract, recording)
    ours = {name.lower() for name in client.get(f"{DEV}/_apis/projects").headers}
    assert set(response["headers"]) - INFRASTRUCTURE_HEADERS <= ours


def test_refusals_have_the_recorded_shape(
    client: Client, world: World, contoso: Organization, contract: Path
) -> None:
    project = client.get(f"{DEV}/nothing/_apis/build/definitions")
    _, body = recorded(contract, "084-error-404-tf200016-project")
    assert (list(project.json()), project.json()["typeKey"], project.json()["typeName"]) == (
        list(body), body["typeKey"], body["typeName"],
    )  # fmt: skip
    client.token = world.add_identity("stranger").token
    stranger = client.get(f"{DEV}/_apis/projects")
    response, body = recorded(contract, "076-error-401-tf400813-bearer")
    assert (list(stranger.json()), stranger.json()["typeName"]) == (list(body), body["typeName"])
    ours = {name.lower() for name in stranger.headers}
    assert set(response["headers"]) - INFRASTRUCTURE_HEADERS <= ours
    client.token = world.token
    contoso.stop()
    stopped = client.get(f"{DEV}/_apis/projects")
    response, _ = recorded(contract, "082-error-503-tf24668-deactivated")
    assert stopped.content.startswith(response["body"][:40].encode())
    assert stopped.headers["content-type"] == response["headers"]["content-type"]
    contoso.stop(stopped=False)
    world.expire_token()
    response, _ = recorded(contract, "078-error-401-empty-vsaex")
    expired = client.get(f"{DEV}/_apis/projects")
    ours = {name.lower() for name in expired.headers}
    assert "content-type" not in ours
    assert set(response["headers"]) - INFRASTRUCTURE_HEADERS <= ours


def test_sids_of_recorded_groups_follow_from_their_domains(contract: Path) -> None:
    _, body = recorded(contract, "136-graph-allgroups")
    checked = 0
    for group in body["value"]:
        kind, _, domain = group["domain"].rpartition("/")
        if group["displayName"] == "Project Collection Administrators" and kind.endswith("IdentityDomain"):
            assert encode_descriptor("vssgp", well_known_sid(domain)) == group["descriptor"]
            checked += 1
    assert checked


def test_the_routes_exist_in_the_published_table(contract: Path) -> None:
    """Templates of ours that the specifications know, by the literal parts of their paths."""

    def shape(host: str, template: str) -> tuple[str, tuple[str, ...]]:
        parts = [part.lower() for part in template.strip("/").split("/")]
        return host, tuple("{}" if part.startswith("{") else part for part in parts)

    lines = (contract / "ado-specs" / "ENDPOINTS.tsv").read_text(encoding="utf-8").splitlines()[1:]
    published = {shape(*line.split("\t")[1:3]) for line in lines}
    for routes in _ROUTES.values():
        for route in routes:
            host, parts = shape(route.host, route.template)
            if NOT_PUBLISHED & set(parts):
                continue
            without_optional = {(host, parts), (host, parts[:-1]), (host, (*parts, "{}"))}
            with_project = (host, (*parts[:1], "{}", *parts[1:]))
            assert (without_optional | {with_project}) & published, route.template
