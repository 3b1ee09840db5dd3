"""Every event that is logged is registered with its level and fields, and the pages tell of each."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.telemetry_reference import FOLDER, events_page, metrics_page
from shared.model.event import CONTEXT, EVENTS

ROOT = Path(__file__).parents[2]
KNOWN = {one.name: one for one in EVENTS}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}

Call = tuple[str, str, str | None, frozenset[str | None]]
"""Where, level, name (None where it is no literal), fields (None for `**fields`)."""


def calls_in(text: str, where: str) -> Iterator[Call]:
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        # By whatever name the logger goes: nothing else in the project has methods of these names.
        if node.func.attr not in LEVELS:
            continue
        first = node.args[0] if len(node.args) == 1 else None
        literal = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
        fields = frozenset(keyword.arg for keyword in node.keywords)
        yield f"{where}:{node.lineno}", node.func.attr, literal, fields


def all_calls() -> list[Call]:
    files = [ROOT / "function_app.py"]
    for room in ("handlers", "shared", "local/host", "cli"):
        files += sorted((ROOT / room).rglob("*.py"))
    return [
        call
        for file in files
        for call in calls_in(file.read_text(encoding="utf-8"), str(file.relative_to(ROOT)))
    ]


def problem_of(call: Call) -> str:
    where, level, name, fields = call
    event = KNOWN.get(name or "")
    if event is None:
        return f"{where}: {name} is not in shared/model/event.py"
    if level != event.level.value:
        return f"{where}: {name} is logged as {level}, and listed as {event.level.value}"
    if fields != set(event.fields):
        return (
            f"{where}: {name} carries {sorted(map(str, fields))}, and is listed with {sorted(event.fields)}"
        )
    return ""


def test_every_call_uses_a_listed_name_level_and_fields() -> None:
    calls = all_calls()
    assert len(calls) > 40
    assert [problem for problem in map(problem_of, calls) if problem] == []
    assert {name for _, _, name, _ in calls} == set(KNOWN)
    assert len(KNOWN) == len(EVENTS)


@pytest.mark.parametrize(
    "text",
    [
        'deps.log.info("work.unheardOf")',
        'self._log.error("work.done", organization=1, connector=2, kind=3, seconds=4)',
        'log.info("work.done", organization=1, kind=3, seconds=4)',
        'deps.log.info("work.queued", kind=1, count=2, token=3)',
        'deps.log.info("work.queued", **fields)',
        "deps.log.info(name)",
        'deps.log.warning("organization %s", name)',
        'logging.getLogger(__name__).warning("queue.unheardOf")',
        'structlog.get_logger().error("queue.unheardOf")',
    ],
)
def test_a_call_that_is_not_listed_is_found(text: str) -> None:
    (call,) = calls_in(text, "here")
    assert problem_of(call)


def test_no_method_of_a_logger_is_handed_on_and_called_later() -> None:
    """`log = self._log.error`, and `log(name)` afterwards, would not be seen above."""
    found = [
        f"{path.relative_to(ROOT)}:{part.lineno}"
        for room in ("handlers", "shared", "local/host", "cli")
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assign | ast.Return | ast.IfExp)
        for part in ([node.body, node.orelse] if isinstance(node, ast.IfExp) else [node.value])
        if isinstance(part, ast.Attribute) and part.attr in LEVELS and "log" in ast.unparse(part.value)
    ]
    assert found == []


def test_no_event_hides_what_every_event_carries() -> None:
    own = {"organization", "organization_id", "connector"}
    assert [event.name for event in EVENTS if set(event.fields) & set(CONTEXT) - own] == []


def test_the_pages_are_what_the_registers_generate() -> None:
    assert (FOLDER / "events.md").read_text(encoding="utf-8") == events_page()
    assert (FOLDER / "metrics.md").read_text(encoding="utf-8") == metrics_page()
