"""The published JSON Schema is the one the models give, is sound, and explains every field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from cli import keys
from cli.connector_document import FIRST_LINE, SCHEMA_FILE, dump, load
from cli.connector_fields import KINDS
from cli.connector_schema import PAGE, page, schema
from shared.model.connector import DiscoveryMode, Plan
from shared.model.prerequisite import PrerequisiteName
from tests.cli.conftest import CommandLine
from tests.cli.malformed_documents import GOOD

DOCS = PAGE.parent


def test_the_file_is_what_the_models_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m cli.connector_schema"


def test_it_is_sound() -> None:
    Draft202012Validator.check_schema(schema())
    assert schema()["$schema"] == Draft202012Validator.META_SCHEMA["$id"]


def fields(part: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in part.get("properties", {}).items():
        yield f"{path}{name}", field
    for name, inner in part.get("$defs", {}).items():
        yield from fields(inner, f"{name}.")


def test_every_field_has_a_title_and_a_description() -> None:
    for path, field in fields(schema()):
        assert field.get("title"), path
        assert field.get("description"), path


def test_every_example_and_default_fits_its_field() -> None:
    whole = schema()
    for path, field in fields(whole):
        validator = Draft202012Validator({**field, "$defs": whole["$defs"]})
        for value in (*field.get("examples", ()), *([field["default"]] if "default" in field else ())):
            assert validator.is_valid(value), (path, value)


def test_the_command_writes_it(ado: CommandLine, tmp_path: Path) -> None:
    assert ado("connector", "schema").out == page()
    file = tmp_path / SCHEMA_FILE
    ado("connector", "schema", "--output-file", str(file))
    assert file.read_text(encoding="utf-8") == page()
    assert set(keys.SCHEMA) <= set(json.loads(page()))
    told = ado("connector", "schema", "--output-file", str(tmp_path / "no" / "where"), code=2)
    assert "--output-file: the file cannot be used" in told.err


def test_a_document_names_the_published_file() -> None:
    assert dump(load(GOOD)).startswith(f"# yaml-language-server: $schema={PAGE.name}\n")
    assert FIRST_LINE.endswith("\n")


def test_every_field_is_documented() -> None:
    text = (DOCS / "connector-document.md").read_text(encoding="utf-8")
    for path, _ in fields(schema()):
        assert f"`{path.rpartition('.')[2]}`" in text, path
    for one in (*KINDS, *DiscoveryMode, *Plan, *PrerequisiteName):
        assert f"`{one}`" in text, one
    assert FIRST_LINE in text
    blocks = text.split("```yaml\n")[1:]
    assert blocks
    for block in blocks:
        load(block.partition("```")[0])
