"""The JSON Schema of connector documents, from the models: `python -m cli.connector_schema` publishes it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from cli.connector_document import SCHEMA_FILE
from cli.connector_fields import KINDS, LISTING_KINDS, TENANT_KINDS, UNTOLD_TENANT, ConnectorDocument
from shared.model.connector import DiscoveryMode

PAGE = Path(__file__).parent.parent / "docs" / SCHEMA_FILE

_Schema = dict[str, Any]


class _Strict(GenerateJsonSchema):
    """Without null, which no field takes, and without titles that only repeat a name."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401 - pydantic's own
        del schema
        return False


def schema() -> _Schema:
    """The schema, in draft 2020-12."""
    generated = ConnectorDocument.model_json_schema(schema_generator=_Strict)
    for part in (generated, *generated["$defs"].values()):
        for name, field in part.get("properties", {}).items():
            field["title"] = _title(name)
            # Left out is what these stand for, and nothing that could be written.
            if field.get("default") in ("", None):
                field.pop("default", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:ado-connector:schema:connector:v1",
        **generated,
        "title": "Connector of ado-connector",
        "description": "Which Azure DevOps organizations to connect, as whom, and how.",
        "allOf": _rules(),
    }


def _title(name: str) -> str:
    """What an editor calls the field: Client id, for clientId."""
    words = re.sub(r"[A-Z]", lambda found: f" {found[0].lower()}", name)
    return words[0].upper() + words[1:]


def _rules() -> list[_Schema]:
    """What fields demand of each other, as far as JSON Schema can say it.

    It cannot compare two fields, nor ignore case: that an organization is excluded, or named twice in
    different case, only the program tells.
    """
    named = {"required": ["organizations"], "properties": {"organizations": {"minItems": 1}}}
    told = {"required": ["tenant"], "properties": {"tenant": {"not": {"const": UNTOLD_TENANT}}}}
    unlisting = [kind for kind in KINDS if kind not in LISTING_KINDS]
    cannot_list = {"allOf": [_kind("identity", unlisting), {"not": {"required": ["discoverAs"]}}]}
    return [
        _rule("Mode selected needs organizations.", _mode(DiscoveryMode.SELECTED), named),
        _rule(
            "An identity that cannot list organizations finds no future ones.",
            cannot_list,
            {"properties": {"mode": {"not": {"const": DiscoveryMode.EXISTING_AND_FUTURE.value}}}},
        ),
        _rule(
            "An identity that cannot list organizations is told the existing ones.",
            {"allOf": [cannot_list, _mode(DiscoveryMode.EXISTING)]},
            named,
        ),
        _rule("Who signs in to a tenant needs one.", _kind("identity", TENANT_KINDS), told),
        _rule("Who signs in to a tenant needs one.", _kind("discoverAs", TENANT_KINDS), told),
    ]


def _rule(comment: str, condition: _Schema, demand: _Schema) -> _Schema:
    return {"$comment": comment, "if": condition, "then": demand}


def _mode(mode: DiscoveryMode) -> _Schema:
    return {"required": ["mode"], "properties": {"mode": {"const": mode.value}}}


def _kind(field: str, kinds: tuple[str, ...] | list[str]) -> _Schema:
    identity = {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": list(kinds)}}}
    return {"required": [field], "properties": {field: identity}}


def page() -> str:
    """The published file."""
    return json.dumps(schema(), indent=2, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
