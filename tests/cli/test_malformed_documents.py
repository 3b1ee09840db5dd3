"""What is no connector document is refused with field, problem and fix, and by the JSON Schema too."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from cli import keys
from cli.connector_schema import schema
from cli.yaml_text import MAX_BYTES
from tests.cli.conftest import CommandLine
from tests.cli.malformed_documents import GOOD, GUID, MALFORMED, PAT, Malformed

SCHEMA = Draft202012Validator(schema())
BY_NAME = [pytest.param(one, id=one.name) for one in MALFORMED]


def test_there_are_many_and_no_two_are_the_same() -> None:
    assert len({one.name for one in MALFORMED}) == len({one.raw for one in MALFORMED}) == len(MALFORMED) > 100


def test_what_they_are_made_from_is_right(ado: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "connector.yaml"
    file.write_text(GOOD)
    assert ado.json("connector", "validate", "-f", str(file)) == {
        "source": str(file),
        "valid": True,
        "name": "contoso",
        "problems": [],
    }
    assert "nothing is wrong" in ado("connector", "validate", "--file", str(file)).out
    assert SCHEMA.is_valid(yaml.safe_load(GOOD))


@pytest.mark.parametrize("case", BY_NAME)
def test_it_is_refused_with_field_problem_and_fix(case: Malformed, ado: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "connector.yaml"
    file.write_bytes(case.raw)
    answer = ado("connector", "validate", "-f", str(file), "--output", "json", code=2)
    assert answer.err == ""
    assert list(answer.json) == list(keys.VALIDATION)
    problems = answer.json["problems"]
    assert any(
        one["field"] == case.field and case.problem in one["problem"] and case.fix in one["fix"]
        for one in problems
    ), problems
    for one in problems:
        assert list(one) == list(keys.PROBLEM)
        assert one["field"]
        assert one["problem"].endswith(".")
        assert one["fix"]
    told = ado("connector", "validate", "-f", str(file), code=2)
    for text in (answer.out, told.out):
        assert all(one.isprintable() for one in text.replace("\n", "")), text
        assert not [one for one in case.never if one in text]
    assert told.out.count(f"{file}:") >= len(problems)
    assert not repeated(case, told.out.replace(str(file), ""))


def repeated(case: Malformed, told: str) -> list[str]:
    """Everything longer than may be repeated that is in the document and in what is told of it."""
    written = case.raw[: 2 * MAX_BYTES].decode("utf-8", "replace")
    pieces = re.findall(r"[^\s\"]{81,}", told)
    return [one for one in pieces if one in written]


@pytest.mark.parametrize("case", BY_NAME)
def test_the_schema_refuses_it_too_unless_it_cannot_say_so(case: Malformed) -> None:
    verdicts = {SCHEMA.is_valid(one) for one in readings(case)}
    if not verdicts:
        assert not case.unsaid
    elif case.unsaid:
        assert verdicts == {True}, "the schema refuses it: drop the exception"
    else:
        # Where versions of YAML read a value differently, one reading is wrong for sure.
        assert False in verdicts


def readings(case: Malformed) -> list[Any]:
    """The values that other readers get, by YAML 1.1 and the core schema of 1.2; none where it is no YAML."""
    values = []
    for loader in (yaml.SafeLoader, CoreLoader):
        try:
            values.append(as_json(yaml.load(case.raw, loader)))  # noqa: S506 - both are safe
        except (yaml.YAMLError, RecursionError, UnicodeDecodeError, ValueError, TypeError):
            continue
    return values


def as_json(value: Any, seen: dict[int, Any] | None = None) -> Any:
    """With keys that JSON can have. What is repeated stays one object, else a bomb would go off here."""
    seen = {} if seen is None else seen
    if id(value) not in seen:
        if isinstance(value, dict):
            seen[id(value)] = {str(key): as_json(one, seen) for key, one in value.items()}
        elif isinstance(value, list):
            seen[id(value)] = [as_json(one, seen) for one in value]
        else:
            return value
    return seen[id(value)]


class CoreLoader(yaml.SafeLoader):
    """Reads plain values as YAML 1.2.2, section 10.3.2, says; written from the specification."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - the library's own


for _tag, _pattern in (
    ("null", r"^(?:~|null|Null|NULL|)$"),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$"),
    ("int", r"^[-+]?[0-9]+$"),
    ("int8", r"^0o[0-7]+$"),
    ("int16", r"^0x[0-9a-fA-F]+$"),
    ("float12", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|^\.(?:nan|NaN|NAN)$"),
):
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), None)
CoreLoader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))
CoreLoader.add_constructor("tag:yaml.org,2002:int8", lambda _, node: int(node.value, 0))
CoreLoader.add_constructor("tag:yaml.org,2002:int16", lambda _, node: int(node.value, 16))
CoreLoader.add_constructor(
    "tag:yaml.org,2002:float12", lambda _, node: float(node.value.replace(".nan", "nan"))
)


def test_all_problems_are_told_at_once_with_their_lines(ado: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "connector.yaml"
    file.write_text(
        "apiVersion: ado-connector/v2\n"
        "kind: Connector\n"
        "name: two words\n"
        "mode: selected\n"
        "organizations: [alpha, ALPHA, 5]\n"
        "exclude:\n"
        "  - al*\n"
        f"identity: {{kind: pat, clientId: {GUID}}}\n"
        "plan: gold\n"
        "plan: gold\n"
    )
    answer = ado.json("connector", "validate", "-f", str(file), code=2)
    assert [(one["line"], one["field"]) for one in answer["problems"]] == [
        (1, "apiVersion"),
        (3, "name"),
        (5, "organizations[2]"),
        (5, "organizations[1]"),
        (5, "organizations[0]"),
        (5, "organizations[1]"),
        (8, "identity.clientId"),
        (9, "plan"),
        (10, "plan"),
    ]
    told = ado("connector", "validate", "-f", str(file), code=2).out
    assert f"{file}:3: name: " in told
    assert told.endswith(f"9 problems in {file}.\n")


def test_stdin_is_read_and_named(ado: CommandLine) -> None:
    assert "stdin describes" in ado.process("connector", "validate", "-f", "-", stdin=GOOD.encode()).out
    refused = ado.process("connector", "validate", "-f", "-", stdin=b"\xff" + PAT.encode(), code=2)
    assert "stdin:1: document: it is not UTF-8 text." in refused.out
    assert PAT not in refused.out + refused.err
    big = ado.process("connector", "validate", "-f", "-", stdin=b"a" * 3_000_000, code=2)
    assert "65536" in big.out


@pytest.mark.parametrize("file", ["nowhere/at/all.yaml", ".", "with\0nul", ""])
def test_a_file_that_cannot_be_read_is_told(file: str, ado: CommandLine) -> None:
    told = ado("connector", "validate", "-f", file, code=2)
    assert "--file: the file cannot be used" in told.err
    assert "stdin" in told.err


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_a_byte_order_mark_make_no_difference(
    end: str, mark: str, ado: CommandLine, tmp_path: Path
) -> None:
    file = tmp_path / "connector.yaml"
    file.write_bytes((mark + GOOD.replace("\n", end)).encode())
    ado("connector", "validate", "-f", str(file))
