"""Answers that are kept in a file, so that a change of what people are told shows where it is reviewed.

`python -m tests.pinned` writes the files anew; what git then shows is what has become different.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from pathlib import Path

Answers = Mapping[str, Callable[[], object]]
"""By name, how each answer is got."""

_MODULES = ("tests.posture.test_pinned", "tests.reconcile.test_pinned")


def plain(value: object) -> object:
    """The value as JSON takes it; of records, only what is not as by default."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            one.name: plain(told)
            for one in fields(value)
            if (told := getattr(value, one.name)) not in (one.default, None, "", ()) and one.init
        }
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(str(plain(one)) for one in value)
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return value


@cache
def pinned(file: Path) -> dict[str, object]:
    """What is kept in the file."""
    kept: dict[str, object] = json.loads(file.read_text(encoding="utf-8"))
    return kept


def write(file: Path, answers: Answers) -> None:
    """Keep these answers, one on a line."""
    lines = [f"{json.dumps(name)}: {json.dumps(plain(get()))}" for name, get in sorted(answers.items())]
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    for name in _MODULES:
        module = importlib.import_module(name)
        write(module.FILE, module.ANSWERS)
