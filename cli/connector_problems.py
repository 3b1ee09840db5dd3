"""What is wrong with a connector document, in words: the field, the problem, the fix."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cli.connector_fields import (
    API_VERSION,
    CLOUD,
    IDENTITY_FIELDS,
    KIND,
    KINDS,
    LISTING_KINDS,
    NO_SECRETS,
    ONE_CLOUD,
    ConnectorDocument,
    Extension,
    like_a_secret,
    quoted,
)
from cli.connector_rules import FieldPath, broken_rules
from cli.output import printable
from cli.problems import CannotTell
from cli.yaml_text import Unquoted
from shared.model.connector import DiscoveryMode, Plan
from shared.model.prerequisite import PrerequisiteName

WHOLE = "document"
"""Field of a problem that is not of one field."""

_FIELD_NAME = re.compile(r"`([A-Za-z][A-Za-z.]*)(?:\[\d+\])?`")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field of a document, and how to mend it.

    `field` is a path such as `organizations[2]`; `line` counts from 1 and is not known of what is no file.
    Other fields are named in backticks. Nothing in it is longer than 80 characters of what was written,
    unprintable, or like a secret.
    """

    field: str
    problem: str
    fix: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.field}: {self.problem} {self.fix}"

    def renamed(self, names: Mapping[str, str]) -> Problem:
        """The same, with fields called by other names, such as those of options. `field` loses its place."""

        def name(found: re.Match[str]) -> str:
            return names.get(found[1], found[0])

        return Problem(
            names.get(self.field.partition("[")[0], self.field),
            _FIELD_NAME.sub(name, self.problem),
            _FIELD_NAME.sub(name, self.fix),
        )


class InvalidDocument(CannotTell):
    """The document describes no connector. All its problems are told, in the order of the document."""

    def __init__(self, problems: Sequence[Problem], source: str = "") -> None:
        self.problems = tuple(problems)
        self.source = source
        super().__init__("\n".join(self.sentences()))

    def sentences(self) -> list[str]:
        """One line for each problem, with the file and line where they are known."""
        return [f"{self._place(one)}{one}" for one in self.problems]

    def _place(self, problem: Problem) -> str:
        if not self.source:
            return ""
        source = printable(self.source)
        return f"{source}:{problem.line}: " if problem.line else f"{source}: "


Line = Callable[[FieldPath], int | None]
"""The line of a field, where it is known."""


def judged(written: object, line: Line) -> tuple[ConnectorDocument | None, tuple[Problem, ...]]:
    """The document with these fields, or everything that is wrong with them."""
    if not isinstance(written, Mapping):
        fix = f"Write fields with their values, the first of them: apiVersion: {API_VERSION}"
        return None, (Problem(WHOLE, f"{_what(written)} is no connector.", fix, line(())),)
    wrong: list[FieldPath] = []
    found: list[Problem] = []
    document = None
    try:
        document = ConnectorDocument.model_validate(written)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            where, problem, fix = _told(_path(one["loc"]), one, written)
            wrong.append(where)
            found.append(Problem(named(where), problem, fix, line(where)))
    if "discoverAs" in written and written["discoverAs"] is None:
        found.append(Problem("discoverAs", *_EMPTY, line(("discoverAs",))))
    found.extend(
        Problem(named(rule.where), rule.problem, rule.fix, line(rule.where))
        for rule in broken_rules(written, wrong)
    )
    return (None if found else document), tuple(found)


def named(where: FieldPath) -> str:
    """A field as messages name it, such as `organizations[2]`."""
    name = ""
    for one in where:
        if isinstance(one, int):
            name += f"[{one}]"
            continue
        safe = "?" if len(one) > 40 or not one.isprintable() or like_a_secret(one) else one  # noqa: PLR2004
        name += f".{safe}" if name else safe
    return name or WHOLE


_EMPTY = ("it is empty.", "Give it a value, or take the line out.")
_NEAR = 0.75
"""How like a field an unknown name must be to be taken for it: organisations is, colour is not cloud."""
_IDENTITIES = {"identity": KINDS, "discoverAs": LISTING_KINDS}
_MISSING = {
    "apiVersion": f"Add the line: apiVersion: {API_VERSION}",
    "kind": f"Add the line: kind: {KIND}",
    "name": "Add a name for the connector, such as contoso-prod.",
    "mode": "Add it: existing, existing-and-future or selected.",
    "identity": "Add it with its kind: " + ", ".join(KINDS) + ".",
    "clientId": "Give the application (client) id; its secret stays in a setting.",
    "publisher": "Give both, publisher and name, or leave `extension` out.",
}
_SECRET_KEY = re.compile(r"secret|token|password|passwd|\bpat\b|credential|key$", re.IGNORECASE)


def _path(where: tuple[int | str, ...]) -> FieldPath:
    """A path of pydantic's without the kind of identity, which it takes for a level."""
    if len(where) > 1 and where[0] in _IDENTITIES and where[1] in KINDS:
        return (where[0], *where[2:])
    return where


def _told(where: FieldPath, error: ErrorDetails, written: Mapping[str, Any]) -> tuple[FieldPath, str, str]:
    """The field, the problem and the fix that an error of pydantic's amounts to."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "told":
        return where, context["problem"], context["fix"]
    if kind == "extra_forbidden":
        return where, *_unknown(where, written)
    if kind == "missing":
        return where, *_missing(where)
    if kind in {"union_tag_not_found", "union_tag_invalid"}:
        return (*where, "kind"), *_no_kind(where, value)
    return where, *_no_value(where, kind, value, context)


def _no_kind(where: FieldPath, identity: Mapping[str, object]) -> tuple[str, str]:
    kinds = _IDENTITIES[str(where[0])]
    if "kind" not in identity:
        return "it is missing.", f"Say which: {_choice(kinds)}."
    return _no_choice(identity["kind"], kinds, where)


def _no_value(where: FieldPath, kind: str, value: Any, context: Mapping[str, Any]) -> tuple[str, str]:  # noqa: ANN401 - as written
    if value is None:
        return _EMPTY
    if where == ("cloud",):
        return ONE_CLOUD, f"Take `cloud` out, or write {CLOUD}."
    if kind in {"literal_error", "enum"}:
        return _no_choice(value, _choices(where), where)
    if kind == "too_long":
        problem = f"it has {len(value)} entries; {context['max_length']} are the most."
        return problem, "Use patterns or another mode, or several connectors."
    return _wrong_kind(kind, value)


def _choices(where: FieldPath) -> tuple[str, ...]:
    if where[-1] == "apiVersion":
        return (API_VERSION,)
    if where == ("kind",):
        return (KIND,)
    return {"mode": tuple(DiscoveryMode), "plan": tuple(Plan)}.get(str(where[0]), tuple(PrerequisiteName))


def _no_choice(value: object, choices: Sequence[str], where: FieldPath) -> tuple[str, str]:
    if where[0] == "discoverAs" and value in KINDS:
        fix = f"Use {_choice(choices)}: an identity of a person."
        return f"Azure DevOps lists no organizations for a {value}.", fix
    what = quoted(value) if isinstance(value, str) else _what(value)
    return f"{what} cannot stand here.", f"Write {_choice(choices)}."


def _choice(choices: Sequence[str]) -> str:
    *others, last = (str(one) for one in choices)
    return f"{', '.join(others)} or {last}" if others else last


def _missing(where: FieldPath) -> tuple[str, str]:
    field = str(where[-1])
    if where[0] == "identity" and field == "clientId":
        return "a service principal needs it.", _MISSING[field]
    if where[0] == "extension":
        return "it is missing.", _MISSING["publisher"]
    return "it is missing.", _MISSING[field]


def _unknown(where: FieldPath, written: Mapping[str, Any]) -> tuple[str, str]:
    field = str(where[-1])
    inside = written.get(str(where[0])) if len(where) > 1 else None
    if where[0] in _IDENTITIES and isinstance(inside, Mapping) and field in IDENTITY_FIELDS:
        return (
            f"it means nothing with `{where[0]}.kind` {inside.get('kind')}.",
            "Leave it out, or use another kind of identity.",
        )
    if _SECRET_KEY.search(field) or like_a_secret(field):
        return "there is no such field, and what it holds may be a secret.", NO_SECRETS
    fields = _fields(str(where[0]) if len(where) > 1 else "")
    near = difflib.get_close_matches(field, fields, n=1, cutoff=_NEAR)
    if near:
        return "there is no such field.", f"Write {near[0]}, if that is meant."
    return "there is no such field.", f"Take it out. There are: {', '.join(fields)}."


def _fields(part: str) -> list[str]:
    if part in _IDENTITIES:
        return sorted(IDENTITY_FIELDS)
    model: type[BaseModel] = Extension if part == "extension" else ConnectorDocument
    return [field.alias or name for name, field in model.model_fields.items()]


def _wrong_kind(kind: str, value: object) -> tuple[str, str]:
    what = _what(value)
    if kind == "bool_type":
        return f"{what} is neither true nor false.", "Write true or false, without quotes."
    if kind == "tuple_type":
        return f"{what} is no list.", "Write each entry on a line of its own, after a hyphen and a space."
    if kind in {"model_type", "model_attributes_type", "dict_type"}:
        return f"{what} has no fields.", "Write its fields below it, indented by two spaces."
    if isinstance(value, bool):
        text = "true" if value else "false"
        return f"{text} without quotes is a truth value, not text.", f'Put it in quotes: "{text}".'
    if isinstance(value, Unquoted):
        return (
            f"{what} can be read as a truth value, a number or a date.",
            "Put it in quotes, so that it stays text.",
        )
    return f"{what} is no text.", "Give one text."


def _what(value: object) -> str:
    """A value of a wrong type, as a message may call it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Unquoted):
        return f"{quoted(value.text)} without quotes"
    if isinstance(value, Mapping):
        return "an object with fields"
    return "a list" if isinstance(value, (list, tuple)) else f"a {type(value).__name__}"
