"""The templates under `infra/`, read by a parser from PyPI: the compiler itself is a download.

The parser answers names and texts alike, so what a template refers to is read off its text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from pycep import BicepParser

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"

FUNCTIONS = {
    "empty",
    "environment",
    "guid",
    "loadJsonContent",
    "resourceGroup",
    "resourceId",
    "split",
    "string",
    "subscription",
    "subscriptionResourceId",
    "tenant",
    "toLower",
    "union",
    "uniqueString",
}
"""The functions of Bicep that the templates keep to."""

WORDS = {
    "existing",
    "false",
    "for",
    "if",
    "in",
    "module",
    "null",
    "output",
    "param",
    "resource",
    "targetScope",
}
WORDS |= {"resource", "targetScope", "true", "var", "array", "bool", "int", "object"}

_PARSER = BicepParser(cache=False)
"""Reading its grammar takes a second, reading a template with it hundredths of one."""

_DECLARED = re.compile(r"^(?:param|var|resource|module|output)\s+(\w+)", re.MULTILINE)
_LOOP = re.compile(r"\bfor\s+(?:\((\w+),\s*(\w+)\)|(\w+))\s+in\b")
_DECORATOR = re.compile(r"^@\w+\((?:[^()']|'(?:[^'\\]|\\.)*')*\)\n", re.MULTILINE)
_STRING = re.compile(r"'((?:[^'\\$]|\\.|\$(?!\{)|\$\{(?:[^{}']|'[^']*')*\})*)'")
_INSIDE = re.compile(r"\$\{((?:[^{}']|'[^']*')*)\}")
_NAME = re.compile(r"(?<![\w.])([A-Za-z_]\w*)(?!\w)(?!\s*:(?!\s*:))")
_OUTPUT = re.compile(r"\b(\w+)\.outputs\.(\w+)")


@dataclass(frozen=True)
class Template:
    """One file."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @cached_property
    def text(self) -> str:
        """Without comments."""
        return re.sub(r"^\s*//.*\n", "", self.path.read_text(encoding="utf-8"), flags=re.MULTILINE)

    @cached_property
    def plain(self) -> dict[str, Any]:
        """What the parser read; raises where it is no Bicep."""
        return dict(_PARSER.parse(text=self.text))

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self.plain.get("parameters", {}))

    @property
    def outputs(self) -> dict[str, Any]:
        return dict(self.plain.get("outputs", {}))

    @property
    def modules(self) -> dict[str, Any]:
        return dict(self.plain.get("modules", {}))

    @property
    def resources(self) -> dict[str, Any]:
        return dict(self.plain.get("resources", {}))

    def made(self, kind: str) -> list[dict[str, Any]]:
        """The bodies of the resources of this type that the template makes."""
        return [
            body_of(one["config"])
            for one in self.resources.values()
            if one["type"] == kind and not one["existing"]
        ]

    def declared(self) -> set[str]:
        return set(_DECLARED.findall(self.text))

    def named(self) -> set[str]:
        """Every name that is used, and is no key, property, text or word of the language."""
        code = re.sub(r"\b(module|resource)\s+\w+\s+'[^']*'", r"\1", self.text)
        code = re.sub(r"\b(param|var|output)\s+\w+(\s+\w+)?", r"\1", _DECORATOR.sub("", code))
        texts: list[str] = []

        def keep(found: re.Match[str]) -> str:
            texts.extend(_INSIDE.findall(found[1]))
            return "''"

        code = _STRING.sub(keep, code)
        loops = {name for found in _LOOP.findall(self.text) for name in found if name}
        used = set(_NAME.findall(code))
        for text in texts:
            used |= set(_NAME.findall(_STRING.sub("''", text)))
        # A name between `?` and `:` looks like a key.
        used |= set(re.findall(r"\?\s*([A-Za-z_]\w*)(?=\s*:)", code))
        return used - WORDS - loops - {"targetScope"}

    def outputs_used(self) -> set[tuple[str, str]]:
        return set(_OUTPUT.findall(self.text))


def body_of(config: dict[str, Any]) -> dict[str, Any]:
    """What stands in the braces, behind a condition or a loop."""
    while "config" in config and ("condition" in config or "loop_type" in config):
        config = config["config"]
    return config


_FORMS = {
    "and": "{} && {}",
    "equals": "{} == {}",
    "index_accessor": "{}[{}]",
    "not": "!{}",
    "property_accessor": "{}.{}",
}


def written(value: object) -> Any:
    """What the parser read, with each expression in it as it is written in a template, less the quotes."""
    if isinstance(value, list):
        return [written(one) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"function"}:
        given = [_word(one) for one in value["function"].get("parameters", {}).values() if one is not None]
        return f"{value['function']['type']}({', '.join(given)})"
    if set(value) == {"operator"} and isinstance(value["operator"], dict):
        return _operator(value["operator"]["type"], list(value["operator"]["operands"].values()))
    return {key: written(one) for key, one in value.items()}


def _operator(kind: str, parts: list[object]) -> Any:
    if kind != "conditional":
        return _FORMS[kind].format(*map(_word, parts))
    condition, yes, no = parts
    if isinstance(written(yes), dict) or isinstance(written(no), dict):
        return {f"{_word(condition)} ?": written(yes), ":": written(no)}
    return f"{_word(condition)} ? {_word(yes)} : {_word(no)}"


def _word(value: object) -> str:
    told = written(value)
    return json.dumps(told) if isinstance(told, bool | int | None) else str(told)


def every(value: object) -> Iterator[object]:
    """Each value in a parsed one, at any depth."""
    yield value
    if isinstance(value, dict):
        for one in value.values():
            yield from every(one)
    elif isinstance(value, list):
        for one in value:
            yield from every(one)


@cache
def template(name: str) -> Template:
    return Template(INFRA / f"{name}.bicep")


def templates() -> list[Template]:
    return [template(path.stem) for path in sorted(INFRA.rglob("*.bicep"))]
