"""The description of the API is what the API does."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from local.openapi_reference import PAGE, document, page
from shared.views.defender_paths import What, parse_path
from tests.views.bench import GROUP, SUBSCRIPTION, Bench

DOCUMENT = document()
VALUES = {
    "subscriptionId": SUBSCRIPTION,
    "resourceGroupName": GROUP,
    "securityConnectorName": "main",
    "orgName": "contoso",
    "projectName": "Web%20Shop",
    "repoName": "shop",
}


def test_the_file_is_in_step() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m local.openapi_reference"


def test_every_kind_of_address_is_described() -> None:
    addresses = [parse_path(re.sub(r"\{(\w+)\}", "x", path)) for path in DOCUMENT["paths"]]
    assert None not in addresses
    assert {one.what for one in addresses if one} == set(What)


def strict(schema: Any) -> Any:
    """The same, with nothing undescribed: what the answers have more is forgotten in the description."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(value) for key, value in schema.items()}
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        closed["additionalProperties"] = False
    return closed


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_each_answer_is_as_it_is_described(bench: Bench, path: str) -> None:
    values = dict(VALUES)
    if "{assessmentName}" in path:
        listed = path.partition("/{assessmentName}")[0].format(**values)
        values["assessmentName"] = bench.get(listed, "2025-05-04").document["value"][0]["name"]
    for method, operation in DOCUMENT["paths"][path].items():
        if method == "parameters":
            continue
        named = {one["name"] for one in DOCUMENT["paths"][path]["parameters"]}
        assert named == set(re.findall(r"\{(\w+)\}", path))
        reference = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        schema = {"components": strict(copy.deepcopy(DOCUMENT["components"])), "$ref": reference}
        (versions,) = (
            one["schema"]["enum"] for one in operation["parameters"] if one["name"] == "api-version"
        )
        for version in versions:
            answered = bench.get(path.format(**values), version, method=method.upper())
            assert answered.status == 200, answered.document
            Draft202012Validator(schema).validate(answered.document)


def test_errors_are_as_described(bench: Bench) -> None:
    schema = {"components": DOCUMENT["components"], "$ref": "#/components/schemas/Error"}
    for answered in (bench.get("/subscriptions/x/y"), bench.send("GET", "/subscriptions/x", {})):
        Draft202012Validator(schema).validate(answered.document)
