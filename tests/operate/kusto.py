"""As much of the Kusto query language as the alert rules are written in: their queries are run, not searched.

Anything else raises: a rule that grows beyond this is noticed here before it is deployed.
"""

from __future__ import annotations

import json
import operator
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]


def _parse_json(text: str) -> Any:
    """What is no JSON stays the text that it is: the host and libraries log such lines, too."""
    try:
        return json.loads(text)
    except ValueError:
        return text


_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "parse_json": _parse_json,
    "tostring": lambda value: "" if value is None else str(value),
    "toint": lambda value: None if value is None else int(value),
    "todatetime": lambda value: value,
}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}
_LISTED = re.compile(r"(\w+) in \((.+)\)")
_COMPARED = re.compile(r"(\S+) (==|>=|>) (\S+)")
_CALL = re.compile(r"(\w+)\((.*)\)")


def answer(query: str, tables: dict[str, list[Row]]) -> list[Row]:
    """The rows that the query gives for these tables."""
    source, *steps = query.split(" | ")
    rows = tables[source]
    for step in steps:
        word, _, rest = step.partition(" ")
        rows = _STEPS[word](rows, rest)
    return rows


def _extend(rows: list[Row], text: str) -> list[Row]:
    return [row | _columns(row, text) for row in rows]


def _where(rows: list[Row], text: str) -> list[Row]:
    return [row for row in rows if any(_holds(row, one) for one in text.split(" or "))]


def _project(rows: list[Row], text: str) -> list[Row]:
    return [_columns(row, text) for row in rows]


def _summarize(rows: list[Row], text: str) -> list[Row]:
    counted, _, by = text.partition(" by ")
    name, _, how = counted.partition(" = ")
    if how != "count()":
        raise ValueError(counted)
    groups = Counter(tuple(_columns(row, by).items()) for row in rows)
    return [{**dict(key), name: count} for key, count in groups.items()]


_STEPS: dict[str, Callable[[list[Row], str], list[Row]]] = {
    "extend": _extend,
    "where": _where,
    "project": _project,
    "summarize": _summarize,
}


def _columns(row: Row, text: str) -> Row:
    named = [one.partition(" = ") for one in text.split(", ")]
    return {name: _value(row, expression or name) for name, _, expression in named}


def _value(row: Row, text: str) -> Any:
    if call := _CALL.fullmatch(text):
        return _FUNCTIONS[call[1]](_value(row, call[2]))
    if text.startswith('"') or text.isdigit():
        return json.loads(text)
    name, _, member = text.partition(".")
    # A column that is not there is an error; a member that is not there, or of what has none, is null.
    column = row[name]
    if not member:
        return column
    return column.get(member) if isinstance(column, dict) else None


def _holds(row: Row, text: str) -> bool:
    if listed := _LISTED.fullmatch(text):
        return row[listed[1]] in json.loads(f"[{listed[2]}]")
    compared = _COMPARED.fullmatch(text)
    if compared is None:
        raise ValueError(text)
    left, how, right = compared.groups()
    return _COMPARISONS[how](_value(row, left), _value(row, right))
